"""Budgets and equalities on expected costs, averaged over prompts."""

from dataclasses import dataclass, replace

import numpy as np
import scipy

from dagames import _tolerances
from dagames._errors import SolveError
from dagames._types import Costs, Flags, OverAnswers, PerConstraint, PerPrompt, Reachable
from dagames.numerics.linear_program import Vector, Vertex, maximise

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class LinearConstraints:
    """Budgets and equalities on the expected costs of answers, averaged over prompts.

    Math:
        sum_x s_x sum_z c_j(z | x) nu_x(z) <= b_j, or = b_j.

    Adding a constant to the costs of a row and to its budget gives the same constraint. All computations use `anchored`
    rows, so that costs such as 1e9 + small lose no accuracy beyond that of the user's float64 numbers.

    Attributes:
        costs: Costs c, [X, d, Z].
        budgets: Budgets b, [d], in the units of their costs.
        equal: Rows that are equalities, bool [d].
        shares: Weight s of each prompt, [X], summing to 1.
        names: Names of the rows in messages, [d].
    """

    costs: Costs
    budgets: PerConstraint
    equal: Flags
    shares: PerPrompt
    names: tuple[str, ...]

    @property
    def scale(self) -> PerConstraint:
        """The largest of each row's costs and its budget, [d]; 1 for a row of zeros."""
        size = np.maximum(np.abs(self.costs).max(axis=(0, 2)), np.abs(self.budgets))
        return np.asarray(np.where(size > 0, size, 1.0))

    def ends(self, mask: Reachable) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the largest cost of each row and prompt over the marked answers, [X, d] each."""
        marked = mask[:, None, :]
        return np.where(marked, self.costs, np.inf).min(axis=-1), np.where(marked, self.costs, -np.inf).max(axis=-1)

    def unit(self, mask: Reachable) -> PerConstraint:
        """Return each row's largest spread over a prompt's marked answers, [d]; `scale` for constant costs."""
        low, high = self.ends(mask)
        spread = (high - low).max(axis=0)
        return np.asarray(np.where(spread > 0, spread, self.scale))

    def anchored(self, mask: Reachable, unit: PerConstraint | None = None) -> "LinearConstraints":
        """Return the same constraints with a prompt's least or largest cost, whichever is nearer to the budget, as 0.

        Math:
            c'_jx = (c_jx - a_jx) / unit_j,   b'_j = sum_x s_x (b_j - a_jx) / unit_j.

        Differences of nearby numbers are exact, so the rows have full relative accuracy near the end of their range.

        Args:
            mask: Answers that may have mass, bool [X, Z]; the costs of others become 0.
            unit: Unit of each row, [d]; by default that of `unit`.
        """
        unit = self.unit(mask) if unit is None else unit
        anchor = self._anchor(mask)[..., None]
        costs = (np.where(mask[:, None, :], self.costs, anchor) - anchor) / unit[:, None]
        with np.errstate(under="ignore"):
            budgets = (self.shares @ (self.budgets - anchor[..., 0])) / unit
        return replace(self, costs=np.asarray(costs), budgets=np.asarray(budgets))

    def rounding(self, mask: Reachable, unit: PerConstraint) -> PerConstraint:
        """Bound the rounding of the budgets of `anchored`, [d], in units."""
        return np.asarray(4 * _EPS * (self.shares @ np.abs(self.budgets - self._anchor(mask))) / unit)

    def expected(self, nu: OverAnswers) -> PerConstraint:
        """Compute the expected costs, [d], of marginals [X, Z]."""
        with np.errstate(under="ignore"):
            return np.asarray(np.einsum("x,xdz,xz->d", self.shares, self.costs, nu))

    def slack(self, nu: OverAnswers) -> PerConstraint:
        """Compute budgets minus expected costs, [d], of marginals [X, Z], from anchored rows."""
        mask = np.ones(nu.shape, dtype=bool)
        unit = self.unit(mask)
        rows = self.anchored(mask, unit)
        return np.asarray((rows.budgets - rows.expected(nu)) * unit)

    def violation(self, nu: OverAnswers) -> float:
        """Return the largest excess over a budget or distance from an equality, at least 0.

        It is relative to the largest spread of the row over a prompt's answers, or to `scale` for constant costs.
        """
        rows = self.anchored(np.ones(nu.shape, dtype=bool))
        excess = rows.expected(nu) - rows.budgets
        return float(np.where(self.equal, np.abs(excess), excess).max(initial=0.0))

    def support(self, u: OverAnswers) -> tuple[float, OverAnswers]:
        """Maximise sum_x s_x <nu_x, u_x> over feasible marginals by a linear program, and bound the maximum by duality.

        Math:
            For every l, with l_j >= 0 on budgets, the maximum is at most l'b + sum_x s_x max_z (u_x - l'c_x)(z).

        Args:
            u: Dual variable, [X, Z]; marginals are 0 where it is -inf.

        Returns:
            The least such bound found, and a maximiser [X, Z]; -inf and zeros if no marginal is feasible.

        Raises:
            SolveError: If the bound exceeds the value of the maximiser by more than `_tolerances.LINEAR_PROGRAM`.
        """
        mask = np.isfinite(u)
        if not mask.any(axis=-1).all():
            return -np.inf, np.zeros_like(u)
        top = u.max(axis=-1, keepdims=True)
        v = np.where(mask, u, top) - top
        size = max(float(np.abs(v).max()), float(np.finfo(np.float64).tiny))
        v = v / size
        rows = self.anchored(mask)
        with np.errstate(under="ignore"):
            vertex = rows.maximise((self.shares[:, None] * v)[mask], mask, self.equal)
            if vertex is None:
                return -np.inf, np.zeros_like(u)
            nu = spread_out(vertex.point, mask)
            prices = rows.prices(vertex, self.equal)
            bound = min(rows.bound(v, multipliers, mask) for multipliers in (prices, rows._fitted(v, mask)))
            lower = float(self.shares @ (nu * v).sum(axis=-1))
        if not bound - lower <= _tolerances.LINEAR_PROGRAM * max(1.0, float(np.abs(prices).max(initial=0))):
            raise SolveError(
                f"the linear program over the budgets has a duality gap of {bound - lower:.1e}; bring costs to a "
                "common scale."
            )
        return float(self.shares @ top[:, 0]) + size * bound, nu

    def bound(self, v: OverAnswers, multipliers: PerConstraint, mask: Reachable) -> float:
        """Compute l'b + sum_x s_x max_z (v_x - l'c_x)(z), an upper bound on <nu, v> for every feasible marginal nu."""
        rest = np.where(mask, v - np.einsum("d,xdz->xz", multipliers, self.costs), -np.inf).max(axis=-1)
        return float(multipliers @ self.budgets + self.shares @ rest)

    def rows_over(self, mask: Reachable, chosen: Flags) -> tuple["scipy.sparse.csr_array", Vector]:
        """Gather chosen rows over the variables nu[mask], as matrix and right-hand side."""
        weighted = (self.costs * self.shares[:, None, None]).transpose(1, 0, 2)[chosen][:, mask]
        return scipy.sparse.csr_array(weighted), np.asarray(self.budgets[chosen])

    def maximise(self, objective: Vector, mask: Reachable, equal: Flags) -> Vertex | None:
        """Maximise a linear function of nu[mask] over the feasible marginals; None if there is none."""
        (below, budgets), (level, values) = self.rows_over(mask, ~equal), self.rows_over(mask, equal)
        bounds = np.tile([0.0, 1.0], (objective.size, 1))
        levels = (
            scipy.sparse.csr_array(scipy.sparse.vstack([level, sums_over(mask)])),
            np.append(values, np.ones(mask.shape[0])),
        )
        return maximise(objective, (below, budgets), levels, bounds)

    def prices(self, vertex: Vertex, equal: Flags) -> PerConstraint:
        """Return the multipliers of the rows, [d], at a vertex."""
        multipliers = np.zeros(self.budgets.size)
        multipliers[~equal] = vertex.above[: int((~equal).sum())]
        multipliers[equal] = vertex.level[: int(equal.sum())]
        return np.asarray(multipliers)

    def _anchor(self, mask: Reachable) -> np.ndarray:
        low, high = self.ends(mask)
        nearer = self.shares @ (self.budgets - low) <= self.shares @ (high - self.budgets)
        return np.asarray(np.where(nearer, low, high))

    def _fitted(self, v: OverAnswers, mask: Reachable) -> PerConstraint:
        """Fit v by costs and a constant per prompt, [d]; exact if v is the dual variable of some multipliers."""
        counts = mask.sum(axis=-1)[:, None]
        costs = np.where(mask[:, None], self.costs, 0.0)
        centred = np.where(mask[:, None], costs - costs.sum(axis=-1, keepdims=True) / counts[..., None], 0.0)
        slopes = centred.transpose(1, 0, 2)[:, mask].T
        fitted = np.linalg.lstsq(slopes, (v - v.sum(axis=-1, keepdims=True) / counts)[mask], rcond=None)[0]
        return np.asarray(np.where(self.equal, fitted, np.maximum(fitted, 0.0)))


def sums_over(mask: Reachable) -> "scipy.sparse.csr_array":
    """State the sum of each prompt's masses, as a matrix [X, n] over the variables nu[mask]."""
    prompt = np.nonzero(mask)[0]
    return scipy.sparse.csr_array(
        (np.ones(prompt.size), (prompt, np.arange(prompt.size))), shape=(mask.shape[0], prompt.size)
    )


def spread_out(masses: Vector, mask: Reachable) -> OverAnswers:
    """Return marginals, [X, Z], from masses of the marked answers, [n], clipped at 0 and normalised."""
    nu = np.zeros(mask.shape)
    nu[mask] = np.maximum(masses, 0.0)
    with np.errstate(under="ignore"):
        return np.asarray(nu / nu.sum(axis=-1, keepdims=True))
