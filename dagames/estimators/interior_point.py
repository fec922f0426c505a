"""A primal-dual interior-point method (Mehrotra's) for the program of a reward table, in multiple precision."""

from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat

from dagames._errors import SolveError
from dagames.estimators.gram import Gram
from dagames.estimators.program import Balls, Program, matrix, middles, product, squared

_STEPS = 200
_STEPS_NEAR = 40
"""Steps allowed from a start with multipliers; if they are wrong, the method does not reach feasibility."""

_INSIDE = 0.95
"""Length of a step, as a share of the distance to the boundary of the cone."""

_LEAST = 1e-3
"""Least initial slack, as a share of the distance to the solution."""


class Saddle(NamedTuple):
    """An approximate saddle point of the Lagrangian.

    Attributes:
        c: Coefficients, [n + 1].
        value: The largest second moment, or excess, on the points.
        mu: Weights of the points of the objective, at least 0, of sum about 1, [J].
        weights: Signed weights of the points of the bias, [M].
    """

    c: Balls
    value: arb
    mu: Balls
    weights: Balls


class Start(NamedTuple):
    """The initial point of the method.

    Attributes:
        c: Coefficients, [n + 1].
        distance: Distance of the start from the solution, as a share of the value, at most 1.
        mu: Weights of the points of the objective, at least 0, [J]; None if unknown.
        weights: Signed weights of the points of the bias, [M]; None if unknown.
    """

    c: Balls
    distance: float = 1.0
    mu: Balls | None = None
    weights: Balls | None = None


class _State(NamedTuple):
    """Primal point, slacks of the J + 2 M inequalities, and their multipliers."""

    d: Balls
    x: Balls
    y: Balls


def interior_point(program: Program, budget: arb, start: Start, tolerance: float) -> Saddle:
    """Solve the program.

    Math:
        min over (c, v) of v such that S_j(c) - v + x_j = 0 and +-e_i(c) - budget + x_i = 0, x > 0; the multipliers y
        of these satisfy sum_j y_j = 1, 2 m_k c_k + sum_i (y_i^+ - y_i^-) E_ik = 0 with m = A' y, and x y = 0.

    Args:
        program: The program.
        budget: The bias allowed, above the least possible.
        start: The initial point, preferably within the budget.
        tolerance: Relative accuracy of the value and of the constraints.

    Returns:
        The saddle point.

    Raises:
        SolveError: If the method does not converge, because the precision is too low.
    """
    gram = Gram(program)
    if start.mu is not None:
        try:
            return _walk(program, gram, budget, start, tolerance, _STEPS_NEAR)
        except SolveError:
            start = Start(start.c)
    return _walk(program, gram, budget, start, tolerance, _STEPS)


def _walk(program: Program, gram: Gram, budget: arb, start: Start, tolerance: float, steps: int) -> Saddle:
    state = _begin(program, budget, start)
    for _ in range(steps):
        newton = _Newton(program, gram, budget, state)
        size = max(abs(float(state.d[-1])), program.floor)
        if newton.outside <= tolerance and newton.gap <= tolerance * size:
            return Saddle(state.d[:-1], state.d[-1], newton.mu, newton.signed)
        state = newton.advance(1e-3 * tolerance * size)
    raise SolveError(
        f"the interior-point method stopped after {steps} steps, {newton.outside:.1e} outside its constraints and "
        f"{newton.gap / size:.1e} above the optimum; allow a larger bias budget.",
        "steps",
    )


def _begin(program: Program, budget: arb, start: Start) -> _State:
    c, (moment, error) = start.c, (program.moment(start.c), program.error(start.c))
    v = max(moment) + (abs(max(moment)) / 10 + program.floor) * start.distance
    slack = np.concatenate([v - moment, budget - error, budget + error])
    if start.mu is None or start.weights is None:
        x = np.append(slack[: moment.size], [max(s.mid(), budget / 10) for s in slack[moment.size :]])
        m = 2 * error.size
        y = np.concatenate([np.full(moment.size, arb(1) / moment.size), np.full(m, v / budget / (2 * m))])
    else:
        y = np.concatenate([start.mu, np.maximum(start.weights, 0), np.maximum(-start.weights, 0)])
        size = abs(v) + program.floor
        least = _LEAST * start.distance * np.append(np.full(moment.size, size), np.full(2 * error.size, budget))
        # Each product x y is at least `target`: the larger the multiplier, the nearer the boundary may be.
        target = start.distance * size / y.size
        central = np.array([target / z if z > 0 else arb(0) for z in y], dtype=object)
        x = np.maximum(np.maximum(slack, central), least)
        y = np.maximum(y, target / x)
    return _State(middles(np.append(c, v)), middles(x), middles(y))


class _Newton:
    """The linearised optimality conditions at a point."""

    def __init__(self, program: Program, gram: Gram, budget: arb, state: _State) -> None:
        self.program, self.gram, self.state = program, gram, state
        self.size, c, v = program.h.size, state.d[:-1], state.d[-1]
        self.mu, self.signed = self._fold(state.y)
        self.masses = middles(product(program.A.transpose(), self.mu))
        moment, error = program.moment(c), program.error(c)
        self.residual = middles(np.concatenate([moment - v, error - budget, -error - budget]) + state.x)
        linear = product(program.E.transpose(), self.signed)
        self.gradient = middles(np.append(2 * self.masses * c + linear, 1 - self.mu.sum()))
        scale = np.concatenate([np.full(self.size, max(abs(v), arb(program.floor))), np.full(2 * error.size, budget)])
        self.outside = max(float(abs(r)) for r in self.residual / scale)
        # The minimum of the Lagrangian; it equals the value minus the complementarity only if the gradient is 0.
        bound = (
            -(squared(linear) / (4 * self.masses)).sum() - (self.mu * program.h).sum() - (self.signed * program.w).sum()
        )
        bound = (bound - budget * np.abs(self.signed).sum()) / self.mu.sum()
        self.gap = max(float((state.x * state.y).sum()), float(v - bound))

    def advance(self, least: float) -> _State:
        """Take a predictor-corrector step that reduces the complementarity, but not below `least`."""
        _, x, y = self.state
        ratio, normal = y / x, self._system(y / x)
        affine = self._step(normal, ratio, -x * y, self.residual)
        reach = _reach(x, affine.x), _reach(y, affine.y)
        left = ((x + reach[0] * affine.x) * (y + reach[1] * affine.y)).sum() / (x * y).sum()
        target = (x * y).sum() / x.size * max(min(float(left) ** 3, 1.0), 1e-6)
        if target < least / x.size:
            # This near, no affine step is taken, and its second-order correction would only add an error.
            target, reach = arb(least / x.size), (arb(0), arb(0))
        bend = product(self.program.A, squared(affine.d[:-1])) * reach[0] ** 2
        residual = np.concatenate([self.residual[: self.size] + bend, self.residual[self.size :]])
        complement = target - x * y - reach[0] * reach[1] * affine.x * affine.y
        step = self._step(normal, ratio, middles(complement), middles(residual))
        length = min(_reach(x, step.x), _reach(y, step.y))
        length = length * arb(_INSIDE) if length < 1 else length
        return _State(*(middles(now + length * change) for now, change in zip(self.state, step, strict=True)))

    def _system(self, ratio: Balls) -> arb_mat:
        """Assemble the normal matrix of (c, v)."""
        c, (up, down) = self.state.d[:-1], ratio[self.size :].reshape(2, -1)
        moment_ratio = ratio[: self.size]
        stiff = self.gram.errors(up + down) + 4 * np.outer(c, c) * self.gram.moments(moment_ratio)
        at = np.arange(c.size)
        stiff[at, at] += 2 * self.masses
        edge = -2 * c * product(self.program.A.transpose(), moment_ratio)
        normal = np.block([[stiff, edge[:, None]], [edge[None, :], np.array([[moment_ratio.sum()]])]])
        return matrix(middles(normal))

    def _step(self, normal: arb_mat, ratio: Balls, complement: Balls, residual: Balls) -> _State:
        """Solve for the step that changes x y by `complement` and reduces the residual to 0, to first order."""
        A, E, bend = self.program.A, self.program.E, 2 * self.state.d[:-1]
        pull = complement / self.state.x + ratio * residual
        moment_pull, signed = self._fold(pull)
        right = -self.gradient - np.append(
            bend * product(A.transpose(), moment_pull) + product(E.transpose(), signed), -moment_pull.sum()
        )
        solution = normal.solve(arb_mat(right.size, 1, list(middles(right))), algorithm="approx")
        d = middles(np.array(solution.entries(), dtype=object))
        error = product(E, d[:-1])
        change = np.concatenate([product(A, bend * d[:-1]) - d[-1], error, -error])
        return _State(d, middles(-residual - change), middles(pull + ratio * change))

    def _fold(self, y: Balls) -> tuple[Balls, Balls]:
        up, down = y[self.size :].reshape(2, -1)
        return y[: self.size], up - down


def _reach(x: Balls, change: Balls) -> arb:
    """Find the longest step, at most 1, that keeps x at least 0."""
    return min([arb(1), *((-a / b).mid() for a, b in zip(x, change, strict=True) if a + b < 0)])
