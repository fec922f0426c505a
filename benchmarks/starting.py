"""How long imports and commands take from a fresh process, beside the imports of numpy and of cvxpy.

Run `python -m benchmarks.starting` in a checkout; it takes about a minute and prints medians of runs taken in turn, so
that a change in the machine's speed meets all rows. `dagames --help` and `dagames solve` include the interpreter.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from dagames._files import write_text

Row = dict[str, Any]
ROOT = Path(__file__).parents[1]

_MAIN = "from dagames.cli.main import main; main()"
_GAME = str(ROOT / "examples" / "gini.yaml")

STARTS: dict[str, list[str]] = {
    "python -c pass": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import dagames": ["-c", "import dagames"],
    "from dagames import solve": ["-c", "from dagames import solve"],
    "dagames --help": ["-c", _MAIN, "--help"],
    "dagames solve examples/gini.yaml": ["-c", _MAIN, "solve", _GAME],
    "import cvxpy": ["-c", "import cvxpy"],
}
"""What is timed: the interpreter's arguments of each row."""

ALLOWED_RATIO = {"import dagames": 1.5}
"""Times `import numpy` allowed to an import."""
ALLOWED_SECONDS = {"dagames --help": 0.5, "dagames solve examples/gini.yaml": 1.0}
"""Seconds allowed to a command."""


def seconds_of(arguments: list[str]) -> float:
    """Time a fresh interpreter.

    Args:
        arguments: Its arguments.

    Returns:
        Seconds from its start to its end.
    """
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    return time.perf_counter() - begun


def run(*, quick: bool = False) -> list[Row]:
    """Measure everything.

    Args:
        quick: Whether to start each process once only, to see that it runs.

    Returns:
        A row for each of `STARTS`.
    """
    rounds = range(1 if quick else 15)
    seconds_of(STARTS["dagames solve examples/gini.yaml"])
    taken: dict[str, list[float]] = {what: [] for what in STARTS}
    for _ in track(rounds, "starting", console=Console(stderr=True), transient=True):
        for what, arguments in STARTS.items():
            taken[what].append(seconds_of(arguments))
    median = {what: float(np.median(seconds)) for what, seconds in taken.items()}
    rows = []
    for what, seconds in median.items():
        ratio = seconds / median["import numpy"]
        row = {"what": what, "seconds": seconds, "to_numpy": ratio, "to_cvxpy": seconds / median["import cvxpy"]}
        row["allowed"], row["met"] = "", True
        if what in ALLOWED_RATIO:
            row |= {"allowed": f"{ALLOWED_RATIO[what]:g} x numpy", "met": ratio <= ALLOWED_RATIO[what]}
        if what in ALLOWED_SECONDS:
            row |= {"allowed": f"{ALLOWED_SECONDS[what]:g} s", "met": seconds <= ALLOWED_SECONDS[what]}
        rows.append(row)
    return rows


def print_table(rows: list[Row]) -> None:
    """Print the rows.

    Args:
        rows: What `run` returned.
    """
    table = Table("started", "seconds", "/ import numpy", "/ import cvxpy", "allowed", "met")
    for row in rows:
        ratios = [f"{row[key]:.2f}" for key in ("to_numpy", "to_cvxpy")]
        met = ("yes" if row["met"] else "NO") if row["allowed"] else ""
        table.add_row(row["what"], f"{row['seconds']:.3f}", *ratios, row["allowed"], met)
    Console(width=120).print(table)


def main() -> None:
    """Measure, print the table, and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"), help="folder of starting.json")
    arguments = parser.parse_args()
    rows = run()
    print_table(rows)
    write_text(arguments.out / "starting.json", json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
