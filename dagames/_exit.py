"""Exit codes and messages of all commands: errors that a user can cause, Ctrl-C, and a failing standard output."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in shells: 128 plus the number of the signal."""


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Exit with a message and a code, without a traceback, for errors that a user can cause.

    An error of this package, and a failure to write to standard output, as on a full disk, give a message on stderr and
    exit code 2. Ctrl-C gives exit code 130. A closed pipe, as after `| head`, gives exit code 0.

    Yields:
        Nothing; run the command inside.

    Raises:
        OSError: A system error about a file.
    """
    # Imported here, because Ctrl-C during an import outside of this context would show a traceback.
    from dagames._errors import DagamesError

    try:
        try:
            yield
        finally:
            # At the end of the interpreter an error of `flush` could not be caught.
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
        # An error about a file has a file name; an error of writing to an open stream has none.
        if error.filename is not None or not _output_fails():
            raise
        _drop_output()
        sys.stderr.write(f"cannot write to standard output: {error.strerror}. Free space, or write to another disk.\n")
        sys.exit(2)


@contextmanager
def ended_at_once_by_interrupts() -> Iterator[None]:
    """End the process at Ctrl-C immediately, without cleanup, while imports run.

    A KeyboardInterrupt during imports may be lost in a callback of the import system, or be shown as a traceback.

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
    """Return whether writing to standard output fails, as on a full disk."""
    if sys.stdout is None:
        return False
    try:
        # After a failed write of more than a buffer, nothing is left to flush, so that only another write fails.
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _drop_output() -> None:
    """Discard all further output."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
