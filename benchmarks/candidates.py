"""The tables of the log that the training benchmark compares, for groups whose mean is taken off."""

from collections.abc import Callable

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from dagames.estimators import (
    LOG,
    RewardTable,
    aqp_table,
    elevated_table,
    harmonic_table,
    minimax_table,
    plugin_table,
    taylor_table,
    variance_table,
)

Vector = NDArray[np.float64]
NOISE = 1.5
"""Worst weighted variance, in units of the Taylor table's, that the averaged table of the former rule may have."""

_EXACT = 32
"""Largest group for which the programs without the constraint are solved: beyond, float64 holds few of the tables."""


def candidates(K: int, *, programs: bool = True) -> dict[str, RewardTable]:
    """Make the tables to compare, each with centred counts unless its name has another kind.

    Args:
        K: Number of traces in a group, at least 4.
        programs: Whether to solve the linear and quadratic programs, which takes longest.

    Returns:
        The tables by name; "Taylor" is the one of the best c_0.
    """
    tables = _formulas(K) | _averaged(K)
    if not programs:
        return tables
    tables["minimax"] = minimax_table(K, counts="centred")
    least = _solve(K, "bias")
    tables["minimax, monotone"] = least
    for budget in (1.2, 2.0, 4.0):
        tables[f"variance, {budget:g} optima, monotone"] = _solve(K, "variance", budget * least.bias.upper)
    for budget in (1.2, 2.0):
        tables[f"AQP, {budget:g} optima, monotone"] = _solve(K, "second moment", budget * least.bias.upper)
    if K <= _EXACT:
        tables["variance, 4 optima"] = variance_table(K, bias=4.0, counts="centred")
        tables["AQP, 4 optima"] = aqp_table(K, bias=4.0, counts="centred")
    return tables


def _formulas(K: int) -> dict[str, RewardTable]:
    n, best = K - 2, taylor_table(K, counts="centred")
    with_c_0: Callable[[float], RewardTable] = lambda c_0: taylor_table(K, c_0=c_0, counts="centred")  # noqa: E731
    c_1 = float(best.coefficients[2])
    half = np.log(np.append(0.5, np.arange(1, K + 1) - 0.5) / K)
    return {
        "plug-in": plugin_table(K, counts="centred"),
        "Taylor": best,
        "Taylor, self-inclusive": taylor_table(K, counts="self-inclusive"),
        "Taylor, c_0 = log(1/(2n))": with_c_0(-np.log(2 * n)),
        "Taylor, c_0 = c_1 - 1.5": with_c_0(c_1 - 1.5),
        "Taylor, c_0 = c_1 - 2": with_c_0(c_1 - 2.0),
        "harmonic": harmonic_table(K, counts="centred"),
        "log(k - 1/2)": RewardTable(K, half, "centred", method="half"),
    }


def _averaged(K: int) -> dict[str, RewardTable]:
    """Average the minimax tables of parts of a group: the largest part within two limits, and fixed shares."""
    n = K - 2
    parts = [_average(K, m) for m in range(1, min(n, 2 * n // 3 + 2) + 1)]
    limit = NOISE * taylor_table(K, counts="centred").variance.upper
    quiet = [m for m, table in enumerate(parts, 1) if table.variance.upper <= limit]
    ordered = [m for m, table in enumerate(parts, 1) if is_monotone(table)]
    return {
        "averaged minimax, former rule": parts[max(quiet) - 1],
        "averaged minimax, largest monotone part": parts[max(ordered) - 1],
        "averaged minimax of a half": parts[max(n // 2, 1) - 1],
    }


def _average(K: int, m: int) -> RewardTable:
    return elevated_table(minimax_table(m, counts="independent"), K, counts="centred")


def is_monotone(table: RewardTable) -> bool:
    """Return whether the estimate of log p never falls from one count to the next, c_K apart, which is idle."""
    return bool((np.diff(table.coefficients[1 : table.group_size]) >= 0).all())


def _solve(K: int, objective: str, budget: float = np.inf) -> RewardTable:
    """Solve a program with the constraint c_0 <= c_1 <= ... <= c_n on a grid of p, in float64.

    Monotone tables have small entries, so that float64 suffices; their bias and variance are proved afterwards, as
    those of all tables are. That no monotone table does better is not proved.

    Args:
        K: Number of traces in a group.
        objective: What is minimised: "bias", the worst excess of the "variance", or the worst "second moment".
        budget: Largest weighted bias.

    Returns:
        The table.

    Raises:
        RuntimeError: If the solver does not find the optimum.
    """
    n = K - 2
    p = np.sin(0.5 * np.pi * np.arange(1, 12 * (n + 2)) / (12 * (n + 2))) ** 2
    basis, true = binom.pmf(np.arange(n + 1), n, p[:, None]), p * np.log(p)
    first, steps, level = cp.Variable(), cp.Variable(n, nonneg=True), cp.Variable()
    c = cp.hstack([first, first + cp.cumsum(steps)])
    error = cp.multiply(p, basis @ c) - true
    if objective == "bias":
        constraints = [error <= level, -error <= level]
    else:
        square = basis @ cp.square(c)
        worst = cp.multiply(p**2, square) - true**2 if objective == "variance" else square
        constraints = [error <= budget, -error <= budget, worst <= level]
    problem = cp.Problem(cp.Minimize(level), constraints)
    problem.solve(solver=cp.CLARABEL)
    if problem.status != "optimal" or first.value is None or steps.value is None:
        raise RuntimeError(f"the program for K = {K}, {objective}, {budget} ended as {problem.status}.")
    inner = float(first.value) + np.append(0.0, np.cumsum(np.maximum(steps.value, 0.0)))
    return RewardTable.from_inner(K, inner, "centred", LOG, objective)
