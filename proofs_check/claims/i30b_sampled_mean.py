"""I.30b: replacing the marginal by the frequencies of K samples ends at one answer, z with probability nu_0(z)."""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


class Drift(NamedTuple):
    """The claimed rate and end of the loop.

    Attributes:
        factor: By which a round multiplies the expected 1 - sum nu^2.
        found: The probability that it ends at the first answer.
    """

    factor: Fraction
    found: Fraction


def stated(K: int, nu: list[Fraction]) -> Drift:
    """1 - 1/K, and the mass that the answer has at first."""
    return Drift(1 - Fraction(1, K), nu[0])


def sabotage(K: int, nu: list[Fraction]) -> Drift:
    """The same factor, and certainty if the answer is covered."""
    return Drift(1 - Fraction(1, K), Fraction(int(nu[0] > 0)))


def near_miss(K: int, nu: list[Fraction]) -> Drift:
    """The same mass, and a factor off by a hundredth of 1/K."""
    return Drift(1 - Fraction(101, 100 * K), nu[0])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List all counts of a group, exactly, and follow the chain of the counts of the first answer.

    Args:
        formula: Factor and probability, by K and nu.
        rng: Source of randomness.

    Yields:
        The expected 1 - sum nu^2 after a round over that before, exactly; the probability of all K at the first answer
        after 40 K rounds, to 1e-12.
    """
    cases = [(2, [Fraction(1, 2)] * 2)]
    cases += [(2 + i % 5, oracles.random_distribution(rng, 2 + i % 2, 9)) for i in range(20)]
    for K, nu in cases:
        claimed = formula(K, nu)
        instance = {"K": K, "nu": oracles.as_text(nu)}
        after = sum(
            (
                oracles.multinomial(counts, nu) * (1 - sum((Fraction(c, K) ** 2 for c in counts), Fraction(0)))
                for counts in oracles.group_counts(len(nu), K)
            ),
            Fraction(0),
        )
        before = 1 - sum((p * p for p in nu), Fraction(0))
        factor = after / before
        here = instance | {"compared": "factor of 1 - sum nu^2 in a round"}
        text = (
            f"Take nu = {oracles.as_text(nu)} and K = {K}. Before the round 1 - sum nu^2 = {before}; after the round "
            f"its mean over all groups is {after}, a factor of {factor}."
        )
        yield Evidence(float(claimed.factor), float(factor), "equal", 1e-15, here, K, sentence=text)
        chain = np.array([[float(p) for p in _row(K, Fraction(k, K))] for k in range(K + 1)])
        first = np.array([float(p) for p in _row(K, nu[0])])
        found = first @ np.linalg.matrix_power(chain, 40 * K)
        here = instance | {"compared": "probability of ending at answer 0"}
        yield Evidence(float(claimed.found), float(found[K]), "equal", 1e-12, here, K)


def _row(K: int, p: Fraction) -> list[Fraction]:
    return [oracles.multinomial((k, K - k), [p, 1 - p]) for k in range(K + 1)]


I30B = Claim(
    id="I.30b",
    title="Following sampled frequencies",
    whose="ours",
    place="on Appendix F.2 B and C",
    plain=(
        "Replacing the marginal by sampled frequencies ends at one answer, which is the true one with its initial "
        "probability."
    ),
    statement=(
        "If every round replaces the common marginal by the frequencies of K samples from it, the expected 1 - sum "
        "nu^2 decreases by the factor 1 - 1/K a round, so that the loop ends at a point mass. The point mass is at "
        "the true answer with the probability that this answer had at first."
    ),
    printed="E[1 - sum nu_t^2] = (1 - 1/K)^t (1 - sum nu_0^2),  P(end at z) = nu_0(z)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "Frequencies are unbiased, so that the mass of an answer is a martingale: covering the true answer is no "
        "guarantee, but gives a probability equal to its mass. A coherent end is certain, with 1 - sum nu^2 of order "
        "exp(-t / K). This is the neutral drift of genetics, with full steps; small groups lead a loop without a "
        "reference to such an end."
    ),
)

CLAIMS = (I30B,)
