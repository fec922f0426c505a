"""II.5: the least worst bias is of the order 1 / K^2: a lower bound for every estimator, an upper one by a table."""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import comb
from typing import Any

import mpmath as mp
import numpy as np

from dagames.estimators import LOG
from dagames.estimators.best_polynomial import best_exactly
from dagames.estimators.exchange import exchange
from proofs_check import approximation, oracles
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading
from proofs_check.rates import fit_rate

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256)
_LEAST = 16
"""Least size of the fit."""
SEQUENCES = (tuple(range(4, 26, 3)), tuple(range(5, 27, 3)))
"""Two lists of sizes without a common member, from which limits are extrapolated."""


def stated(n: int, *, free: bool) -> Any:
    """The factor that makes the least error tend to a constant: (n + 1)^2, and n^2 without the constraint at 0.

    Args:
        n: Number of random traces, the degree of the mean.
        free: Whether p P(p) is any polynomial of degree n, which need not vanish at 0.

    Returns:
        The factor.
    """
    return mp.mpf(_size(n, free=free)) ** 2


def sabotage(n: int, *, free: bool) -> Any:
    """The factor times log(n + 1)."""
    return stated(n, free=free) * mp.log(n + 1)


def off(n: int, *, free: bool) -> Any:
    """The factor with the power 1.98."""
    return mp.mpf(_size(n, free=free)) ** mp.mpf("1.98")


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is drawn
    """Bound the least error from both sides, and extrapolate the limits of its multiples at 50 digits.

    Args:
        formula: The factor that makes the least error tend to a constant.
        rng: Source of randomness, not used.

    Yields:
        The limits from two sequences; the power of n + 1; for each n the levelled error, a lower bound for every table,
        against the least multiple, that of n = 1; the error attained by the library's table against the limit; and for
        small n both against an independent exchange.
    """
    limits = {}
    for free in (False, True):
        one, other = (_limit(formula, sizes, free=free) for sizes in SEQUENCES)
        limits[free] = one
        which = "P(p) against p log p" if free else "p P(p) against p log p"
        instance: dict[str, Any] = {
            "problem": which,
            "limits": [mp.nstr(x, 14) for x in (one, other)],
            "sizes": SEQUENCES,
        }
        yield Evidence(float(one), float(other), "equal", 5e-13, instance, size=1, noted=True)
    yield _exponent(formula, limits[False])
    least = formula(1, free=False) * approximation.best(1)[0]
    for n in SIZES:
        (lower, attained), factor = _enclosed(n), formula(n, free=False)
        instance = {"n": n, "lower bound for every table": mp.nstr(lower, 12), "attained": mp.nstr(attained, 12)}
        yield Evidence(float(least), float(factor * lower), "at least", 1e-9, instance, size=n)
        yield Evidence(float(limits[False]), float(factor * attained), "at most", 1e-9, instance, size=n)
        if n <= 16:
            error = float(approximation.best(n)[0])
            for measured in (lower, attained):
                yield Evidence(error, float(measured), "equal", 1e-9 * error, instance, size=n)


def _exponent(formula: Formula, limit: Any) -> Evidence:
    """Compare the power of n + 1 of the levelled errors with that of the claimed order, and show both constants."""
    # The multiples are a + b / (n + 1)^2 and smaller terms, |b| < a, which move the slope by at most 2 / (n + 1)^2.
    sizes = [n for n in SIZES if n >= _LEAST]
    claimed = -fit_rate([n + 1 for n in sizes], [float(formula(n, free=False)) for n in sizes]).exponent
    rate = fit_rate([n + 1 for n in sizes], [float(_enclosed(n)[0]) for n in sizes], power=claimed)
    instance = {"n": str(sizes), "compared": "power of n + 1", "limit": mp.nstr(limit, 12)} | rate.as_instance()
    return Evidence(claimed, rate.exponent, "equal", 2 / (_LEAST + 1) ** 2, instance, size=2, noted=True)


def _size(n: int, *, free: bool) -> int:
    return n if free else n + 1


def _limit(formula: Formula, sizes: tuple[int, ...], *, free: bool) -> Any:
    degrees = [size - _size(0, free=free) for size in sizes]
    values = [formula(n, free=free) * approximation.best(n, free=free)[0] for n in degrees]
    return approximation.limit(sizes, values)


@lru_cache
def _enclosed(n: int) -> tuple[Any, Any]:
    """Level the error on the library's points, and find the largest error of its unrounded table on a finer grid."""
    points, (_, exact) = exchange(n, LOG).points.tolist(), best_exactly(n, LOG)
    with mp.workdps(oracles.DIGITS + n):
        n_choose = [comb(n, k) for k in range(n + 1)]
        weights = [oracles.number(Fraction(int(c.p), int(c.q)) * m) for c, m in zip(exact, n_choose, strict=True)]
        angles = [mp.asin(mp.sqrt(p)) for p in (0.0, *points)]
        parts = max(2, 256 // (n + 1))
        between = [a + (b - a) * i / parts for a, b in pairwise(angles) for i in range(1, parts)]
        grid = [mp.mpf(p) for p in points] + [mp.sin(angle) ** 2 for angle in between]
        return approximation.level(points), max(abs(p * (_mean(weights, p) - mp.log(p))) for p in grid)


def _mean(weights: list[Any], p: Any) -> Any:
    """Sum c_k C(n, k) p^k (1 - p)^(n - k) by powers of the odds, given c_k C(n, k)."""
    if p == 1:
        return weights[-1]
    odds, total = p / (1 - p), mp.mpf(0)
    for weight in reversed(weights):
        total = total * odds + weight
    return total * (1 - p) ** (len(weights) - 1)


def plot() -> Plot:
    """Plot (n + 1)^2 times the least bias against the number of traces."""
    sizes = [n for n in SIZES if n <= 32]
    multiples = [float(stated(n, free=False) * _enclosed(n)[1]) for n in sizes]
    limit = float(_limit(stated, SEQUENCES[0], free=False))
    lines = [
        Line("(n + 1)^2 times the least bias", sizes, multiples, "points"),
        Line("limit", [1, 32], [limit, limit], "bound"),
    ]
    return Plot(
        "traces n",
        "(n + 1)^2 x bias",
        lines,
        ("(n + 1)^2 times the least bias increases to its limit: the rate is exact."),
        log_x=True,
    )


II5 = Claim(
    id="II.5",
    title="Rate of the least bias",
    whose="slides",
    place="Solution 2: Optimal Approximation for KL Games, Theorem (Fundamental Limit)",
    plain="No estimator of a logarithm from K samples has a worst bias of a smaller order than 1/K^2.",
    statement=(
        "No estimator from K samples has a smaller gradient bias than of the exact order 1 / K^2, and the minimax "
        "linear program attains it. The bias is the largest |p P(p) - beta p log p| over p in [0, 1], as in the "
        "program of the same slide."
    ),
    printed="min_c max_{p in [0,1]} |p P_c(p) - beta p log p| = Theta(1 / K^2)",
    kind="rate",
    expected="holds",
    readings=(Reading(expected="holds", stated=stated, sabotage=sabotage, near_miss=off, evidence=evidence),),
    remark=(
        "With n random traces (n = K for independent counts, K - 1 for self-inclusive ones), (n + 1)^2 times the least "
        "bias is at least its value at n = 1, .308, and at most its limit, .3251, for the sizes listed up to 256. The "
        "mean of any estimator from n traces, randomised or not, is a polynomial of degree at most n in p, so that "
        "tables are as good as any estimator. The levelled error on n + 2 points is a lower bound for every table (de "
        "la Vallee-Poussin). Two sequences of sizes give limits that agree to 12 digits; the existence of the limits "
        "is observed and not proved. Without the constraint that the approximation of p log p vanishes at 0 the limit "
        "of n^2 times the error is half of Ibragimov's constant of x^2 log |x|. The bound is for a fixed K and the "
        "worst p: if p is known to be above some a > 0, the bias can decrease exponentially, and sampling until the "
        "answer occurs has no bias (claim II.13)."
    ),
    plot=plot,
)

CLAIMS = (II5,)
