"""Progress of a run of the tests, a line every ten seconds: `make test` loads this plugin.

A line holds the share of the tests that have ended, the time since the start, the number of failures, and the tests
that are running. It is the same in a terminal and in a log.
"""

import sys
import time
from typing import Any

import pytest

SECONDS = 10.0
"""Time between two lines."""


class Progress:
    """Counts of the run and the line that shows them."""

    def __init__(self) -> None:
        self.start = self.last = time.monotonic()
        self.total = self.ended = self.failed = 0
        self.running: dict[str, None] = {}

    def line(self) -> str:
        """Return the line that shows the state of the run."""
        share = 100 * self.ended // max(self.total, 1)
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        failures = f"  {self.failed} failed" if self.failed else ""
        running = "  ".join(self.running)
        return (
            f"{share:3d} %  {self.ended} of {self.total} tests  {minutes}:{seconds:02d}{failures}  {running}".rstrip()
        )

    def show(self) -> None:
        """Print the line if the last one is old enough, or if every test has ended."""
        now = time.monotonic()
        if now - self.last >= SECONDS or (self.ended == self.total and self.total):
            self.last = now
            print(self.line(), file=sys.__stdout__, flush=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self.total = len(ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.total = max(self.total, len(session.items))

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        self.running[nodeid] = None
        self.show()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed += 1
            print(f"FAILED {report.nodeid} ({report.when})", file=sys.__stdout__, flush=True)
        if report.when == "teardown":
            self.ended += 1
            self.running.pop(report.nodeid, None)
            self.show()

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Count what passes or fails without a letter for it."""
        if report.skipped or hasattr(report, "wasxfail"):
            return None
        category = report.outcome if report.when == "call" else "error" if report.failed else ""
        return category, "", ""


def pytest_configure(config: pytest.Config) -> None:
    """Show progress in the process that prints, which is no worker of xdist."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(), "progress-lines")
