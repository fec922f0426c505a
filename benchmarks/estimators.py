"""Reward tables beside the linear program that a user would state for cvxpy, and look-ups beside numpy's own.

Run `python -m benchmarks.estimators`; it takes some minutes and prints a table of what is measured in this one run.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binom

from benchmarks.clock import fastest, times_as_long
from dagames._files import write_text
from dagames.estimators import LOG, RewardTable, minimax_table, solve_aqp, solve_variance
from dagames.estimators.best_polynomial import best_exactly, best_polynomial
from dagames.estimators.exchange import certified_level, exchange

Row = dict[str, Any]
SECONDS = {16: 0.05, 64: 0.5, 256: 5.0}
"""Time allowed to find the least bias, by group size."""
BUDGET_SECONDS = {16: 2.0, 32: 60.0}
"""Time allowed to a point of the frontier, by group size."""


def least_bias(K: int) -> Row:
    """Find the least bias by exchange, and prove it.

    Args:
        K: Number of traces; counts are independent.

    Returns:
        Seconds to find it, seconds to prove it too, and the relative width of the proof.
    """
    found, _ = fastest(lambda: certified_level(exchange(K, LOG).points, LOG, 256 + 8 * K))
    _forget()
    proved, table = fastest(lambda: minimax_table(K, counts="independent"), repeats=1)
    allowed = SECONDS.get(K)
    width = table.optimum.width if table.optimum else np.inf
    met = width <= 1e-8 and (allowed is None or found <= allowed)
    what = f"least bias, K = {K}: found in {found:.3f} s, proved to {width:.0e}"
    return {"what": what, "seconds": found, "with_proof": proved, "width": width, "allowed": allowed, "met": met}


def _forget() -> None:
    """Forget the polynomials that were found before, so that a table takes as long as the first time."""
    best_exactly.cache_clear()
    best_polynomial.cache_clear()


def beside_cvxpy(K: int) -> Row:
    """State the linear program over the Bernstein coefficients on a grid, as the slides do, and certify what comes.

    Args:
        K: Number of traces; counts are independent.

    Returns:
        Seconds of either, and by what factor the program's table exceeds the least bias.
    """
    _forget()
    ours, best = fastest(lambda: minimax_table(K, counts="independent"), repeats=1)
    p = np.sin(0.5 * np.pi * np.arange(1, 24 * (K + 1) + 1) / (24 * (K + 1))) ** 2
    basis = p[:, None] * np.array([binom.pmf(k, K, p) for k in range(K + 1)]).T

    def theirs() -> np.ndarray | None:
        c, t = cp.Variable(K + 1), cp.Variable()
        error = basis @ c - p * np.log(p)
        cp.Problem(cp.Minimize(t), [error <= t, -error <= t]).solve(solver=cp.CLARABEL)
        return None if c.value is None else np.asarray(c.value)

    seconds, coefficients = fastest(theirs, repeats=1)
    excess = np.inf
    if coefficients is not None and best.optimum is not None:
        excess = RewardTable(K, coefficients, "independent").bias.upper / best.optimum.lower
    what = f"cvxpy's linear program, K = {K}: {seconds:.2f} s, {excess:.3g} times the least bias"
    return {"what": what, "theirs": seconds, "seconds": ours, "excess": excess, "allowed": None, "met": True}


def within_budget(K: int, budget: float) -> list[Row]:
    """Find both frontiers' tables at one budget.

    Args:
        K: Number of traces.
        budget: The budget, in optima.

    Returns:
        Seconds and proved gap of either.
    """
    rows = []
    for name, solve in (("aqp", solve_aqp), ("variance", solve_variance)):
        _forget()
        seconds, point = fastest(lambda solve=solve: solve(K, budget), repeats=1)
        allowed = BUDGET_SECONDS[K]
        what = f"{name}, K = {K}, {budget:g} optima: {seconds:.2f} s, gap {point.gap:.0e}"
        row = {"what": what, "seconds": seconds, "gap": point.gap, "allowed": allowed, "met": seconds <= allowed}
        rows.append(row)
    return rows


def look_ups(number: int) -> list[Row]:
    """Look rewards up, bounds checked, beside `np.take` and beside the logarithm.

    Args:
        number: How many.

    Returns:
        Two rows.
    """
    table, counts = minimax_table(16), np.random.default_rng(0).integers(1, 17, size=number)
    ours, _ = fastest(lambda: table.reward(counts), repeats=30)
    take = times_as_long(lambda: table.reward(counts), lambda: np.take(table.coefficients, counts))
    log = times_as_long(lambda: table.reward(counts), lambda: np.log(counts / 16))
    return [
        {"what": f"{number:,} look-ups: {take:.2f} times np.take", "seconds": ours, "met": take <= 1.3},
        {"what": f"{number:,} look-ups: {log:.2f} times np.log(k / K)", "seconds": ours, "met": log < 1.0},
    ]


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything.

    Args:
        quick: Whether to take small sizes only, to see that it runs.

    Returns:
        The rows.
    """
    sizes, grids = ((4, 8), (4,)) if quick else ((4, 8, 16, 32, 64, 128, 256), (4, 8, 16, 24, 32, 48, 64))
    budgets = [] if quick else [(K, b) for K in (16, 32) for b in (1.0, 1.01, 1.1, 2.0, 5.0, 10.0, 50.0)]
    console = Console(stderr=True)
    rows = [least_bias(K) for K in track(sizes, "least bias", console=console, transient=True)]
    rows += [beside_cvxpy(K) for K in track(grids, "cvxpy", console=console, transient=True)]
    for K, budget in track(budgets, "frontier", console=console, transient=True):
        rows += within_budget(K, budget)
    return rows + look_ups(10**4 if quick else 10**6)


def main() -> None:
    """Measure, print the table, and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"), help="folder of estimators.json")
    arguments = parser.parse_args()
    rows = run()
    table = Table("measured", "seconds", "allowed", "met")
    for row in rows:
        allowed = "" if row.get("allowed") is None else f"{row['allowed']:g}"
        table.add_row(row["what"], f"{row['seconds']:.4g}", allowed, "yes" if row["met"] else "NO")
    Console(width=140).print(table)
    write_text(arguments.out / "estimators.json", json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
