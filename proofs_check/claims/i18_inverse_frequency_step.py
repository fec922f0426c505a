"""I.18: the inverse-frequency reward of a group is no exact step of the entropy game."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import comb
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(K: int, nu: Sequence[Fraction]) -> list[Any]:  # noqa: ARG001 - "exactly", so for every size of the group
    """The gradient of the entropy in the logits of the answers, -nu (log nu + 1) with its mean taken off."""
    return policy_gradient(nu, [-oracles.log(p) - 1 for p in nu])


def amended(K: int, nu: Sequence[Fraction]) -> list[Any]:
    """(K - 1) / K times the policy gradient of b(p) = -E log((1 + Bin(K - 2, p)) / K)."""

    def b(p: Fraction) -> Any:
        return mp.fsum(
            oracles.number(comb(K - 2, k) * p**k * (1 - p) ** (K - 2 - k)) * mp.log(mp.mpf(K) / (1 + k))
            for k in range(K - 1)
        )

    return [mp.mpf(K - 1) / K * slope for slope in policy_gradient(nu, [b(p) for p in nu])]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List all counts of a group, with rewards -log(count / K) and the group's mean taken off.

    Args:
        formula: The claimed expected step.
        rng: Source of randomness.

    Yields:
        For each instance the difference quotient of the entropy against its gradient formula, and the listed expected
        step against the claimed one; at 50 digits.
    """
    for K, nu in _instances(rng):
        listed, claimed = expected_step(K, nu), formula(K, nu)
        gradient = policy_gradient(nu, [-oracles.log(p) - 1 for p in nu])
        instance = {"K": K, "nu": oracles.as_text(nu)}
        for z, (step, said, slope) in enumerate(zip(listed, claimed, gradient, strict=True)):
            here = instance | {"answer": z, "compared": "expected step of the group"}
            yield Evidence(float(said), float(step), "equal", 1e-14, here, K + oracles.complexity(nu))
            here = instance | {"answer": z, "compared": "slope of the entropy, gradient formula"}
            yield Evidence(float(slope), float(_slope(nu, z)), "equal", 1e-14, here, K + oracles.complexity(nu))


def policy_gradient(nu: Sequence[Fraction], rewards: Sequence[Any]) -> list[Any]:
    """Compute E[grad log nu(z) r(z)] in the logits of the answers.

    Args:
        nu: Answer probabilities.
        rewards: r, mpmath numbers.

    Returns:
        nu(z) (r(z) - E r) for each answer.
    """
    mean = oracles.expectation(nu, rewards)
    return [oracles.number(p) * (r - mean) for p, r in zip(nu, rewards, strict=True)]


def expected_step(K: int, nu: Sequence[Fraction]) -> list[Any]:
    """Enumerate the mean of (1/K) sum_i A_i (1{z_i = z} - nu(z)) with A_i = -log(count / K) less the group's mean.

    Args:
        K: Group size.
        nu: Answer probabilities.

    Returns:
        The expected step.
    """
    surprisals = [mp.mpf(0), *(mp.log(mp.mpf(K) / n) for n in range(1, K + 1))]
    total = [mp.mpf(0)] * len(nu)
    for counts in oracles.group_counts(len(nu), K):
        mass = oracles.number(oracles.multinomial(counts, nu))
        mean = mp.fsum(n * surprisals[n] for n in counts) / K
        total = [t + mass * n * (surprisals[n] - mean) / K for t, n in zip(total, counts, strict=True)]
    return total


def _slope(nu: Sequence[Fraction], z: int) -> Any:
    """Take the symmetric difference quotient of the entropy along one logit."""

    def entropy(shift: Any) -> Any:
        moved = oracles.normalised([oracles.log(p) + shift * int(w == z) for w, p in enumerate(nu)])
        return -mp.fsum(p * mp.log(p) for p in moved)

    step = mp.mpf(10) ** -16
    return (entropy(step) - entropy(-step)) / (2 * step)


def _instances(rng: np.random.Generator) -> Iterator[tuple[int, list[Fraction]]]:
    yield 2, [Fraction(1, 3), Fraction(2, 3)]
    for K in range(2, 9):
        for n in (2, 3, 4):
            yield K, oracles.random_distribution(rng, n, 9)


I18 = Claim(
    id="I.18",
    title="Inverse frequency as a step of the entropy game",
    whose="paper",
    place="paper, appendix C.2.1",
    statement=(
        "grad H = -E[grad log nu (log nu + 1)], and the reward -log(count / K) of a group of K >= 2, its mean taken"
        " off, is exactly a step along that gradient."
    ),
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            evidence=evidence,
        ),
    ),
    remark=(
        "The gradient identity holds. The group's step does not follow it: with K = 2 the two rewards are always "
        "equal, so that nothing moves, while at nu = (1/3, 2/3) the gradient is 2/9 log 2. The logarithm of a count"
        " is a biased estimate, and the count includes the trace."
    ),
    amendment="I.18a",
)

CLAIMS = (I18,)
