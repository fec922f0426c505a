"""The table of least worst bias, found by exchange and proved from both sides."""

import math
from functools import lru_cache

import numpy as np
from flint import arb, fmpq

from dagames._errors import DomainError
from dagames.estimators.bernstein import to_bernstein
from dagames.estimators.estimand import Estimand
from dagames.estimators.exchange import exchange, level_exactly
from dagames.estimators.reward_table import CountsKind, RewardTable, inner_degree, weighted_bias
from dagames.estimators.rewards import AnyReward, as_reward
from dagames.estimators.supremum import Interval

LARGEST = 256
"""Largest group for which the exchange method in float64 is tested."""


def minimax_table(K: int, *, reward: AnyReward = "log", counts: CountsKind = "self-inclusive") -> RewardTable:
    """Find the table whose worst weighted bias is least.

    Math:
        min over c of sup over p of |p (sum_k c_k B_{k,n}(p) - g(p))|,

    with n = K for independent counts. For self-inclusive ones E of (k / K) c_k is p sum_k c_{k+1} B_{k,K-1}(p), so that
    the best table is *exactly* the independent one for K - 1, shifted by one; the table for K would be biased at order
    1 / K again.

    The optimum falls like 1 / K^2, but entries and second moment grow like 2^K and 4^K: from K = 50 on float64 does not
    hold them, which `bias` says. See `aqp_table` for a few times the optimum without the explosion.

    Args:
        K: Number of traces in a group, 1 to 256.
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded.

    Returns:
        The table; `optimum` encloses the least bias, `bias` that of the coefficients as stored.

    Raises:
        DomainError: If `K` is out of range, or the coefficients are beyond float64.

    Source:
        (slides, solution 2); claims II.4 and II.5

    >>> table = minimax_table(16, counts="independent")
    >>> round(table.bias.upper, 12), round(17**2 * table.optimum.lower, 6)
    (0.00112393607, 0.324818)
    """
    goal = as_reward(reward)
    inner, optimum = best_polynomial(inner_degree(K, counts), goal)
    return RewardTable.from_inner(K, inner, counts, goal, "minimax", optimum)


@lru_cache(maxsize=256)
def best_polynomial(n: int, reward: Estimand) -> tuple[np.ndarray, Interval]:
    """Find the coefficients of the best polynomial of degree n, and enclose its error.

    Args:
        n: Degree, 0 to 256.
        reward: g.

    Returns:
        c_0..c_n rounded to float64, read-only; and an enclosure of the least error: from below by its alternation, from
        above by that of coefficients that are not rounded.

    Raises:
        DomainError: If `n` is above 256.
    """
    if n > LARGEST:
        raise DomainError(f"`K` is too large: groups of up to {LARGEST} traces are proved.")
    level, exact = best_exactly(n, reward)
    stored = np.array([int(c.p) / int(c.q) for c in exact])
    stored.flags.writeable = False
    if level == 0:
        return stored, Interval(0.0, 0.0)
    attained = weighted_bias(exact, reward)
    lower = max(0.0, math.nextafter(float(level.lower()), -math.inf))
    return stored, Interval(min(lower, attained.upper), attained.upper)


@lru_cache(maxsize=256)
def best_exactly(n: int, reward: Estimand) -> tuple[arb, list[fmpq]]:
    """Find the coefficients of the best polynomial of degree n, before they are rounded to float64.

    Args:
        n: Degree.
        reward: g.

    Returns:
        Its levelled error, a lower bound for every table; and c_0..c_n.
    """
    polynomial = reward.polynomial
    if polynomial is not None and polynomial.degree() <= n:
        # Estimated without bias: there is no alternation to be found.
        return arb(0), to_bernstein(polynomial, n)
    return level_exactly(exchange(n, reward).points, reward, 256 + 8 * n)
