"""A sign of life for whoever waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_SECONDS = 2.0


@contextmanager
def sign_of_life(console: Console, words: str) -> Iterator[None]:
    """Show a clock while something runs, if it runs for over two seconds and a terminal is there to show it.

    Args:
        console: Where to show it.
        words: What is running.

    Yields:
        Nothing; run it inside.
    """
    if not console.is_terminal:
        yield
        return
    progress = Progress(SpinnerColumn(), TextColumn(words), TimeElapsedColumn(), console=console, transient=True)
    progress.add_task(words, total=None)
    timer = Timer(_SECONDS, progress.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        progress.stop()
