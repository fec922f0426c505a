"""Local maxima on [0, 1] of functions that oscillate evenly in phi, p = sin(phi)^2."""

from collections.abc import Callable

import numpy as np

from dagames.estimators.estimand import Vector

_SAMPLES = 6
"""Samples per oscillation; a polynomial of degree n has about n of them."""

_NEAR = 24
"""Samples between 0 and the first even one, at distances phi that halve from one to the next."""

_REFINEMENTS = 5


def samples(n: int) -> Vector:
    """Return increasing angles phi in (0, pi / 2], dense enough to resolve n oscillations."""
    number = _SAMPLES * (n + 2)
    even = 0.5 * np.pi * np.arange(1, number + 1) / number
    return np.concatenate([even[0] * 0.5 ** np.arange(_NEAR, 0, -1), even])


def peaks(function: Callable[[Vector], Vector], phi: Vector, values: Vector) -> tuple[Vector, Vector]:
    """Find the local maxima of samples, and refine each by parabolas.

    Args:
        function: The function of angles, to float64.
        phi: The sampled angles, increasing, [m].
        values: The values there, [m].

    Returns:
        The points p of the refined maxima, and the values there.
    """
    padded = np.concatenate([[-np.inf], values, [-np.inf]])
    at = np.flatnonzero((padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:]))
    reach = phi[at] - np.where(at > 0, phi[at - 1], 0.0)
    top, best = climb(function, phi[at], values[at], reach)
    return np.sin(top) ** 2, best


def climb(
    function: Callable[[Vector], Vector], top: Vector, best: Vector, reach: Vector, steps: int = _REFINEMENTS
) -> tuple[Vector, Vector]:
    """Refine local maxima by parabolas through three points, whose distance shrinks from step to step.

    Args:
        function: The function of angles in [0, pi / 2].
        top: Angles near the maxima, [m].
        best: Values there, [m].
        reach: Distances of the first neighbours, clipped to half of the angle, [m].
        steps: Number of parabolas.

    Returns:
        Angles and values there, none below `best`.
    """
    reach = np.minimum(reach, 0.5 * top)
    for _ in range(steps):
        left, right = top - reach, np.minimum(top + reach, 0.5 * np.pi)
        at_left, at_right = function(left), function(right)
        a, b = (top - left) * (best - at_right), (top - right) * (best - at_left)
        with np.errstate(divide="ignore", invalid="ignore"):
            vertex = top - 0.5 * ((top - left) * a - (top - right) * b) / (a - b)
        near = (vertex > top - 2 * reach) & (vertex < top + 2 * reach) & (vertex > 0) & (vertex < 0.5 * np.pi)
        vertex = np.where(near, vertex, top)
        found = [(top, best), (vertex, function(vertex)), (left, at_left), (right, at_right)]
        heights = np.array([value for _, value in found])
        pick = heights.argmax(axis=0), np.arange(top.size)
        top, best = np.array([where for where, _ in found])[pick], heights[pick]
        reach = 0.3 * reach
    return top, best
