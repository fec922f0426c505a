"""Settle many claims, with progress on the terminal: once, with new seeds, or with planted formulas."""

import itertools
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dagames._files import write_text
from proofs_check.claim import Claim, Result
from proofs_check.record import as_json, as_record, from_record
from proofs_check.run import Checkpoint, Planted, Task, not_turned, run_tasks
from proofs_check.show import as_markdown, print_results

FLAGS: dict[Planted, str] = {"sabotage": "--sabotage", "near_miss": "--near-miss"}
"""The option for each kind of planted formula."""


def finish(
    results: Sequence[Result], seed: int, rounds: int, json_path: Path | None, markdown: Path | None, console: Console
) -> None:
    """Print and write the results; exit with code 1 if a verdict is not the expected one."""
    print_results(results, console)
    if markdown is not None:
        write_text(markdown, as_markdown(results, seed, rounds))
    if json_path is not None:
        write_text(json_path, json.dumps(as_json(results, seed, rounds), indent=2, allow_nan=False) + "\n")
        Checkpoint(json_path, seed).end()
    exit_unless(_all_expected(results, seed, rounds, console))


def settle_all(
    claims: Sequence[Claim], seed: int, jobs: int, result: Path | None = None, files: tuple[Path, ...] = ()
) -> list[Result]:
    """Settle claims, with progress; continue an interrupted run from its checkpoint.

    Args:
        claims: The claims.
        seed: Seed of the search.
        jobs: Number of processes.
        result: File that the caller will write; until then, a checkpoint file beside it stores settled claims.
        files: Files of the user's claims.

    Returns:
        Results in the order of the claims.

    Raises:
        SystemExit: With code 130 after Ctrl-C, when the results so far have been printed.
    """
    checkpoint = Checkpoint(result, seed, files)
    records = checkpoint.read()
    done = {claim.id: from_record(claim, records[claim.id]) for claim in claims if claim.id in records}
    if done:
        sys.stderr.write(f"continuing: {len(done)} of {len(claims)} claims were settled before the interruption\n")
    checkpoint.begin(map(as_record, done.values()))
    tasks = [Task(claim.id, seed, files=files) for claim in claims if claim.id not in done]
    with _ended_by_signals(), _progress() as bar:
        line = bar.add_task("claims", total=len(claims), completed=len(done))
        try:
            for task, settled in run_tasks(tasks, jobs):
                done[task.claim_id] = settled
                checkpoint.add(as_record(settled))
                bar.update(line, advance=1, description=task.claim_id)
        except KeyboardInterrupt:
            bar.stop()
            _print_interrupted([done[claim.id] for claim in claims if claim.id in done], len(claims), result)
            raise SystemExit(130) from None
    return [done[claim.id] for claim in claims]


def explore_seeds(
    results: Sequence[Result], seed: int, jobs: int, minutes: float, files: tuple[Path, ...]
) -> tuple[list[Result], int]:
    """Settle the claims with new seeds for some minutes; return the strongest evidence against each claim."""
    worst = {result.claim.id: result for result in results}
    rounds, end = 1, time.monotonic() + 60 * minutes

    def tasks() -> Iterator[Task]:
        for new_seed in itertools.count(seed + 1):
            for claim_id in worst:
                if time.monotonic() > end:
                    return
                yield Task(claim_id, new_seed, files=files)

    with _ended_by_signals(), _progress() as bar:
        line = bar.add_task("exploring", total=None)
        try:
            for task, result in run_tasks(tasks(), jobs):
                worst[task.claim_id] = max(worst[task.claim_id], result, key=_weight)
                rounds = max(rounds, task.seed - seed + 1)
                bar.update(line, advance=1, description=f"seed {task.seed}, {task.claim_id}")
        except KeyboardInterrupt:
            sys.stderr.write("the search with new seeds was interrupted\n")
    return list(worst.values()), rounds


def _weight(result: Result) -> tuple[bool, float]:
    """Order results by unexpected verdict, then by small counterexample or by high ratio."""
    if result.verdict == "false" and result.shown is not None:
        return not result.as_expected, -float(result.shown.size)
    attacked = result.attacked
    return not result.as_expected, 0.0 if attacked is None else attacked.ratio or 0.0


def all_turn(
    claims: Sequence[Claim], planted: Planted, seed: int, jobs: int, files: tuple[Path, ...], console: Console
) -> bool:
    """Plant a formula in each claim, and print the claims whose verdict does not turn or cannot be computed."""
    results = []
    tasks = [Task(claim.id, seed, planted, files=files) for claim in claims]
    with _ended_by_signals(), _progress() as bar:
        line = bar.add_task(FLAGS[planted][2:], total=len(claims))
        for task, result in run_tasks(tasks, jobs):
            bar.update(line, advance=1, description=task.claim_id)
            results.append(result)
    unplanted = [result for result in results if all(settled.outcome == "open" for settled in result.readings)]
    survivors = [(result, settled) for result in results for settled in not_turned(result, planted)]
    turned = len(claims) - len(unplanted) - len({result.claim.id for result, _ in survivors})
    console.print(f"{turned} of {len(claims)} verdicts turn under {FLAGS[planted]}")
    for result in unplanted:
        console.print(f"{result.claim.id}: no formula to plant. {result.error}", markup=False)
    for result, settled in survivors:
        reason = settled.error or "the planted formula does not change the outcome"
        console.print(f"{result.claim.id}: {reason}", markup=False)
    return not survivors


def _all_expected(results: Sequence[Result], seed: int, rounds: int, console: Console) -> bool:
    # An open verdict with an error: the claim does not apply to this functional.
    unexpected = [r for r in results if not r.as_expected and not (r.verdict == "open" and r.error)]
    for result in unexpected:
        console.print(
            f"{result.claim.id}: the verdict is {result.verdict!r}, its file expects {result.claim.expected!r}. "
            f"{result.error}",
            markup=False,
        )
    if not unexpected:
        seeds = f"seed {seed}" if rounds == 1 else f"seeds {seed} to {seed + rounds - 1}"
        open_ = sum(not result.as_expected for result in results)
        without = f", {open_} without a verdict on this functional" if open_ else ""
        console.print(f"{len(results) - open_} verdicts, all as expected{without} ({seeds})")
    return not unexpected


def exit_unless(expected: bool) -> None:
    """Exit with code 1 unless every verdict is the expected one."""
    if not expected:
        raise typer.Exit(1)


def _print_interrupted(results: Sequence[Result], total: int, result: Path | None) -> None:
    print_results(results, Console())
    message = f"interrupted: {len(results)} of {total} claims are settled"
    message += "; the same command continues the run" if result is not None else "; a run with --json can be continued"
    sys.stderr.write(message + "\n")


def _progress() -> Progress:
    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, so that the results so far are printed and the worker processes end."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
