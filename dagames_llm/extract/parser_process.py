"""A child process that parses LaTeX and is killed after a time limit; it works in any thread, without signals."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading


class ParserProcess:
    """A child process that runs math-verify, started at the first call and again after it was killed."""

    def __init__(self, seconds: float = 5.0, seconds_to_start: float = 60.0) -> None:
        """Set the time limits of an expression and of the start, in seconds."""
        self.seconds = seconds
        self.seconds_to_start = seconds_to_start
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0

    def key(self, phrase: str) -> str | None:
        """Return the canonical key of an expression, or `None` if it has none or takes too long."""
        with self._lock:
            process = self._running()
            if process is None:
                return None
            reply = self._exchange(process, json.dumps(phrase), self.seconds)
            if not reply:
                self.close()
        answer = json.loads(reply) if reply else None
        return answer if isinstance(answer, str) else None

    def close(self) -> None:
        """End the process if it is running."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.communicate()

    def _running(self) -> subprocess.Popen[str] | None:
        """Return the process; start one if there is none, if it has ended, or if this process is a fork."""
        if self._process is not None and self._owner == os.getpid() and self._process.poll() is None:
            return self._process
        self.close()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dagames_llm.extract.latex_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        if not self._owner:
            atexit.register(self.close)
        self._owner = os.getpid()
        return self._process if self._exchange(self._process, '""', self.seconds_to_start) else None

    def _exchange(self, process: subprocess.Popen[str], line: str, seconds: float) -> str:
        """Send a line and return the reply; empty if the process ended or was killed after the time limit."""
        if process.stdin is None or process.stdout is None:
            return ""
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            return process.stdout.readline()
        except OSError:  # the process has ended
            return ""
        finally:
            timer.cancel()
