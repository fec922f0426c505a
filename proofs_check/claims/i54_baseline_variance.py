"""I.54: when a group's mean as a baseline lowers the variance of the step, and when it raises it."""

from collections.abc import Iterator
from fractions import Fraction
from math import comb
from typing import NamedTuple

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


class Case(NamedTuple):
    """A verified answer, in groups of K.

    Attributes:
        K: Group size.
        p: Probability of the right answer.
        offset: Reward of a wrong answer; a right one has 1 more.
    """

    K: int
    p: Fraction
    offset: Fraction = Fraction(0)


def by_mean(case: Case, m: int) -> tuple[Fraction, Fraction]:
    """The rewards of right and wrong traces less the group's mean, for m right traces."""
    return Fraction(case.K - m, case.K), -Fraction(m, case.K)


def by_others(case: Case, m: int) -> tuple[Fraction, Fraction]:
    """The rewards less the mean of the other traces."""
    return Fraction(case.K - m, case.K - 1), -Fraction(m, case.K - 1)


def raw(case: Case, m: int) -> tuple[Fraction, Fraction]:  # noqa: ARG001
    """The rewards without a baseline."""
    return case.offset + 1, case.offset


def most_of_mean(case: Case, m: int) -> tuple[Fraction, Fraction]:
    """The rewards less 99/100 of the group's mean."""
    mean = (case.offset + Fraction(m, case.K)) * Fraction(99, 100)
    return case.offset + 1 - mean, case.offset - mean


def relative_variance(formula: Formula, case: Case) -> Fraction:
    """Enumerate the groups, and compute the variance of 1/K sum_i A_i (1{right} - p) over its squared mean, exactly.

    Args:
        formula: Advantages of right and wrong traces, from the case and the number of right ones.
        case: The case.

    Returns:
        The variance relative to the squared mean, which does not depend on the scale of the advantages.
    """
    mean = square = Fraction(0)
    for m in range(case.K + 1):
        mass = comb(case.K, m) * case.p**m * (1 - case.p) ** (case.K - m)
        right, wrong = formula(case, m)
        step = (m * right * (1 - case.p) - (case.K - m) * wrong * case.p) / case.K
        mean, square = mean + mass * step, square + mass * step**2
    return square / mean**2 - 1


def verified(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate groups of a verified answer with rewards 0 and 1, exactly, for right answers of random frequency.

    Args:
        formula: Advantages of right and wrong traces.
        rng: Source of randomness.

    Yields:
        The relative variance of the step against that without a baseline.
    """
    drawn = [Case(int(rng.integers(3, 17)), Fraction(int(rng.integers(1, 20)), 20)) for _ in range(12)]
    yield from _compared(formula, [Case(8, Fraction(9, 10)), *drawn])


def with_offset(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate groups of a verified answer whose rewards share an offset of 8, as in section 5.1, exactly.

    Args:
        formula: Advantages of right and wrong traces.
        rng: Source of randomness.

    Yields:
        The relative variance of the step against that without a baseline, and against that without the offset.
    """
    drawn = [(int(rng.integers(2, 17)), Fraction(int(rng.integers(1, 20)), 20)) for _ in range(12)]
    yield from _compared(formula, [Case(K, p, Fraction(8)) for K, p in drawn])
    for K, p in drawn:
        moved = relative_variance(formula, Case(K, p, Fraction(8))) - relative_variance(formula, Case(K, p))
        instance = {"K": K, "p": str(p), "compared": "relative variance with the offset less that without"}
        yield Evidence(0.0, float(moved), "equal", 0.0, instance, K)


def _compared(formula: Formula, cases: list[Case]) -> Iterator[Evidence]:
    for i, case in enumerate(cases):
        low, high = relative_variance(formula, case), relative_variance(raw, case)
        instance = {"K": case.K, "p": str(case.p), "rewards": f"({case.offset}, {case.offset + 1})"}
        words = _sentence(case, low, high) if i == 0 and not case.offset and formula is by_mean else ""
        yield Evidence(float(high), float(low), "at most", 0.0, instance, i, sentence=words)


def _sentence(case: Case, low: Fraction, high: Fraction) -> str:
    K, p, times = case.K, case.p, float(low / high)
    return (
        f"Take a right answer with p = {p}, rewards (0, 1) and K = {K}. Without a baseline the step of a group with m "
        f"right traces is m (1 - p) / {K}. Its variance over its squared mean is (1 - p) / (K p) = {high} = "
        f"{float(high):.4f}. With the group's mean as the baseline the step is m ({K} - m) / {K * K}, which is 0 in "
        f"the {float(p**K):.0%} of groups with right traces only, and its variance over its squared mean is "
        f"{float(low):.3f}: {times:.0f} times as much."
    )


def least_share(K: int) -> Fraction:
    """The threshold 2 (K - 2) / (3 K - 5)."""
    return Fraction(2 * (K - 2), 3 * K - 5)


def two_thirds(K: int) -> Fraction:  # noqa: ARG001
    """The threshold 2/3 for a known mean as the baseline."""
    return Fraction(2, 3)


def shifted(K: int) -> Fraction:
    """The threshold times 1.01."""
    return least_share(K) * Fraction(101, 100)


def threshold_evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate groups of 3 to 12 traces exactly, with right answers at, below and above the threshold.

    Args:
        formula: The threshold, from K.
        rng: Source of randomness.

    Yields:
        The relative variances at the threshold, which are equal; and the sign of their difference on either side.
    """
    for K in range(3, 13):
        p = formula(K)
        for at, side in ((p, 0), (p * Fraction(999, 1000), -1), (p * Fraction(int(rng.integers(1, 999)), 1000), -1)):
            yield _difference(K, at, side)
        yield _difference(K, p + (1 - p) * Fraction(int(rng.integers(1, 999)), 1000), 1)


def _difference(K: int, p: Fraction, side: int) -> Evidence:
    found = relative_variance(by_others, Case(K, p)) - relative_variance(raw, Case(K, p))
    instance = {"K": K, "p": str(p), "compared": "sign of the variance with a baseline less that without"}
    return Evidence(float(side), float(mp.sign(oracles.number(found))), "equal", 0.0, instance, K)


I54 = Claim(
    id="I.54",
    title="Variance reduction by a baseline",
    whose="paper",
    place="section 3, above equation 5, and section 3.1; also the slides, Game-Derived Rewards for GRPO",
    plain="Subtracting the group's mean reward makes training steps less noisy.",
    statement=(
        "The statistics of the group serve as a baseline to reduce the variance of the policy gradient that is "
        "estimated from the group."
    ),
    printed="A_i = (R_i - Mean(R_1..R_K)) / (StdDev(R_1..R_K) + epsilon)   (eq. 5)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            expected="false",
            stated=by_mean,
            sabotage=raw,
            near_miss=(
                "A slightly smaller multiple of the mean fails as well for p near 1: the best constant baseline is 1 - "
                "p."
            ),
            evidence=verified,
            supposes="the reward of a verified answer is 0 or 1, and the right answer may have any frequency",
        ),
        Reading(
            expected="holds",
            stated=by_mean,
            sabotage=raw,
            near_miss=most_of_mean,
            evidence=with_offset,
            supposes=(
                "all rewards of a prompt share an offset that is large compared with their differences, as in section "
                "5.1"
            ),
        ),
    ),
    remark=(
        "A baseline removes the noise from the common part of the rewards. For a frequent right answer the group's "
        "mean of a verified reward is near 1, and with it as the baseline the step of most groups is 0, whereas the "
        "step of the raw reward varies little. The variance is relative to the squared mean of the step, so that the "
        "factor (K - 1) / K of centring does not count as a reduction. The division by the standard deviation is not "
        "considered here."
    ),
    amendment="I.54a",
)

I54A = Claim(
    id="I.54a",
    title="When a baseline lowers the variance",
    whose="ours",
    place="repair of claim I.54",
    plain=(
        "For a verified answer the group's mean lowers the noise if and only if the right answer is not too frequent."
    ),
    statement=(
        "For a right answer of frequency p, rewards 0 and 1 and groups of K > 2, the mean of the others as a baseline "
        "lowers the variance of the step if and only if p < 2 (K - 2) / (3 K - 5). Centring by the group's mean lowers "
        "the variance relative to the squared mean of the step under the same condition."
    ),
    printed="Var(with) < Var(without)   iff   p < 2 (K - 2) / (3 K - 5)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=least_share,
            sabotage=two_thirds,
            near_miss=shifted,
            evidence=threshold_evidence,
        ),
    ),
    remark=(
        "The step with the baseline is the unbiased sample variance of the group's rewards. The variance of this step "
        "is p q ((1 - 3 p q) / K - p q (K - 3) / (K (K - 1))), q = 1 - p; without the baseline it is p q^3 / K. The "
        "threshold is 1/2, 4/7, .632 at K = 3, 4, 8, and 2/3 for a known mean as the baseline. At K = 2 a baseline "
        "never lowers the variance."
    ),
)

CLAIMS = (I54, I54A)
