"""Settle claims in processes of their own, so that one that hangs up or is killed takes no other with it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Self

from proofs_check.claim import Claim, Result
from proofs_check.record import Record, as_record, from_record
from proofs_check.registry import load_claims, load_own
from proofs_check.settle import settle

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """One claim to settle once.

    Attributes:
        claim_id: Which.
        seed: Seed of the search.
        sabotage: Whether to test the claim's sabotage in place of its formula.
        files: Claim files of the user's own, which a worker has to load too.
    """

    claim_id: str
    seed: int
    sabotage: bool = False
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
            return Result(_claims(task.files)[task.claim_id], "error", 0, 0, None, 0.0, words)


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
    return as_record(settle(claim, task.seed, claim.sabotage if task.sabotage else None))


def _result(task: Task, record: Record) -> Result:
    return from_record(_claims(task.files)[task.claim_id], record)
