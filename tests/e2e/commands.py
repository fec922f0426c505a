"""Run the installed commands."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DAGAMES = str(Path(sys.executable).with_name("dagames"))


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DAGAMES, *map(str, arguments)], capture_output=True, text=True, cwd=cwd)


def refused(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Run a command that must be refused with one message, exit code 2 and no traceback."""
    done = run(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr
