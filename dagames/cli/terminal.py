"""A spinner for slow commands."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

_SECONDS = 2.0
"""Seconds after which the spinner appears."""


def is_shown() -> bool:
    """Whether stderr is a terminal, or FORCE_COLOR is set."""
    return bool(os.environ.get("FORCE_COLOR")) or sys.stderr.isatty()


@contextmanager
def spinner(task: str) -> Iterator[None]:
    """Show a spinner and the elapsed time on stderr while a task runs, if it takes more than two seconds.

    Args:
        task: Name of the task.

    Yields:
        Nothing; run the task in the context.
    """
    if not is_shown():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn(task, markup=False), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.add_task(task, total=None)
    timer = Timer(_SECONDS, progress.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        progress.stop()
