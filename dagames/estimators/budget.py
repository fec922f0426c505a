"""Tables of least second moment, or least excess of variance, within a bias budget."""

from dagames.estimators.frontier_point import FrontierPoint, Unit, frontier_point
from dagames.estimators.minimax import Method
from dagames.estimators.reward_table import CountsKind, RewardTable
from dagames.estimators.rewards import AnyReward, as_reward


def aqp_table(
    K: int,
    *,
    bias: float = 2.0,
    unit: Unit = "optimum",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
    method: Method = "exchange",
) -> RewardTable:
    """Minimise the worst second moment within a bias budget: the augmented quadratic program.

    Math:
        min over c of sup_p sum_k c_k^2 B_{k,n}(p)   subject to   sup_p |p (sum_k c_k B_{k,n}(p) - g(p))| <= budget,

    with n = K for independent counts and n = K - 1, shifted by one, for self-inclusive ones. The minimax table's
    entries grow like 2^K; at twice its bias they do not.

    Args:
        K: Number of traces in a group, at least 1.
        bias: The budget, in `unit`; at least the optimum.
        unit: "optimum" if `bias` is a multiple of the least bias possible, "absolute" if it is a weighted bias.
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.
        method: "exchange" for an exchange of points, solved in ball arithmetic, or "cvxpy" for the papers' program on
            a grid.

    Returns:
        The table, [K + 1]. Its certified `bias` is at most the budget, up to the rounding of the coefficients if the
        budget is the optimum. Its `second_moment` is within 10^-6 of the least by "exchange", unless the rounding of
        the coefficients is larger, and within 1 % by "cvxpy"; `solve_aqp` returns both bounds.

    Raises:
        DomainError: If an argument is out of its domain, or the budget is below the optimum.
        SolveError: If float64 cannot represent the coefficients, or is not accurate enough for cvxpy.

    Source:
        (slides, backup: AQP formulation); claim II.7

    >>> table = aqp_table(8, bias=2.0)
    >>> round(table.bias.upper / table.optimum.upper, 5), round(table.second_moment.upper, 4)
    (2.0, 14.1885)
    >>> 1 < aqp_table(8, bias=2.0, method="cvxpy").second_moment.upper / table.second_moment.upper < 1.01
    True
    """
    return solve_aqp(K, bias, unit=unit, reward=reward, counts=counts, method=method).table


def solve_aqp(
    K: int,
    bias: float,
    *,
    unit: Unit = "optimum",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
    method: Method = "exchange",
) -> FrontierPoint:
    """Solve the augmented quadratic program of `aqp_table`, and bound its optimum from below.

    Args:
        K: See `aqp_table`.
        bias: See `aqp_table`.
        unit: See `aqp_table`.
        reward: See `aqp_table`.
        counts: See `aqp_table`.
        method: See `aqp_table`.

    Returns:
        The table of `aqp_table`, the budget, and an enclosure of the least worst second moment.

    Raises:
        DomainError: If an argument is out of its domain, or the budget is below the optimum.
        SolveError: If float64 cannot represent the coefficients, or is not accurate enough for cvxpy.

    Source:
        claim II.7

    >>> solve_aqp(8, 2.0).gap < 1e-6, solve_aqp(8, 2.0, method="cvxpy").gap < 1e-2
    (True, True)
    """
    return frontier_point(K, bias, unit, as_reward(reward), counts, "second_moment", method)


def variance_table(
    K: int,
    *,
    bias: float = 2.0,
    unit: Unit = "optimum",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
    method: Method = "exchange",
) -> RewardTable:
    """Minimise the worst excess of E[(p c_X)^2] over (p g)^2 within a bias budget.

    Math:
        min over c of sup_p p^2 sum_k c_k^2 B_{k,n}(p) - (p g(p))^2   subject to the constraint of `aqp_table`.

    The worst second moment of `aqp_table` is that at p near 0, c_0^2, where the weight p vanishes; it does not
    constrain the other entries. The excess weights the second moment by p^2. It is convex in c, and differs from the
    variance of the weighted reward by (p P)^2 - (p g)^2, at most budget (2 sup |p g| + budget).

    Args:
        K: See `aqp_table`.
        bias: See `aqp_table`.
        unit: See `aqp_table`.
        reward: See `aqp_table`.
        counts: See `aqp_table`.
        method: See `aqp_table`.

    Returns:
        The table, [K + 1]. Its certified `bias` is at most the budget, up to the rounding of the coefficients if the
        budget is the optimum. `table.variance` encloses its worst weighted variance.

    Raises:
        DomainError: If an argument is out of its domain, or the budget is below the optimum.
        SolveError: If float64 cannot represent the coefficients, or is not accurate enough for cvxpy.

    Source:
        claim II.8

    >>> table = variance_table(8, bias=2.0)
    >>> round(table.excess.upper, 4), round(table.variance.upper, 4)
    (0.0531, 0.0599)
    """
    return solve_variance(K, bias, unit=unit, reward=reward, counts=counts, method=method).table


def solve_variance(
    K: int,
    bias: float,
    *,
    unit: Unit = "optimum",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
    method: Method = "exchange",
) -> FrontierPoint:
    """Solve the program of `variance_table`, and bound its optimum from below.

    Args:
        K: See `aqp_table`.
        bias: See `aqp_table`.
        unit: See `aqp_table`.
        reward: See `aqp_table`.
        counts: See `aqp_table`.
        method: See `aqp_table`.

    Returns:
        The table of `variance_table`, the budget, and an enclosure of the least worst excess.

    Raises:
        DomainError: If an argument is out of its domain, or the budget is below the optimum.
        SolveError: If float64 cannot represent the coefficients, or is not accurate enough for cvxpy.

    Source:
        claim II.8

    >>> solve_variance(4, 2.0).gap < 1e-6
    True
    """
    return frontier_point(K, bias, unit, as_reward(reward), counts, "variance", method)
