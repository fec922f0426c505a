"""Exit codes of commands after errors."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dagames._errors import DagamesError


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Yield once; turn a DagamesError raised inside into one message on stderr and exit code 2."""
    try:
        yield
    except DagamesError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        # The reader of the output, such as `| head`, has exited: not an error, but nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
