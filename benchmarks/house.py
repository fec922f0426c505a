"""The size and the structure of the core, counted: files, lines, modules, imports, exported names, repeated lines.

Run `python -m benchmarks.house` in a checkout, or name another one (`python -m benchmarks.house ../other`) to compare.
"""

import argparse
import ast
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

PACKAGE = "dagames"
LONG_RUN = 6
"""Number of equal lines, one after the other, that count as repeated."""

WALK = """
import json, sys, numpy as np
from dagames import AlignmentGame, solve
from dagames.functionals import Gini, NegativeEntropy
game = AlignmentGame([0.5, 0.25, 0.25], [0, 1, 1], Gini(1.3) + NegativeEntropy(0.5), beta=0.7)
solve(game)
seen = {}
def note(frame, event, _):
    name = frame.f_globals.get("__name__", "")
    if event == "call" and name.partition(".")[0] == "dagames":
        seen.setdefault((name, frame.f_code.co_qualname), None)
sys.setprofile(note)
solve(game)
sys.setprofile(None)
print(json.dumps([name for name, _ in seen]))
"""
"""Solve one game, and list the modules of the functions that this calls, in the order of their first call."""


def count(root: Path) -> dict[str, int]:
    """Count one checkout.

    Args:
        root: The folder that holds the package.

    Returns:
        The counts by name.
    """
    files = sorted((root / PACKAGE).rglob("*.py"))
    lines = Counter[str]()
    for path in files:
        lines.update(_kinds(path))
    arrows = _arrows(root, files)
    rooms = {(room(one), room(other)) for one, other in arrows if room(one) != room(other)}
    walk = [room(module) for module in _walk(root)]
    return {
        "files": len(files),
        "lines": lines.total(),
        "lines of code": lines["code"],
        "lines of docstrings": lines["docstring"],
        "lines of comments": lines["comment"],
        "modules and packages at the top level": len({room(_module(root, path)) for path in files} - {PACKAGE}),
        "import arrows between them": len(rooms),
        "floors": _floors(rooms),
        "circles of modules": len(_circles(arrows)),
        "modules in circles": sum(map(len, _circles(arrows))),
        "exported names": len({name for path in files for name in _exports(path)}),
        "changes of room in one `solve`": sum(one != other for one, other in pairwise(walk)),
        f"repeated runs of {LONG_RUN} lines or more": _repeated(files),
    }


def room(module: str) -> str:
    """Return the child of the package in which a module is."""
    return ".".join(module.split(".")[:2])


def _module(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _kinds(path: Path) -> Iterator[str]:
    """Yield the kind of each line: code, docstring, comment or blank."""
    text = path.read_text()
    documented = set[int]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for number, line in enumerate(text.splitlines(), 1):
        if number in documented:
            yield "docstring"
        elif not line.strip():
            yield "blank"
        else:
            yield "comment" if line.lstrip().startswith("#") else "code"


def _arrows(root: Path, files: list[Path]) -> set[tuple[str, str]]:
    """Return which module imports which, without what only a type checker reads."""
    modules = {_module(root, path): path for path in files}
    arrows = set()
    for module, path in modules.items():
        for node in _executed(ast.parse(path.read_text())):
            named = []
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                named = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                named = named[1:] if all(name in modules for name in named[1:]) else named
            arrows |= {(module, name) for name in named if name in modules and name not in {module, PACKAGE}}
    return arrows


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree, except those under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _executed(child)


def _circles(arrows: set[tuple[str, str]]) -> list[set[str]]:
    """Return the sets of nodes that reach one another."""
    after: dict[str, set[str]] = {}
    for one, other in arrows:
        after.setdefault(one, set()).add(other)
    reached = {node: _reachable(node, after) for node in after}
    circles: list[set[str]] = []
    for node, others in reached.items():
        if node in others and not any(node in circle for circle in circles):
            circles.append({other for other in others if node in reached.get(other, set())})
    return circles


def _reachable(node: str, after: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(after.get(node, ()))
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting.extend(after.get(other, ()))
    return found


def _floors(arrows: set[tuple[str, str]]) -> int:
    """Return the number of nodes on the longest chain of imports; a circle counts as one."""
    circle_of = {node: min(circle) for circle in _circles(arrows) for node in circle}
    below: dict[str, set[str]] = {}
    for one, other in ((circle_of.get(one, one), circle_of.get(other, other)) for one, other in arrows):
        if one != other:
            below.setdefault(one, set()).add(other)
    heights: dict[str, int] = {}

    def height(node: str) -> int:
        if node not in heights:
            heights[node] = 1 + max(map(height, below.get(node, ())), default=0)
        return heights[node]

    return max(map(height, below), default=0)


def _exports(path: Path) -> list[str]:
    """Return `__all__` of a package's file."""
    if path.name != "__init__.py":
        return []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    return []


def _repeated(files: list[Path]) -> int:
    """Count the runs of code lines that stand in more than one place, each run as long as it can be."""
    texts = [
        [line.strip() for line, kind in zip(path.read_text().splitlines(), _kinds(path), strict=True) if kind == "code"]
        for path in files
    ]
    texts = [[line for line in text if not line.startswith(("from ", "import "))] for text in texts]
    windows = Counter(tuple(text[at : at + LONG_RUN]) for text in texts for at in range(len(text) - LONG_RUN + 1))
    runs = 0
    for text in texts:
        inside = False
        for at in range(len(text) - LONG_RUN + 1):
            again = windows[tuple(text[at : at + LONG_RUN])] > 1
            runs += again and not inside
            inside = again
    return runs


def _walk(root: Path) -> list[str]:
    done = subprocess.run([sys.executable, "-c", WALK], cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter and text
    modules: list[str] = json.loads(done.stdout)
    return modules


def main() -> None:
    """Print the counts of checkouts side by side, as a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("roots", nargs="*", type=Path, default=[Path()], help="checkouts; this folder by default")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    arguments = parser.parse_args()
    columns: dict[str, dict[str, Any]] = {str(root): count(root.resolve()) for root in arguments.roots}
    if arguments.json:
        sys.stdout.write(json.dumps(columns, indent=2) + "\n")
        return
    sys.stdout.write(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}\n")
    for name in next(iter(columns.values())):
        sys.stdout.write(f"| {name} | {' | '.join(f'{column[name]:,}' for column in columns.values())} |\n")


if __name__ == "__main__":
    main()
