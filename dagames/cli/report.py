"""The command `dagames report`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagames._files import check_new, write_bytes, write_text
from dagames.cli.figures import check_can_draw, draw

if TYPE_CHECKING:
    from proofs_check.claim import Claim


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
    check_can_draw()
    check_new(out, overwrite=overwrite)
    from rich.console import Console

    from dagames.cli.page import render
    from dagames.pictures.simplex import page
    from proofs_check.batch import settle_all
    from proofs_check.known import load_claims
    from proofs_check.record import as_json
    from proofs_check.run import Checkpoint, usable_cores
    from proofs_check.show import as_markdown, print_results

    claims = list(load_claims().values())
    results = settle_all(claims, seed, jobs or usable_cores(), out / "claims.json")
    verdicts = as_json(results, seed)
    print_results(results, Console())
    drawings = draw(out / "figures")
    write_text(out / "claims.json", json.dumps(verdicts, indent=2, allow_nan=False) + "\n")
    write_text(out / "claims.md", as_markdown(results, seed))
    write_text(out / "index.html", render(verdicts, drawings, _draw_claims(claims, out / "claims"), _versions()))
    write_text(out / "simplex.html", page())
    Checkpoint(out / "claims.json", seed).end()
    typer.echo(f"wrote {out / 'index.html'}")
    if not all(result.as_expected for result in results):
        raise typer.Exit(1)


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


def _versions() -> dict[str, str]:
    """Return the processor and the versions that the numbers depend on."""
    import platform
    from importlib.metadata import version

    packages = ("dagames", "numpy", "scipy", "cvxpy", "python-flint", "matplotlib")
    return {"Processor": platform.machine(), "Python": platform.python_version()} | {p: version(p) for p in packages}
