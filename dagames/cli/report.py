"""The commands `dagames figures` and `dagames report`."""

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagames._errors import DomainError
from dagames._files import check_new, write_bytes, write_text

if TYPE_CHECKING:
    from proofs_check.claim import Claim


def figures(
    out: Annotated[Path, typer.Option(help="Folder for the pictures and their data.")] = Path("out/figures"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in the folder.")] = False,
) -> None:
    """Compute and draw every figure, as SVG, PNG and JSON data. Requires a checkout of the repository."""
    _check_can_draw()
    check_new(out, overwrite=overwrite)
    for figure in _draw(out):
        typer.echo(out / f"{figure['name']}.svg")


def report(
    out: Annotated[Path, typer.Option(help="Folder for the page; open its index.html in a browser.")] = Path(
        "out/report"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the claims' searches.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as cores by default.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in the folder.")] = False,
) -> None:
    """Check the claims, draw the figures, and write both to one HTML page.

    The exit code is 1 if a verdict differs from the one that its claim's file expects.
    """
    _check_can_draw()
    check_new(out, overwrite=overwrite)
    from rich.console import Console

    from dagames.cli.page import render
    from proofs_check.batch import settle_all
    from proofs_check.known import load_claims
    from proofs_check.record import as_json
    from proofs_check.run import Checkpoint, usable_cores
    from proofs_check.show import as_markdown, print_results

    claims = list(load_claims().values())
    results = settle_all(claims, seed, jobs or usable_cores(), out / "claims.json")
    verdicts = as_json(results, seed)
    print_results(results, Console())
    drawings = _draw(out / "figures")
    write_text(out / "claims.json", json.dumps(verdicts, indent=2, allow_nan=False) + "\n")
    write_text(out / "claims.md", as_markdown(results, seed))
    write_text(out / "index.html", render(verdicts, drawings, _draw_claims(claims, out / "claims")))
    Checkpoint(out / "claims.json", seed).end()
    typer.echo(f"wrote {out / 'index.html'}")
    if not all(result.as_expected for result in results):
        raise typer.Exit(1)


def _check_can_draw() -> None:
    """Raise a DomainError if the figures' package, matplotlib or jinja2 is missing."""
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
        drawings: list[dict[str, Any]] = draw_all(out)
    except OSError as error:
        raise DomainError(f"cannot write the figures to {out}: {error.strerror}.") from None
    return drawings


def _draw_claims(claims: "list[Claim]", out: Path) -> dict[str, str]:
    """Draw the plots of claims, write their data, and return their captions by claim."""
    from dagames.pictures.claim import draw_claim

    captions = {}
    for claim in claims:
        if claim.plot is not None:
            plot = asdict(claim.plot())
            captions[claim.id] = plot["caption"]
            write_bytes(out / f"{claim.id}.svg", draw_claim(plot, f"{claim.id} {claim.title}"))
            write_text(out / f"{claim.id}.json", json.dumps(plot, indent=2, allow_nan=False) + "\n")
    return captions
