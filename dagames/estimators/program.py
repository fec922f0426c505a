"""The least worst second moment within a bias budget, on finitely many points: a small convex program.

Vectors are numpy arrays of python-flint's balls, and matrices are flint's: near the optimal bias a table's entries
reach 10^7 and cancel to 10^-4, for which float64 is not accurate enough.
"""

from collections.abc import Sequence
from math import comb
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from flint import arb, arb_mat
from numpy.typing import NDArray

from dagames.estimators.estimand import Estimand

Balls: TypeAlias = NDArray[np.object_]
Objective = Literal["second_moment", "variance"]

_INTERIOR = 1e-14
"""Excess, relative to sup (p g)^2, that counts as 0."""

_middles = np.frompyfunc(lambda ball: ball.mid(), 1, 1)


class Program(NamedTuple):
    """Minimise over c the largest of sum_k A_jk c_k^2 - h_j, subject to |sum_k E_ik c_k - w_i| <= budget.

    Attributes:
        E: Weighted Bernstein basis p_i B_k(p_i) at the points where the bias is bounded, [M, n + 1].
        w: p_i g(p_i), [M].
        A: B_k(p_j), or p_j^2 B_k(p_j) for the variance, at the points where the second moment is bounded, [J, n + 1].
        h: 0, or (p_j g(p_j))^2 for the variance and a little less at 0, [J].
    """

    E: arb_mat
    w: Balls
    A: arb_mat
    h: Balls

    @property
    def floor(self) -> float:
        """The scale below which tolerances are absolute: a millionth of the largest (p g)^2, or 1e-12 if that is 0."""
        return 1e-6 * max(1e-3, *(float(abs(w)) for w in self.w)) ** 2

    def error(self, c: Balls) -> Balls:
        """Compute the weighted errors p_i (P(p_i) - g(p_i)), [M]."""
        return np.asarray(product(self.E, c) - self.w)

    def moment(self, c: Balls) -> Balls:
        """Compute the second moments, or the excesses, [J]."""
        return np.asarray(product(self.A, c * c) - self.h)


def program(
    n: int, reward: Estimand, objective: Objective, errors: Sequence[float], moments: Sequence[float]
) -> Program:
    """Assemble the program at given points, enclosed at the current precision.

    Args:
        n: Degree.
        reward: g.
        objective: "second_moment" or "variance", the latter by its convex excess.
        errors: Points p in (0, 1] where the bias is bounded, [M].
        moments: Points p in [0, 1] where the objective is, [J].

    Returns:
        The program.
    """
    E, A = basis(errors, n), basis(moments, n)
    p, q = balls(errors), balls(moments)
    if objective == "variance":
        A, h = (q * q)[:, None] * A, squared(weighted(reward, moments))
        # The excess is 0 at p = 0 for every c; a small negative h there gives the constraints an interior.
        h[np.asarray(moments) == 0.0] = -_INTERIOR * max(abs(h))
    else:
        h = balls([0.0] * len(moments))
    return Program(matrix(p[:, None] * E), weighted(reward, errors), matrix(A), h)


def basis(points: Sequence[float], n: int) -> Balls:
    """Enclose B_{k,n} at points of [0, 1].

    Args:
        points: p, [M].
        n: Degree.

    Returns:
        The values, [M, n + 1].
    """
    p = balls(points)
    up, down = np.full((n + 1, p.size), arb(1)), np.full((n + 1, p.size), arb(1))
    for k in range(1, n + 1):
        up[k], down[k] = up[k - 1] * p, down[k - 1] * (1 - p)
    return np.asarray(np.array([comb(n, k) for k in range(n + 1)], dtype=object) * (up * down[::-1]).T)


def weighted(reward: Estimand, points: Sequence[float]) -> Balls:
    """Enclose p g(p), which is 0 at 0.

    Args:
        reward: g.
        points: p in [0, 1], [M].

    Returns:
        The values, [M].
    """
    return np.array([reward.weighted_at(arb(p)) if p > 0 else arb(0) for p in points], dtype=object)


def squared(x: Balls) -> Balls:
    """Square balls by multiplication, because flint's powers are undefined for balls that contain 0."""
    return np.asarray(x * x)


def balls(values: "Sequence[Any] | NDArray[np.float64]") -> Balls:
    """Convert floats or rationals to balls.

    Args:
        values: The numbers, [m].

    Returns:
        The balls.
    """
    return np.array([arb(value) for value in values], dtype=object)


def matrix(entries: Balls) -> arb_mat:
    """Convert an array to flint's matrix.

    Args:
        entries: Balls, [m, n].

    Returns:
        The matrix.
    """
    return arb_mat(*entries.shape, list(entries.flat))


def product(a: arb_mat, x: Balls) -> Balls:
    """Multiply a matrix and a vector.

    Args:
        a: Matrix, [m, n].
        x: Vector, [n].

    Returns:
        The vector a x, [m].
    """
    return np.array((a * arb_mat(x.size, 1, list(x))).entries(), dtype=object)


def middles(x: Balls) -> Balls:
    """Return the centres of balls, for approximate computations."""
    return np.asarray(_middles(x), dtype=object)
