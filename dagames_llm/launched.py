"""Commands under `torchrun` and `accelerate launch`: the rank of this process."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import NoReturn

import typer

GRACE = 3.0
"""Time in seconds that a process other than the first waits before it prints an error."""

_LAUNCHER = re.compile(
    "(LOCAL_|GROUP_|ROLE_)?(RANK|WORLD_SIZE)|ROLE_NAME|MASTER_(ADDR|PORT)|(ACCELERATE|TORCHELASTIC)_.*"
)
"""Variables by which torch and accelerate find the other processes."""


def is_first_process() -> bool:
    """Return whether this process is the first of a launcher, which prints for all."""
    return os.environ.get("RANK", "0") == "0"


def work_alone() -> None:
    """End all processes of a launcher except the first, and remove the variables of the launcher from the first.

    For commands of one process: several processes would all do the whole work and write the same files.

    Raises:
        Exit: this process is not the first.
    """
    if not is_first_process():
        raise typer.Exit(0)
    if os.environ.get("WORLD_SIZE", "1") != "1":
        typer.echo(f"this command uses one process; the other {int(os.environ['WORLD_SIZE']) - 1} ended.", err=True)
    for name in filter(_LAUNCHER.fullmatch, list(os.environ) if "RANK" in os.environ else []):
        del os.environ[name]


def fail(message: str) -> None:
    """Print an error and exit with code 2; an error of all processes is printed once.

    A process other than the first waits before it prints, with its number. If the first process has an error too, the
    launcher ends all processes in this time.
    """
    if not is_first_process():
        time.sleep(GRACE)
        message = f"process {os.environ['RANK']} of {os.environ.get('WORLD_SIZE', '?')}: {message}"
    typer.echo(f"error: {message}", err=True)
    sys.stderr.flush()
    sys.exit(2)


def end_after_first(code: int) -> NoReturn:
    """Exit without a message, after the first process has had the time to print the error of all processes."""
    time.sleep(GRACE)
    sys.exit(code)
