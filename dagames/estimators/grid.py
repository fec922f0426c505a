"""The linear program and the augmented quadratic program of the papers, on a grid and through cvxpy.

The solver works in float64, so that neither its status nor its solution is trusted. The callers certify the
coefficients by an enclosure of their bias and by a lower bound on the optimum. From about 30 traces on the entries of
the minimax table are too large for float64.
"""

import cvxpy as cp
import numpy as np

from dagames._errors import InfeasibleError, SolveError
from dagames.estimators.bernstein import as_rationals
from dagames.estimators.budgeted import Solved
from dagames.estimators.dual_bound import Measures
from dagames.estimators.estimand import Estimand, Vector, certified_bias
from dagames.estimators.program import Objective, balls, basis
from dagames.numerics.conic import solve_problem
from dagames.numerics.integers import as_count

_PER_DEGREE = 48
"""Grid points per degree; the error between the points exceeds that on them by at most 10^-3, relative."""

_FEWEST = 480
"""Least number of grid points, for small degrees."""

_SHRINK = 1e-6
"""Relative amount by which the budget on the grid is reduced, beyond the excess between its points."""

_LOSS = 2e-3
"""Largest relative reduction of the budget on the grid."""

_TRIES = 6


def least_bias(n: int, reward: Estimand, unit: float, points: int | None = None) -> Vector:
    """Minimise the largest weighted bias on a grid, a linear program.

    Math:
        min t over c and t   subject to   |p_i (sum_k c_k B_{k,n}(p_i) - g(p_i))| <= t.

    Args:
        n: Degree.
        reward: g.
        unit: Scale of the objective, near the least bias, because the solver's tolerances are absolute.
        points: Number of points of the grid p = sin(phi)^2, even in phi; 48 per degree by default, and at least 480.

    Returns:
        c_0..c_n, not certified.

    Raises:
        DomainError: If `points` is not an integer of at least n + 2.
        SolveError: If the solver returns no coefficients.

    Source:
        (slides, solution 2); claim II.4
    """
    p = _grid(n, points)
    c, level = cp.Variable(n + 1), cp.Variable()
    error = (p[:, None] * _basis(p, n)) @ c - p * reward(p)
    _solve(cp.Problem(cp.Minimize(level), [cp.abs(error) / unit <= level]), c, n)
    return np.asarray(c.value, dtype=np.float64)


def within_budget(n: int, budget: float, reward: Estimand, objective: Objective, points: int | None = None) -> Solved:
    """Minimise the worst second moment, or the worst excess, within a bias budget on a grid.

    This is the augmented quadratic program. If the bias between the points exceeds the budget, the program is solved
    again with a budget that is smaller by the excess.

    Args:
        n: Degree.
        budget: Largest weighted bias, above the optimum.
        reward: g.
        objective: "second_moment" or "variance".
        points: Number of points of the grid, as for `least_bias`.

    Returns:
        Coefficients of certified bias at most the budget, and the multipliers; the callers bound the objective.

    Raises:
        DomainError: If `points` is not an integer of at least n + 2.
        SolveError: If the solver returns no coefficients, or none within the budget between the points.

    Source:
        (slides, backup: AQP formulation); claim II.7
    """
    p = _grid(n, points)
    B, w = _basis(p, n), p * reward(p)
    c, v, inner = cp.Variable(n + 1), cp.Variable(), cp.Parameter(value=1.0)
    error = (p[:, None] * B / budget) @ c - w / budget
    bound = cp.abs(error) <= inner
    if objective == "variance":
        q, largest, rows = p, cp.multiply(p**2, B @ cp.square(c)) - w**2 <= v, [v >= 0]
    else:
        q, largest, rows = np.append(0.0, p), np.vstack([np.eye(1, n + 1), B]) @ cp.square(c) <= v, []
    problem = cp.Problem(cp.Minimize(v), [bound, largest, *rows])
    for _ in range(_TRIES):
        _solve(problem, c, n)
        bias = certified_bias(as_rationals(np.asarray(c.value)), reward).upper
        if bias <= budget:
            mu, weights = np.maximum(largest.dual_value, 0.0), np.sign(error.value) * bound.dual_value / budget
            return Solved(np.asarray(c.value), Measures(q.tolist(), balls(mu), p.tolist(), balls(weights)))
        inner.value *= (1 - _SHRINK) * budget / bias
        if inner.value < 1 - _LOSS:
            break
    raise SolveError(
        f"the table of degree {n} from the program through cvxpy has a bias {bias / budget - 1:.1e} above the budget, "
        "relative: float64 is not accurate enough, the budget is too near the optimum, or the grid is too coarse. Use "
        '"exchange" instead of "cvxpy".',
        "rounding",
    )


def _solve(problem: cp.Problem, c: cp.Variable, n: int) -> None:
    """Solve a program; an inaccurate solution is accepted, because the callers certify it."""
    reason, c.value = "", None
    try:
        solve_problem(problem)
    except InfeasibleError:
        reason = "the solver finds the budget infeasible on the grid, because it is too near the optimum"
    except SolveError as error:
        reason = str(error).rstrip(".")
    if c.value is None or not np.isfinite(c.value).all():
        raise SolveError(
            f"the program through cvxpy for degree {n} has no solution in float64: {reason}. "
            'Use "exchange" instead of "cvxpy".',
            "rounding",
        )


def _grid(n: int, points: int | None) -> Vector:
    number = max(_PER_DEGREE * (n + 1), _FEWEST) if points is None else as_count(points, "points", n + 2)
    return np.asarray(np.sin(0.5 * np.pi * np.arange(1, number + 1) / number) ** 2)


def _basis(p: Vector, n: int) -> Vector:
    return basis(p.tolist(), n).astype(np.float64)
