"""B.6: a count pooled over views is not binomial, so that the unbiased estimate of p^2 becomes biased."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise, product

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(mean: Fraction, variance: Fraction, K: int) -> Fraction:
    """The mean of X (X - 1) / (K (K - 1)): the square of the mean, less s^2 / (K - 1)."""
    return mean**2 - variance / (K - 1)


def sabotage(mean: Fraction, variance: Fraction, K: int) -> Fraction:  # noqa: ARG001 - a binomial count has no s^2
    """The square that a binomial count would give."""
    return mean**2


def of_all(mean: Fraction, variance: Fraction, K: int) -> Fraction:
    """The variance divided by K in place of K - 1."""
    return mean**2 - variance / K


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the mean under the distribution of the pooled count, in exact rationals.

    Args:
        formula: The mean, by the mean probability, its variance between traces, and K.
        rng: Source of randomness.

    Yields:
        Two views of equal share at .9 and .1, and random views of random shares; for small groups by listing every
        outcome of every trace, for all by adding one trace after the other.
    """
    for probabilities in _instances(rng):
        K = len(probabilities)
        mean, variance = moments(probabilities)
        square = [Fraction(k * (k - 1), K * (K - 1)) for k in range(K + 1)]
        routes = [pooled_mean(square, probabilities)] + ([_listed(square, probabilities)] if K <= 6 else [])
        for measured in routes:
            yield Evidence(
                claimed=0.0,
                measured=float(measured - formula(mean, variance, K)),
                relation="equal",
                tolerance=0.0,
                instance={
                    "probabilities": oracles.as_text(probabilities),
                    "mean of X(X-1)/(K(K-1))": str(measured),
                    "p^2": str(mean**2),
                    "s^2": str(variance),
                },
                size=oracles.complexity(probabilities),
            )


def moments(probabilities: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """Compute the mean and the variance of the traces' probabilities.

    Args:
        probabilities: Chance of the answer in each trace, by its view, [K].

    Returns:
        p, and s^2 with the divisor K.
    """
    K = len(probabilities)
    mean = sum(probabilities, Fraction(0)) / K
    return mean, sum(((p - mean) ** 2 for p in probabilities), Fraction(0)) / K


def pooled_mean(table: Sequence[Fraction], probabilities: Sequence[Fraction]) -> Fraction:
    """Compute E c_X for a count X of independent traces with different probabilities, one trace after the other.

    Args:
        table: c_0..c_K.
        probabilities: Chance of the answer in each trace, [K].

    Returns:
        The mean, exactly.
    """
    values = list(table)
    for p in probabilities:
        values = [(1 - p) * a + p * b for a, b in pairwise(values)]
    return values[0]


def _listed(table: Sequence[Fraction], probabilities: Sequence[Fraction]) -> Fraction:
    total = Fraction(0)
    for outcome in product((0, 1), repeat=len(probabilities)):
        mass = Fraction(1)
        for hit, p in zip(outcome, probabilities, strict=True):
            mass *= p if hit else 1 - p
        total += mass * table[sum(outcome)]
    return total


def _instances(rng: np.random.Generator) -> Iterator[list[Fraction]]:
    yield [Fraction(9, 10)] * 8 + [Fraction(1, 10)] * 8
    yield [Fraction(1), Fraction(0)]
    yield [Fraction(1, 3)] * 5
    for K in range(2, 13):
        for _ in range(3):
            views = [Fraction(int(a), 20) for a in rng.integers(0, 21, size=int(rng.integers(1, 4)))]
            yield [views[int(rng.integers(len(views)))] for _ in range(K)]


B6 = Claim(
    id="B.6",
    title="Pooled counts",
    whose="ours",
    place="beside the slides: X ~ Binomial(K, q), and one vote over an orbit",
    plain=(
        "Counts that are pooled over different wordings are not binomial, and an estimate that is unbiased for one "
        "wording is biased for several."
    ),
    statement=(
        "Let X be the count of an answer in K independent traces from several views, p the mean of its probabilities "
        "over the traces and s^2 their variance. Then X(X-1) / (K(K-1)) has the mean p^2 - s^2 / (K - 1): an estimate "
        "of p^2 that is unbiased for one prompt has a bias of order 1/K for an orbit."
    ),
    printed="E[X(X-1) / (K(K-1))] = p^2 - s^2 / (K-1)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=of_all,
            evidence=evidence,
        ),
    ),
    remark=(
        "E X(X-1) is the sum of p_i p_j over ordered pairs, (K p)^2 - sum p_i^2. Two equal views at .9 and .1 with K "
        "= 16 give 359/1500 = 0.2393 instead of 1/4. The certificates of reward tables hold for independent and "
        "identically distributed traces of one prompt; claim B.6a bounds the bias from pooling."
    ),
)

CLAIMS = (B6,)
