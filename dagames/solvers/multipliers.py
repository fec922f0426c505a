"""Newton's method on the multipliers of linear constraints, many independent problems at once."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 300
"""Newton steps allowed; the radius doubles, so that a multiplier of 1e4 nats takes about a dozen to reach."""

_LEAST_RADIUS = 1e-12
"""Radius of the trust region below which a step changes nothing, in nats."""


class Dual(ABC):
    """Convex functions phi of the multipliers of independent problems, of about unit scale.

    Attributes:
        budgets: Budgets b, [B, d].
        equal: Rows with equality, [B, d]; the multipliers of the others are at least 0.
    """

    budgets: Array
    equal: NDArray[np.bool_]

    @abstractmethod
    def at(self, multipliers: Array) -> tuple[Array, Array, Array]:
        """Compute phi [B], its gradient [B, d] and its Hessian [B, d, d]."""


@dataclass(frozen=True, eq=False)
class ConstrainedDual(Dual):
    """The dual of independent problems, each the sum of several prompts under its own constraints.

    Math:
        phi(l) = sum_x s_x log sum_z exp(log_base_x(z) - <l, c_x(z)>) + <l, b>,   to be minimised over l,
        with l_j >= 0 where row j is a budget.

    Attributes:
        log_base: Log-weights of answers, [B, X, Z]; -inf for an answer that has none.
        costs: Costs c, [B, X, d, Z].
        budgets: Budgets b, [B, d].
        shares: Weight of each prompt, [B, X], rows summing to 1.
        equal: Rows with equality, [B, d].
    """

    log_base: Array
    costs: Array
    budgets: Array
    shares: Array
    equal: NDArray[np.bool_]

    def log_marginals(self, multipliers: Array) -> Array:
        """Compute log nu_x, proportional to exp(log_base - <l, c_x>), [B, X, Z]."""
        from scipy.special import logsumexp

        weights = self.log_base - np.einsum("bd,bxdz->bxz", multipliers, self.costs)
        return np.asarray(weights - logsumexp(weights, axis=-1, keepdims=True))

    def at(self, multipliers: Array) -> tuple[Array, Array, Array]:
        """Compute phi, [B], its gradient b - E c, [B, d], and its Hessian sum_x s_x Cov c, [B, d, d]."""
        from scipy.special import logsumexp

        weights = self.log_base - np.einsum("bd,bxdz->bxz", multipliers, self.costs)
        masses = logsumexp(weights, axis=-1)
        value = (self.shares * masses).sum(axis=-1) + (multipliers * self.budgets).sum(-1)
        nu = np.exp(weights - masses[..., None])
        mean = np.einsum("bxdz,bxz->bxd", self.costs, nu)
        centred = self.costs - mean[..., None]
        weighted = centred * (self.shares[..., None] * nu)[:, :, None, :]
        covariance = np.einsum("bxdz,bxez->bde", weighted, centred)
        gradient = self.budgets - (self.shares[..., None] * mean).sum(axis=1)
        return np.asarray(value), np.asarray(gradient), np.asarray(covariance)

    def scaled(self) -> tuple["ConstrainedDual", Array]:
        """Bring each row to spread 1.

        Costs are not centred, because those of `LinearConstraints.anchored` are most accurate unchanged.

        Returns:
            The problem in those units, and the units [B, d]: multipliers there are multipliers here times the unit.
        """
        finite = np.isfinite(self.log_base)[:, :, None, :]
        low = np.where(finite, self.costs, np.inf).min(axis=-1)
        high = np.where(finite, self.costs, -np.inf).max(axis=-1)
        spread = (high - low).max(axis=1)
        unit = np.where(spread > 0, spread, 1.0)
        costs = np.where(finite, self.costs, 0.0) / unit[:, None, :, None]
        return ConstrainedDual(self.log_base, costs, self.budgets / unit, self.shares, self.equal), unit


def best_multipliers(dual: ConstrainedDual) -> tuple[Array, int]:
    """Minimise phi by projected Newton steps inside a trust radius.

    Along directions of small curvature a step has at most the length of the radius, which grows after a successful step
    and shrinks after a failed one. In the limit of a small radius the step is a projected gradient step.

    Args:
        dual: The problems; each has a marginal strictly inside its constraints.

    Returns:
        The multipliers, [B, d], and the number of steps of the slowest problem.

    >>> log_base = np.log(np.array([[[0.5, 0.5]]]))
    >>> costs, budgets = np.array([[[[0.0, 1.0]]]]), np.array([[0.25]])
    >>> dual = ConstrainedDual(log_base, costs, budgets, np.ones((1, 1)), np.array([[False]]))
    >>> multipliers, _ = best_multipliers(dual)
    >>> np.exp(multipliers).round(9)
    array([[3.]])
    """
    with np.errstate(under="ignore", over="ignore"):
        scaled, unit = dual.scaled()
        point, steps = minimise_dual(scaled)
        return np.asarray(point / unit), steps


def minimise_dual(dual: Dual) -> tuple[Array, int]:
    """Minimise phi of rows of spread about 1, as `best_multipliers` does.

    Args:
        dual: The problems.

    Returns:
        The multipliers, [B, d], and the number of steps of the slowest problem.
    """
    point = np.zeros_like(dual.budgets)
    if point.size == 0:
        return point, 0
    radius = np.full(len(point), 8.0)
    value, gradient, hessian = dual.at(point)
    idle = np.zeros(len(point), dtype=np.int64)
    step = 0
    while step < _STEPS:
        error = _residual(point, gradient, dual)
        idle = np.where(error <= 4 * np.finfo(np.float64).eps, 99, idle)
        if (idle >= 6).all():
            break
        step += 1
        moved = point + _direction(point, gradient, hessian, dual.equal, radius)
        new_value, new_gradient, new_hessian = dual.at(moved)
        drop = value - new_value
        # phi is a difference of terms that can be much larger than phi.
        terms = np.abs(point * dual.budgets).sum(axis=-1)
        rounding = 8 * np.finfo(np.float64).eps * (1.0 + np.abs(value) + terms)
        expected = -(gradient * (moved - point)).sum(axis=-1)
        # Near the solution phi changes by less than its rounding error, so the smaller residual decides.
        better = _residual(moved, new_gradient, dual) < error
        good = np.where(np.abs(drop) > rounding, drop >= 1e-4 * expected, better) & (idle < 6)
        reached = np.abs(moved - point).max(axis=-1) >= 0.5 * radius
        shorter = np.maximum(np.minimum(radius, _size(moved - point)) / 4, _LEAST_RADIUS)
        radius = np.where(good, np.where(reached, 2.0 * radius, radius), shorter)
        idle = np.where(good, 0, np.where(np.abs(drop) > rounding, idle, idle + 1))
        point = np.where(good[:, None], moved, point)
        value = np.where(good, new_value, value)
        gradient = np.where(good[:, None], new_gradient, gradient)
        hessian = np.where(good[:, None, None], new_hessian, hessian)
    return point, step


def _size(step: Array) -> Array:
    """Measure a step by its largest entry, [B], never 0."""
    return np.asarray(np.maximum(np.abs(step).max(axis=-1), np.finfo(np.float64).tiny))


def _residual(point: Array, gradient: Array, dual: Dual) -> Array:
    """Compute the residual of the optimality conditions, [B]: the gradient, or the multiplier if both are above 0.

    The gradient b - E c is relative to |b| + |E c|, so that a budget of 1e-12 above the least cost is met to many
    digits.

    Args:
        point: Multipliers, [B, d].
        gradient: Gradient of phi there, [B, d].
        dual: The problems.

    Returns:
        The residual.
    """
    size = np.abs(dual.budgets) + np.abs(dual.budgets - gradient)
    missed = np.abs(gradient) / np.where(size > 0, size, 1.0)
    at_bound = np.where(gradient > 0, np.minimum(missed, point), missed)
    return np.asarray(np.where(dual.equal, missed, at_bound).max(axis=-1))


def _direction(point: Array, gradient: Array, hessian: Array, equal: NDArray[np.bool_], radius: Array) -> Array:
    """Take the Newton step of the multipliers that are not fixed at 0, shorter where curvature is lacking.

    A multiplier that the step would make negative is set to 0, and the step of the others is computed again.

    Args:
        point: Multipliers, [B, d].
        gradient: Gradient of phi, [B, d].
        hessian: Hessian of phi, [B, d, d].
        equal: Rows with equality, [B, d].
        radius: Largest step along an axis of the Hessian, [B].

    Returns:
        The step, [B, d].
    """
    at_zero = ~equal & (point <= np.minimum(1e-3, np.abs(gradient).max(axis=-1, keepdims=True))) & (gradient > 0)
    newton = np.zeros_like(point)
    for _ in range(point.shape[-1] + 1):
        fixed = np.where(at_zero, -point, 0.0)
        free = ~at_zero
        slope = np.where(free, gradient + np.einsum("bij,bj->bi", hessian, fixed), 0.0)
        values, vectors = np.linalg.eigh(hessian * (free[:, :, None] & free[:, None, :]))
        along = np.einsum("bij,bi->bj", vectors, slope)
        floor = np.maximum(np.abs(along) / radius[:, None], 1e-14 * values[:, -1:])
        step = along / np.maximum(np.maximum(values, floor), np.finfo(np.float64).tiny)
        newton = np.where(at_zero, fixed, -np.einsum("bij,bj->bi", vectors, step))
        negative = free & ~equal & (point + newton < 0)
        if not negative.any():
            break
        at_zero = at_zero | negative
    return np.asarray(newton)
