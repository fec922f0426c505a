"""Settle claims: one in this process, or many in worker processes with a checkpoint file for interrupted runs."""

import hashlib
import json
import multiprocessing
import os
import platform
import signal
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Literal, Self

import numpy as np

from dagames import DomainError
from proofs_check.claim import Claim, Formula, Reading, Result, Settled, judge
from proofs_check.known import load_claims, load_user_claims
from proofs_check.record import Record, as_record, from_record

_LIBRARIES = ("numpy", "scipy", "mpmath", "python-flint", "cvxpy", "clarabel")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Planted = Literal["stated", "sabotage", "near_miss"]
"""The formula of a reading that is tested: that of the claim, or a planted one."""


def settle(claim: Claim, seed: int = 0, planted: Planted = "stated") -> Result:
    """Compute the verdict on one claim.

    Args:
        claim: The claim.
        seed: Seed of the search; the seed of a reading is derived from it and does not depend on the order of claims.
        planted: The formula to test; a reading without such a formula is open, with the reason as its error.

    Returns:
        The result; a computation that fails gives the outcome "error".
    """
    start = time.perf_counter()
    readings = []
    for number, reading in enumerate(claim.readings):
        formula = getattr(reading, planted)
        reading_seed = [seed, zlib.crc32(claim.id.encode()), *([number] if number else [])]
        readings.append(
            settle_reading(
                reading,
                formula,
                np.random.default_rng(reading_seed),
                to_first_failure=planted != "stated" and reading.expected == "holds",
            )
            if callable(formula)
            else Settled("open", error=formula or f"the reading has no formula `{planted}`")
        )
    return Result(claim, tuple(readings), time.perf_counter() - start)


def settle_reading(
    reading: Reading, formula: Formula, rng: np.random.Generator, *, to_first_failure: bool = False
) -> Settled:
    """Compare a formula with the evidence of a reading.

    Args:
        reading: The reading.
        formula: The formula of the reading, or a planted one.
        rng: Random generator.
        to_first_failure: Whether to stop at the first comparison that fails, which suffices for "false", instead of
            searching for the smallest counterexample.

    Returns:
        The outcome; a computation that fails gives "error".
    """
    try:
        comparisons = []
        for comparison in reading.evidence(formula, rng):
            comparisons.append(comparison)
            if to_first_failure and not comparison.holds:
                break
        return judge(comparisons)
    except Exception as error:  # noqa: BLE001 - an error in one claim must not end the run
        return Settled("error", error=f"{type(error).__name__}: {error}")


def not_turned(result: Result, planted: Planted) -> list[Settled]:
    """List the readings whose outcome a planted formula does not turn.

    Args:
        result: Result of `settle` with the planted formula.
        planted: Kind of the planted formula.

    Returns:
        The outcomes that are unchanged or "error"; readings without such a formula are not included.
    """
    pairs = zip(result.readings, result.claim.readings, strict=True)
    return [
        settled
        for settled, reading in pairs
        if callable(getattr(reading, planted)) and {settled.outcome, reading.expected} != {"holds", "false"}
    ]


class Checkpoint:
    """A file with one settled claim per line, after a first line that identifies the run.

    Args:
        result: File of the result; the checkpoint is the file beside it with the suffix `.part`. None for no file.
        seed: Seed of the run.
        sources: The user's files that the verdicts depend on.
    """

    def __init__(self, result: Path | None, seed: int, sources: Iterable[Path] = ()) -> None:
        self.path = None if result is None else result.with_name(result.name + ".part")
        self._header = {"seed": seed, "code": fingerprint(), "sources": [_digest([path]) for path in sources]}

    def read(self) -> dict[str, Record]:
        """Read the claims that the same run settled before it was interrupted.

        Returns:
            Records by claim; empty if the file is that of another seed or of other code.
        """
        if self.path is None or not self.path.is_file():
            return {}
        # The last line is incomplete if the run was killed during a write.
        lines = [
            line for line in map(_parse_line, self.path.read_text(encoding="utf-8").splitlines()) if line is not None
        ]
        if not lines or lines[0] != self._header:
            return {}
        return {line["id"]: line for line in lines[1:]}

    def begin(self, records: Iterable[Record]) -> None:
        """Write a new file.

        Args:
            records: Records of the claims that are settled already.

        Raises:
            DomainError: If the file cannot be written.
        """
        if self.path is None:
            return
        lines = [self._header, *records]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        except OSError as error:
            raise DomainError(f"cannot write {self.path}: {error.strerror}.") from None

    def add(self, record: Record) -> None:
        """Append a settled claim.

        Args:
            record: The record of the claim.
        """
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(record) + "\n")

    def end(self) -> None:
        """Remove the file, after the result has been written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


@cache
def fingerprint() -> str:
    """Identify the code that verdicts depend on: the packages, the interpreter and the numerical libraries.

    Returns:
        A digest.
    """
    roots = [Path(str(files(name))) for name in ("dagames", "proofs_check")]
    sources = sorted(path for root in roots for path in root.rglob("*") if path.suffix in {".py", ".json"})
    versions = [platform.python_version(), *(f"{name} {version(name)}" for name in _LIBRARIES)]
    return _digest(sources, *versions)


def _digest(paths: Iterable[Path], *words: str) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _parse_line(line: str) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


@dataclass(frozen=True)
class Task:
    """A claim to settle with one seed.

    Attributes:
        claim_id: Id of the claim.
        seed: Seed of the search.
        planted: The formula to test.
        files: The user's files of claims, which a worker loads too.
    """

    claim_id: str
    seed: int
    planted: Planted = "stated"
    files: tuple[Path, ...] = ()


def usable_cores() -> int:
    """Count the cores that this process may use.

    Returns:
        The number, at least 1.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(tasks: Iterable[Task], jobs: int) -> Iterator[tuple[Task, Result]]:
    """Settle claims, several at a time.

    Args:
        tasks: The tasks, consumed as workers become free; the iterable may be infinite.
        jobs: Number of processes.

    Yields:
        Each task with its result, in the order of completion. If a process is killed, the result of its claim, and of
        no other, is "error".
    """
    queue = iter(tasks)
    while True:
        batch: list[Task] = []
        lost: list[Task] = []
        with _Workers(jobs) as pool:
            running: dict[Future[Record], Task] = {}
            while True:
                batch = list(islice(queue, jobs + 1 - len(running)))
                running |= {pool.submit(_settle_task, task): task for task in batch}
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
                    try:
                        yield task, _result(task, future.result())
                    except BrokenProcessPool:
                        lost.append(task)
                if lost:
                    lost += running.values()
                    break
        for task in lost:
            yield task, _settle_alone(task)


def _settle_alone(task: Task) -> Result:
    """Settle a claim that was running when a process died, in a separate process; "error" if this process dies too."""
    with _Workers(1) as pool:
        try:
            return _result(task, pool.submit(_settle_task, task).result())
        except BrokenProcessPool:
            message = "the process that settled the claim was killed, or ran out of memory"
            claim = _claims(task.files)[task.claim_id]
            return Result(claim, tuple(Settled("error", error=message) for _ in claim.readings), 0.0)


class _Workers(ProcessPoolExecutor):
    """New processes with one thread each, which end when this process ends for any reason."""

    def __init__(self, jobs: int) -> None:
        super().__init__(jobs, multiprocessing.get_context("spawn"), _initialise_worker)
        self._before = {name: os.environ.get(name) for name in _ONE_THREAD}

    def __enter__(self) -> Self:
        # Several threads per process oversubscribe the cores, and the order of sums depends on their number.
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        return self

    def __exit__(self, *_: object) -> None:
        for child in multiprocessing.active_children():
            child.terminate()
        # If the pool's thread were still closing its pipes when Python ends, Python would print a traceback.
        self.shutdown(wait=True, cancel_futures=True)
        for name, value in self._before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _initialise_worker() -> None:
    """Initialise a worker."""
    # Every process receives Ctrl-C; only the main process prints a message.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@cache
def _claims(files: tuple[Path, ...]) -> dict[str, Claim]:
    return load_claims() | load_user_claims(files)


def _settle_task(task: Task) -> Record:
    claim = _claims(task.files)[task.claim_id]
    return as_record(settle(claim, task.seed, task.planted))


def _result(task: Task, record: Record) -> Result:
    return from_record(_claims(task.files)[task.claim_id], record)
