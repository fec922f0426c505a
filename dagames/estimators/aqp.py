"""The augmented quadratic program: the table of least worst second moment within a budget of bias."""

from dagames.estimators.frontier_point import FrontierPoint, Unit, frontier_point
from dagames.estimators.reward_table import CountsKind, RewardTable
from dagames.estimators.rewards import AnyReward, as_reward


def aqp_table(
    K: int,
    *,
    bias: float = 2.0,
    unit: Unit = "optimum",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
) -> RewardTable:
    """Find the table whose worst second moment is least, among those within a budget of bias.

    Math:
        min over c of sup_p sum_k c_k^2 B_{k,n}(p)   subject to   sup_p |p (sum_k c_k B_{k,n}(p) - g(p))| <= budget,

    with n = K for independent counts and n = K - 1, shifted by one, for self-inclusive ones. The minimax table's
    entries grow like 2^K; twice its bias removes that.

    Args:
        K: Number of traces in a group, at least 1.
        bias: The budget, in `unit`; from 1 optimum on.
        unit: "optimum" if `bias` is a multiple of the least bias possible, "absolute" if it is a weighted bias.
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.

    Returns:
        The table; its certified `bias` is at most the budget (where that is the optimum, up to the rounding of the
        coefficients) and its `second_moment` within 10^-6 of the least, unless float64 rounds more away: see
        `solve_aqp` for the proof.

    Raises:
        DomainError: If an argument is out of its domain, or the budget is below the optimum.
        SolveError: If float64 does not hold the coefficients.

    Source:
        (slides, backup: AQP formulation); claim II.7

    >>> table = aqp_table(8, bias=2.0)
    >>> round(table.bias.upper / table.optimum.upper, 5), round(table.second_moment.upper, 4)
    (2.0, 14.1885)
    """
    return solve_aqp(K, bias, unit=unit, reward=reward, counts=counts).table


def solve_aqp(
    K: int,
    bias: float,
    *,
    unit: Unit = "optimum",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
) -> FrontierPoint:
    """Solve the augmented quadratic program, and prove from below how good the solution is.

    Args:
        K: Number of traces in a group, at least 1.
        bias: The budget, in `unit`.
        unit: "optimum" or "absolute".
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.

    Returns:
        The table of `aqp_table`, the budget, and an enclosure of the least worst second moment.

    Raises:
        DomainError: If an argument is out of its domain, or the budget is below the optimum.
        SolveError: If float64 does not hold the coefficients.

    Source:
        claim II.7

    >>> solve_aqp(8, 2.0).gap < 1e-6
    True
    """
    return frontier_point(K, bias, unit, as_reward(reward), counts, "second_moment")
