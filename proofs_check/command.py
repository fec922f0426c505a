"""The command that settles claims, for `dagames verify` and `python -m proofs_check`."""

from pathlib import Path
from typing import Annotated

import typer

from dagames._errors import DomainError
from dagames._files import check_output


def verify(
    ids: Annotated[list[str] | None, typer.Argument(help="Claims to settle, as I.5 I.7; all by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search for counterexamples.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as cores by default.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the verdicts to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write them as a Markdown page.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
    files: Annotated[
        list[Path] | None, typer.Option("--file", help="A Python file that defines CLAIMS, claims of your own.")
    ] = None,
    functional: Annotated[
        Path | None,
        typer.Option(help="A Python file that defines FUNCTIONAL: settle for it what is claimed of every functional."),
    ] = None,
    explore: Annotated[
        float | None, typer.Option(metavar="MINUTES", help="Go on with new seeds until the time is over.")
    ] = None,
    sabotage: Annotated[
        bool, typer.Option("--sabotage", help="Plant a wrong formula in each claim; every verdict must turn.")
    ] = False,
    near_miss: Annotated[
        bool, typer.Option("--near-miss", help="Plant a formula that is only just wrong; every verdict must turn.")
    ] = False,
) -> None:
    """Settle the claims of the papers by computation, and show what each verdict rests on.

    A run with --json that is interrupted goes on where it was when the same command is given again.

    Exits with 0 if every verdict is the one that the claim's file expects, otherwise with 1.
    """
    if sabotage and near_miss:
        raise DomainError("--sabotage and --near-miss plant different formulas; give one of them.")
    plants = sabotage or near_miss
    if plants and (explore is not None or json_path is not None or markdown is not None):
        flag = "--sabotage" if sabotage else "--near-miss"
        raise DomainError(f"{flag} only says whether verdicts turn; it goes with ids, --file, --seed and --jobs alone.")
    if explore is not None and not explore > 0:
        raise DomainError(f"--explore takes minutes, a number above 0, not {explore}.")
    if functional is not None and (plants or explore is not None or files):
        raise DomainError("--functional goes with ids, --seed, --json and --markdown alone.")
    _check_outputs(json_path, markdown, overwrite=overwrite)
    from rich.console import Console

    from proofs_check.batch import all_turn, exit_unless, explore_seeds, finish, settle_all
    from proofs_check.known import select_claims
    from proofs_check.one_functional import check_claims_of, load_functional
    from proofs_check.run import usable_cores

    own, console, rounds = tuple(files or ()), Console(), 1
    claims = select_claims(ids or [], own)
    workers = min(jobs or usable_cores(), len(claims))
    if plants:
        exit_unless(all_turn(claims, "sabotage" if sabotage else "near_miss", seed, workers, own, console))
        return
    if functional is not None:
        results = check_claims_of(load_functional(functional), seed, [claim.id for claim in claims] if ids else [])
    else:
        results = settle_all(claims, seed, workers, json_path, own)
    if explore is not None:
        results, rounds = explore_seeds(results, seed, workers, explore, own)
    finish(results, seed, rounds, json_path, markdown, console)


def _check_outputs(json_path: Path | None, markdown: Path | None, *, overwrite: bool) -> None:
    for option, path in (("--json", json_path), ("--markdown", markdown)):
        if path is not None:
            check_output(path, option, overwrite=overwrite)
    if json_path is not None and markdown is not None and json_path.resolve() == markdown.resolve():
        raise DomainError(f"--json and --markdown both name {markdown}; give two files.")
