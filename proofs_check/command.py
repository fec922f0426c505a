"""The command that settles claims, for `dagames verify` and `python -m proofs_check`."""

import itertools
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dagames import DomainError
from dagames._files import write_text
from proofs_check.claim import Claim, Result
from proofs_check.known import select_claims
from proofs_check.one_functional import check_claims_of, load_functional
from proofs_check.record import as_json, as_record, from_record
from proofs_check.run import Kept, Planted, Task, not_turned, run_tasks, usable_cores
from proofs_check.show import as_markdown, print_results


def verify(
    ids: Annotated[list[str] | None, typer.Argument(help="Claims to settle, as I.5 I.7; all by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search for counterexamples.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as cores by default.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the verdicts to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write them as a Markdown page.")] = None,
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
    planted = _planted(sabotage, near_miss)
    if planted != "stated" and (explore is not None or json_path is not None or markdown is not None):
        raise DomainError(
            f"{_FLAGS[planted]} only says whether verdicts turn; it goes with ids, --file, --seed and --jobs alone."
        )
    if explore is not None and not explore > 0:
        raise DomainError(f"--explore takes minutes, a number above 0, not {explore}.")
    own, console = tuple(files or ()), Console()
    claims = select_claims(ids or [], own)
    if functional is not None:
        if planted != "stated" or explore is not None or own:
            raise DomainError("--functional goes with ids, --seed, --json and --markdown alone.")
        results = check_claims_of(load_functional(functional), seed, [claim.id for claim in claims] if ids else [])
        _finish(results, seed, 1, json_path, markdown, console)
        return
    workers = min(jobs or usable_cores(), len(claims))
    if planted != "stated":
        _exit_unless(_all_turn(claims, planted, seed, workers, own, console))
        return
    rounds = 1
    results = settle_all(claims, seed, workers, json_path, own)
    if explore is not None:
        results, rounds = _explored(results, seed, workers, explore, own)
    _finish(results, seed, rounds, json_path, markdown, console)


_FLAGS: dict[Planted, str] = {"sabotage": "--sabotage", "near_miss": "--near-miss"}


def _planted(sabotage: bool, near_miss: bool) -> Planted:
    if sabotage and near_miss:
        raise DomainError("--sabotage and --near-miss plant different formulas; give one of them.")
    return "sabotage" if sabotage else "near_miss" if near_miss else "stated"


def _finish(
    results: Sequence[Result], seed: int, rounds: int, json_path: Path | None, markdown: Path | None, console: Console
) -> None:
    """Show and write the results, and exit with 1 if a verdict is not the expected one."""
    print_results(results, console)
    if markdown is not None:
        write_text(markdown, as_markdown(results, seed, rounds))
    if json_path is not None:
        write_text(json_path, json.dumps(as_json(results, seed, rounds), indent=2, allow_nan=False) + "\n")
        Kept(json_path, seed).end()
    _exit_unless(_all_expected(results, seed, rounds, console))


def settle_all(
    claims: Sequence[Claim], seed: int, jobs: int, result: Path | None = None, own: tuple[Path, ...] = ()
) -> list[Result]:
    """Settle claims, with progress, going on from what an interrupted run had settled.

    Args:
        claims: The claims.
        seed: Seed of the search.
        jobs: How many processes.
        result: File that the caller will write; what is settled is kept beside it until then.
        own: Files of the user's own claims.

    Returns:
        Results in the order of the claims.
    """
    kept = Kept(result, seed, own)
    found = kept.read()
    done = {claim.id: from_record(claim, found[claim.id]) for claim in claims if claim.id in found}
    if done:
        sys.stderr.write(f"going on: {len(done)} of {len(claims)} claims were settled before the run was interrupted\n")
    kept.begin(map(as_record, done.values()))
    tasks = [Task(claim.id, seed, files=own) for claim in claims if claim.id not in done]
    with _ended_by_signals(), _progress() as bar:
        line = bar.add_task("claims", total=len(claims), completed=len(done))
        try:
            for task, settled in run_tasks(tasks, jobs):
                done[task.claim_id] = settled
                kept.add(as_record(settled))
                bar.update(line, advance=1, description=task.claim_id)
        except KeyboardInterrupt:
            bar.stop()
            _say_goodbye([done[claim.id] for claim in claims if claim.id in done], len(claims), result)
            raise SystemExit(130) from None
    return [done[claim.id] for claim in claims]


def _explored(
    results: Sequence[Result], seed: int, jobs: int, minutes: float, own: tuple[Path, ...]
) -> tuple[list[Result], int]:
    """Go on with new seeds; of each claim the result that says most against it stays."""
    worst = {result.claim.id: result for result in results}
    rounds, end = 1, time.monotonic() + 60 * minutes

    def tasks() -> Iterator[Task]:
        for later in itertools.count(seed + 1):
            for claim_id in worst:
                if time.monotonic() > end:
                    return
                yield Task(claim_id, later, files=own)

    with _ended_by_signals(), _progress() as bar:
        line = bar.add_task("exploring", total=None)
        try:
            for task, found in run_tasks(tasks(), jobs):
                worst[task.claim_id] = max(worst[task.claim_id], found, key=_weight)
                rounds = max(rounds, task.seed - seed + 1)
                bar.update(line, advance=1, description=f"seed {task.seed}, {task.claim_id}")
        except KeyboardInterrupt:
            sys.stderr.write("stopped exploring\n")
    return list(worst.values()), rounds


def _weight(result: Result) -> tuple[bool, float]:
    """Order results: an unexpected verdict before others, a small counterexample before a large one, a high ratio."""
    if result.verdict == "false" and result.shown is not None:
        return not result.as_expected, -float(result.shown.size)
    attacked = result.attacked
    return not result.as_expected, 0.0 if attacked is None else attacked.ratio or 0.0


def _all_turn(
    claims: Sequence[Claim], planted: Planted, seed: int, jobs: int, own: tuple[Path, ...], console: Console
) -> bool:
    """Plant a formula in each claim, and say whose verdict stays the expected one, or cannot be computed."""
    results = []
    tasks = [Task(claim.id, seed, planted, files=own) for claim in claims]
    with _ended_by_signals(), _progress() as bar:
        line = bar.add_task(_FLAGS[planted][2:], total=len(claims))
        for task, result in run_tasks(tasks, jobs):
            bar.update(line, advance=1, description=task.claim_id)
            results.append(result)
    unplanted = [result for result in results if all(found.outcome == "open" for found in result.readings)]
    survivors = [(result, found) for result in results for found in not_turned(result, planted)]
    turned = len(claims) - len(unplanted) - len({result.claim.id for result, _ in survivors})
    console.print(f"{turned} of {len(claims)} verdicts turn under {_FLAGS[planted]}")
    for result in unplanted:
        console.print(f"{result.claim.id}: nothing to plant. {result.error}", markup=False)
    for result, found in survivors:
        console.print(f"{result.claim.id}: {found.error or 'the planted formula was not noticed'}", markup=False)
    return not survivors


def _all_expected(results: Sequence[Result], seed: int, rounds: int, console: Console) -> bool:
    # Open with a reason: the claim says nothing of this functional.
    unexpected = [r for r in results if not r.as_expected and not (r.verdict == "open" and r.error)]
    for result in unexpected:
        console.print(
            f"{result.claim.id}: the verdict is {result.verdict!r}, its file expects {result.claim.expected!r}. "
            f"{result.error}",
            markup=False,
        )
    if not unexpected:
        tried = f"seed {seed}" if rounds == 1 else f"seeds {seed} to {seed + rounds - 1}"
        console.print(f"{len(results)} verdicts, all as expected ({tried})")
    return not unexpected


def _exit_unless(fine: bool) -> None:
    if not fine:
        raise typer.Exit(1)


def _say_goodbye(results: Sequence[Result], total: int, result: Path | None) -> None:
    print_results(results, Console())
    words = f"interrupted: {len(results)} of {total} claims are settled"
    words += "; the same command goes on from there" if result is not None else "; with --json a run can go on later"
    sys.stderr.write(words + "\n")


def _progress() -> Progress:
    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a request to end be treated as Ctrl-C is, so that what is settled is shown and processes are ended."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
