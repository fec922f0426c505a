"""The paper's own formulation on a grid, stated with cvxpy: an independent oracle, believed only where certified.

It is not imported by the package: cvxpy is slow to load, and the exchange method reaches further. In float64 the conic
solver's answers are good for small groups; from K = 24 or so they are refused, or are far from the least second moment,
which only the bounds of `solve_aqp` and `solve_variance` show.
"""

from typing import Any

import cvxpy as cp
import numpy as np

from dagames._errors import SolveError
from dagames.estimators.estimand import Estimand, Vector
from dagames.estimators.frontier_point import Unit, as_budget
from dagames.estimators.minimax import best_polynomial
from dagames.estimators.program import Objective, basis
from dagames.estimators.reward_table import CountsKind, RewardTable, inner_degree
from dagames.estimators.rewards import AnyReward, as_reward
from dagames.numerics.conic import solve_problem
from dagames.numerics.integers import as_count

_PER_DEGREE = 48
"""Points of the grid for each degree; at this density the error between them is within 10^-3 of that on them."""

_LOSS = 2e-3
"""Relative bias above the optimum, or above the budget on the grid, at which a solution is refused."""

_AGAIN = 1e-6
"""What is taken off the budget beyond the excess, when the grid is solved again, relative."""

_TRIES = 6


def grid_table(
    K: int, *, reward: AnyReward = "log", counts: CountsKind = "self-inclusive", points: int | None = None
) -> RewardTable:
    """Solve the linear program of the least worst bias on a grid.

    Args:
        K: Number of traces in a group.
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.
        points: Points of the grid p = sin(phi)^2, even in phi; 24 for each degree by default.

    Returns:
        The table, if its certified bias is within 0.2 % of the optimum.

    Raises:
        DomainError: If an argument is out of its domain.
        SolveError: If the conic solver fails, or its answer is worse than that.

    Source:
        (slides, solution 2); claim II.4

    >>> table = grid_table(4)
    >>> table.bias.upper < 1.002 * table.optimum.lower
    True
    """
    g, n = as_reward(reward), inner_degree(K, counts)
    _, optimum = best_polynomial(n, g)
    p = _grid(n, points)
    c, level = cp.Variable(n + 1), cp.Variable()
    error = (p[:, None] * _basis(p, n)) @ c - p * g(p)
    # Errors in units of the optimum: the solver's tolerances are absolute.
    solve_problem(cp.Problem(cp.Minimize(level), [cp.abs(error) / optimum.upper <= level]))
    table = _table(K, np.asarray(c.value), counts, g)
    if not table.bias.upper <= (1 + _LOSS) * optimum.upper:
        raise SolveError(
            f"the grid's table for K = {K} has {table.bias.upper / optimum.upper:.4g} times the least bias: float64 "
            "loses it, or the grid is too coarse. Use `minimax_table`.",
            "rounding",
        )
    return table


def grid_aqp(
    K: int,
    *,
    bias: float = 2.0,
    unit: Unit = "optimum",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
    objective: Objective = "second_moment",
    points: int | None = None,
) -> RewardTable:
    """Solve the augmented quadratic program on a grid; again within a little less where points between violate it.

    Args:
        K: Number of traces in a group.
        bias: The budget, in `unit`; above the optimum.
        unit: "optimum" or "absolute".
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.
        objective: "second_moment" or "variance".
        points: Points of the grid p = sin(phi)^2, even in phi; 24 for each degree by default.

    Returns:
        The table, of certified bias at most the budget.

    Raises:
        DomainError: If an argument is out of its domain, or the budget is not above the optimum.
        SolveError: If the conic solver fails, or its answers are outside the budget between the points.

    Source:
        (slides, backup: AQP formulation); claim II.7

    >>> round(grid_aqp(4, bias=2.0).second_moment.upper, 2)
    5.69
    """
    g, n = as_reward(reward), inner_degree(K, counts)
    _, optimum = best_polynomial(n, g)
    budget = as_budget(bias, unit, optimum)
    p = _grid(n, points)
    B, w = _basis(p, n), p * g(p)
    c, v, inner = cp.Variable(n + 1), cp.Variable(), cp.Parameter(value=budget)
    rows: list[Any] = [cp.abs((p[:, None] * B) @ c - w) / budget <= inner / budget]
    if objective == "variance":
        rows += [cp.multiply(p**2, B @ cp.square(c)) - w**2 <= v, v >= 0]
    else:
        rows += [B @ cp.square(c) <= v, cp.square(c[0]) <= v]
    for _ in range(_TRIES):
        solve_problem(cp.Problem(cp.Minimize(v), rows))
        table = _table(K, np.asarray(c.value), counts, g)
        if table.bias.upper <= budget:
            return table
        inner.value *= (1 - _AGAIN) * budget / table.bias.upper
        if inner.value < (1 - _LOSS) * budget:
            break
    raise SolveError(
        f"the grid's table for K = {K} keeps a bias {table.bias.upper / budget - 1:.1e} above the budget: "
        "float64 loses it, or the grid is too coarse. Use `aqp_table`.",
        "rounding",
    )


def _grid(n: int, points: int | None) -> Vector:
    number = _PER_DEGREE * (n + 1) if points is None else as_count(points, "points", n + 2)
    return np.sin(0.5 * np.pi * np.arange(1, number + 1) / number) ** 2


def _basis(p: Vector, n: int) -> Vector:
    return basis(p.tolist(), n).astype(np.float64)


def _table(K: int, inner: Vector, counts: CountsKind, reward: Estimand) -> RewardTable:
    _, optimum = best_polynomial(inner.size - 1, reward)
    return RewardTable.from_inner(K, inner, counts, reward, "grid", optimum)
