"""I.61: the centrality of a trace in its group as a proxy of log q*."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def centrality(counts: Sequence[int]) -> list[Any]:
    """The mean of 1 - d over the group, for one trace of each answer."""
    E = [z for z, count in enumerate(counts) for _ in range(count)]
    return [Fraction(sum(1 - int(z != other) for other in E), len(E)) for z in range(len(counts))]


def distance(counts: Sequence[int]) -> list[Any]:
    """The mean of d over the group."""
    return [1 - r for r in centrality(counts)]


def two_decimals(counts: Sequence[int]) -> list[Any]:
    """The centrality, rounded to two decimals."""
    return [round(r, 2) for r in centrality(counts)]


def logarithm(counts: Sequence[int]) -> list[Any]:
    """The reward log q*, where q* is the frequencies of the group."""
    return [oracles.log(Fraction(count, sum(counts))) for count in counts]


def ranks(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare every two answers of a group by reward and by count.

    Args:
        formula: The reward of each answer, by the counts.
        rng: Source of randomness.

    Yields:
        The sign of the difference of two rewards against that of the counts.
    """
    groups = [(4, 2, 1), (43, 44, 41), (12, 12), (8, 16), (31, 1)]
    groups += [tuple(int(n) for n in rng.integers(1, 20, size=2 + i % 4)) for i in range(20)]
    for counts in groups:
        rewards = formula(counts)
        for a in range(len(counts)):
            for b in range(a):
                measured = int(np.sign(counts[a] - counts[b]))
                difference = rewards[a] - rewards[b]
                claimed = int(difference > 0) - int(difference < 0)
                here = {"counts": str(counts), "answers": f"{a}, {b}", "compared": "order by count, by reward"}
                yield Evidence(claimed, measured, "equal", 0.0, here, sum(counts))


def steps(formula: Formula, _: np.random.Generator) -> Iterator[Evidence]:
    """Compare the ratio of the two steps between three answers, which is invariant under affine maps.

    Args:
        formula: The reward of each answer, by the counts.

    Yields:
        The ratio of the steps of log q* against that of the reward.
    """
    for counts in ((4, 2, 1), (9, 3, 1), (5, 3, 1), (12, 8, 4), (20, 9, 3)):
        first, second, third = formula(counts)
        claimed = (first - second) / (second - third)
        measured = mp.log(mp.mpf(counts[0]) / counts[1]) / mp.log(mp.mpf(counts[1]) / counts[2])
        sentence = (
            "Take a group of 7 traces that give three answers 4, 2 and 1 times. Then log q* falls by log 2 from the "
            "first to the second and by log 2 from the second to the third: the ratio of the steps is "
            f"{float(measured):.0f}. The centralities 4/7, 2/7 and 1/7 fall by 2/7 and 1/7: the ratio is "
            f"{float(claimed):.0f}. An affine map keeps the ratio."
        )
        by_hand = formula is centrality and counts == (4, 2, 1)
        yield Evidence(
            float(claimed),
            float(measured),
            "equal",
            1e-14,
            {"counts": str(counts), "compared": "ratio of the steps of log q*, of the reward"},
            sum(counts),
            sentence=sentence if by_hand else "",
        )


def choices(formula: Formula, _: np.random.Generator) -> Iterator[Evidence]:
    """Compare one certain answer with a mixture of a more and a less frequent answer by the mean of each reward.

    Args:
        formula: The reward of each answer, by the counts.

    Yields:
        Whether log q* prefers the mixture, by products of powers of integers, against whether the reward does.
    """
    half = Fraction(1, 2)
    cases = (((9, 4, 1), half), ((5, 2, 1), half), ((16, 5, 1), half), ((200, 15, 1), half), ((200, 14, 1), half))
    for counts, share in (*cases, ((8, 5, 1), Fraction(3, 4)), ((8, 4, 1), Fraction(3, 4))):
        first, sure, third = formula(counts)
        weight = mp.mpf if isinstance(first, mp.mpf) else Fraction
        mixed = weight(share.numerator) / share.denominator
        claimed = int(mixed * first + (1 - mixed) * third > sure)
        # sum share log q > log q(sure), with the powers cleared.
        n, m = share.numerator, share.denominator
        measured = int(counts[0] ** n * counts[2] ** (m - n) > counts[1] ** m)
        sentence = (
            "Take a group of 14 traces that give three answers 9, 4 and 1 times, and let Pi have two policies: the "
            "second answer with certainty, or the first and the third with probability 1/2 each. The mean centrality "
            "is 4/14 and (9 + 1)/2 / 14 = 5/14: the mixture is better. The mean of log(14 q*) is log 4 and (log 9 + "
            "log 1)/2 = log 3: the certain answer is better."
        )
        by_hand = formula is centrality and counts == (9, 4, 1)
        here = {"counts": str(counts), "share of the first": str(share)}
        yield Evidence(claimed, measured, "equal", 0.0, here, sum(counts), sentence=sentence if by_hand else "")


I61 = Claim(
    id="I.61",
    title="Centrality as a proxy of log q*",
    whose="paper",
    place="appendix B.2, Reward Definition",
    plain="The mean closeness of a trace to its group can replace the logarithm of the target.",
    statement=(
        "PAIRWISE-GRPO rewards a trace by its centrality, the mean of 1 - d over the group. It is said to be a proxy "
        "for log q*; the source does not say what a proxy preserves. Appendix B treats the game on answers as the case "
        "d = 1{E != E'}, in which q* is the frequencies of the answers in the group."
    ),
    printed="R_i = (1/K) sum_j (1 - d(y_i, y_j)),  a proxy for log q*",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="d = 1{E != E'}, and a proxy ranks the traces of a group as log q* does",
            expected="holds",
            stated=centrality,
            sabotage=distance,
            near_miss=two_decimals,
            evidence=ranks,
        ),
        Reading(
            supposes="d = 1{E != E'}, and a proxy is log q* up to an affine map, which may depend on the group",
            expected="false",
            stated=centrality,
            sabotage=logarithm,
            near_miss="The sabotage is log q* itself; R^a has the ratio 2^a of steps, not 1, for every power a > 0.",
            evidence=steps,
        ),
        Reading(
            supposes="d = 1{E != E'}, and a proxy prefers the same policy as log q* does, for every Pi",
            expected="false",
            stated=centrality,
            sabotage=logarithm,
            near_miss="The sabotage is log q* itself; no reward is right unless it is affine in log q*.",
            evidence=choices,
        ),
    ),
    remark=(
        "For d = 1{E != E'} the centrality is q* itself, not its log. Both increase with the frequency: if every "
        "policy is allowed, both are maximal at the most frequent answer. If the group has two answers, the two "
        "rewards differ by an affine map. With three answers, the log penalises rare answers that centrality accepts. "
        "For any other d the text says of q* only that it is high where the mean distance is low, so that the order is "
        "the definition of q*."
    ),
)

CLAIMS = (I61,)
