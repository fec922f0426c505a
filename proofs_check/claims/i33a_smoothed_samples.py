"""I.33a: one-hot samples mixed with the uniform distribution give a soft majority, with a bias for every K."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames import orbits
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(share: Fraction, n_answers: int) -> Any:
    """T = log(1 + |Z| (1 - share) / share)."""
    return oracles.log(1 + n_answers * (1 - share) / share)


def sabotage(share: Fraction, n_answers: int) -> Any:
    """T without the 1 in the logarithm."""
    return oracles.log(n_answers * (1 - share) / share)


def near_miss(share: Fraction, n_answers: int) -> Any:
    """T with |Z| - 1 for |Z|, which counts the other answers only."""
    return stated(share, n_answers - 1)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Multiply the smoothed one-hot vectors of all groups, at 50 digits.

    Args:
        formula: T, by the share of the uniform distribution and the number of answers.
        rng: Source of randomness.

    Yields:
        For each nu the largest distance of log q(0) - log q(1) from T times the difference of frequencies, that of the
        expected log-ratio from T (nu(0) - nu(1)), and that of the library's q from this q.
    """
    cases = [(3, [Fraction(1, 3), Fraction(2, 3)], Fraction(1, 5))]
    for i in range(15):
        n = 2 + i % 3
        nu = oracles.random_distribution(rng, n, 9)
        cases.append((2 + i % 4, nu, Fraction(int(rng.integers(1, 10)), 10)))
    for K, nu, share in cases:
        T, n = formula(share, len(nu)), len(nu)
        apart, expected, library = [], mp.mpf(0), 0.0
        for counts in oracles.group_counts(n, K):
            q = _mean(counts, share)
            ratio = mp.log(q[0] / q[1])
            apart.append(abs(ratio - T * (counts[0] - counts[1]) / K))
            expected += oracles.number(oracles.multinomial(counts, nu)) * ratio
            rows = [[float(z == sampled) for z in range(n)] for sampled in range(n) for _ in range(counts[sampled])]
            found = orbits.geometric_mean(orbits.smoothed(rows, float(share)))
            library = max(library, *(abs(float(a) - b) for a, b in zip(q, found, strict=True)))
        bias = abs(expected - T * oracles.number(nu[0] - nu[1]))
        instance = {"K": K, "nu": oracles.as_text(nu), "share": str(share)}
        size = K + oracles.complexity(nu, [share])
        for name, value in (("log-ratio", max(apart)), ("expected log-ratio", bias)):
            yield Evidence(0.0, float(value), "equal", 1e-30, instance | {"compared": name}, size)
        yield Evidence(
            0.0, library, "equal", 1e-13, instance | {"compared": ("the library's mean minus the measured one")}, size
        )


def _mean(counts: Sequence[int], share: Fraction) -> list[Any]:
    n = len(counts)
    logs = [mp.mpf(0)] * n
    for sampled, count in enumerate(counts):
        for z in range(n):
            logs[z] += count * oracles.log((1 - share) * int(z == sampled) + share / n)
    return oracles.normalised([value / sum(counts) for value in logs])


I33A = Claim(
    id="I.33a",
    title="Smoothed one-hot samples",
    whose="ours",
    place="repair of claim I.33",
    plain="Samples mixed with the uniform distribution give a soft majority, whose bias more samples do not remove.",
    statement=(
        "The geometric mean of one-hot samples mixed with a share of the uniform distribution is q proportional to "
        "exp(T f), where f are the frequencies and T = log(1 + |Z| (1 - share) / share). The expected log-ratio of "
        "two answers is T (nu(z) - nu(w)) for every K, in place of log nu(z) - log nu(w)."
    ),
    printed="q(z) ~ exp(T f(z)),  T = log(1 + |Z| (1 - s) / s)",
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
        "A sample multiplies the weight of its answer by exp(T / K). The share sets the temperature of the soft "
        "majority; no share is right for two different log-ratios, as nu = (3/4, 1/4) needs T = 2.20 and (9/10, 1/10) "
        "T = 2.75, and more samples do not change this."
    ),
)

CLAIMS = (I33A,)
