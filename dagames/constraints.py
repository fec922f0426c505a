"""Linear constraints on the answer marginals of one or more prompts: budgets and equalities, one sum over all."""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from dagames import _tolerances
from dagames._errors import InfeasibleError, SolveError
from dagames._linear_program import Vector, Vertex, maximise
from dagames._types import Costs, Flags, OverAnswers, PerConstraint, PerPrompt, Reachable

_PRICE = 1e-7
"""Dual value above which a constraint counts as binding; prices sum to 1, and HiGHS's own zero is 1e-10."""


@dataclass(frozen=True, eq=False)
class Face:
    """The part of the simplices that feasible marginals use, and a point well inside it.

    Attributes:
        allowed: Answers to which some feasible marginal gives mass, bool [X, Z].
        equal: Rows that hold with equality for every feasible marginal, bool [d].
        centre: A feasible marginal, positive on every allowed answer, [X, Z].
        prices: For each round of reduction, multipliers [d] under which the costs are constant on the face.
    """

    allowed: Reachable
    equal: Flags
    centre: OverAnswers
    prices: tuple[PerConstraint, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class LinearConstraints:
    """Budgets and equalities on the expected costs of answers, averaged over prompts.

    Math:
        sum_x s_x sum_z c_j(z | x) nu_x(z) <= b_j, or = b_j.

    Attributes:
        costs: Costs c, [X, d, Z].
        budgets: Budgets b, [d], in the units of their costs.
        equal: Rows that ask for equality, bool [d].
        shares: Weight s of each prompt, [X], summing to 1.
        names: What messages call the rows, [d].
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

    def expected(self, nu: OverAnswers) -> PerConstraint:
        """Compute the expected costs, [d], of marginals [X, Z]."""
        return np.asarray(np.einsum("x,xdz,xz->d", self.shares, self.costs, nu))

    def violation(self, nu: OverAnswers) -> float:
        """Compute the largest excess over a budget or distance from an equality, at least 0.

        It is relative to the largest spread of the row over a prompt's answers, and taken about their middle, so
        that a constant in all costs and the budget changes nothing. A row of constant costs is relative to `scale`.

        Args:
            nu: Marginals, [X, Z].

        Returns:
            The violation.
        """
        low, high = self.costs.min(axis=-1), self.costs.max(axis=-1)
        middle, spread = 0.5 * (low + high), (high - low).max(axis=0)
        expected = np.einsum("x,xdz,xz->d", self.shares, self.costs - middle[..., None], nu)
        excess = (expected - (self.budgets - self.shares @ middle)) / np.where(spread > 0, spread, self.scale)
        return float(np.where(self.equal, np.abs(excess), excess).max(initial=0.0))

    def support(self, u: OverAnswers) -> tuple[float, OverAnswers]:
        """Maximise sum_x s_x <nu_x, u_x> over feasible marginals, by a linear program checked by its dual.

        Math:
            For every l, with l_j >= 0 on budgets, the maximum is at most l'b + sum_x s_x max_z (u_x - l'c_x)(z).

        Args:
            u: Dual variable, [X, Z]; -inf forbids an answer.

        Returns:
            The least such bound found, which is never too small, and a maximiser [X, Z]; -inf and zeros if no
            marginal is feasible.

        Raises:
            SolveError: If the bound is not attained by the maximiser.
        """
        mask = np.isfinite(u)
        if not mask.any(axis=-1).all():
            return -np.inf, np.zeros_like(u)
        top = u.max(axis=-1, keepdims=True)
        v = np.where(mask, u - np.where(mask, top, 0.0), 0.0)
        size = max(float(np.abs(v).max()), np.finfo(np.float64).tiny)
        vertex = self._maximise((self.shares[:, None] * v / size)[mask], mask, self.equal)
        if vertex is None:
            return -np.inf, np.zeros_like(u)
        nu = self._spread(vertex.point, mask)
        prices = self._prices(vertex, self.equal)
        bound = min(self._bound(v / size, multipliers, mask) for multipliers in (prices, self._fitted(v / size, mask)))
        lower = float(self.shares @ (nu * v / size).sum(axis=-1))
        if not bound - lower <= _tolerances.LINEAR_PROGRAM * max(
            1.0, float(np.abs(prices * self.scale).max(initial=0))
        ):
            raise SolveError(
                f"the linear program over the budgets is solved to {bound - lower:.1e} only; bring costs to a common "
                "scale."
            )
        return float(self.shares @ top[:, 0]) + size * bound, nu

    def face(self, reachable: Reachable, place: str = "") -> Face:
        """Find which answers feasible marginals use, and a feasible marginal that uses them all.

        Where budgets leave no room, as a budget of 0 does, the constraint that is tight forbids answers or holds with
        equality; both are taken into account and the rest is looked at again.

        Args:
            reachable: Answers with a trace, bool [X, Z].
            place: What messages put before "no policy", such as "prompt 3: ".

        Returns:
            The face.

        Raises:
            InfeasibleError: If no marginal is feasible, with the nearest feasible budgets.
            SolveError: If rounding keeps the face from being found.
        """
        mask, equal = np.array(reachable), np.array(self.equal)
        prices: list[PerConstraint] = []
        # Each round makes a row an equality or forbids an answer.
        for _ in range(equal.size + mask.size + 1):
            vertex = self._widest(mask, equal)
            if vertex is None or vertex.point[-1] < -_tolerances.FEASIBILITY:
                raise self._infeasible(reachable, place)
            centre = self._spread(vertex.point[:-1], mask)
            found = self._prices(vertex, equal)
            reduced = vertex.bound[:-1]
            tight = ~equal & (found * self.scale > _PRICE)
            if vertex.point[-1] > _tolerances.FEASIBILITY or not (tight.any() or (reduced > _PRICE).any()):
                return Face(mask, equal, centre, tuple(prices))
            prices.append(found)
            equal = equal | tight
            mask[mask] = reduced <= _PRICE
        raise SolveError("the linear program of the budgets names what it named before; bring costs to a common scale.")

    def inside(self, nu: OverAnswers, face: Face, share: float = 0.9) -> OverAnswers:
        """Move marginals along the line from the face's centre, so that they lie inside it.

        Args:
            nu: Marginals, [X, Z]; what they break is mended.
            face: The face.
            share: How much of the way to the marginals, or to the boundary before them, is gone; below 1 the point lies
                strictly inside.

        Returns:
            Feasible marginals, [X, Z]; positive on every allowed answer if `share` is below 1.
        """
        mask = face.allowed
        (below, budgets), (level, _) = self._rows(mask, ~face.equal), self._rows(mask, face.equal)
        centre, fixed = face.centre[mask], vstack([level, self._sums(mask)]).toarray()
        step = nu[mask] - centre
        step = step - np.linalg.lstsq(fixed, fixed @ step, rcond=None)[0]
        growth = np.append(below @ step, -step)
        room = np.append(budgets - below @ centre, centre)
        reach = np.divide(room, growth, out=np.full_like(growth, np.inf), where=growth > 0).min(initial=1.0)
        return self._spread(centre + share * reach * step, mask)

    def _rows(self, mask: Reachable, chosen: Flags) -> tuple[csr_array, Vector]:
        """Gather chosen rows over the variables nu[mask], scaled to size 1."""
        weighted = (self.costs * self.shares[:, None, None]).transpose(1, 0, 2)[chosen][:, mask]
        scale = self.scale[chosen]
        return csr_array(weighted / scale[:, None]), np.asarray(self.budgets[chosen] / scale)

    def _sums(self, mask: Reachable) -> csr_array:
        """State that each prompt's masses sum to 1."""
        prompt = np.nonzero(mask)[0]
        return csr_array((np.ones(prompt.size), (prompt, np.arange(prompt.size))), shape=(mask.shape[0], prompt.size))

    def _maximise(self, objective: Vector, mask: Reachable, equal: Flags) -> Vertex | None:
        (below, budgets), (level, values) = self._rows(mask, ~equal), self._rows(mask, equal)
        bounds = np.tile([0.0, 1.0], (objective.size, 1))
        levels = (csr_array(vstack([level, self._sums(mask)])), np.append(values, np.ones(mask.shape[0])))
        return maximise(objective, (below, budgets), levels, bounds)

    def _widest(self, mask: Reachable, equal: Flags) -> Vertex | None:
        """Maximise t such that budgets keep t of their scale and every answer t of its even share.

        The variables are what answers have beyond that share, and t: without a row for each answer it is as quick as
        the program of `support`.

        Args:
            mask: Answers that may have mass, bool [X, Z].
            equal: Rows that hold with equality, bool [d].

        Returns:
            The vertex, whose point is masses [n] with t behind them and whose `bound` prices the answers, or None.
        """
        (below, budgets), (level, values) = self._rows(mask, ~equal), self._rows(mask, equal)
        share = 1.0 / mask.sum(axis=-1)[np.nonzero(mask)[0]]
        sums = self._sums(mask)
        keep = hstack([below, csr_array((below @ share + 1.0)[:, None])])
        fixed = vstack([level, sums])
        levels = hstack([fixed, csr_array((fixed @ share)[:, None])])
        bounds = np.vstack([np.tile([0.0, np.inf], (share.size, 1)), [-1.0, 1.0]])
        vertex = maximise(
            np.append(np.zeros(share.size), 1.0),
            (csr_array(keep), budgets),
            (csr_array(levels), np.append(values, np.ones(mask.shape[0]))),
            bounds,
        )
        if vertex is None:
            return None
        t = vertex.point[-1]
        return replace(vertex, point=np.append(vertex.point[:-1] + t * share, t))

    def _prices(self, vertex: Vertex, equal: Flags) -> PerConstraint:
        """Read the multipliers of the rows, [d], off a vertex of the scaled problem."""
        multipliers = np.zeros(self.budgets.size)
        multipliers[~equal] = vertex.above[: int((~equal).sum())]
        multipliers[equal] = vertex.level[: int(equal.sum())]
        return np.asarray(multipliers / self.scale)

    def _fitted(self, v: OverAnswers, mask: Reachable) -> PerConstraint:
        """Fit v by costs and a constant per prompt: exact for the target that belongs to some multipliers."""
        counts = mask.sum(axis=-1)[:, None]
        costs = np.where(mask[:, None], self.costs / self.scale[:, None], 0.0)
        centred = np.where(mask[:, None], costs - costs.sum(axis=-1, keepdims=True) / counts[..., None], 0.0)
        slopes = centred.transpose(1, 0, 2)[:, mask].T
        found = np.linalg.lstsq(slopes, (v - v.sum(axis=-1, keepdims=True) / counts)[mask], rcond=None)[0]
        return np.asarray(np.where(self.equal, found, np.maximum(found, 0.0)) / self.scale)

    def _bound(self, v: OverAnswers, multipliers: PerConstraint, mask: Reachable) -> float:
        rest = np.where(mask, v - np.einsum("d,xdz->xz", multipliers, self.costs), -np.inf).max(axis=-1)
        return float(multipliers @ self.budgets + self.shares @ rest)

    def _spread(self, masses: Vector, mask: Reachable) -> OverAnswers:
        """Put the masses of the allowed answers into an array [X, Z], exactly normalised."""
        nu = np.zeros(mask.shape)
        nu[mask] = np.maximum(masses, 0.0)
        return np.asarray(nu / nu.sum(axis=-1, keepdims=True))

    def _infeasible(self, reachable: Reachable, place: str) -> InfeasibleError:
        nearest = self.nearest(reachable)
        values = np.where(reachable[:, None], self.costs, np.inf)
        least = self.shares @ values.min(axis=-1)
        most = self.shares @ np.where(reachable[:, None], self.costs, -np.inf).max(axis=-1)
        slack = _tolerances.FEASIBILITY * self.scale
        said = f"The nearest feasible budgets are {np.array2string(nearest, separator=', ', floatmode='unique')}."
        for j, name in enumerate(self.names):
            wish = f"{name} {'=' if self.equal[j] else '<='} {self.budgets[j]:.6g}"
            if least[j] > self.budgets[j] + slack[j]:
                where = f" (answer {values[0, j].argmin()})" if len(self.shares) == 1 else ""
                reason = f"the least reachable value is {least[j]:.6g}{where}"
            elif self.equal[j] and most[j] < self.budgets[j] - slack[j]:
                reason = f"the largest reachable value is {most[j]:.6g}"
            else:
                continue
            return InfeasibleError(f"{place}no policy satisfies {wish}; {reason}. {said}", nearest)
        rows = ", ".join(
            f"{n} {'=' if e else '<='} {b:.6g}" for n, e, b in zip(self.names, self.equal, self.budgets, strict=True)
        )
        message = f"{place}the constraints contradict each other: each of {rows} can be met, but not all together."
        return InfeasibleError(f"{message} {said}", nearest)

    def nearest(self, reachable: Reachable) -> PerConstraint:
        """Find feasible budgets of least total relaxation, sum_j |b'_j - b_j|.

        Args:
            reachable: Answers with a trace, bool [X, Z].

        Returns:
            Budgets b', [d], at least b where the row is a budget; b itself if that is feasible.

        Raises:
            SolveError: If HiGHS finds no relaxation, which always exists.
        """
        n, d = int(reachable.sum()), self.budgets.size
        weighted = (self.costs * self.shares[:, None, None]).transpose(1, 0, 2)[:, reachable]
        rows, budgets = np.vstack([weighted, -weighted[self.equal]]), np.append(self.budgets, -self.budgets[self.equal])
        relax = np.vstack([np.eye(d), np.eye(d)[self.equal]])
        size = float(self.scale.max())
        above = csr_array(np.hstack([rows / size, -relax]))
        sums = csr_array(hstack([self._sums(reachable), csr_array((reachable.shape[0], d))]))
        bounds = np.vstack([np.tile([0.0, 1.0], (n, 1)), np.tile([0.0, np.inf], (d, 1))])
        objective = np.append(np.zeros(n), -np.ones(d))
        vertex = maximise(objective, (above, budgets / size), (sums, np.ones(reachable.shape[0])), bounds)
        if vertex is None:
            raise SolveError("HiGHS found no relaxation of the budgets; bring costs to a common scale.")
        expected = self.expected(self._spread(vertex.point[:n], reachable))
        off = np.abs(expected - self.budgets) > _tolerances.FEASIBILITY * self.scale
        moved = np.where(self.equal, expected, np.maximum(expected, self.budgets))
        return np.asarray(np.where(off, moved, self.budgets))
