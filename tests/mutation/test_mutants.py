"""Every planted error makes some test fail. Long: `make test-long`."""

import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tests.mutation

ROOT = Path(__file__).parents[2]
LISTS = [
    importlib.import_module(f"tests.mutation.{module.name}")
    for module in pkgutil.iter_modules(tests.mutation.__path__)
    if module.name.startswith("mutants")
]
MUTANTS = [(*mutant, room.SUITE) for room in LISTS for mutant in room.MUTANTS]
KILLERS = Path(__file__).with_name("killers.jsonl")
"""Which test noticed which error, a line each, the newest last: it is asked first, and spares the rest of the suite."""


def known_killers() -> dict[tuple[str, str, str], str]:
    lines = KILLERS.read_text().splitlines() if KILLERS.exists() else []
    return {tuple(line["mutant"]): line["test"] for line in map(json.loads, lines)}


def remember(mutant: tuple[str, str, str], folder: Path) -> None:
    """Append the first test that failed in the copy; short lines are appended whole, also by several processes."""
    failed = json.loads((folder / ".pytest_cache/v/cache/lastfailed").read_text())
    with KILLERS.open("a") as lines:
        lines.write(json.dumps({"mutant": mutant, "test": next(iter(failed))}) + "\n")


def suite_in(folder: Path, suite: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy of the code, with as many examples as `make test`."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:xdist", *suite]
    # A run of its own: as a worker of this run it would share the folder of the two processes with other copies.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    environment = inherited | {"PYTHONPATH": str(folder), "HYPOTHESIS_PROFILE": "quick"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


def copy_code(folder: Path) -> None:
    for name in ("dagames", "dagames_llm", "tests", "conftest.py", "pyproject.toml", "README.md"):
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__", "mutation")
        shutil.copytree(source, folder / name, ignore=ignore) if source.is_dir() else shutil.copy(source, folder)


@pytest.mark.long
@pytest.mark.parametrize("room", LISTS, ids=lambda room: room.__name__.rsplit(".", 1)[1])
def test_each_suite_passes_where_nothing_is_planted(room, tmp_path):
    """Without this, a suite that fails for another reason would seem to notice every error."""
    copy_code(tmp_path)
    done = suite_in(tmp_path, room.SUITE)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(MUTANTS)))
def test_the_suite_notices(number, tmp_path):
    path, right, wrong, suite = MUTANTS[number]
    copy_code(tmp_path)
    text = (tmp_path / path).read_text()
    assert right in text, f"{path} no longer holds {right!r}; mend the list of mutants"
    (tmp_path / path).write_text(text.replace(right, wrong, 1))
    killer = known_killers().get((path, right, wrong))
    if killer is not None and suite_in(tmp_path, (killer,)).returncode == 1:
        return
    done = suite_in(tmp_path, suite)
    assert done.returncode == 1, f"survived: {right!r} -> {wrong!r} in {path}\n{done.stdout[-800:]}"
    remember((path, right, wrong), tmp_path)


def test_mutants_are_of_this_code():
    for path, right, wrong, suite in MUTANTS:
        assert right in (ROOT / path).read_text(), (path, right)
        assert right != wrong
        assert all((ROOT / name).exists() for name in suite)
