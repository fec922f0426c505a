"""A point of the frontier between bias and second moment, with bounds on its objective from both sides."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from dagames._choices import as_choice
from dagames._errors import DomainError, SolveError
from dagames.estimators.bernstein import as_rationals
from dagames.estimators.best_polynomial import best_polynomial
from dagames.estimators.budgeted import solve_within
from dagames.estimators.dual_bound import certified_lower_bound
from dagames.estimators.estimand import Estimand, Vector, certified_bias
from dagames.estimators.minimax import Method, as_method
from dagames.estimators.program import Objective
from dagames.estimators.reward_table import CountsKind, RewardTable, inner_degree
from dagames.estimators.supremum import Interval

Unit = Literal["optimum", "absolute"]
_UNITS: tuple[Unit, ...] = get_args(Unit)

_NAMES: dict[Objective, str] = {"second_moment": "aqp", "variance": "variance"}

_LONG_NAMES: dict[Objective, str] = {"second_moment": "second moment", "variance": "excess of variance"}

_STORED = 1e-6
"""Largest relative excess over the optimum at which the rounded minimax table is returned for a budget of 1 optimum."""

_EXACT = 1e-13
"""Bias, as a share of sup |p g(p)|, below which a reward counts as a polynomial: the rounding of float64."""

_NEAR = 1e-9
"""Relative distance up to which a budget is treated as the optimum: the objective gains less than the tolerance."""

_BESIDE = 1e-7
"""Relative distance above the optimum at which its multipliers are computed: the constraints have an interior there."""

_GAP = 1e-2
"""Largest gap of a table through cvxpy: the error of the grid is smaller, and a failure of float64 larger."""


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """A table within a bias budget, and bounds on the least objective within that budget.

    Attributes:
        table: The table; `table.bias.upper` is at most `budget`.
        budget: The largest weighted bias allowed.
        objective: A lower bound on the objective of every table within the budget, by duality, and an upper bound on
            that of this table.
        kind: "second_moment" for sup_p E c_X^2, or "variance" for the excess sup_p p^2 (E c_X^2 - g(p)^2).
        optimum: Enclosure of the least bias of any table.
    """

    table: RewardTable
    budget: float
    objective: Interval
    kind: Objective
    optimum: Interval

    @cached_property
    def gap(self) -> float:
        """Width of `objective`, relative to its upper end or, where that is almost 0, to 10^-6 sup_p (p g(p))^2."""
        largest = self.table.estimand.size.upper
        size = max(self.objective.upper, 1e-6 * largest**2)
        return (self.objective.upper - self.objective.lower) / size if size else 0.0


def frontier_point(
    K: int,
    bias: float,
    unit: Unit,
    reward: Estimand,
    counts: CountsKind,
    objective: Objective,
    method: Method = "exchange",
) -> FrontierPoint:
    """Find the best table within a bias budget; at the optimum, the minimax table, whose rounded bias is the budget."""
    n = inner_degree(K, counts)
    objective, method = as_objective(objective), as_method(method, n)
    _, optimum = best_polynomial(n, reward)
    budget = as_budget(bias, unit, optimum)
    name = _NAMES[objective] if method == "exchange" else f"{_NAMES[objective]}, {method}"
    if budget >= reward.size.upper:
        # The zero table is within the budget.
        table = RewardTable.from_inner(K, np.zeros(n + 1), counts, reward, name, optimum)
        return FrontierPoint(table, budget, Interval(0.0, 0.0), objective, optimum)
    find = _by_exchange if method == "exchange" else _through_cvxpy
    inner, budget, lower = find(n, budget, reward, objective)
    table = RewardTable.from_inner(K, inner, counts, reward, name, optimum)
    upper = 0.0
    if table.coefficients.any():
        upper = (table.second_moment if objective == "second_moment" else table.excess).upper
    point = FrontierPoint(table, budget, Interval(lower, max(upper, 0.0)), objective, optimum)
    if method == "cvxpy" and point.gap > _GAP:
        raise SolveError(
            f"the table of {K} traces through cvxpy has a worst {_LONG_NAMES[objective]} of {upper:.6g}, and the lower "
            f"bound from its multipliers is {lower:.6g}: float64 is not accurate enough. "
            'Use "exchange" instead of "cvxpy".',
            "rounding",
        )
    return point


def _by_exchange(n: int, budget: float, reward: Estimand, objective: Objective) -> tuple[Vector, float, float]:
    """Return the coefficients, the budget that they are within, and a lower bound on the objective."""
    minimax, optimum = best_polynomial(n, reward)
    negligible = _EXACT * reward.size.upper
    least = certified_bias(as_rationals(minimax), reward).upper
    accurate = least <= max(optimum.upper * (1 + _STORED), negligible)
    if budget > max(max(least, negligible) if accurate else 0.0, optimum.upper * (1 + _NEAR)):
        solved = solve_within(n, budget, optimum.upper, reward, objective)
        return solved.coefficients, budget, certified_lower_bound(n, budget, reward, objective, solved.measures)
    if not accurate:
        raise SolveError(
            f"the coefficients of the least bias, {optimum.upper:.6g}, are beyond float64: rounded to it, their bias "
            f"is {least:.6g}. Allow a larger budget.",
            "rounding",
        )
    budget = max(budget, least)
    beside = max(budget * (1 + _BESIDE), optimum.upper + negligible)
    solved = solve_within(n, beside, optimum.upper, reward, objective, stored=False)
    return minimax, budget, certified_lower_bound(n, budget, reward, objective, solved.measures)


def _through_cvxpy(n: int, budget: float, reward: Estimand, objective: Objective) -> tuple[Vector, float, float]:
    """Return the same through cvxpy; weak duality in ball arithmetic turns the solver's multipliers into a bound."""
    # cvxpy is slow to load.
    from dagames.estimators.grid import within_budget

    _, optimum = best_polynomial(n, reward)
    if budget <= optimum.upper * (1 + _NEAR):
        raise SolveError(
            f"the budget {budget:.6g} is the least bias possible, and a program on a grid needs a little more. "
            'Use "exchange" instead of "cvxpy", or a larger budget.'
        )
    solved = within_budget(n, budget, reward, objective)
    return solved.coefficients, budget, certified_lower_bound(n, budget, reward, objective, solved.measures)


def as_budget(bias: float, unit: str, optimum: Interval) -> float:
    """Convert a bias budget to absolute units.

    Args:
        bias: The budget, in `unit`.
        unit: "optimum" or "absolute".
        optimum: Enclosure of the least bias possible.

    Returns:
        The budget in absolute units.

    Raises:
        DomainError: If `bias` is not a number above 0, the unit is unknown, or the budget is below the optimum.

    >>> as_budget(2.0, "optimum", Interval(0.1, 0.1))
    0.2
    """
    unit = as_unit(unit)
    if not (isinstance(bias, (int, float, np.number)) and np.isfinite(bias) and bias > 0):
        raise DomainError(f"`bias` must be a finite number above 0, not {bias!r}.")
    budget = float(bias) * (optimum.upper if unit == "optimum" else 1.0)
    if budget < optimum.lower:
        raise DomainError(
            f"`bias` is {bias} ({unit}): no table has a worst bias below the optimum, {optimum.upper:.6g}. "
            "Allow at least that much."
        )
    return budget


def as_unit(unit: str) -> Unit:
    """Validate the unit of a bias budget."""
    return as_choice(unit, "unit", _UNITS)


def as_objective(objective: str) -> Objective:
    """Validate the name of an objective."""
    return as_choice(objective, "objective", _NAMES)
