"""The command `dagames verify`, also `python -m proofs_check`."""

from pathlib import Path
from typing import Annotated

import typer

from dagames._errors import DomainError
from dagames._files import check_output


def verify(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of claims, such as I.5 I.7; all by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search for counterexamples.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as cores by default.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the verdicts to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write the verdicts as a Markdown page.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
    files: Annotated[
        list[Path] | None, typer.Option("--file", help="A Python file that defines CLAIMS, your claims.")
    ] = None,
    functional: Annotated[
        Path | None,
        typer.Option(help="A Python file that defines FUNCTIONAL: settle the claims about every functional for it."),
    ] = None,
    explore: Annotated[
        float | None, typer.Option(metavar="MINUTES", help="Continue with new seeds for this time.")
    ] = None,
    sabotage: Annotated[
        bool, typer.Option("--sabotage", help="Plant a wrong formula in each claim; every verdict must turn.")
    ] = False,
    near_miss: Annotated[
        bool,
        typer.Option("--near-miss", help="Plant a formula with the smallest relevant change; every verdict must turn."),
    ] = False,
) -> None:
    """Settle the claims of the paper and the slides by computation, and print the evidence for each verdict.

    If a run with --json is interrupted, the same command continues it.

    The exit code is 0 if every verdict is the one that the claim's file expects, else 1.
    """
    if sabotage and near_miss:
        raise DomainError("--sabotage and --near-miss plant different formulas; use one of them.")
    plants = sabotage or near_miss
    if plants and (explore is not None or json_path is not None or markdown is not None):
        flag = "--sabotage" if sabotage else "--near-miss"
        raise DomainError(f"{flag} only tests whether verdicts turn; use it with ids, --file, --seed and --jobs only.")
    if explore is not None and not explore > 0:
        raise DomainError(f"--explore must be a number of minutes above 0, not {explore}.")
    if functional is not None and (plants or explore is not None or files):
        raise DomainError("--functional can be combined with ids, --seed, --json and --markdown only.")
    _check_outputs(json_path, markdown, overwrite=overwrite)
    from rich.console import Console

    from proofs_check.batch import all_turn, exit_unless, explore_seeds, finish, settle_all
    from proofs_check.known import select_claims
    from proofs_check.one_functional import check_claims_of, load_functional
    from proofs_check.run import usable_cores

    user_files, console, rounds = tuple(files or ()), Console(), 1
    claims = select_claims(ids or [], user_files)
    workers = min(jobs or usable_cores(), len(claims))
    if plants:
        exit_unless(all_turn(claims, "sabotage" if sabotage else "near_miss", seed, workers, user_files, console))
        return
    if functional is not None:
        results = check_claims_of(load_functional(functional), seed, [claim.id for claim in claims] if ids else [])
    else:
        results = settle_all(claims, seed, workers, json_path, user_files)
    if explore is not None:
        results, rounds = explore_seeds(results, seed, workers, explore, user_files)
    finish(results, seed, rounds, json_path, markdown, console)


def _check_outputs(json_path: Path | None, markdown: Path | None, *, overwrite: bool) -> None:
    for option, path in (("--json", json_path), ("--markdown", markdown)):
        if path is not None:
            check_output(path, option, overwrite=overwrite)
    if json_path is not None and markdown is not None and json_path.resolve() == markdown.resolve():
        raise DomainError(f"--json and --markdown both name {markdown}; use two files.")
