"""Roots of increasing functions, vectorised."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 200

_WIDE = 1e4
"""Length of a bracket above which it is bisected on a logarithmic scale; slopes may be as large as 1e300."""


def increasing_root(
    function: Callable[[Array], tuple[Array, Array]], low: Array, high: Array, start: Array | None = None
) -> Array:
    """Find the root of an increasing function for every entry, by Newton steps within a shrinking bracket.

    A Newton step that leaves the bracket, or that is more than half of the step before last, is replaced by bisection,
    so that every entry converges to float64 accuracy.

    Args:
        function: Maps points to values and slopes of the same shape; nondecreasing in each entry.
        low: Points where the function is at most 0.
        high: Points where the function is at least 0.
        start: Initial points; the middle of the bracket by default.

    Returns:
        The roots; `low` where the function is positive there, and `high` where it is negative there.

    >>> increasing_root(lambda x: (x**3 - 2.0, 3 * x**2), np.array([0.0]), np.array([2.0])).round(12)
    array([1.25992105])
    """
    # Where the root is outside the bracket, return the nearer end at once; bisection would need fifty steps.
    below, above = function(high)[0] <= 0, function(low)[0] >= 0
    low, high = np.where(below, high, low), np.where(above, low, high)
    point = _middle(low, high) if start is None else np.clip(start, low, high)
    before = last = high - low
    for _ in range(_STEPS):
        value, slope = function(point)
        low = np.where(value <= 0, point, low)
        high = np.where(value >= 0, point, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = point - value / slope
            trusted = (newton >= low) & (newton <= high) & (2 * np.abs(newton - point) <= np.abs(before))
        moved = np.where(trusted, newton, _middle(low, high))
        before, last = last, moved - point
        point = moved
        if (np.abs(last) <= 2 * np.finfo(np.float64).eps * np.abs(point)).all():
            break
    return point


def _middle(low: Array, high: Array) -> Array:
    """Return the middle of each bracket, in arsinh if it is wide, so that 60 bisections always suffice."""
    wide = high - low > _WIDE
    if not wide.any():
        return np.asarray(0.5 * (low + high))
    return np.asarray(np.where(wide, np.sinh(0.5 * (np.arcsinh(low) + np.arcsinh(high))), 0.5 * (low + high)))
