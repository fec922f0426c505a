"""The table of least worst excess within a budget of bias: what the augmented program should minimise for variance."""

from dagames.estimators.frontier_point import FrontierPoint, Unit, frontier_point
from dagames.estimators.reward_table import CountsKind, RewardTable
from dagames.estimators.rewards import AnyReward, as_reward


def variance_table(
    K: int,
    *,
    bias: float = 2.0,
    unit: Unit = "optimum",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
) -> RewardTable:
    """Find the table whose weighted reward exceeds the true one's square least, among those within a budget of bias.

    Math:
        min over c of sup_p p^2 sum_k c_k^2 B_{k,n}(p) - (p g(p))^2   subject to the constraint of `aqp_table`.

    The second moment alone is decided by c_0^2 at p near 0, where the weight p is 0, and leaves the rest free. The
    excess is convex, and differs from the variance of the weighted reward by (p P)^2 - (p g)^2, which the budget
    bounds by budget (2 sup |p g| + budget).

    Args:
        K: Number of traces in a group, at least 1.
        bias: The budget, in `unit`; from 1 optimum on.
        unit: "optimum" if `bias` is a multiple of the least bias possible, "absolute" if it is a weighted bias.
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.

    Returns:
        The table; its certified `bias` is at most the budget (where that is the optimum, up to the rounding of the
        coefficients), and `table.variance` the variance that comes of it.

    Raises:
        DomainError: If an argument is out of its domain, or the budget is below the optimum.
        SolveError: If float64 does not hold the coefficients.

    Source:
        claim II.8

    >>> table = variance_table(8, bias=2.0)
    >>> round(table.excess.upper, 4), round(table.variance.upper, 4)
    (0.0531, 0.0599)
    """
    return solve_variance(K, bias, unit=unit, reward=reward, counts=counts).table


def solve_variance(
    K: int,
    bias: float,
    *,
    unit: Unit = "optimum",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
) -> FrontierPoint:
    """Minimise the excess within a budget of bias, and prove from below how good the solution is.

    Args:
        K: Number of traces in a group, at least 1.
        bias: The budget, in `unit`.
        unit: "optimum" or "absolute".
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.

    Returns:
        The table of `variance_table`, the budget, and an enclosure of the least worst excess.

    Raises:
        DomainError: If an argument is out of its domain, or the budget is below the optimum.
        SolveError: If float64 does not hold the coefficients.

    Source:
        claim II.8

    >>> solve_variance(4, 2.0).gap < 1e-6
    True
    """
    return frontier_point(K, bias, unit, as_reward(reward), counts, "variance")
