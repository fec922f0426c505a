"""How every command of the project ends when its user made a mistake."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dagames._errors import DagamesError


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turn an error that a user can mend into one message on stderr and exit code 2.

    Yields:
        Nothing; run the command inside.
    """
    try:
        yield
    except DagamesError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output (`| head`) went away: not an error, but nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
