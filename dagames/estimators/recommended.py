"""The table to use: the averaged minimax table of the largest part of the group that costs little variance."""

from dataclasses import replace
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from scipy.stats import binom

from dagames.estimators.bernstein import raise_degree
from dagames.estimators.estimand import Estimand, Vector
from dagames.estimators.minimax import LARGEST, best_exactly, best_polynomial
from dagames.estimators.reward_table import CountsKind, RewardTable, as_group_size, inner_degree
from dagames.estimators.rewards import LOG, AnyReward, as_reward
from dagames.estimators.taylor import taylor_table

NOISE = 1.5
"""How much more worst weighted variance than the Taylor table's is taken for less bias."""

SHIPPED = (*range(2, 65), 96, 128)
"""Group sizes whose tables of the log come with the package."""

_PER_DEGREE = 8
"""Points at which variances are compared, per degree: they move none by more than a few thousandths."""


def recommended_table(K: int, *, reward: AnyReward = "log", counts: CountsKind = "centred") -> RewardTable:
    """Return the table to use in practice.

    The rule: take the minimax table for a part of the traces, averaged over all such parts of the group
    (`elevated_table`); the part as large as a worst weighted variance of 1.5 times the Taylor table's allows, found by
    bisection. Bias is shared by all groups of a batch and does not average out, as variance does.

    For the log, centred counts and K up to 64, 96 and 128 it is read from the package, with its proof checked again.
    Beyond K = 256 it is the Taylor table itself, whose worst bias for the log is .105 / K.

    Args:
        K: Number of traces in a group. Two traces tell a centred group nothing: either they agree, or their rewards
            are equal.
        reward: g, or its name.
        counts: The kind of counts: "centred" for GRPO, which takes the group's mean off.

    Returns:
        The table; up to K = 256 `optimum` encloses the least bias that any table of that kind can have.

    Raises:
        DomainError: If an argument is out of its domain.

    Source:
        claims II.7, II.8 and B.1

    >>> table = recommended_table(16)
    >>> table.method, round(table.bias.upper, 5), round(table.variance.upper, 4)
    ('recommended, of 8', 0.004, 0.0258)
    """
    estimated, K = as_reward(reward), as_group_size(K)
    if estimated == LOG and counts == "centred" and K in SHIPPED:
        return _shipped(K)
    return choose_table(K, estimated, counts)


def choose_table(K: int, reward: Estimand, counts: CountsKind) -> RewardTable:
    """Make the recommended table by its rule.

    Args:
        K: Number of traces in a group.
        reward: g.
        counts: The kind of counts.

    Returns:
        The table.
    """
    n = inner_degree(K, counts)
    if n > LARGEST:
        return replace(taylor_table(K, reward=reward, counts=counts), method="recommended, Taylor's")
    if n == 0:
        return replace(_averaged(0, K, reward, counts), optimum=best_polynomial(n, reward)[1])
    noise = _Noise(n)
    limit = NOISE * noise.worst(taylor_table(K, reward=reward, counts=counts))
    # The noise has one knee: below it no part costs more than the limit allows, beyond it every part does.
    part, beyond = 1, n + 1
    while beyond - part > 1:
        middle = (part + beyond) // 2
        fits = noise.worst(_averaged(middle, K, reward, counts)) <= limit
        part, beyond = (middle, beyond) if fits else (part, middle)
    return replace(_averaged(part, K, reward, counts), optimum=best_polynomial(n, reward)[1])


class _Noise:
    """The worst weighted variance of tables of one degree, in float64 on a grid: good to compare them."""

    def __init__(self, n: int) -> None:
        number = _PER_DEGREE * (n + 2)
        self._p: Vector = np.sin(0.5 * np.pi * np.arange(1, number) / number) ** 2
        self._masses = binom.pmf(np.arange(n + 1), n, self._p[:, None])

    def worst(self, table: RewardTable) -> float:
        inner = np.array([float(c) for c in table.inner])
        mean = self._masses @ inner
        return float((self._p**2 * (self._masses @ inner**2 - mean**2)).max())


def _averaged(m: int, K: int, reward: Estimand, counts: CountsKind) -> RewardTable:
    """Average the minimax table of m traces over the group, from coefficients that are not rounded before."""
    _, exact = best_exactly(m, reward)
    inner = np.array([int(c.p) / int(c.q) for c in raise_degree(exact, inner_degree(K, counts))])
    return RewardTable.from_inner(K, inner, counts, reward, f"recommended, of {m}")


@lru_cache
def _shipped(K: int) -> RewardTable:
    with as_file(files(__package__) / "shipped" / f"{K:03}.json") as path:
        return RewardTable.load(path)
