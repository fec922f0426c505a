"""The frontier between bias and second moment, or variance: what each budget of bias buys."""

import numpy as np

from dagames._errors import DomainError
from dagames.estimators.frontier_point import FrontierPoint, frontier_point
from dagames.estimators.program import Objective
from dagames.estimators.reward_table import CountsKind
from dagames.estimators.rewards import AnyReward, as_reward

_LARGEST = 50.0
"""Largest budget, in optima."""


def pareto_frontier(
    K: int,
    *,
    points: int = 20,
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
    objective: Objective = "second_moment",
    least: float = 1.0,
    largest: float = _LARGEST,
) -> list[FrontierPoint]:
    """Trace the frontier: the best table for each of a geometric sequence of budgets.

    Args:
        K: Number of traces in a group, at least 1.
        points: Number of budgets, at least 2.
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.
        objective: "second_moment" for the tables of `aqp_table`, "variance" for those of `variance_table`.
        least: First budget, in optima; at least 1. From K = 50 on float64 holds no table of the least bias.
        largest: Last budget, in optima.

    Returns:
        The points, by increasing budget; each is proved from both sides.

    Raises:
        DomainError: If an argument is out of its domain.

    Source:
        (slides, backup: AQP formulation); claims II.7 and B.4

    >>> [round(point.objective.upper, 3) for point in pareto_frontier(4, points=3)]
    [9.616, 0.915, 0.0]
    """
    estimated, budgets = as_reward(reward), frontier_budgets(points, least, largest)
    return [frontier_point(K, budget, "optimum", estimated, counts, objective) for budget in budgets]


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
    if not 1.0 <= least < largest < np.inf:
        raise DomainError(f"`least` and `largest` must satisfy 1 <= least < largest, not {least!r} and {largest!r}.")
    return [float(budget) for budget in np.geomspace(least, largest, points)]
