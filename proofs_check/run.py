"""Settle claims: one here, many in processes of their own, going on from what an interrupted run had settled."""

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
from proofs_check.known import load_claims, load_own
from proofs_check.record import Record, as_record, from_record

_LIBRARIES = ("numpy", "scipy", "mpmath", "python-flint", "cvxpy", "clarabel")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Planted = Literal["stated", "sabotage", "near_miss"]
"""Which formula of a reading is put through its evidence."""


def settle(claim: Claim, seed: int = 0, planted: Planted = "stated") -> Result:
    """Compute the verdict on one claim.

    Args:
        claim: The claim.
        seed: Seed of the search; each reading derives its own from it, so the order of claims does not matter.
        planted: Which formula to test; a reading that has none of this kind stays open, with its reason as the error.

    Returns:
        The result; a computation that fails gives the outcome "error".
    """
    start = time.perf_counter()
    found = []
    for number, reading in enumerate(claim.readings):
        formula = getattr(reading, planted)
        own = [seed, zlib.crc32(claim.id.encode()), *([number] if number else [])]
        found.append(
            settle_reading(
                reading,
                formula,
                np.random.default_rng(own),
                to_first_failure=planted != "stated" and reading.expected == "holds",
            )
            if callable(formula)
            else Settled("open", error=formula or f"nothing is planted as its {planted}")
        )
    return Result(claim, tuple(found), time.perf_counter() - start)


def settle_reading(
    reading: Reading, formula: Formula, rng: np.random.Generator, *, to_first_failure: bool = False
) -> Settled:
    """Put a formula through the evidence of a reading.

    Args:
        reading: The reading.
        formula: Its formula, or one in its place.
        rng: Source of randomness.
        to_first_failure: Whether to stop at the first comparison that breaks, which is enough for "false", and not to
            look for the smallest counterexample.

    Returns:
        What was found; a computation that fails gives the outcome "error".
    """
    try:
        comparisons = []
        for comparison in reading.evidence(formula, rng):
            comparisons.append(comparison)
            if to_first_failure and not comparison.holds:
                break
        return judge(comparisons)
    except Exception as error:  # noqa: BLE001 - one broken claim must not hide the verdicts on the others
        return Settled("error", error=f"{type(error).__name__}: {error}")


def not_turned(result: Result, planted: Planted) -> list[Settled]:
    """List the readings in which a planted formula was not noticed.

    Args:
        result: What `settle` found with the planted formula.
        planted: What was planted.

    Returns:
        The readings that came out as without it, or could not be computed; those without such a formula are no part.
    """
    pairs = zip(result.readings, result.claim.readings, strict=True)
    return [
        found
        for found, reading in pairs
        if callable(getattr(reading, planted)) and {found.outcome, reading.expected} != {"holds", "false"}
    ]


class Kept:
    """A file of one settled claim a line, under a first line that says what run it belongs to.

    Args:
        result: File of the result; the lines are kept beside it, with `.part` behind its name. None keeps nothing.
        seed: Seed of the run.
        sources: Files of the user's own that the verdicts rest on.
    """

    def __init__(self, result: Path | None, seed: int, sources: Iterable[Path] = ()) -> None:
        self.path = None if result is None else result.with_name(result.name + ".part")
        self._header = {"seed": seed, "code": fingerprint(), "own": [_digest([path]) for path in sources]}

    def read(self) -> dict[str, Record]:
        """Read what the same run had settled before it was interrupted.

        Returns:
            Records by claim; none if the lines belong to another seed or other code.
        """
        if self.path is None or not self.path.is_file():
            return {}
        # A run that was killed while it wrote leaves half a line.
        lines = [line for line in map(_parsed, self.path.read_text(encoding="utf-8").splitlines()) if line is not None]
        if not lines or lines[0] != self._header:
            return {}
        return {line["id"]: line for line in lines[1:]}

    def begin(self, records: Iterable[Record]) -> None:
        """Start the file anew.

        Args:
            records: What is settled already.

        Raises:
            DomainError: If it cannot be written.
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
            record: Its record.
        """
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(record) + "\n")

    def end(self) -> None:
        """Remove the file: the result is written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


@cache
def fingerprint() -> str:
    """Identify the code that verdicts rest on: ours, the interpreter and the numerical libraries.

    Returns:
        A digest.
    """
    roots = [Path(str(files(name))) for name in ("dagames", "proofs_check")]
    ours = sorted(path for root in roots for path in root.rglob("*") if path.suffix in {".py", ".json"})
    versions = [platform.python_version(), *(f"{name} {version(name)}" for name in _LIBRARIES)]
    return _digest(ours, *versions)


def _digest(paths: Iterable[Path], *words: str) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _parsed(line: str) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """One claim to settle once.

    Attributes:
        claim_id: Which.
        seed: Seed of the search.
        planted: Which formula to test.
        files: Claim files of the user's own, which a worker has to load too.
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
        tasks: What to do; drawn as places become free, so it may go on for ever.
        jobs: How many processes.

    Yields:
        Each task with its result, as they are done. A process that is killed makes its claim an error, no other.
    """
    queue = iter(tasks)
    while True:
        batch: list[Task] = []
        lost: list[Task] = []
        with _Workers(jobs) as pool:
            running: dict[Future[Record], Task] = {}
            while True:
                batch = list(islice(queue, jobs + 1 - len(running)))
                running |= {pool.submit(_settled, task): task for task in batch}
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
            yield task, _alone(task)


def _alone(task: Task) -> Result:
    """Settle a claim that ran when a process died; if that was its own, it dies again."""
    with _Workers(1) as pool:
        try:
            return _result(task, pool.submit(_settled, task).result())
        except BrokenProcessPool:
            words = "the process that settled it was killed, or ran out of memory"
            claim = _claims(task.files)[task.claim_id]
            return Result(claim, tuple(Settled("error", error=words) for _ in claim.readings), 0.0)


class _Workers(ProcessPoolExecutor):
    """Fresh processes with one thread each, which end with this one, whatever ends it."""

    def __init__(self, jobs: int) -> None:
        super().__init__(jobs, multiprocessing.get_context("spawn"), _begin)
        self._before = {name: os.environ.get(name) for name in _ONE_THREAD}

    def __enter__(self) -> Self:
        # Threads of the linear algebra would fight over cores, and sum in another order on another machine.
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        for name, value in self._before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _begin() -> None:
    """Set a worker up."""
    # Ctrl-C reaches every process; the first one says what there is to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@cache
def _claims(files: tuple[Path, ...]) -> dict[str, Claim]:
    return load_claims() | load_own(files)


def _settled(task: Task) -> Record:
    claim = _claims(task.files)[task.claim_id]
    return as_record(settle(claim, task.seed, task.planted))


def _result(task: Task, record: Record) -> Result:
    return from_record(_claims(task.files)[task.claim_id], record)
