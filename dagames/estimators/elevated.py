"""Tables for a group from tables for fewer traces: by one split of the group, or by the mean over all splits."""

import numpy as np

from dagames._errors import DomainError
from dagames.estimators.bernstein import LARGEST_EXACT, raise_degree
from dagames.estimators.minimax import minimax_table
from dagames.estimators.reward_table import CountsKind, RewardTable, as_group_size, inner_degree
from dagames.estimators.rewards import AnyReward


def split_table(K: int, *, reward: AnyReward = "log", size: int | None = None) -> RewardTable:
    """Return the minimax table for sample splitting: `size` traces of a group estimate the rewards of the others.

    The reward of a trace is a function of the count of its answer among the `size` traces, which do not include it, so
    that the reward is independent of the trace. The split is random, or fixed.

    Args:
        K: Number of traces in the group, at least 2.
        reward: g, or its name.
        size: Number of traces that estimate, 1 to K - 1; half of the group by default.

    Returns:
        The table for independent counts of `size` traces, [size + 1].

    Raises:
        DomainError: If one of the two parts is empty.

    Source:
        (slides, backup: sample splitting); claim II.8

    >>> split_table(16).group_size
    8
    """
    K = as_group_size(K)
    size = K // 2 if size is None else size
    number = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
    if not (number and 1 <= size < K):
        raise DomainError(f"`size` must be from 1 to K - 1 = {K - 1}, not {size!r}: both parts need a trace.")
    return minimax_table(size, reward=reward, counts="independent")


def elevated_table(table: RewardTable, K: int, *, counts: CountsKind = "self-inclusive") -> RewardTable:
    """Elevate the degree of a table's mean: the same polynomial, as the mean of a table for a larger group.

    Math:
        c_k = the mean of the table's entries for the count within a random subset of the other traces, given that the
        count among all of them is k. By Rao and Blackwell the bias is the same, and the variance at no p larger.

    Args:
        table: The table for fewer traces.
        K: Number of traces in the group.
        counts: Whether a count of the new table includes the trace that is rewarded.

    Returns:
        The table, [K + 1].

    Raises:
        DomainError: If the group is too small, or too large for exact binomials.

    Source:
        claims II.7 and II.8

    >>> small = minimax_table(4, counts="independent")
    >>> large = elevated_table(small, 8, counts="independent")
    >>> abs(large.bias.upper / small.bias.upper - 1) < 1e-12, large.variance.upper < small.variance.upper
    (True, True)
    """
    if not isinstance(table, RewardTable):
        raise DomainError(f"`table` must be a RewardTable, not {table!r}.")
    n, m = inner_degree(K, counts), len(table.inner) - 1
    if n > LARGEST_EXACT:
        raise DomainError(f"`K` is {K}; tables are averaged exactly for up to {LARGEST_EXACT} other traces.")
    if n < m:
        raise DomainError(f"`K` is {K}, with {n} other traces; the table needs {m}.")
    inner = np.array([int(c.p) / int(c.q) for c in raise_degree(table.inner, n)])
    return RewardTable.from_inner(K, inner, counts, table.estimand, f"elevated {table.method}")


def half_group_table(K: int, *, reward: AnyReward = "log", counts: CountsKind = "self-inclusive") -> RewardTable:
    """Return the mean over all halves of a group of the minimax table of a half."""
    return elevated_table(split_table(K, reward=reward), K, counts=counts)
