"""The exact core beside cvxpy with Clarabel, beside the passes nobody can avoid, and against the size of the game.

Run `python -m benchmarks.core`; it takes about three minutes and prints a table of ratios measured in this one run.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.sparse import csr_array

from benchmarks.clock import exponent, fastest
from dagames import AlignmentGame, solve
from dagames._files import write_text
from dagames.functionals import Gini
from dagames.solvers.blocks import CELLS
from dagames.solvers.newton import joint_steps

WEIGHT, BETA = 1.3, 0.7
Row = dict[str, Any]


def against_cvxpy_over_traces(n_traces: int, n_answers: int, rng: np.random.Generator) -> list[Row]:
    """Solve one game as a user states it for cvxpy, over traces, and by `solve`.

    Args:
        n_traces: Number of traces.
        n_answers: Number of answers.
        rng: Source of the game.

    Returns:
        One row.
    """
    E, pi_0 = rng.integers(0, n_answers, size=n_traces), rng.dirichlet(np.ones(n_traces))
    ours, solution = fastest(lambda: _solve_and_lift(pi_0, E))

    def theirs() -> np.ndarray:
        pi = cp.Variable(n_traces)
        push = csr_array((np.ones(n_traces), (E, np.arange(n_traces))), shape=(n_answers, n_traces))
        marginal = push @ pi
        objective = 0.5 * WEIGHT * cp.sum_squares(marginal) + BETA * cp.sum(cp.kl_div(pi, pi_0))
        cp.Problem(cp.Minimize(objective), [cp.sum(pi) == 1]).solve(solver=cp.CLARABEL)
        return np.asarray(pi.value)

    seconds, pi = fastest(theirs, repeats=1)
    return [_duel("over traces", seconds, ours, _gap(pi_0, E, pi), solution.certificate.worst, at_least=1000)]


def against_cvxpy_over_answers(n_answers: int, rng: np.random.Generator) -> list[Row]:
    """Solve one game stated over answers: the reduction is given away, push and lift are not timed.

    Args:
        n_answers: Number of answers.
        rng: Source of the game.

    Returns:
        One row.
    """
    nu_0 = rng.dirichlet(np.ones(n_answers))
    game = AlignmentGame(nu_0, np.arange(n_answers), Gini(WEIGHT), BETA)
    ours, solution = fastest(lambda: solve(game), repeats=20)
    seconds, nu = fastest(lambda: _cvxpy_over_answers(nu_0), repeats=5)
    gap = _gap(nu_0, np.arange(n_answers), nu)
    return [_duel("over answers", seconds, ours, gap, solution.certificate.worst, at_least=10)]


def against_the_two_passes(n_traces: int, n_answers: int, rng: np.random.Generator) -> list[Row]:
    """Solve a game of very many traces, beside the bincount and the gather-multiply that it cannot do without.

    Args:
        n_traces: Number of traces.
        n_answers: Number of answers.
        rng: Source of the game.

    Returns:
        One row.
    """
    E = rng.integers(0, n_answers, size=n_traces)
    pi_0 = np.full(n_traces, 1 / n_traces)
    factor = rng.random(n_answers)
    passes, _ = fastest(lambda: (np.bincount(E, weights=pi_0, minlength=n_answers), pi_0 * factor[E]))
    ours, _ = fastest(lambda: _solve_and_lift(pi_0, E))
    what = f"|Y| = {n_traces:.0e}, |Z| = {n_answers}: state, solve, lift"
    return [_cost(what, ours, passes, "bincount and gather-multiply", at_most=3)]


def against_exp_passes(n_prompts: int, n_answers: int, rng: np.random.Generator) -> list[Row]:
    """Solve a batch, one Newton step beside np.exp passes over it, and all of it beside cvxpy in a loop.

    Args:
        n_prompts: Number of prompts.
        n_answers: Number of answers.
        rng: Source of the game.

    Returns:
        Two rows.
    """
    nu_0 = rng.dirichlet(np.ones(n_answers), size=n_prompts)
    game = AlignmentGame(nu_0, np.arange(n_answers), Gini(WEIGHT), BETA)
    exp, _ = fastest(lambda: np.exp(nu_0))
    height = CELLS // n_answers
    step = 0.0
    for row in range(0, n_prompts, height):
        part = game.at_prompts(slice(row, row + height))
        seconds, (_, steps, _) = fastest(lambda part=part: joint_steps(part, part.functional), repeats=2)
        step += seconds / steps
    ours, solution = fastest(lambda: solve(game))
    tried = min(200, n_prompts)
    theirs = fastest(lambda: [_cvxpy_over_answers(row) for row in nu_0[:tried]], repeats=1)[0] / tried * n_prompts
    gap = max(_gap(row, np.arange(n_answers), _cvxpy_over_answers(row)) for row in nu_0[:10])
    batch = f"{n_prompts:,} prompts x {n_answers} answers"
    return [
        _cost(f"{batch}: one Newton step", step, exp, "np.exp over the batch", at_most=6),
        _duel(f"{batch}, cvxpy extrapolated", theirs, ours, gap, solution.certificate.worst, at_least=100),
    ]


def growth(rng: np.random.Generator) -> list[Row]:
    """Time `solve`, from stating the game to the policy, against each of its sizes.

    Args:
        rng: Source of the games.

    Returns:
        A row for |Y|, |Z| and |X|, with the times and the fitted exponent.
    """
    series: list[tuple[str, list[int], Callable[[int], tuple[np.ndarray, np.ndarray]]]] = [
        (
            "|Y|, |Z| = 100",
            [10**4, 3 * 10**4, 10**5, 3 * 10**5, 10**6, 3 * 10**6, 10**7],
            lambda n: (np.full(n, 1 / n), rng.integers(0, 100, size=n)),
        ),
        (
            "|Z| = |Y|",
            [10**3, 3 * 10**3, 10**4, 3 * 10**4, 10**5, 3 * 10**5, 10**6],
            lambda n: (rng.dirichlet(np.ones(n)), np.arange(n)),
        ),
        (
            "|X|, |Z| = |Y| = 64",
            [100, 300, 1000, 3000, 10**4, 3 * 10**4, 10**5],
            lambda n: (rng.dirichlet(np.ones(64), size=n), np.arange(64)),
        ),
    ]
    rows = []
    for what, sizes, make in series:
        seconds = []
        for size in sizes:
            pi_0, E = make(size)
            seconds.append(fastest(lambda pi_0=pi_0, E=E: _solve_and_lift(pi_0, E))[0])
        rows.append({"what": what, "sizes": sizes, "seconds": seconds, "exponent": exponent(sizes, seconds)})
    return rows


def _solve_and_lift(pi_0: np.ndarray, E: np.ndarray) -> Any:
    solution = solve(AlignmentGame(pi_0, E, Gini(WEIGHT), BETA))
    assert np.shape(solution.pi) == pi_0.shape
    return solution


def _cvxpy_over_answers(nu_0: np.ndarray) -> np.ndarray:
    nu = cp.Variable(nu_0.size)
    objective = 0.5 * WEIGHT * cp.sum_squares(nu) + BETA * cp.sum(cp.kl_div(nu, nu_0))
    cp.Problem(cp.Minimize(objective), [cp.sum(nu) == 1]).solve(solver=cp.CLARABEL)
    return np.asarray(nu.value)


def _gap(pi_0: np.ndarray, E: np.ndarray, pi: np.ndarray) -> float:
    """Certify another solver's policy by its best target, as our own is."""
    game = AlignmentGame(pi_0, E, Gini(WEIGHT), BETA)
    log_pi = np.log(np.maximum(pi, 1e-300) / np.maximum(pi, 1e-300).sum())
    log_nu = np.log(game.marginal(np.exp(log_pi)))
    return game.certify(log_pi, game.log_best_target(log_nu)).worst


def _duel(what: str, theirs: float, ours: float, their_gap: float, our_gap: float, *, at_least: float) -> Row:
    return {
        "what": f"cvxpy + Clarabel, {what}",
        "theirs": theirs,
        "ours": ours,
        "ratio": theirs / ours,
        "required": at_least,
        "met": theirs / ours >= at_least and our_gap <= their_gap,
        "their_gap": their_gap,
        "our_gap": our_gap,
    }


def _cost(what: str, ours: float, unit: float, of: str, *, at_most: float) -> Row:
    return {
        "what": f"{what}, in {of}",
        "theirs": unit,
        "ours": ours,
        "ratio": ours / unit,
        "required": at_most,
        "met": ours / unit <= at_most,
    }


def run(*, quick: bool = False) -> dict[str, Any]:
    """Measure everything.

    Args:
        quick: Whether to take sizes a hundred times smaller, to see that it runs; the ratios then mean nothing.

    Returns:
        Rows of ratios, and of growth.
    """
    rng = np.random.default_rng(0)
    scale = 100 if quick else 1
    parts: list[Callable[[], list[Row]]] = [
        lambda: against_cvxpy_over_traces(10**5 // scale, 100, rng),
        lambda: against_cvxpy_over_answers(100, rng),
        lambda: against_the_two_passes(10**7 // scale, 100, rng),
        lambda: against_exp_passes(10**5 // scale, 64, rng),
    ]
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("benchmarks", total=len(parts) + 1)
        for part in parts:
            rows += part()
            progress.advance(task)
        return {"ratios": rows, "growth": [] if quick else growth(rng)}


def print_table(results: dict[str, Any]) -> None:
    """Print the ratios and exponents.

    Args:
        results: What `run` returned.
    """
    table = Table("compared with", "theirs (s)", "ours (s)", "ratio", "required", "their gap", "our gap", "met")
    for row in results["ratios"]:
        gaps = [f"{row[key]:.1e}" if key in row else "" for key in ("their_gap", "our_gap")]
        required = f"{'>=' if 'our_gap' in row else '<='} {row['required']:g}"
        numbers = [f"{row['theirs']:.3g}", f"{row['ours']:.3g}", f"{row['ratio']:,.1f}", required]
        table.add_row(row["what"], *numbers, *gaps, "yes" if row["met"] else "NO")
    for row in results["growth"]:
        largest = f"{row['seconds'][-1]:.3g}"
        table.add_row(f"growth in {row['what']}", "", largest, f"power {row['exponent']:.2f}", "about 1", "", "", "")
    Console(width=160).print(table)


def main() -> None:
    """Measure, print the table, and write numbers and figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"), help="folder of core.json and the figure")
    arguments = parser.parse_args()
    results = run()
    print_table(results)
    write_text(arguments.out / "core.json", json.dumps(results, indent=2) + "\n")
    from benchmarks.draw import draw_core

    draw_core(results, arguments.out)


if __name__ == "__main__":
    main()
