"""Run the linters, the type checker and the tests, each with its time: `make test`.

    python -m tests.stages JOBS

The type checker and the check of import layers run beside the tests. Exit status 1 if any of them fails.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import STDOUT

BIN = Path(sys.executable).parent
FIRST = {"format": ["ruff", "format", "--check", "."], "lint": ["ruff", "check", "."]}
BESIDE = {"types": ["mypy"], "layers": ["lint-imports"]}
TESTS = ["-p", "tests.progress", "--dist", "worksteal", "-m", "not long", "-q", "--durations=15"]


def tool(words: list[str]) -> list[str]:
    """Return the command of a tool that is installed beside this Python."""
    return [str(BIN / words[0]), *words[1:]]


def stage(name: str, command: list[str], *, at_once: bool = True) -> bool:
    """Run a command, and print how long it took as `== types == 42 s`.

    Args:
        name: Name of the stage.
        command: The command.
        at_once: Whether the command prints as it runs; otherwise its output follows when it has ended.

    Returns:
        Whether the command passed.
    """
    start = time.monotonic()
    done = subprocess.run(command, stdout=None if at_once else subprocess.PIPE, stderr=None if at_once else STDOUT)
    failed = f", FAILED with exit status {done.returncode}" if done.returncode else ""
    output = (done.stdout or b"").decode()
    print(f"{output}== {name} == {time.monotonic() - start:.0f} s{failed}", flush=True)
    return done.returncode == 0


def run(first: dict[str, list[str]], beside: dict[str, list[str]], tests: list[str]) -> bool:
    """Run the stages.

    Args:
        first: Commands that run one after the other; the first that fails ends the run.
        beside: Commands that run beside the tests.
        tests: Command of the tests.

    Returns:
        Whether all of them passed.
    """
    if not all(stage(name, command) for name, command in first.items()):
        return False
    with ThreadPoolExecutor() as threads:
        others = [threads.submit(stage, name, command, at_once=False) for name, command in beside.items()]
        passed = stage("tests", tests)
        return all([passed, *(other.result() for other in others)])


if __name__ == "__main__":
    pytest_command = [sys.executable, "-m", "pytest", "-n", sys.argv[1], *TESTS]
    first, beside = ({name: tool(words) for name, words in group.items()} for group in (FIRST, BESIDE))
    sys.exit(not run(first, beside, pytest_command))
