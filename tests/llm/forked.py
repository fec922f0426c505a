"""Commands in processes that `tests.llm.fork_server` forks: each spares the seconds that importing torch takes."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]


class Forked:
    """A command that runs; its methods are those of `subprocess.Popen`."""

    def __init__(self, server: Path, arguments: tuple[str, ...], folder: Path) -> None:
        self.arguments = arguments
        self._code: int | None = None
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(str(server))
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        message = {"arguments": arguments, "folder": str(folder), "environment": environment}
        files = [self._output.fileno(), self._errors.fileno()]
        data = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self._connection, [data], files)
        self._connection.sendall(data[sent:])
        self._lines = self._connection.makefile("r")
        self.pid = int(self._lines.readline())

    def poll(self) -> int | None:
        """Return the exit status, minus the signal's number of a killed process, or None while it runs."""
        return self._wait(0.0)

    def _wait(self, seconds: float) -> int | None:
        if self._code is None:
            self._connection.settimeout(seconds)
            try:
                if self._connection.recv(1, socket.MSG_PEEK):
                    self._connection.settimeout(5.0)
                    self._code = int(self._lines.readline())
            except (TimeoutError, BlockingIOError):
                return None
            self._connection.settimeout(None)
        return self._code

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def finish(self, timeout: float) -> subprocess.CompletedProcess[str]:
        """Wait for the end, and return the exit status with what was written."""
        code = self._wait(timeout)
        if code is None:
            os.kill(self.pid, signal.SIGKILL)
        texts = []
        for file in (self._output, self._errors):
            file.seek(0)
            texts.append(file.read().decode())
            file.close()
        self._lines.close()
        self._connection.close()
        assert code is not None, f"{self.arguments} did not end within {timeout} seconds: {texts[1][-3000:]}"
        return subprocess.CompletedProcess(self.arguments, code, *texts)


class Server:
    """The server of all workers of a run of the tests; the first one that needs it starts it."""

    def __init__(self, place: Path) -> None:
        self._path, users = place / "socket", place / "users"
        self._users = users.open("w")
        with (place / "start").open("w") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            fcntl.flock(self._users, fcntl.LOCK_SH)  # waits for a server that ends
            if not self._path.exists():
                command = [sys.executable, "-m", "tests.llm.fork_server", str(self._path), str(users)]
                subprocess.run(command, cwd=ROOT, check=True, timeout=300)

    def start(self, *arguments: str, folder: Path | None = None) -> Forked:
        """Start what `python ARGUMENTS` would run, `-m MODULE ...` or `-c SCRIPT ...`, in a folder."""
        return Forked(self._path, arguments, folder or Path.cwd())

    def run(
        self, *arguments: str, folder: Path | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return self.start(*arguments, folder=folder).finish(timeout)

    def close(self) -> None:
        self._users.close()


def wait_for(file: Path, child: Forked | subprocess.Popen[bytes], seconds: float = 300.0) -> None:
    """Wait until a file is there."""
    end = time.monotonic() + seconds
    while not file.exists():
        assert child.poll() is None, f"the process ended before {file} was there"
        assert time.monotonic() < end, f"{file} never came"
        time.sleep(0.02)
