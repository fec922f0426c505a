"""The table of least worst bias, by the exchange method or by a linear program, with bounds from both sides."""

from typing import Literal, get_args

from dagames._choices import as_choice
from dagames._errors import SolveError
from dagames.estimators.best_polynomial import best_polynomial
from dagames.estimators.reward_table import CountsKind, RewardTable, inner_degree
from dagames.estimators.rewards import AnyReward, as_reward

Method = Literal["exchange", "cvxpy"]
"""Solver of the program: the exchange method in ball arithmetic, or a program on a grid in float64 through cvxpy."""

LARGEST_ON_GRID = 64
"""Largest degree of a program through cvxpy: the program is dense, and takes a minute at this degree."""

_LOSS = 2e-3
"""Largest excess of the bias of a table through cvxpy over the optimum, relative."""

_SMALL = 1e-9
"""If the optimum is below this share of sup |p g(p)|, `_LOSS` is relative to this share instead."""


def minimax_table(
    K: int, *, reward: AnyReward = "log", counts: CountsKind = "self-inclusive", method: Method = "exchange"
) -> RewardTable:
    """Minimise the worst weighted bias.

    Math:
        min over c of sup over p of |p (sum_k c_k B_{k,n}(p) - g(p))|,

    with n = K for independent counts. For self-inclusive counts E[(X / K) c_X] = p sum_k c_{k+1} B_{k,K-1}(p), so the
    best table is exactly the independent one for K - 1, shifted by one. The independent table for K would have a bias
    of order 1 / K.

    The optimum decreases like 1 / K^2, but the entries and the second moment grow like 2^K and 4^K. From K = 50 on
    float64 cannot represent the entries; `bias` shows the loss. `aqp_table` has a bias of a few optima and much smaller
    entries.

    Args:
        K: Number of traces in a group, 1 to 256.
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.
        method: "exchange" for the exchange method of Remez, or "cvxpy" for the papers' linear program on a grid. The
            bias through cvxpy is within 0.2 % of the optimum up to about 28 traces.

    Returns:
        The table, [K + 1]. For both methods `optimum` encloses the least bias by an alternation in ball arithmetic, and
        `bias` encloses the bias of the coefficients as stored.

    Raises:
        DomainError: If `K` is out of range, `method` is unknown, or the coefficients overflow float64.
        SolveError: If float64 is not accurate enough for the program through cvxpy, or the program is too large.

    Source:
        (slides, solution 2); claims II.4 and II.5

    >>> table = minimax_table(16, counts="independent")
    >>> round(table.bias.upper, 12), round(17**2 * table.optimum.lower, 6)
    (0.00112393607, 0.324818)
    >>> on_grid = minimax_table(16, counts="independent", method="cvxpy")
    >>> 1 <= on_grid.bias.upper / on_grid.optimum.lower < 1.002
    True
    """
    goal, n = as_reward(reward), inner_degree(K, counts)
    method = as_method(method, n)
    inner, optimum = best_polynomial(n, goal)
    if method == "exchange":
        return RewardTable.from_inner(K, inner, counts, goal, "minimax", optimum)
    # cvxpy is slow to load.
    from dagames.estimators.grid import least_bias

    unit = max(optimum.upper, _SMALL * goal.size.upper) or 1.0
    table = RewardTable.from_inner(K, least_bias(n, goal, unit), counts, goal, "minimax, cvxpy", optimum)
    if not table.bias.upper - optimum.upper <= _LOSS * unit:
        raise SolveError(
            f"the table of {K} traces through cvxpy has a worst bias of {table.bias.upper:.4g}, and the least is "
            f'{optimum.upper:.4g}: float64 is not accurate enough. Use "exchange" instead of "cvxpy".',
            "rounding",
        )
    return table


def as_method(method: str, degree: int) -> Method:
    """Validate the solver of a program for a table whose mean has this degree; cvxpy is refused for large degrees."""
    name: Method = as_choice(method, "method", get_args(Method))
    if name == "cvxpy" and degree > LARGEST_ON_GRID:
        raise SolveError(
            f"the programs through cvxpy are dense, and solved for up to {LARGEST_ON_GRID} other traces, not {degree}; "
            'float64 is not accurate enough for more. Use "exchange" instead of "cvxpy".'
        )
    return name
