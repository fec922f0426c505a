"""The command `dagames solve`."""

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from dagames._files import write_bytes, write_text
from dagames.cli.late_help import as_list
from dagames.cli.terminal import is_shown, spinner
from dagames.pictures.panels import check_outputs

HELP = """Solve the game in a file, and print policy, target and certificate as JSON.

Example of a file (YAML or JSON):

\b
    pi_0: [0.5, 0.25, 0.25]            # reference over traces; or log_pi_0
    E: [0, 1, 1]                       # the answer of each trace
    functional: {Gini: {weight: 1.3}}  # or a list, for the sum
    beta: 0.7                          # weight of KL(pi || pi_0)
    n_answers: 2                       # optional

Any list can be given as a file: ref.npy, data.npz:key, table.csv:column. A list of lists is a batch of prompts.

Functionals: {functionals}.

Methods:

\b
{methods}

The gap in the result is a bound on the relative suboptimality of the policy. Invalid input, or a gap above --tolerance,
gives one message and exit code 2, and no output is written.
"""


def choices() -> dict[str, str]:
    """Return the lists of functionals and methods for the help text."""
    from dagames.cli.game_file import FUNCTIONALS
    from dagames.solvers import METHODS

    return {"functionals": ", ".join(FUNCTIONALS), "methods": as_list(METHODS)}


def solve(
    path: Annotated[Path, typer.Argument(metavar="GAME", help="YAML or JSON file.")],
    method: Annotated[str, typer.Option(help="One of the methods above.")] = "auto",
    tolerance: Annotated[
        float | None,
        typer.Option(help="Relative duality gap to reach.", show_default="1e-10; conic 1e-6, no_regret 1e-3"),
    ] = None,
    max_iterations: Annotated[
        int, typer.Option(min=0, help="Maximum number of steps of an iterative method.")
    ] = 10_000,
    out: Annotated[Path | None, typer.Option(help="Write the result to this file instead of printing it.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw a picture (.svg, .png or .pdf), with its data as .json beside it.")
    ] = None,
    policy: Annotated[
        bool | None,
        typer.Option("--policy/--no-policy", help="List pi.", show_default="up to 10000 traces"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
) -> None:
    """Solve the game in a file.

    Args:
        path: The game's file.
        method: The solver.
        tolerance: Relative duality gap to reach.
        max_iterations: Maximum number of steps of an iterative method.
        out: File of the result; standard output without.
        plot: File of the picture.
        policy: Whether to list the policy.
        overwrite: Whether files may be replaced.
    """
    check_outputs(out, plot, overwrite=overwrite, source=path)
    start = perf_counter()
    with spinner(f"solving {path.name}"):
        from dagames.cli.game_file import read_game
        from dagames.cli.result import POLICY_SIZE, as_result, lists_policy
        from dagames.solvers import solve as solve_game

        file = read_game(path)
        solution = solve_game(file.game, method, tolerance=tolerance, max_iterations=max_iterations)
    seconds = perf_counter() - start
    text = json.dumps(as_result(solution, file.functional, policy=policy), indent=2, allow_nan=False) + "\n"
    if plot is not None:
        from dagames.pictures.solution import describe, draw

        picture = describe(solution, file.functional) | {"name": plot.stem}
        content = draw(picture, plot.suffix.lower().removeprefix("."))
        write_text(plot.with_suffix(".json"), json.dumps(picture, allow_nan=False) + "\n")
        write_bytes(plot, content)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
    if not lists_policy(solution, policy) and policy is None:
        _report(f"the policy has over {POLICY_SIZE} traces and is omitted; --policy lists it")
    if is_shown():
        gap = f"gap {solution.certificate.worst:.1e}"
        _report(f"{solution.method}: {gap} after {solution.iterations} iterations, {seconds:.2f} s")


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")
