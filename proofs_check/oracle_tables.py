"""Reward tables by formula and by linear and cone programs, without code of `dagames.estimators`."""

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, minimize_scalar

from proofs_check import stats

Array = NDArray[np.float64]


def plug_in(K: int) -> Array:
    """Return log(k / K) for the counts k = 1..K - 1 of centred groups.

    Tables of this module have entries for k = 1..K - 1: if the group's mean is subtracted, c_K has no effect. The mean
    P of such a table is a polynomial of degree n = K - 2.

    Args:
        K: Number of traces.

    Returns:
        The table, [K - 1].
    """
    return np.log(np.arange(1, K) / K)


def taylor(K: int) -> Array:
    """Return log x + (1 - x) / (2 n x) at x = k / n, with the first entry that minimises the worst bias.

    Args:
        K: Number of traces.

    Returns:
        The table, [K - 1].
    """
    n = K - 2
    x = np.arange(1, n + 1) / n
    c = np.append(0.0, np.log(x) + (1 - x) / (2 * n * x))
    p, masses = _grid_and_masses(n, 40)
    error, weight = p * (masses @ c - np.log(p)), p * masses[:, 0]
    c[0] = minimize_scalar(lambda first: np.abs(error + first * weight).max(), bounds=(-20.0, 0.0), method="bounded").x
    return c


def _grid_and_masses(n: int, per_degree: int) -> tuple[Array, Array]:
    """Return points p of (0, 1] with resolution 1 / n^2, and the binomial masses at each."""
    number = per_degree * (n + 2)
    p = np.sin(0.5 * np.pi * np.arange(1, number + 1) / number) ** 2
    return p, np.asarray(stats.binom.pmf(np.arange(n + 1), n, p[:, None]))


@lru_cache
def least_bias(n: int) -> tuple[tuple[float, ...], float]:
    """Minimise the worst weighted bias for n independent traces, by a linear program on a grid of p.

    Args:
        n: Number of traces.

    Returns:
        The table c_0..c_n, and its bias.
    """
    p, masses = _grid_and_masses(n, 40)
    rows, goal, one = p[:, None] * masses, p * np.log(p), np.ones((len(p), 1))
    solution: Array = np.asarray(
        linprog(
            [0.0] * (n + 1) + [1.0],
            A_ub=np.block([[rows, -one], [-rows, -one]]),
            b_ub=np.concatenate([goal, -goal]),
            bounds=[(None, None)] * (n + 1) + [(0, None)],
            method="highs",
        ).x
    )
    return tuple(solution[:-1].tolist()), float(solution[-1])


@lru_cache
def least_noise(n: int, multiple: float, *, excess: bool = False) -> tuple[float, ...]:
    """Minimise the worst second moment within a bias budget, or the worst excess, by a cone program on a grid of p.

    Math:
        |(sqrt(B_k) c_k)_k| <= s;   and p^2 sum B_k c_k^2 <= v + g^2 for g = p log p as |(2 p sqrt(B_k) c_k, a - 1)| <=
        a + 1 with a = v + g^2.

    Args:
        n: Number of independent traces.
        multiple: The bias budget as a multiple of the least bias.
        excess: Whether to minimise p^2 (E c_X^2 - log(p)^2) instead of the second moment.

    Returns:
        The table c_0..c_n.
    """
    import cvxpy as cp

    p, masses = _grid_and_masses(n, 10)
    c, level = cp.Variable(n + 1), cp.Variable()
    spread = cp.multiply(np.sqrt(masses), np.ones((len(p), 1)) @ cp.reshape(c, (1, n + 1), order="C"))
    limits = [cp.abs(cp.multiply(p, masses @ c - np.log(p))) <= multiple * least_bias(n)[1]]
    if excess:
        a = level + (p * np.log(p)) ** 2
        sides = [cp.multiply(2 * p[:, None], spread), cp.reshape(a - 1, (len(p), 1), order="C")]
        limits.append(cp.norm(cp.hstack(sides), 2, axis=1) <= a + 1)
    else:
        limits += [cp.norm(spread, 2, axis=1) <= level, cp.abs(c[0]) <= level]
    cp.Problem(cp.Minimize(level), limits).solve(solver=cp.CLARABEL)
    return tuple(np.asarray(c.value).tolist())


def minimax(K: int) -> Array:
    """Return the table of least bias.

    Args:
        K: Number of traces.

    Returns:
        The table, [K - 1].
    """
    return np.array(least_bias(K - 2)[0])


def averaged_split(K: int) -> Array:
    """Average the table of least bias for K / 2 traces over all subsets of K / 2 traces.

    Args:
        K: Number of traces, even and at least 4.

    Returns:
        The table, [K - 1].
    """
    n, m = K - 2, K // 2
    half = np.array(least_bias(m)[0])
    k = np.arange(n + 1)[:, None]
    return np.asarray(stats.hypergeom.pmf(np.arange(m + 1), n, k, m) @ half)


def aqp(K: int, multiple: float) -> Array:
    """Return the table of least second moment within a multiple of the least bias, [K - 1]."""
    return np.array(least_noise(K - 2, multiple))


def variance(K: int, multiple: float) -> Array:
    """Return the table of least excess within a multiple of the least bias, [K - 1]."""
    return np.array(least_noise(K - 2, multiple, excess=True))


TABLES: dict[str, Callable[[int], Array]] = {
    "plug-in": plug_in,
    "Taylor": taylor,
    "minimax": minimax,
    "aqp, twice the least bias": partial(aqp, multiple=2.0),
    "variance, four times the least bias": partial(variance, multiple=4.0),
    "averaged split": averaged_split,
}
