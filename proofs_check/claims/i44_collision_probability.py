"""I.44: two draws collide with probability sum nu^2, and differ with probability 1 - sum nu^2."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def index(nu: Sequence[Fraction]) -> Fraction:
    """1 - sum nu^2."""
    return 1 - squares(nu)


def squares(nu: Sequence[Fraction]) -> Fraction:
    """Sum nu^2."""
    return sum((p * p for p in nu), Fraction(0))


def near_miss(nu: Sequence[Fraction]) -> Fraction:
    """1.01 sum nu^2."""
    return Fraction(101, 100) * squares(nu)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate all pairs of independent draws, and sum the probabilities of the pairs that agree.

    Args:
        formula: The probability of a collision, from the distribution.
        rng: Source of randomness.

    Yields:
        One comparison per distribution, exact.
    """
    for nu in _instances(rng):
        pairs = product(enumerate(nu), repeat=2)
        collide = sum((p * r for (z, p), (w, r) in pairs if z == w), Fraction(0))
        yield Evidence(
            claimed=float(formula(nu)),
            measured=float(collide),
            relation="equal",
            tolerance=1e-15,  # rounded to float64 at the end
            instance={"nu": oracles.as_text(nu), "compared": "probability that two draws agree"},
            size=oracles.complexity(nu),
            sentence=(
                f"Take nu = {oracles.as_text(nu)}. Two draws agree with probability {collide}, but 1 - sum nu^2 = "
                f"{1 - squares(nu)} is the probability that they differ."
                if formula(nu) != collide
                else ""
            ),
        )


def _instances(rng: np.random.Generator) -> Iterator[list[Fraction]]:
    yield [Fraction(1), Fraction(0)]
    yield [Fraction(1, 2)] * 2
    for i in range(20):
        yield oracles.random_distribution(rng, 2 + i % 4, 9)


I44 = Claim(
    id="I.44",
    title="Gini index and collision probability",
    whose="paper",
    place="appendix C.2.2, Gini Diversity, and Algorithm 3, the comment on 1 - frequency",
    plain="The Gini index of diversity is, or contains, the probability that two answers collide.",
    statement=(
        "The Gini index R(nu) = 1 - sum nu^2, which is maximised, is explained in brackets as collision probability."
    ),
    printed="R(nu) = 1 - sum_z nu(z)^2 (collision probability);  R_k = 1 - frequency  // probability of collision",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the name refers to the whole index",
            expected="false",
            stated=index,
            sabotage=squares,
            near_miss="A name is correct or not; the sabotage is the quantity with this name.",
            evidence=evidence,
        ),
        Reading(
            supposes="the name refers to the sum, which the index subtracts from 1",
            expected="holds",
            stated=squares,
            sabotage=index,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "Only the name is at issue: maximising 1 - sum nu^2 makes collisions rare, as intended. Likewise, the reward 1 "
        "- frequency is the probability that another draw differs."
    ),
)

CLAIMS = (I44,)
