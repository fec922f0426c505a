"""The plug-in estimate minus its first-order bias (Miller and Madow)."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames.estimators.estimand import Estimand
from dagames.estimators.reward_table import CountsKind, RewardTable, inner_degree
from dagames.estimators.rewards import AnyReward, as_reward


def taylor_table(
    K: int,
    *,
    c_0: "float | Literal['best']" = "best",
    reward: AnyReward = "log",
    counts: CountsKind = "self-inclusive",
) -> RewardTable:
    """Tabulate g(k / n) minus the second-order term of its mean.

    Math:
        c_k = g(x) - g''(x) x (1 - x) / (2 n) at x = k / n, which for the log is log x + (1 - x) / (2 n x).

    At a fixed p the bias is O(1 / n^2). The worst bias is larger: it is attained at p ~ 1 / n and depends on c_0.

    Args:
        K: Number of traces in a group, at least 2 if counts are self-inclusive and 3 if centred.
        c_0: The entry for no *other* trace with the answer, in units of g; "best" for the one of least worst bias.
            In the table it is `coefficients[1]`, unless counts are independent; then it is `coefficients[0]`.
        reward: g, or its name.
        counts: Whether a count includes the trace that is rewarded. If it does, n = K - 1 (K - 2 if centred), and k
            counts the other traces with the answer.

    Returns:
        The table, [K + 1].

    Raises:
        DomainError: If `K` leaves no trace to count, or `c_0` is not a finite number.

    Source:
        (slides, bias rates: Taylor correction); claims II.1 and II.6

    >>> taylor_table(2, c_0=-2.0, counts="independent").coefficients.round(4)
    array([-2.    , -0.4431,  0.    ])
    """
    n, goal = inner_degree(K, counts), as_reward(reward)
    if n < 1:
        raise DomainError(f"`K` is {K}: with {counts} counts no other trace is left to count. Ask for a larger group.")
    x = np.arange(1, n + 1) / n
    inner = np.append(0.0, goal(x) - goal.second_derivative(x) * x * (1 - x) / (2 * n))
    if c_0 == "best":
        inner[0] = best_c_0(inner, goal)
    elif isinstance(c_0, (int, float, np.number)) and math.isfinite(c_0):
        inner[0] = c_0
    else:
        raise DomainError(f"`c_0` must be a finite number or 'best', not {c_0!r}.")
    return RewardTable.from_inner(K, inner, counts, goal, "taylor")


_WHOLE, _NEAR = 256, 64
"""c_0 minimises the bias over all p for up to 256 traces, and over p <= 64 / n for more."""


def best_c_0(inner: NDArray[np.float64], reward: Estimand) -> float:
    """Find the c_0 of least worst bias for given c_1..c_n.

    Math:
        the weight of c_0 in the error is p (1 - p)^n, so that |e(p)| <= t bounds c_0 from both sides at every p.
        Bisection finds the least t for which the bounds on a grid, dense near 0, leave a c_0.

    Args:
        inner: c_0..c_n, of which the first is not read.
        reward: g.

    Returns:
        c_0, accurate to about 1e-6 of the bias.
    """
    n = inner.size - 1
    # In a large group the weight of c_0 is negligible except near 0, where only the first entries matter.
    near = n if n <= _WHOLE else _NEAR
    p = near / n * np.sin(0.5 * np.pi * np.arange(1, 64 * (near + 2)) / (64 * (near + 2))) ** 2
    weight = p * (1 - p) ** n
    k = np.arange(1, min(n, 4 * near) + 1)
    log_pmf = [math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) for j in k.tolist()]
    basis = np.exp(np.array(log_pmf) + np.log(p)[:, None] * k + np.log1p(-p)[:, None] * (n - k))
    rest = p * (basis @ inner[1 : k.size + 1] - reward(p))
    seen = weight > 1e-300
    weight, rest = weight[seen], rest[seen]
    low, high = 0.0, float(np.abs(rest).max())
    for _ in range(60):
        t = 0.5 * (low + high)
        room = ((t - rest) / weight).min() - ((-t - rest) / weight).max()
        low, high = (low, t) if room >= 0 else (t, high)
    return float(0.5 * (((high - rest) / weight).min() + ((-high - rest) / weight).max()))
