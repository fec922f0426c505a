"""I.15: minimising the entropy of answers is no instance of the framework, because it is concave."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from proofs_check import oracles
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
FLOOR = Fraction(1, 100)
"""Least mass of an answer where the ratio is attacked."""


def stated(nu: Sequence[Fraction]) -> Any:
    """The entropy, to be minimised."""
    return -mp.fsum(oracles.number(p) * oracles.log(p) for p in nu if p)


def negative(nu: Sequence[Fraction]) -> Any:
    """The negative entropy, to be minimised for diversity."""
    return -stated(nu)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare R at the middle of two distributions with its mean over them.

    Args:
        formula: The functional R.
        rng: Source of randomness.

    Yields:
        One comparison per pair at 50 digits; the ratio for pairs whose masses are at least 1/100, as between point
        masses it is infinite.
    """
    for p, q in _instances(rng):
        middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
        ends, between = (formula(p) + formula(q)) / 2, formula(middle)
        bounded = min(*p, *q) >= FLOOR and ends > 0
        yield Evidence(
            claimed=float(ends),
            measured=float(between),
            relation="at most",
            tolerance=1e-14,
            instance={
                "nu": oracles.as_text(p),
                "nu'": oracles.as_text(q),
                "compared": "R in the middle, mean of R at both",
            },
            size=oracles.complexity(p, q),
            ratio=float(between / ends) if bounded else None,
        )


def _instances(rng: np.random.Generator) -> Iterator[tuple[list[Fraction], list[Fraction]]]:
    yield [Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]
    for i in range(40):
        yield oracles.random_distribution(rng, 2 + i % 3, 9), oracles.random_distribution(rng, 2 + i % 3, 9)
    for n in range(2, 7):
        found = attack_distributions(_ratio, (2, n), rng, least=float(FLOOR))
        p, q = ([max(FLOOR, mass) for mass in oracles.rounded(nu)] for nu in found.place)
        yield [mass / sum(p) for mass in p], [mass / sum(q) for mass in q]


def _ratio(nu: Array) -> Array:
    """Compute the entropy in the middle over the mean entropy, [M, 2, Z] to [M]."""
    middle = nu.mean(axis=1)
    return np.asarray(2 * (middle * np.log(middle)).sum(axis=1) / (nu * np.log(nu)).sum(axis=(1, 2)))


I15 = Claim(
    id="I.15",
    title="Entropy minimisation as a functional",
    whose="paper",
    place="paper, section 2.1, the examples below eq. 1",
    statement=(
        "The entropy of the answers, minimised for coherence, is a convex functional R, as the framework requires "
        "of the functionals that it names."
    ),
    kind="upper bound",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=negative,
            evidence=evidence,
        ),
    ),
    remark=(
        "Between (1, 0) and (0, 1), where it is 0, the entropy rises to log 2. It is concave, so that the duality "
        "of Thm 2.1 does not apply: outside beta > lambda there are several local minima."
    ),
    amendment="I.15a",
)

CLAIMS = (I15,)
