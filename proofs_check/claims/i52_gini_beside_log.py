"""I.52, I.53: the size and the variance of the logarithmic and the linear minority reward of a group."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import groups, oracles
from proofs_check.attack import Array, attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Reading


def without_bound(K: int) -> Any:  # noqa: ARG001 - the same for every group
    """Infinity: the reward at count 1 explodes."""
    return mp.inf


def logarithm(K: int) -> Any:
    """The reward log K."""
    return mp.log(K)


def shorter(K: int) -> Any:
    """The reward log(K - 1) + 1 / K, nearly log K."""
    return mp.log(K - 1) + mp.mpf(1) / K


def bounded(K: int) -> Any:
    """The reward 1 - 1 / K."""
    return 1 - mp.mpf(1) / K


def largest(formula: Formula, _: np.random.Generator) -> Iterator[Evidence]:
    """List all partitions of groups of 2 to 12 into counts, and take the largest reward -log(count / K) of a trace.

    Args:
        formula: The largest reward, from K.

    Yields:
        The largest reward found against the claimed one.
    """
    for K in (8, *range(2, 8), *range(9, 13)):
        found = max(mp.log(mp.mpf(K) / n) for counts in _partitions(K, K) for n in counts)
        yield _reward(formula, K, found, K == 8)


def growing(formula: Formula, _: np.random.Generator) -> Iterator[Evidence]:
    """Compute the reward -log(1 / K) of a unique answer in groups of 8 to 10^6.

    Args:
        formula: The reward at count 1, from K.

    Yields:
        The reward against the claimed one.
    """
    for K in (8, 64, 1024, 10**6):
        yield _reward(formula, K, -oracles.log(Fraction(1, K)), first=False)


def _reward(formula: Formula, K: int, found: Any, first: bool) -> Evidence:
    said = formula(K)
    words = (
        f"Take K = {K}. A unique answer has the reward -log(1/{K}) = {float(found):.2f}. No answer of a group has a "
        f"larger reward, because no count is below 1. The Gini reward of a unique answer is 1 - 1/{K} = "
        f"{1 - 1 / K:.3f}."
    )
    instance = {"K": K, "largest log reward": f"{float(found):.4f}", "largest Gini reward": f"{1 - 1 / K:.4f}"}
    return Evidence(
        float(said), float(found), "equal", 1e-14, instance, 0 if first else K, sentence=words if first else ""
    )


def _partitions(total: int, most: int) -> Iterator[tuple[int, ...]]:
    """List the ways to write a number as a sum of positive ones, the largest first."""
    if total == 0:
        yield ()
    for first in range(min(total, most), 0, -1):
        for rest in _partitions(total - first, first):
            yield (first, *rest)


I52 = Claim(
    id="I.52",
    title="The log reward of a unique answer",
    whose="paper",
    place="appendix C.2.2, 1. Gini Diversity",
    plain=("The logarithmic reward explodes for an answer that occurs once in its group; the linear reward does not."),
    statement=(
        "The log reward explodes for an answer that occurs once in the group. The reward 1 - count / K does not, as "
        "it is bounded; this may make optimization for small groups more stable."
    ),
    printed="-log(Count / K) explodes at Count = 1;   1 - Count / K <= 1",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            expected="false",
            stated=without_bound,
            sabotage=logarithm,
            near_miss="No finite value is close to infinity; the sabotage is the true value.",
            evidence=largest,
            supposes="the size of the group is fixed, as in every run",
        ),
        Reading(
            expected="holds",
            stated=logarithm,
            sabotage=bounded,
            near_miss=shorter,
            evidence=growing,
            supposes="the size of the group grows, so that the reward grows without bound, as log K",
        ),
    ),
    remark=(
        "The largest log reward is log K: 2.08, 2.77 and 3.47 at K = 8, 16 and 32. It is right that the Gini reward is "
        "below 1. Equation 5 removes the size: a unique answer in a group with K - 1 equal ones has the advantage (K - "
        "1) / sqrt K with either reward. Only -log nu itself has no bound, as the mass of an answer tends to 0; a "
        "frequency in a group is at least 1 / K."
    ),
    amendment="I.52a",
)

I52A = Claim(
    id="I.52a",
    title="The largest log reward",
    whose="ours",
    place="repair of claim I.52",
    plain="The logarithmic reward of a group is at most the logarithm of its size.",
    statement="In every group of K the reward -log(count / K) is at most log K, with equality for a unique answer.",
    printed="max over counts of -log(count / K) = log K",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=logarithm,
            sabotage=bounded,
            near_miss=shorter,
            evidence=largest,
        ),
    ),
    remark="A count is an integer of at least 1.",
)


Rewards = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""Two rewards of a frequency in (0, 1], in float64 or mpmath numbers."""


def gini_and_log() -> Rewards:
    """The reward 1 - f, claimed to have the lower variance, and -log f."""
    return (lambda f: 1 - f), (lambda f: -mp.log(f) if isinstance(f, mp.mpf) else -np.log(f))


def log_and_gini() -> Rewards:
    """The two rewards exchanged."""
    gini, log = gini_and_log()
    return log, gini


def steeper() -> Rewards:
    """The reward 1.39 (1 - f), slightly more than 2 log 2 (1 - f), and -log f."""
    gini, log = gini_and_log()
    return (lambda f: gini(f) * 139 / 100), log


def raw(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack the ratio of the variances of a trace's reward, and compute both at 50 digits at the end of each attack.

    Args:
        formula: The two rewards, the one with the lower variance first.
        rng: Source of randomness.

    Yields:
        The variance of the first reward against that of the second.
    """
    first, second = formula()
    for K in (2, 4, 8, 16):
        for n in (2, 3):
            counts = groups.counts_of(n, K)

            def ratio(nu: Array, counts: Array = counts) -> Array:
                with np.errstate(divide="ignore"):
                    f = np.maximum(counts, 1e-300) / counts[0].sum()
                low, high = (_spread(nu, counts, np.where(counts > 0, reward(f), 0.0)) for reward in (first, second))
                return np.asarray(low / np.maximum(high, 1e-300))

            found = attack_distributions(ratio, (n,), rng, starts=90, least=1e-4, climbers=2, trials=8, rounds=25)
            for nu in (oracles.rounded(found.place), oracles.random_distribution(rng, n, 9)):
                low, high = (_variance(K, nu, reward) for reward in (first, second))
                instance = {"K": K, "nu": oracles.as_text(nu), "compared": "variance of a trace's reward"}
                size = K + oracles.complexity(nu)
                yield Evidence(float(high), float(low), "at most", 1e-15, instance, size, float(low / high))


def _spread(nu: Array, counts: Array, rewards: Array) -> Array:
    """Compute the variance of a trace's reward over groups and traces, [M]."""
    ways = np.array([float(oracles.multinomial([int(c) for c in row], [Fraction(1)] * len(row))) for row in counts])
    masses = np.exp(np.log(nu) @ counts.T) * ways
    K = counts[0].sum()
    mean, square = (masses @ (counts * rewards**power).sum(axis=1) / K for power in (1, 2))
    return np.asarray(square - mean**2)


def _variance(K: int, nu: Sequence[Fraction], reward: Callable[[Any], Any]) -> Any:
    mean = square = mp.mpf(0)
    for counts in oracles.group_counts(len(nu), K):
        mass = oracles.number(oracles.multinomial(counts, nu) / K)
        for n in counts:
            r = reward(mp.mpf(n) / K) if n else mp.mpf(0)
            mean, square = mean + mass * n * r, square + mass * n * r**2
    return square - mean**2


I53 = Claim(
    id="I.53",
    title="Variance of the Gini reward",
    whose="paper",
    place="appendix C.2.2, below algorithm 3, and the comments in it",
    plain="The linear reward for rare answers has a lower variance than the logarithmic one.",
    statement=(
        "The Gini objective gives a bounded reward signal of lower variance than the logarithm's, 1 - count / K in the "
        "place of -log(count / K), without a change to the algorithm."
    ),
    printed="Var(1 - nu^) < Var(-log nu^)",
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=gini_and_log,
            sabotage=log_and_gini,
            near_miss=steeper,
            evidence=raw,
        ),
    ),
    remark=(
        "The slope of the logarithm is at least 1 on (0, 1], so that the logarithms of two frequencies differ by at "
        "least as much as the frequencies: the variance of 1 - f is lower for every nu and K. The largest ratio of the "
        "variances found is (1 / (2 log 2))^2 = .52, at K = 2 and every nu. The signal here is the reward before "
        "equation 5. Equation 5 divides it by the standard deviation, after which each group with unequal rewards has "
        "the same mean square with either reward. With an epsilon in the divisor the difference is at most 2 epsilon / "
        "deviation."
    ),
    amendment="I.53a",
)


def unit_square(K: int) -> Fraction:
    """The mean square (K - 1) / K."""
    return Fraction(K - 1, K)


def population_square(K: int) -> Fraction:  # noqa: ARG001
    """The mean square 1, right for a deviation with K in its denominator."""
    return Fraction(1)


def no_square(K: int) -> Fraction:  # noqa: ARG001
    """The mean square 0."""
    return Fraction(0)


def each_group(formula: Formula, _: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate groups of 3 to 9 traces by their counts, and compute the mean square of the advantages at 50 digits.

    Args:
        formula: The mean square, from K.

    Yields:
        The mean square with either reward, in every group whose counts differ, against the claimed one.
    """
    for K in range(3, 10):
        for counts in _partitions(K, K):
            if len(set(counts)) > 1:
                for name, reward in zip(("gini", "log"), gini_and_log(), strict=True):
                    found = _mean_square(counts, [reward(mp.mpf(n) / K) for n in counts])
                    instance = {"K": K, "counts": str(counts), "reward": name}
                    yield Evidence(float(formula(K)), float(found), "equal", 1e-14, instance, K)


def _mean_square(counts: Sequence[int], rewards: Sequence[Any]) -> Any:
    K = sum(counts)
    mean = mp.fsum(n * r for n, r in zip(counts, rewards, strict=True)) / K
    squares = mp.fsum(n * (r - mean) ** 2 for n, r in zip(counts, rewards, strict=True))
    deviation = mp.sqrt(squares / (K - 1))
    return mp.fsum(n * ((r - mean) / deviation) ** 2 for n, r in zip(counts, rewards, strict=True)) / K


I53A = Claim(
    id="I.53a",
    title="Variance after equation 5",
    whose="ours",
    place="repair of claim I.53",
    plain="After division by the standard deviation, no reward has a lower variance than another.",
    statement=(
        "With the advantages of equation 5, K - 1 in the denominator of the variance and epsilon = 0, the mean square "
        "of the advantages is (K - 1) / K in every group whose rewards differ, for the Gini reward and for the "
        "logarithm."
    ),
    printed="1/K sum_i A_i^2 = (K - 1) / K",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=unit_square,
            sabotage=no_square,
            near_miss=population_square,
            evidence=each_group,
        ),
    ),
    remark=(
        "The same holds for every reward. Groups with equal Gini rewards are those with equal logarithmic rewards, "
        "because both decrease with the count."
    ),
)

CLAIMS = (I52, I52A, I53, I53A)
