"""Every planted error makes some test fail. Long: `make test-long`."""

import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tests.mutation

ROOT = Path(__file__).parents[2]
MUTANTS = [
    mutant
    for module in pkgutil.iter_modules(tests.mutation.__path__)
    if module.name.startswith("mutants")
    for mutant in importlib.import_module(f"tests.mutation.{module.name}").MUTANTS
]
SUITE = ("tests/unit", "tests/property", "dagames")


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(MUTANTS)))
def test_the_suite_notices(number, tmp_path):
    path, right, wrong = MUTANTS[number]
    for name in ("dagames", "tests", "conftest.py", "pyproject.toml"):
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__", "llm", "mutation")
        shutil.copytree(source, tmp_path / name, ignore=ignore) if source.is_dir() else shutil.copy(source, tmp_path)
    text = (tmp_path / path).read_text()
    assert right in text, f"{path} no longer holds {right!r}; mend the list of mutants"
    (tmp_path / path).write_text(text.replace(right, wrong, 1))
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *SUITE]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "HYPOTHESIS_PROFILE": "brief"},
    )
    assert done.returncode == 1, f"survived: {right!r} -> {wrong!r} in {path}\n{done.stdout[-800:]}"


def test_mutants_are_of_this_code():
    for path, right, wrong in MUTANTS:
        assert right in (ROOT / path).read_text(), (path, right)
        assert right != wrong
