"""The exchange method of Remez: the polynomial P of degree n with the least sup over p of |p (P(p) - g(p))|.

With `free`, the polynomial with the least sup of |P(p) - p g(p)|: the classical problem, for which the literature
states its constants, without the constraint that the approximation of p g(p) vanishes at 0.

Points are p = sin(phi)^2: the alternation is nearly evenly spaced in phi, although in p it accumulates at 0, with
distances of about 1 / n^2.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from flint import arb, arb_poly, ctx, fmpq

from dagames._errors import SolveError
from dagames.estimators.estimand import Estimand, Vector
from dagames.estimators.peaks import climb
from dagames.estimators.program import Balls, balls

_ROUNDS = 60
_SAMPLES = 8
"""Least number of samples between two neighbouring points of the reference, where the error has one extremum."""

_PARABOLAS = 4
"""Parabolic steps that refine each extremum in one round."""

_SETTLED = 1e-7
"""Relative difference between the largest and the levelled error that is accepted."""

_ENOUGH = 1e-11
"""Relative difference between the largest and the levelled error at which to stop."""


class Reference(NamedTuple):
    """n + 2 points at which the best polynomial's error is largest, with alternating signs.

    Attributes:
        points: p, increasing, [n + 2].
        level: The levelled error, with its sign at the first point.
    """

    points: Vector
    level: float


def exchange(n: int, reward: Estimand, *, free: bool = False) -> Reference:
    """Find the alternation of the best approximation, in float64; `certified_level` gives bounds for any points."""
    phi = 0.5 * np.pi * (np.arange(n + 2) / (n + 1) if free else np.arange(1, n + 3) / (n + 2))
    best, least = _settle(phi, reward, _Levelled, free=free)
    if least < _SETTLED:
        return Reference(np.sin(best) ** 2, _Levelled(best, reward, free=free).level)
    with ctx.workprec(256 + 8 * n):
        best, least = _settle(phi, reward, _LevelledInBalls, free=free)
        level = _LevelledInBalls(best, reward, free=free).level
    if not (least < _SETTLED or level == 0.0):
        raise SolveError(
            f"the exchange method for degree {n} and the reward {reward.name!r} stopped {least:.1e} above its lower "
            "bound: because of rounding, or because the reward oscillates between the samples. Use another group size, "
            "or a smoother function that is close to the reward.",
            "rounding",
        )
    return Reference(np.sin(best) ** 2, level)


def _settle(phi: Vector, reward: Estimand, levelled: "type[_Levelled]", *, free: bool) -> tuple[Vector, float]:
    """Exchange points until the error is level; return the best reference and its relative excess over the level."""
    found, least = (phi, phi), np.inf
    for _ in range(_ROUNDS):
        error = levelled(phi, reward, free=free)
        peaks = None if error.level == 0.0 else _peaks(error, phi.size)
        # If the error is only rounding, its peaks can coincide.
        if peaks is None or not (np.diff(np.sin(peaks) ** 2) > 0).all():
            break
        excess = np.abs(error(peaks)).max() / abs(error.level) - 1.0
        if excess < least:
            found, least = (phi, peaks), excess
        elif least < _SETTLED:
            # Converged to the accuracy of the arithmetic.
            break
        phi = peaks
        if excess < _ENOUGH:
            break
    # The level increases from one reference to the next, except where rounding has moved a peak.
    best = max(found, key=lambda points: abs(levelled(points, reward, free=free).level))
    return best, float(least)


class _Levelled:
    """The error, as a function of phi, of the polynomial whose errors at the points are equal in size and alternate."""

    def __init__(self, phi: Vector, reward: Estimand, *, free: bool) -> None:
        self.points, self.reward, self.free = np.sin(phi) ** 2, reward, free
        difference = self.points[:, None] - self.points[None, :]
        np.fill_diagonal(difference, 1.0)
        logs = -np.log(np.abs(difference)).sum(axis=1)
        self.weights = np.prod(np.sign(difference), axis=1) * np.exp(logs - logs.max())
        signs, (g, scale) = (-1.0) ** np.arange(phi.size), self._goal(self.points)
        # The divided difference of P over all points is 0: the degree of P is the number of points minus 2.
        self.level = float(-(self.weights @ g) / (self.weights @ (signs / scale)))
        self.values = g + signs * self.level / scale

    def _goal(self, p: Vector) -> tuple[Vector, Vector]:
        """Compute the function that P approximates, and the weight of the error."""
        if not self.free:
            return self.reward(p), p
        return np.where(p > 0, p * self.reward(np.where(p > 0, p, 1.0)), 0.0), np.ones_like(p)

    def __call__(self, phi: Vector) -> Vector:
        """Compute p (P(p) - g(p)) by the barycentric formula, any shape [m]."""
        p = np.sin(phi) ** 2
        distance = p[:, None] - self.points[None, :]
        at = distance == 0
        shares = self.weights / np.where(at, 1.0, distance)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (shares @ self.values) / shares.sum(axis=1)
        value = np.where(at.any(axis=1), self.values[at.argmax(axis=1)], mean)
        g, scale = self._goal(p)
        return np.asarray(scale * (value - g))


class _LevelledInBalls(_Levelled):
    """The same in ball arithmetic, rounded to float64 at the end, for errors smaller than the float64 cancellation."""

    def __init__(self, phi: Vector, reward: Estimand, *, free: bool) -> None:
        self.points, self.reward, self.free = np.sin(phi) ** 2, reward, free
        self.balls = balls(self.points)
        difference = self.balls[:, None] - self.balls[None, :]
        np.fill_diagonal(difference, arb(1))
        weights = np.array([1 / _product(iter(row)) for row in difference], dtype=object)
        signs, (g, scale) = np.array([arb((-1) ** i) for i in range(phi.size)]), self._goal_in_balls(self.points)
        level = -(weights @ g) / (weights @ (signs / scale))
        self.level = 0.0 if level.contains(0) else float(level)
        self.shares, self.exact = weights, g + signs * level / scale

    def _goal_in_balls(self, p: Vector) -> tuple[Balls, Balls]:
        if not self.free:
            return np.array([self.reward.at(a) for a in balls(p)], dtype=object), balls(p)
        g = [self.reward.weighted_at(a) if a > 0 else arb(0) for a in balls(p)]
        return np.array(g, dtype=object), balls(np.ones_like(p))

    def __call__(self, phi: Vector) -> Vector:
        """Compute p (P(p) - g(p)) by the barycentric formula, any shape [m]."""
        p = np.sin(phi) ** 2
        at = p[:, None] == self.points[None, :]
        distance = balls(p)[:, None] - self.balls[None, :]
        distance[at] = arb(1)
        shares = self.shares / distance
        # At a point of the reference the polynomial has the prescribed value.
        shares[at.any(axis=1)] = arb(0)
        shares[at] = arb(1)
        g, scale = self._goal_in_balls(p)
        return np.asarray(scale * (shares @ self.exact / shares.sum(axis=1) - g), dtype=np.float64)


def _peaks(error: _Levelled, number: int) -> Vector | None:
    """Find one extremum in each run of equal signs of the error, `number` in all; None if there are fewer."""
    phi = np.arcsin(np.sqrt(error.points))
    ends = np.unique(np.concatenate([[0.0], phi, [0.5 * np.pi]]))
    between = max(_SAMPLES, -(-error.reward.features // number))
    share = np.arange(between) / between
    samples = np.append((ends[:-1, None] + np.diff(ends)[:, None] * share).ravel(), 0.5 * np.pi)
    samples = samples if error.free else samples[1:]
    values = error(samples)
    runs = np.split(np.arange(samples.size), np.flatnonzero(np.diff(np.sign(values))) + 1)
    sizes = np.abs(values)
    at = np.array([run[sizes[run].argmax()] for run in runs])
    if at.size < number:
        return None
    reach = 0.5 * (samples[np.minimum(at + 1, samples.size - 1)] - samples[np.maximum(at - 1, 0)])
    return _alternating(*climb(lambda phi: np.abs(error(phi)), samples[at], sizes[at], reach, _PARABOLAS), number)


def _alternating(peaks: Vector, heights: Vector, number: int) -> Vector:
    """Remove the lowest peaks, one at an end or two neighbours at a time, so that the remaining signs alternate."""
    while peaks.size > number:
        least = int(heights.argmin())
        if peaks.size == number + 1 or least in {0, peaks.size - 1}:
            out = [0 if heights[0] < heights[-1] else peaks.size - 1]
        else:
            out = [least, least - 1 if heights[least - 1] < heights[least + 1] else least + 1]
        peaks, heights = np.delete(peaks, out), np.delete(heights, out)
    return peaks


def certified_level(points: Vector, reward: Estimand, bits: int, *, free: bool = False) -> tuple[arb, list[fmpq]]:
    """Level the error at given points, in ball arithmetic.

    Math:
        with divided-difference weights w_i the levelled error is -sum w_i g(p_i) / sum (|w_i| / p_i), up to sign; if
        `free`, -sum w_i p_i g(p_i) / sum |w_i|. By de la Vallee-Poussin its size is a lower bound on the error of
        every polynomial of degree n.

    Args:
        points: n + 2 different points in (0, 1], or also 0.
        reward: g.
        bits: Working precision.
        free: Whether P approximates p g(p) itself.

    Returns:
        An enclosure of the size of the level; and the coefficients c_0..c_n of the levelled polynomial in the Bernstein
        basis, rounded to the working precision.
    """
    n = len(points) - 2
    with ctx.workprec(bits):
        p = [arb(fmpq(*float(point).as_integer_ratio())) for point in points]
        weights = [1 / _product(a - b for j, b in enumerate(p) if j != i) for i, a in enumerate(p)]
        g = [reward.weighted_at(a) if a > 0 else arb(0) for a in p] if free else [reward.at(a) for a in p]
        scale = [arb(1) for _ in p] if free else p
        pull = sum((w * value for w, value in zip(weights, g, strict=True)), arb(0))
        give = sum((abs(w) / a for w, a in zip(weights, scale, strict=True)), arb(0))
        level = -pull / give if weights[0] > 0 else pull / give
        signs = [1 if i % 2 == 0 else -1 for i in range(n + 2)]
        values = [value + sign * level / a for value, sign, a in zip(g, signs, scale, strict=True)]
        polynomial = _interpolate(p[: n + 1], values[: n + 1])
        return abs(level), _bernstein(polynomial, n)


def _interpolate(points: list[arb], values: list[arb]) -> arb_poly:
    """Interpolate by divided differences."""
    d = list(values)
    for k in range(1, len(d)):
        for i in range(len(d) - 1, k - 1, -1):
            d[i] = (d[i] - d[i - 1]) / (points[i] - points[i - k])
    polynomial = arb_poly([d[-1]])
    for point, value in zip(points[-2::-1], d[-2::-1], strict=True):
        polynomial = polynomial * arb_poly([-point, 1]) + arb_poly([value])
    return polynomial


def _bernstein(polynomial: arb_poly, n: int) -> list[fmpq]:
    row, binomial, coefficients = [], 1, []
    for j in range(n + 1):
        row.append(polynomial[j] / binomial)
        binomial = binomial * (n - j) // (j + 1)
    for _ in range(n + 1):
        coefficients.append(row[0].mid().fmpq())
        row = [a + b for a, b in pairwise(row)]
    return coefficients


def _product(factors: Iterator[arb]) -> arb:
    total = arb(1)
    for factor in factors:
        total *= factor
    return total
