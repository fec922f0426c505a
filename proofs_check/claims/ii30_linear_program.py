"""II.30: whether a linear program, once for each K, finds the best coefficients."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from proofs_check import approximation, stats
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
ENOUGH = 1e-3
"""Relative excess over the least bias that counts as found."""

DENSE = 60
"""Points per degree of a fine program's grid; tables are measured on a grid with seven times as many."""


class Program(NamedTuple):
    """The grid of the linear program, and the scale of its table.

    Attributes:
        grid: The points, from n.
        scale: Factor from the table for beta = 1 to the table for a given beta.
    """

    grid: Callable[[int], Array]
    scale: Callable[[float], float]


def crowded(n: int, number: int) -> Array:  # noqa: ARG001 - the same for every degree
    """Points that crowd at 0 and 1, as the square of a sine."""
    return np.asarray(np.sin(0.5 * np.pi * np.arange(1, number + 1) / number) ** 2)


def even(n: int, number: int) -> Array:  # noqa: ARG001 - the same for every degree
    """Points at equal distances."""
    return np.arange(1, number + 1) / number


def stated() -> Program:
    """A fine grid that is dense at the ends; a table proportional to beta."""
    return Program(lambda n: crowded(n, DENSE * (n + 2)), lambda beta: beta)


def near_miss() -> Program:
    """A grid of ten points per degree."""
    return stated()._replace(grid=lambda n: crowded(n, 10 * (n + 2)))


def sabotage() -> Program:
    """Three points per degree at equal distances, and one table for every beta."""
    return Program(lambda n: even(n, 3 * (n + 2)), lambda _: 1.0)


def solve(n: int, p: Array, beta: float = 1.0) -> Array:
    """Minimise the largest |p P(p) - beta p log p| over points p by a linear program in float64.

    Args:
        n: Number of traces.
        p: The points.
        beta: beta.

    Returns:
        c_0..c_n; infinite if the solver fails.
    """
    rows, goal, one = p[:, None] * _law(n, p), beta * p * np.log(p), np.ones((len(p), 1))
    found = linprog(
        [0.0] * (n + 1) + [1.0],
        A_ub=np.block([[rows, -one], [-rows, -one]]),
        b_ub=np.concatenate([goal, -goal]),
        bounds=[(None, None)] * (n + 1) + [(0, None)],
        method="highs",
    )
    return np.full(n + 1, np.inf) if found.x is None else np.asarray(found.x[:-1])


def _law(n: int, p: Array) -> Array:
    return np.asarray(stats.binom.pmf(np.arange(n + 1), n, p[:, None]))


def bias_of(c: Array, beta: float = 1.0) -> float:
    """Measure the worst error on a finer grid, between whose points the error is larger by less than 10^-3.

    Args:
        c: c_0..c_n.
        beta: beta.

    Returns:
        The bias.
    """
    n = len(c) - 1
    p = crowded(n, 7 * DENSE * (n + 2))
    return float(np.abs(p * (_law(n, p) @ c) - beta * p * np.log(p)).max())


def on_a_fine_grid(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the bias of the program's table with the least one, by an exchange of points at 50 digits.

    Args:
        formula: The grid, and how a table changes with beta.
        rng: Source of randomness, not used.

    Yields:
        For K = 2 to 16 the biases; and for beta = 1/10 that of the table for beta = 1, scaled.
    """
    del rng
    program = formula()
    for K in (2, 4, 8, 16):
        least = float(approximation.best(K)[0])
        table = solve(K, program.grid(K))
        found = bias_of(table)
        instance = {"K": K, "least bias": least, "bias of the program's table": found}
        here = instance | {"compared": "bias of the program's table, the least bias"}
        yield Evidence(least, found, "at most", ENOUGH * least, here, size=K)
        if K <= 8:
            scaled = bias_of(program.scale(0.1) * table, 0.1)
            yield Evidence(least / 10, scaled, "at most", ENOUGH * least, here | {"beta": 0.1}, size=K)


def factor() -> float:
    """Within a thousandth of the least bias."""
    return 1 + ENOUGH


def within_a_third() -> float:
    """Within a third."""
    return 4 / 3


def twice() -> float:
    """Within a factor of two."""
    return 2.0


def in_large_groups(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the bias of the program's table in float64 with the least one, by an exchange of points at 50 digits.

    Args:
        formula: The claimed ratio of the biases.
        rng: Source of randomness, not used.

    Yields:
        For K = 32 the two biases; more points do not change them.
    """
    del rng
    for K in (32,):
        least = float(approximation.best(K)[0])
        found = bias_of(solve(K, crowded(K, 20 * (K + 2))))
        instance = {"K": K, "least bias": least, "bias of the program's table": found}
        sentence = (
            f"For K = {K} the least bias is {least:.3g}. The linear program in float64 (HiGHS, {20 * (K + 2)} points) "
            f"returns a table of bias {found:.3g}, {found / least:.2f} times as much."
        )
        yield Evidence(formula() * least, found, "at most", 0.0, instance, size=K, sentence=sentence)


II30 = Claim(
    id="II.30",
    title="The best table by a linear program",
    whose="slides",
    place="Solution 2: Optimal Approximation for KL Games, Minimax polynomial estimator",
    plain="The best table can be computed once for each group size, before training, by a standard solver.",
    statement=(
        "The coefficients c* of least worst error |p P_c(p) - beta p log p| over p in [0, 1] are found by a linear "
        "program, solved offline, once for each K. A program has finitely many constraints: the grid is not given "
        "here, nor how large K may be, nor the solver's precision."
    ),
    printed="min_c max_p |p P_c(p) - beta p log p|,  by a linear program",
    kind="existence",
    expected="depends",
    readings=(
        Reading(
            supposes="the grid is fine and dense at the ends, and groups have up to 16 traces",
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=on_a_fine_grid,
        ),
        Reading(
            supposes="groups have any size, and the program is solved in double precision",
            expected="false",
            stated=factor,
            sabotage=twice,
            near_miss=within_a_third,
            evidence=in_large_groups,
        ),
    ),
    remark=(
        "Between the points of a grid the error is larger; with ten points per degree the bias exceeds the least bias "
        "by more than a thousandth. c* is proportional to beta, so that one solution for each K is enough. The entries "
        "grow like 2^K, for which double precision with a solver's tolerance of 10^-7 is soon too coarse: the bias is "
        "above the least by 1 % at K = 24 and by 63 % at K = 48, with 20 or 60 points per degree. The exchange of "
        "points in `minimax_table` has a proof for K up to 256."
    ),
)

CLAIMS = (II30,)
