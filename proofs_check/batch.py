"""Many claims settled with progress on the terminal: once, with new seeds, or with planted formulas."""

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
from proofs_check.run import Kept, Planted, Task, not_turned, run_tasks
from proofs_check.show import as_markdown, print_results

FLAGS: dict[Planted, str] = {"sabotage": "--sabotage", "near_miss": "--near-miss"}
"""The option that plants each kind of formula."""


def finish(
    results: Sequence[Result], seed: int, rounds: int, json_path: Path | None, markdown: Path | None, console: Console
) -> None:
    """Show and write the results, and exit with 1 if a verdict is not the expected one."""
    print_results(results, console)
    if markdown is not None:
        write_text(markdown, as_markdown(results, seed, rounds))
    if json_path is not None:
        write_text(json_path, json.dumps(as_json(results, seed, rounds), indent=2, allow_nan=False) + "\n")
        Kept(json_path, seed).end()
    exit_unless(_all_expected(results, seed, rounds, console))


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

    Raises:
        SystemExit: With code 130 after Ctrl-C; what is settled is shown before.
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
            _print_interrupted([done[claim.id] for claim in claims if claim.id in done], len(claims), result)
            raise SystemExit(130) from None
    return [done[claim.id] for claim in claims]


def explore_seeds(
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


def all_turn(
    claims: Sequence[Claim], planted: Planted, seed: int, jobs: int, own: tuple[Path, ...], console: Console
) -> bool:
    """Plant a formula in each claim, and say whose verdict stays the expected one, or cannot be computed."""
    results = []
    tasks = [Task(claim.id, seed, planted, files=own) for claim in claims]
    with _ended_by_signals(), _progress() as bar:
        line = bar.add_task(FLAGS[planted][2:], total=len(claims))
        for task, result in run_tasks(tasks, jobs):
            bar.update(line, advance=1, description=task.claim_id)
            results.append(result)
    unplanted = [result for result in results if all(found.outcome == "open" for found in result.readings)]
    survivors = [(result, found) for result in results for found in not_turned(result, planted)]
    turned = len(claims) - len(unplanted) - len({result.claim.id for result, _ in survivors})
    console.print(f"{turned} of {len(claims)} verdicts turn under {FLAGS[planted]}")
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
        open_ = sum(not result.as_expected for result in results)
        beside = f", {open_} without a verdict on this functional" if open_ else ""
        console.print(f"{len(results) - open_} verdicts, all as expected{beside} ({tried})")
    return not unexpected


def exit_unless(expected: bool) -> None:
    """End the command with exit code 1 unless every verdict is the expected one."""
    if not expected:
        raise typer.Exit(1)


def _print_interrupted(results: Sequence[Result], total: int, result: Path | None) -> None:
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
