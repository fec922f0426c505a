"""II.8c: a split averaged over all splits is one table of the whole group, of the same bias and no more variance."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Table = Sequence[Fraction]


def stated(table: Table, K: int) -> list[Fraction]:
    """The mean of the table's entry over the parts of the group, with hypergeometric weights."""
    m = len(table) - 1
    return [
        sum((Fraction(comb(k, j) * comb(K - k, m - j), comb(K, m)) * c for j, c in enumerate(table)), Fraction(0))
        for k in range(K + 1)
    ]


def sabotage(table: Table, K: int) -> list[Fraction]:
    """The mean with binomial weights, as if the part were drawn with replacement."""
    m = len(table) - 1
    return [
        sum(
            (comb(m, j) * Fraction(k, K) ** j * Fraction(K - k, K) ** (m - j) * c for j, c in enumerate(table)),
            Fraction(0),
        )
        for k in range(K + 1)
    ]


def near_miss(table: Table, K: int) -> list[Fraction]:
    """The weights of a group of one trace more."""
    return stated(table, K + 1)[: K + 1]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate all parts of a group, and compare means and variances at rational p, exactly.

    Args:
        formula: The averaged table, from the part's table and K.
        rng: Source of randomness.

    Yields:
        For random tables: the average over all parts of a group; the mean; and the variance, which is at most the
            split's.
    """
    for K in range(2, 8):
        for m in range(1, K):
            table = [Fraction(int(c), 5) for c in rng.integers(-30, 30, size=m + 1)]
            averaged = formula(table, K)
            for k in (0, 1, K // 2, K):
                marks = [1] * k + [0] * (K - k)
                parts = list(combinations(marks, m))
                mean = sum((table[sum(part)] for part in parts), Fraction(0)) / len(parts)
                instance = {
                    "K": K,
                    "size of the part": m,
                    "count": k,
                    "table": oracles.as_text(table),
                    "over parts": str(mean),
                }
                yield Evidence(0.0, float(averaged[k] - mean), "equal", 0.0, instance, size=K + m)
            p = oracles.random_distribution(rng, 2, 12)[0]
            (whole, noise), (part, more) = _moments(averaged, p), _moments(table, p)
            instance = {"K": K, "size of the part": m, "p": str(p), "table": oracles.as_text(table)}
            yield Evidence(
                0.0,
                float(whole - part),
                "equal",
                0.0,
                instance | {"compared": "mean of the averaged table less that of the split"},
                size=K + m,
            )
            yield Evidence(
                float(more),
                float(noise),
                "at most",
                0.0,
                instance | {"compared": "variance of the averaged table, that of the split"},
                size=K + m,
            )


def _moments(table: Table, p: Fraction) -> tuple[Fraction, Fraction]:
    """Compute mean and variance under the binomial law, exactly."""
    n = len(table) - 1
    masses = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    mean = sum((c * b for c, b in zip(table, masses, strict=True)), Fraction(0))
    square = sum((c * c * b for c, b in zip(table, masses, strict=True)), Fraction(0))
    return mean, square - mean**2


II8C = Claim(
    id="II.8c",
    title="Averaging a split over all splits",
    whose="ours",
    place="Rao and Blackwell's theorem for the count, which is sufficient",
    plain=(
        "If one part of a group rewards the other, averaging over all splits keeps the bias and does not add variance."
    ),
    statement=(
        "The mean of a table for m traces over all parts of m of a group of K is a table for K traces, with "
        "hypergeometric weights; it has the same mean for every p, and a variance that is no larger at any p."
    ),
    printed="c'_k = sum_j C(k, j) C(K - k, m - j) / C(K, m) c_j",
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
        "In the Bernstein basis the averaged table is the same polynomial, written with a higher degree. So splits "
        "should be averaged, as `elevated_table` does."
    ),
)

CLAIMS = (II8C,)
