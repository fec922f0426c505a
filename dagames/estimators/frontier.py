"""The frontier between bias and second moment, or variance: the least objective for each bias budget."""

import numpy as np

from dagames._errors import DomainError, SolveError
from dagames.estimators.estimand import Estimand
from dagames.estimators.frontier_point import FrontierPoint, frontier_point
from dagames.estimators.program import Objective
from dagames.estimators.reward_table import CountsKind
from dagames.estimators.rewards import AnyReward, as_reward

_LARGEST = 50.0
"""Largest budget, in optima."""

_MOST_POINTS = 10_000

_STARTS = (1.0, 1.05, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0)
"""First budgets to try, in optima: the smaller the budget, the larger the entries that float64 must represent."""


def pareto_frontier(
    K: int,
    *,
    points: int = 20,
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
    objective: Objective = "second_moment",
    least: float | None = None,
    largest: float = _LARGEST,
) -> list[FrontierPoint]:
    """Trace the frontier: the best table for each of a geometric sequence of budgets.

    Args:
        K: Number of traces in a group, at least 1.
        points: Number of budgets, at least 2.
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.
        objective: "second_moment" for the tables of `aqp_table`, "variance" for those of `variance_table`.
        least: First budget, in optima; at least 1. By default the smallest that `first_point` finds: 1 for small
            groups, and more from K = 50 on, where float64 cannot represent the table of least bias.
        largest: Last budget, in optima.

    Returns:
        The points, by increasing budget; each has bounds on its objective from both sides.

    Raises:
        DomainError: If an argument is out of its domain.
        SolveError: If float64 cannot represent the table within one of the budgets.

    Source:
        (slides, backup: AQP formulation); claims II.7 and B.4

    >>> [round(point.objective.upper, 3) for point in pareto_frontier(4, points=3)]
    [9.616, 0.915, 0.0]
    """
    estimated, begun = as_reward(reward), list[FrontierPoint]()
    frontier_budgets(points, _STARTS[0] if least is None else least, largest)
    if least is None:
        least, point = first_point(K, estimated, counts, objective, largest)
        begun = [point]
    budgets = frontier_budgets(points, least, largest)[len(begun) :]
    return begun + [frontier_point(K, budget, "optimum", estimated, counts, objective) for budget in budgets]


def first_point(
    K: int, reward: Estimand, counts: CountsKind, objective: Objective, largest: float = _LARGEST
) -> tuple[float, FrontierPoint]:
    """Find the smallest of a few budgets, from 1 optimum on, whose table float64 can represent.

    Args:
        K: Number of traces in a group.
        reward: g.
        counts: Whether a count includes the trace that is rewarded.
        objective: "second_moment" or "variance".
        largest: Upper end of the budgets tried, in optima.

    Returns:
        The budget in optima, and its point.

    Raises:
        SolveError: If every budget fails.

    >>> from dagames.estimators.rewards import LOG
    >>> first_point(4, LOG, "self-inclusive", "variance")[0]
    1.0
    """
    starts = [start for start in _STARTS if start < largest]
    for start in starts:
        try:
            return start, frontier_point(K, start, "optimum", reward, counts, objective)
        except SolveError as error:
            last = error
    raise SolveError(
        f"float64 holds no table of K = {K} for the reward {reward.name!r} within any of the budgets tried, "
        f"{starts[0]:g} to {starts[-1]:g} optima. The last error: {last}",
        last.diagnosis,
    )


def frontier_budgets(points: int, least: float, largest: float) -> list[float]:
    """Space budgets evenly on a logarithmic scale.

    Args:
        points: Number of budgets, at least 2.
        least: The first, in optima; at least 1.
        largest: The last, in optima.

    Returns:
        The budgets, increasing.

    Raises:
        DomainError: If an argument is out of its domain.

    >>> frontier_budgets(3, 1.0, 4.0)
    [1.0, 2.0, 4.0]
    """
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or points < 2:
        raise DomainError(f"`points` must be an integer of at least 2, not {points!r}.")
    if points > _MOST_POINTS:
        raise DomainError(f"`points` is {points}; at most {_MOST_POINTS} are traced. Use fewer.")
    numbers = all(isinstance(x, (int, float, np.number)) and not isinstance(x, bool) for x in (least, largest))
    if not (numbers and 1.0 <= least < largest < np.inf):
        raise DomainError(f"`least` and `largest` must satisfy 1 <= least < largest, not {least!r} and {largest!r}.")
    return [float(budget) for budget in np.geomspace(least, largest, points)]
