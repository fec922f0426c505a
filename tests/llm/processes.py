"""What a process that a launcher started does around its work: it says where it hangs, and ends with the others."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Callable

SECONDS = 240
"""Shorter than the time that the test waits, so that a worker that hangs shows its stack and not only its silence."""


def together(work: Callable[[], None]) -> None:
    """Work, wait for the other processes, and end at once: what torch's threads do at the end is not under test."""
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    work()
    from accelerate import PartialState

    PartialState().wait_for_everyone()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
