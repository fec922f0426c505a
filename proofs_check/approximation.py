"""The best approximation of p log p by polynomials, by the Remez exchange algorithm in mpmath.

It shares no code with `dagames.estimators`: interpolation by divided differences, extrema by Newton's method.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath as mp

from proofs_check.oracles import DIGITS

Numbers = Sequence[Any]
_ROUNDS = 40
_LEVEL = mp.mpf(10) ** -16
"""Relative difference of the extrema of the error at which the exchange stops; the least error is between them."""


@lru_cache
def best(n: int, *, free: bool = False) -> tuple[Any, tuple[Any, ...]]:
    """Minimise the maximum of |p P(p) - p log p|, or of |P(p) - p log p|, over [0, 1], with P of degree n.

    Args:
        n: Degree of P, at least 1 if `free`.
        free: Whether P approximates p log p itself, instead of the logarithm with weight p.

    Returns:
        The least maximum, and the n + 2 points where it is attained with alternating signs.

    Raises:
        ArithmeticError: If the exchange does not converge.
    """
    with mp.workdps(DIGITS + n):
        shares = [mp.mpf(i) / (n + 1) if free else mp.mpf(i + 1) / (n + 2) for i in range(n + 2)]
        points = [mp.sin(mp.pi * share / 2) ** 2 for share in shares]
        for _ in range(_ROUNDS):
            error = Levelled(points, free=free)
            middles = [(a + b) / 2 for a, b in pairwise(points)]
            ends = [points[0] / 2, *middles, (1 + points[-1]) / 2]
            points = [error.extremum(p, *between) for p, between in zip(points, pairwise(ends), strict=True)]
            sizes = [error(p)[0] * (-1) ** i for i, p in enumerate(points)]
            if abs(max(sizes) - min(sizes)) < abs(error.level) * _LEVEL:
                return abs(error.level), tuple(points)
    raise ArithmeticError(f"the exchange at degree {n} did not converge in {_ROUNDS} rounds.")


def level(points: Numbers, *, free: bool = False) -> Any:
    """Compute the levelled error on the points, a lower bound for every polynomial (de la Vallee-Poussin).

    Args:
        points: n + 2 increasing points in (0, 1], or in [0, 1] if `free`.
        free: Whether P approximates p log p itself.

    Returns:
        The absolute value of the error.
    """
    with mp.workdps(DIGITS + len(points)):
        return abs(_level([mp.mpf(p) for p in points], free=free))


class Levelled:
    """The polynomial whose errors at n + 2 points have equal size and alternating signs.

    Attributes:
        level: The error at the first point.
    """

    def __init__(self, points: list[Any], *, free: bool) -> None:
        self.free, self.level = free, _level(points, free=free)
        signs = [(-1) ** i for i in range(len(points))]
        self._nodes = points[1:]
        values = [_goal(p, free=free) + s * self.level / (1 if free else p) for p, s in zip(points, signs, strict=True)]
        table = values[1:]
        for k in range(1, len(table)):
            for i in range(len(table) - 1, k - 1, -1):
                table[i] = (table[i] - table[i - 1]) / (self._nodes[i] - self._nodes[i - k])
        self._differences = table

    def __call__(self, p: Any) -> tuple[Any, Any, Any]:
        """Compute the error at p >= 0 and its first two derivatives, returned as 0 at p = 0."""
        value = slope = bend = mp.mpf(0)
        for difference, node in zip(reversed(self._differences), reversed(self._nodes), strict=True):
            value, slope, bend = (
                difference + (p - node) * value,
                value + (p - node) * slope,
                2 * slope + (p - node) * bend,
            )
        if p == 0:
            return value if self.free else mp.mpf(0), mp.mpf(0), mp.mpf(0)
        log_p = mp.log(p)
        if self.free:
            return value - p * log_p, slope - log_p - 1, bend - 1 / p
        return p * (value - log_p), value + p * slope - log_p - 1, 2 * slope + p * bend - 1 / p

    def extremum(self, p: Any, low: Any, high: Any) -> Any:
        """Move a point by two Newton steps towards the extremum in [low, high]; the ends 0 and 1 are fixed."""
        for _ in range(2 if 0 < p < 1 else 0):
            value, slope, bend = self(p)
            rises = slope * value > 0
            p = min(max(p - slope / bend, low), high) if bend * value < 0 else high if rises else low
        return p


def _level(points: list[Any], *, free: bool) -> Any:
    numerator = denominator = mp.mpf(0)
    for i, p in enumerate(points):
        weight = 1 / mp.fprod(p - other for j, other in enumerate(points) if j != i)
        numerator += weight * _goal(p, free=free)
        denominator += weight * (-1) ** i / (1 if free else p)
    return -numerator / denominator


def _goal(p: Any, *, free: bool) -> Any:
    if not free:
        return mp.log(p)
    return p * mp.log(p) if p > 0 else mp.mpf(0)


def limit(sizes: Numbers, values: Numbers) -> Any:
    """Extrapolate values to infinite size, as a polynomial in 1 / size^2 through all of them.

    Args:
        sizes: Increasing sizes.
        values: Value at each size.

    Returns:
        The limit.
    """
    steps, row = [mp.mpf(1) / size**2 for size in sizes], list(values)
    for k in range(1, len(row)):
        row = [(row[i + 1] * steps[i] - row[i] * steps[i + k]) / (steps[i] - steps[i + k]) for i in range(len(row) - 1)]
    return row[0]
