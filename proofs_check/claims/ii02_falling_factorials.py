"""II.2: falling factorials are the unbiased estimates of powers, and the only ones."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
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


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Take means under the binomial law, and count the unbiased estimates, all in exact rationals.

    Args:
        formula: The estimate of p^m from k of n.
        rng: Source of randomness.

    Yields:
        For each n and m the mean at random rational p; and the dimension of the tables whose mean is 0 at n + 1 points.
    """
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
    place="slides, exact unbiased estimation via U-statistics",
    statement=(
        "For a count k of n independent traces, k (k-1) ... (k-m+1) / (n (n-1) ... (n-m+1)) has the mean p^m for "
        "every p and every m <= n, and no other function of the count has; so none has less variance."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            evidence=evidence,
        ),
    ),
    remark=(
        "Uniqueness is that the binomial masses at n + 1 values of p are linearly independent: a function of mean 0"
        " is 0. In a GRPO group the count contains the trace itself, so that n is K - 1 and k the number of others."
    ),
)

CLAIMS = (II2,)
