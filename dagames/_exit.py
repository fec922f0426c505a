"""How every command of the project ends: after a user's mistake, Ctrl-C, or output that cannot be written."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """End the process with a message and an exit code, and no traceback, where the user can mend what went wrong.

    An error of this package gives its message on stderr and exit code 2, and so does a standard output that takes no
    more, as on a full disk. Ctrl-C gives exit code 130. A closed pipe, as after `| head`, is no error.

    Yields:
        Nothing; run the command inside.

    Raises:
        OSError: The same, if it is about a file.
    """
    # Imported late: whatever comes before this context cannot be interrupted without a traceback.
    from dagames._errors import DagamesError

    try:
        try:
            yield
        finally:
            # Now and not when the interpreter ends, where an error could not be caught any more.
            if sys.stdout is not None:
                sys.stdout.flush()
    except DagamesError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        sys.exit(0)
    except OSError as error:
        # Errors of files have a name; writing to a stream that is open has none.
        if error.filename is not None or not _output_fails():
            raise
        _drop_output()
        sys.stderr.write(
            f"cannot write to standard output: {error.strerror}. Write to a file with room, or free some.\n"
        )
        sys.exit(2)


@contextmanager
def ended_at_once_by_interrupts() -> Iterator[None]:
    """Let Ctrl-C end the process without unwinding it, while there is nothing to tidy up.

    A KeyboardInterrupt that is raised during imports may be lost in a callback of the import system, or be shown as a
    traceback.

    Yields:
        Nothing; import inside.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        # Interrupts are ignored, as in a background job of a shell, or another program handles them.
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _output_fails() -> bool:
    """Whether standard output takes no more, as on a full disk."""
    if sys.stdout is None:
        return False
    try:
        # A failed write of more than a buffer leaves nothing to flush, so that only a further write shows the failure.
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _drop_output() -> None:
    """Send what is still to be printed to nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
