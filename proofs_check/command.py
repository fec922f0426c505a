"""The command that settles claims, for `dagames verify` and `python -m proofs_check`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from dagames._files import write_text
from proofs_check.output import as_json, print_results
from proofs_check.registry import select_claims
from proofs_check.settle import settle, survives_sabotage


def verify(
    ids: Annotated[list[str] | None, typer.Argument(help="Claims to settle, as I.5 I.7; all by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search for counterexamples.")] = 0,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the verdicts to this file.")] = None,
    sabotage: Annotated[
        bool, typer.Option("--sabotage", help="Plant a wrong formula in each claim; every verdict must turn.")
    ] = False,
) -> None:
    """Settle the claims of the papers by computation, and show what each verdict rests on.

    Exits with 0 if every verdict is the one that the claim's file expects, otherwise with 1.
    """
    claims = select_claims(ids or [])
    console = Console()
    progress = Console(stderr=True)
    if sabotage:
        survivors = [c.id for c in track(claims, "sabotage", console=progress) if survives_sabotage(c, seed)]
        console.print(f"{len(claims) - len(survivors)} of {len(claims)} verdicts turn under sabotage")
        if survivors:
            console.print(f"unnoticed: {', '.join(survivors)}")
            raise typer.Exit(1)
        return
    results = [settle(claim, seed) for claim in track(claims, "claims", console=progress, transient=True)]
    print_results(results, console)
    if json_path is not None:
        write_text(json_path, json.dumps(as_json(results, seed), indent=2) + "\n")
    unexpected = [result for result in results if not result.as_expected]
    for result in unexpected:
        console.print(
            f"{result.claim.id}: the verdict is {result.as_written!r}, its file expects {result.claim.expected!r}. "
            f"{result.error}"
        )
    if unexpected:
        raise typer.Exit(1)
    console.print(f"{len(results)} verdicts, all as expected (seed {seed})")
