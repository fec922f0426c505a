"""II.2: falling factorials are the only unbiased estimates of powers from a count."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import comb

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(k: int, n: int, m: int) -> Fraction:
    """Divide k (k - 1) ... (k - m + 1) by n (n - 1) ... (n - m + 1)."""
    value = Fraction(1)
    for j in range(m):
        value *= Fraction(k - j, n - j)
    return value


def sabotage(k: int, n: int, m: int) -> Fraction:
    """The power of the frequency, which is biased from m = 2 on."""
    return Fraction(k, n) ** m


def with_own_trace(k: int, n: int, m: int) -> Fraction:
    """The estimate with n + 1 in the place of n, as if the count contained the trace itself."""
    value = Fraction(1)
    for j in range(m):
        value *= Fraction(k - j, n + 1 - j)
    return value


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute means under the binomial law, and the number of unbiased estimates, in exact rationals.

    Args:
        formula: The estimate of p^m from k of n.
        rng: Source of randomness.

    Yields:
        For each n and m the mean at random rational p; the dimension of the tables whose mean is 0 at n + 1 points; and
        the variance of other unbiased estimates, which depend on which traces have the answer.
    """
    yield from _rivals(formula, rng)
    for n in range(1, 8):
        points = [Fraction(j, n + 2) for j in range(1, n + 2)]
        free = n + 1 - _rank([_masses(n, p) for p in points])
        yield Evidence(0.0, float(free), "equal", 0.0, {"n": n, "tables of mean 0": free}, size=n)
        for m in range(n + 1):
            table = [formula(k, n, m) for k in range(n + 1)]
            for p in (Fraction(0), Fraction(1, 2), Fraction(1), oracles.random_distribution(rng, 2, 20)[0]):
                mean = sum((c * b for c, b in zip(table, _masses(n, p), strict=True)), Fraction(0))
                instance = {"n": n, "m": m, "p": str(p), "mean": str(mean), "p^m": str(p**m)}
                yield Evidence(0.0, float(mean - p**m), "equal", 0.0, instance, size=n + m)


def _rivals(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Add to the estimate a function of the whole sample that is 0 on average over samples of equal count."""
    for n, m in ((2, 1), (3, 1), (3, 2), (4, 3)):
        samples = list(product((0, 1), repeat=n))
        noise = {sample: Fraction(int(rng.integers(-9, 10)), 10) for sample in samples}
        for count in range(n + 1):
            alike = [sample for sample in samples if sum(sample) == count]
            mean = sum((noise[sample] for sample in alike), Fraction(0)) / len(alike)
            noise |= {sample: noise[sample] - mean for sample in alike}
        p = oracles.random_distribution(rng, 2, 20)[0]
        masses = {sample: p ** sum(sample) * (1 - p) ** (n - sum(sample)) for sample in samples}
        ours = {sample: formula(sum(sample), n, m) - p**m for sample in samples}
        variances = [sum(w * (ours[s] + c * noise[s]) ** 2 for s, w in masses.items()) for c in (0, 1)]
        bias = sum((w * (ours[s] + noise[s]) for s, w in masses.items()), Fraction(0))
        instance = {"n": n, "m": m, "p": str(p), "variances": [str(v) for v in variances]}
        yield Evidence(
            0.0, float(bias), "equal", 0.0, instance | {"compared": "bias of another unbiased estimate"}, size=n + m
        )
        here = instance | {"compared": "variance, variance of another unbiased estimate"}
        yield Evidence(float(variances[1]), float(variances[0]), "at most", 0.0, here, size=n + m)


def _masses(n: int, p: Fraction) -> list[Fraction]:
    return [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def _rank(rows: Sequence[Sequence[Fraction]]) -> int:
    """Eliminate in exact rationals, and count the pivots."""
    matrix, rank = [list(row) for row in rows], 0
    for column in range(len(matrix[0])):
        pivot = next((i for i in range(rank, len(matrix)) if matrix[i][column] != 0), None)
        if pivot is None:
            continue
        matrix[rank], matrix[pivot] = matrix[pivot], matrix[rank]
        for i in range(rank + 1, len(matrix)):
            factor = matrix[i][column] / matrix[rank][column]
            matrix[i] = [a - factor * b for a, b in zip(matrix[i], matrix[rank], strict=True)]
        rank += 1
    return rank


II2 = Claim(
    id="II.2",
    title="U-statistics of powers",
    whose="slides",
    place="Solution 1: Change the Geometry, Theorem (Exact Unbiased Estimation via U-statistics)",
    plain="Powers of a probability have a unique best unbiased estimate from few samples.",
    statement=(
        "For a polynomial reward of degree d <= K the falling factorial X (X-1) ... (X-m+1) / (K (K-1) ... (K-m+1)) "
        "is the unique unbiased estimate of q^m of least variance, X ~ Binomial(K, q) being the count of the answer."
    ),
    printed="E[X (X-1) ... (X-m+1) / (K (K-1) ... (K-m+1))] = q(z)^m,  m <= K",
    kind="equality",
    expected="holds",
    readings=(
        Reading(expected="holds", stated=stated, sabotage=sabotage, near_miss=with_own_trace, evidence=evidence),
    ),
    remark=(
        "No other function of the count is unbiased: the binomial masses at K + 1 values of p are linearly "
        "independent, so that a function of the count with mean 0 is 0. An estimate that also depends on which traces "
        "have the answer has this estimate as its mean given the count, and a larger variance. In a GRPO group the "
        "count contains the trace itself: there K - 1 replaces K, and X counts the other traces."
    ),
)

CLAIMS = (II2,)
