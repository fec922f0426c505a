"""The table to use for training: the Taylor table with the best entry for unique answers, monotone where g is."""

from functools import lru_cache

import numpy as np

from dagames.estimators.bernstein import LARGEST_EXACT, to_bernstein
from dagames.estimators.estimand import Estimand, Vector
from dagames.estimators.minimax import minimax_table
from dagames.estimators.reward_table import CountsKind, RewardTable, as_counts, as_group_size, inner_degree
from dagames.estimators.rewards import AnyReward, as_reward
from dagames.estimators.taylor import taylor_table


def recommended_table(K: int, *, reward: AnyReward = "log", counts: CountsKind = "centred") -> RewardTable:
    """Return the table to use for training.

    Math:
        c_k = log x + (1 - x) / (2 n x) at x = k / n for k >= 1, with n = K - 2 other traces (centred counts), and the
        entry for unique answers of least worst bias: `taylor_table`. For log p the entries increase with the count, so
        that the reward -c_k of an answer decreases with its frequency; the rewards of one and of two traces differ by
        at most 2 nats.

    The choice rests on training runs (`benchmarks/training.py`): over 21 games, each table at its best learning rate,
    no other table ends nearer to the equilibrium at every K. For other rewards this is the Taylor table too, or the
    unbiased estimate where the reward is a polynomial of degree at most n.

    Args:
        K: Number of traces in a group. For K = 2 the centred rewards are equal for every table.
        reward: g, or its name.
        counts: The kind of counts: "centred" for GRPO, which subtracts the group's mean.

    Returns:
        The table, [K + 1], cached for each set of arguments. Where g is monotone, so is the table. If the counts leave
        no random trace (n = 0), the table is the constant of least bias.

    Raises:
        DomainError: If an argument is out of its domain.

    Source:
        claims II.6, II.9a and B.1

    >>> table = recommended_table(16)
    >>> table.method, round(table.bias.upper, 5), round(table.variance.upper, 4)
    ('taylor', 0.0073, 0.0185)
    >>> -table.coefficients[[1, 2, 3, 4]].round(4)
    array([4.1366, 2.1748, 1.7316, 1.4095])
    """
    return _made(as_group_size(K), as_reward(reward), as_counts(counts))


@lru_cache(maxsize=256)
def _made(K: int, reward: Estimand, counts: CountsKind) -> RewardTable:
    n, polynomial = inner_degree(K, counts), reward.polynomial
    if n == 0:
        return minimax_table(K, reward=reward, counts=counts)
    if polynomial is not None and polynomial.degree() <= n <= LARGEST_EXACT:
        inner = np.array([int(c.p) / int(c.q) for c in to_bernstein(polynomial, n)])
        return RewardTable.from_inner(K, inner, counts, reward, "ustatistic")
    table = taylor_table(K, reward=reward, counts=counts)
    first = 0 if counts == "independent" else 1
    inner = table.coefficients[first : first + n + 1]
    ordered = _in_order(inner, reward)
    if np.array_equal(ordered, inner):
        return table
    return RewardTable.from_inner(K, ordered, counts, reward, "taylor, monotone")


def _in_order(inner: Vector, reward: Estimand) -> Vector:
    """Make the entries c_0..c_n monotone where the reward is: a running minimum (or maximum) from the largest count."""
    # At small counts the second-order term of a steep reward exceeds the reward itself.
    rises = np.diff(reward(np.arange(1, inner.size + 1) / inner.size))
    if (rises >= 0).all():
        return np.asarray(np.minimum.accumulate(inner[::-1])[::-1])
    if (rises <= 0).all():
        return np.asarray(np.maximum.accumulate(inner[::-1])[::-1])
    return inner
