"""The points of a table's program: the maxima of a solution between the points, and the points of the next program."""

from typing import NamedTuple

import numpy as np

from dagames.estimators.estimand import Estimand, Vector
from dagames.estimators.exchange import exchange
from dagames.estimators.interior_point import Saddle
from dagames.estimators.peaks import peaks, samples
from dagames.estimators.program import Balls, Objective, Program, product, program

_CLOSE = 0.5
"""Peaks below this share of the highest are not added to the next program."""

_SPREAD = 0.15
"""Distance of the two points added beside a new peak, as a share of its distance from the old points. The peak moves in
the next solution, and the error between points decreases with the square of their distance."""


_RISE = 1e-8
"""Increase of the value, relative to its size, that counts as 0."""


class Look(NamedTuple):
    """The maxima of a solution between the points.

    Attributes:
        bias: The largest weighted error.
        excess: The largest objective minus the value on the points, relative to `size`.
        size: The absolute value of the objective, at least the program's `floor`.
        errors: Peaks of the error, p.
        moments: Peaks of the objective, p.
    """

    bias: float
    excess: float
    size: float
    errors: Vector
    moments: Vector


class Cuts:
    """The points of the program of one table.

    Attributes:
        errors: Points of the bias, increasing.
        moments: Points of the objective, increasing.
    """

    def __init__(self, n: int, reward: Estimand, objective: Objective) -> None:
        self._reward, self._n, self._objective = reward, n, objective
        even = (np.sin(0.5 * np.pi * np.arange(1, 2 * n + 5) / (2 * n + 4)) ** 2).tolist()
        # Near the least budget the bias is largest at the alternation of the best polynomial.
        self.errors, self.moments = sorted({*even, *exchange(n, reward).points.tolist()}), [0.0, *even]
        # Without these a mass m_k could vanish, and the program's Hessian with it.
        self._always = {0.0, *even}
        self._recent: set[float] = set()
        self._value = 0.0
        self._phi = samples(n)
        self._between = self._at(self._phi)

    def program(self) -> Program:
        """Assemble the program at the present points."""
        return program(self._n, self._reward, self._objective, self.errors, self.moments)

    def look(self, saddle: Saddle) -> Look:
        """Find the maxima of a solution between the points."""
        c, value = saddle.c, float(saddle.value)
        size = max(abs(value), self._between.floor)
        at, large = peaks(lambda phi: _size(self._at(phi).error(c)), self._phi, _size(self._between.error(c)))
        where, high = peaks(lambda phi: _floats(self._at(phi).moment(c)), self._phi, _floats(self._between.moment(c)))
        over = (high - value) / size
        worst = float(large.max())
        excess = float(over.max(initial=-np.inf))
        return Look(worst, excess, size, at[large > _CLOSE * worst], where[over > -_CLOSE])

    def worst(self, change: Balls) -> float:
        """Return the largest weighted error, at samples, of a change [n + 1] of the coefficients."""
        return float(_size(product(self._between.E, change)).max())

    def renew(self, solved: Program, saddle: Saddle, budget: float, look: Look, *, drop: bool) -> None:
        """Add the peaks; if the value has increased, drop the points that are neither active nor recent."""
        weights, mu, value = _size(saddle.weights), _floats(saddle.mu), float(saddle.value)
        slack = 1.0 - _size(solved.error(saddle.c)) / budget
        rest = (value - _floats(solved.moment(saddle.c))) / look.size
        active = {p for p, keep in zip(self.errors, weights > slack * weights.max(), strict=True) if keep}
        heavy = {p for p, keep in zip(self.moments, mu > rest * mu.max(), strict=True) if keep}
        kept_errors, kept_moments = active | self._recent, heavy | self._recent | self._always
        if not drop or value <= self._value + _RISE * look.size:
            kept_errors, kept_moments = set(self.errors), set(self.moments)
        self._value = max(value, self._value)
        new_errors, new_moments = _spread(look.errors, self.errors), _spread(look.moments, self.moments)
        self.errors = sorted((kept_errors & set(self.errors)) | new_errors)
        self.moments = sorted((kept_moments & set(self.moments)) | new_moments)
        self._recent = new_errors | new_moments

    def _at(self, phi: Vector) -> Program:
        p = (np.sin(phi) ** 2).tolist()
        return program(self._n, self._reward, self._objective, p, p)


def _spread(peak: Vector, points: list[float]) -> set[float]:
    """Return each peak, and a point on either side of it."""
    top, phi = np.arcsin(np.sqrt(peak)), np.arcsin(np.sqrt(np.array(points)))
    away = _SPREAD * np.abs(top[:, None] - phi[None, :]).min(axis=1)
    # Points that are equal in float64 would make the equations singular.
    away = np.where(away < 1e-9, 0.0, away)
    return set((np.sin(np.concatenate([top - away, top, np.minimum(top + away, 0.5 * np.pi)])) ** 2).tolist())


def _floats(x: Balls) -> Vector:
    return x.astype(np.float64)


def _size(x: Balls) -> Vector:
    return np.abs(_floats(x))
