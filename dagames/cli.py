"""The command line: `dagames solve | verify | figures | report`."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from dagames._errors import DomainError
from dagames._exit import exit_on_user_error
from dagames._files import check_new, write_text

app = typer.Typer(
    help="Distributional alignment games: solve them, settle the claims about them, draw the figures.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """Run the command line; a user's mistake gives one message and exit code 2."""
    # The roof enters a room only when it is needed: `dagames --help` and `import dagames.cli` stay quick.
    from proofs_check.command import verify

    app.command("verify")(verify)
    with exit_on_user_error():
        app()


@app.command()
def solve(
    path: Annotated[Path, typer.Argument(metavar="GAME", help="YAML file with pi_0, E, functional and beta.")],
    method: Annotated[
        str, typer.Option(help="auto, closed_form, newton, mirror_descent, best_response or conic.")
    ] = "auto",
    tolerance: Annotated[float | None, typer.Option(help="Relative duality gap to reach; 1e-10 by default.")] = None,
) -> None:
    """Solve the game in a file, and print policy, target and certificate as JSON.

    Example of a file::

        pi_0: [0.5, 0.25, 0.25]
        E: [0, 1, 1]
        functional: {Gini: {weight: 1.3}}
        beta: 0.7
    """
    from dagames.game_file import load_game
    from dagames.solvers import solve as solve_game

    solution = solve_game(load_game(path), method, tolerance=tolerance)
    certificate = solution.certificate
    answer = {
        "method": solution.method,
        "iterations": solution.iterations,
        "value": solution.value.tolist(),
        "dual": certificate.dual.tolist(),
        "gap": certificate.gap.tolist(),
        "nu": solution.nu.tolist(),
        "q": solution.q.tolist(),
        "pi": pi.tolist() if isinstance(pi := solution.pi, np.ndarray) else [row.tolist() for row in pi],
    }
    typer.echo(json.dumps(answer, indent=2, allow_nan=False))


@app.command()
def figures(
    out: Annotated[Path, typer.Option(help="Folder for the pictures and their data.")] = Path("out/figures"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in the folder.")] = False,
) -> None:
    """Compute and draw every figure: an SVG, a PNG and the data as JSON each. Needs a checkout of the repository."""
    _check_can_draw()
    check_new(out, overwrite=overwrite)
    for drawn in _draw(out):
        typer.echo(out / f"{drawn['name']}.svg")


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="Folder for the page; open its index.html in a browser.")] = Path(
        "out/report"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the claims' searches.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in the folder.")] = False,
) -> None:
    """Settle the claims, draw the figures, and bind both into one page that opens from disk.

    Exits with 1 if a verdict is not the one that its claim's file expects.
    """
    _check_can_draw()
    check_new(out, overwrite=overwrite)
    from dagames._page import render
    from proofs_check.output import as_json, print_results
    from proofs_check.registry import load_claims
    from proofs_check.settle import settle

    found = load_claims().values()
    console = Console(stderr=True)
    results = [settle(claim, seed) for claim in track(found, "claims", console=console, transient=True)]
    claims = as_json(results, seed)
    print_results(results, Console())
    drawn = _draw(out / "figures")
    write_text(out / "claims.json", json.dumps(claims, indent=2) + "\n")
    write_text(out / "index.html", render(claims, drawn))
    typer.echo(f"wrote {out / 'index.html'}")
    if not all(result.as_expected for result in results):
        raise typer.Exit(1)


def _check_can_draw() -> None:
    """Raise if the figures are not here, or if what draws them is not installed.

    Raises:
        DomainError: Naming what is missing, and what to do.
    """
    for name, remedy in (
        ("figures", "they are part of the repository, not of the installed package: run this in a checkout"),
        ("matplotlib", "install it with `pip install 'dagames[report]'`"),
        ("jinja2", "install it with `pip install 'dagames[report]'`"),
    ):
        if find_spec(name) is None:
            raise DomainError(f"{name} is missing; {remedy}.")


def _draw(out: Path) -> list[dict[str, Any]]:
    from figures.gallery import draw_all

    try:
        drawn: list[dict[str, Any]] = draw_all(out)
    except OSError as error:
        raise DomainError(f"cannot write the figures to {out}: {error.strerror}.") from None
    return drawn
