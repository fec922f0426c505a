"""A point of the frontier between bias and second moment, proved from both sides."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from dagames._errors import DomainError, SolveError, as_choice
from dagames.estimators.budgeted import solve_within
from dagames.estimators.dual_bound import lower_bound
from dagames.estimators.estimand import Estimand
from dagames.estimators.minimax import best_polynomial
from dagames.estimators.program import Objective
from dagames.estimators.reward_table import CountsKind, RewardTable, inner_degree
from dagames.estimators.supremum import Interval

Unit = Literal["optimum", "absolute"]
_UNITS: tuple[Unit, ...] = get_args(Unit)

_METHODS: dict[Objective, str] = {"second_moment": "aqp", "variance": "variance"}

_STORED = 1e-6
"""Relative bias that the minimax table may lose when it is stored, and still stand for the optimum."""

_EXACT = 1e-13
"""Bias, as a share of sup |p g(p)|, below which a reward counts as a polynomial: the rounding of float64."""

_NEAR = 1e-9
"""Relative distance to the optimum at which a budget is the optimum's: what it gains is below the gap asked for."""

_BESIDE = 1e-7
"""How far above the optimum its multipliers are sought, relative: there the constraints have an interior."""


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """A table within a budget of bias, and what its objective is compared with the least possible.

    Attributes:
        table: The table; `table.bias.upper` is at most `budget`.
        budget: The largest weighted bias allowed.
        objective: From below what no table within the budget can do better, by duality; from above what this one does,
            as stored.
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
        largest = self.table.estimates.size.upper
        size = max(self.objective.upper, 1e-6 * largest**2)
        return (self.objective.upper - self.objective.lower) / size if size else 0.0


def frontier_point(
    K: int, bias: float, unit: Unit, reward: Estimand, counts: CountsKind, objective: Objective
) -> FrontierPoint:
    """Find the best table within a budget of bias.

    Args:
        K: Number of traces in a group.
        bias: The budget, in `unit`.
        unit: "optimum" if `bias` is a multiple of the least bias possible, "absolute" if it is a weighted bias.
        reward: g.
        counts: Whether a count includes the trace that is rewarded.
        objective: "second_moment" or "variance".

    Returns:
        The point. Where the budget is less than the stored minimax table needs, by rounding only, that table and its
        bias are taken.

    Raises:
        DomainError: If `K`, `bias`, `unit`, `counts` is out of its domain, or the budget is below the optimum.
        SolveError: If float64 does not hold the coefficients.
    """
    n = inner_degree(K, counts)
    objective = as_objective(objective)
    coefficients, optimum = best_polynomial(n, reward)
    budget = as_budget(bias, unit, optimum)
    largest = reward.size.upper
    minimax = _table(K, coefficients, counts, reward, objective, optimum)
    held = minimax.bias.upper <= max(optimum.upper * (1 + _STORED), _EXACT * largest)
    lower = 0.0
    if budget >= largest:
        table = _table(K, np.zeros(n + 1), counts, reward, objective, optimum)
    elif budget <= max(max(minimax.bias.upper, _EXACT * largest) if held else 0.0, optimum.upper * (1 + _NEAR)):
        if not held:
            raise SolveError(
                f"the coefficients of the least bias, {optimum.upper:.6g}, are beyond float64: as stored they have "
                f"{minimax.bias.upper:.6g}. Ask for a larger budget.",
                "rounding",
            )
        budget, table = max(budget, minimax.bias.upper), minimax
        beside = max(budget * (1 + _BESIDE), optimum.upper + _EXACT * largest)
        solved = solve_within(n, beside, optimum.upper, reward, objective, stored=False)
        lower = lower_bound(n, budget, reward, objective, solved.measures)
    else:
        solved = solve_within(n, budget, optimum.upper, reward, objective)
        table = _table(K, solved.coefficients, counts, reward, objective, optimum)
        lower = lower_bound(n, budget, reward, objective, solved.measures)
    upper = 0.0
    if table.coefficients.any():
        upper = (table.second_moment if objective == "second_moment" else table.excess).upper
    return FrontierPoint(table, budget, Interval(lower, max(upper, 0.0)), objective, optimum)


def as_budget(bias: float, unit: str, optimum: Interval) -> float:
    """Read a budget of bias.

    Args:
        bias: The budget, in `unit`.
        unit: "optimum" or "absolute".
        optimum: Enclosure of the least bias possible.

    Returns:
        The budget in absolute units.

    Raises:
        DomainError: If it is not a number above 0, the unit is unknown, or the budget is below the optimum.

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
            "Ask for that much at least."
        )
    return budget


def as_unit(unit: str) -> Unit:
    """Validate what a budget counts in.

    Args:
        unit: "optimum" or "absolute".

    Returns:
        The same.

    Raises:
        DomainError: If it is neither.
    """
    return as_choice(unit, "unit", _UNITS)


def as_objective(objective: str) -> Objective:
    """Validate what is minimised.

    Args:
        objective: "second_moment" or "variance".

    Returns:
        The same.

    Raises:
        DomainError: If it is neither.
    """
    return as_choice(objective, "objective", _METHODS)


def _table(
    K: int, inner: np.ndarray, counts: CountsKind, reward: Estimand, objective: Objective, optimum: Interval
) -> RewardTable:
    return RewardTable.from_inner(K, inner, counts, reward, _METHODS[objective], optimum)
