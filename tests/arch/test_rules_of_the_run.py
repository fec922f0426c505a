"""The test run's own rules bite: skips and warnings fail it, and shapes are checked at every call."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from dagames.simplex import pushforward
from tests import stages

ROOT = Path(__file__).parents[2]


FILES = {
    "passes": "def test_it():\n    assert True\n",
    "skips": "import pytest\n\ndef test_it():\n    pytest.skip('no data')\n",
    "skips_as_a_whole": "import pytest\n\npytest.skip('no data', allow_module_level=True)\n",
    "skips_by_mark": "import pytest\n\n@pytest.mark.skipif(True, reason='x')\ndef test_it():\n    pass\n",
    "warns": "import warnings\n\ndef test_it():\n    warnings.warn('careful')\n",
    "is_expected_to_fail": "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    assert True\n",
    "has_an_unknown_mark": "import pytest\n\n@pytest.mark.unheard_of\ndef test_it():\n    assert True\n",
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory) -> set[str]:
    """Run all files under the rules of this repository; return those that fail."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "tests").mkdir()
    for name in ("conftest.py", "pyproject.toml", "tests/__init__.py", "tests/checked.py"):
        shutil.copy(ROOT / name, folder / name)
    for name, body in FILES.items():
        (folder / f"test_{name}.py").write_text(body)
    options = ["-q", "-rA", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    command = [sys.executable, "-m", "pytest", *options, *(f"test_{name}.py" for name in FILES)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert re.findall(r"^PASSED test_(\w+)\.py", done.stdout, re.MULTILINE) == ["passes"]
    return set(re.findall(r"^(?:FAILED|ERROR) test_(\w+)\.py", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("name", FILES)
def test_a_silent_skip_or_a_warning_fails_the_run(name, failed):
    assert (name in failed) is (name != "passes")


@pytest.mark.parametrize(
    ("first", "last", "shown"), [(0, 0, ["a", "b", "c", "tests"]), (0, 3, ["a", "b", "c", "tests"]), (3, 0, ["a"])]
)
def test_every_stage_is_shown_and_a_failure_fails_the_run(first, last, shown, capfd):
    exits = {status: [sys.executable, "-c", f"import sys; print('output'); sys.exit({status})"] for status in (0, 3)}
    assert stages.run({"a": exits[first]}, {"b": exits[0], "c": exits[last]}, exits[0]) is (first + last == 0)
    names = re.findall(r"^== (\w+) == \d+ s", capfd.readouterr().out, re.MULTILINE)
    assert sorted(names) == shown


def test_progress_shows_the_share_the_failures_and_what_is_running(tmp_path):
    body = "import pytest\n\n@pytest.mark.parametrize('i', range(4))\ndef test_it(i):\n    assert i != 2\n"
    (tmp_path / "test_some.py").write_text(body)
    code = f"import sys, pytest; from tests import progress; progress.SECONDS = 0; sys.exit(pytest.main({OPTIONS}))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = re.sub(r"\d+:\d\d", "TIME", done.stdout).splitlines()
    assert "  0 %  0 of 4 tests  TIME  test_some.py::test_it[0]" in lines
    assert "FAILED test_some.py::test_it[2] (call)" in lines
    assert " 75 %  3 of 4 tests  TIME  1 failed  test_some.py::test_it[3]" in lines
    assert "1 failed, 3 passed" in lines[-1]


OPTIONS = ["-p", "tests.progress", "-p", "no:cacheprovider", "-q", "test_some.py"]


def test_shapes_are_checked_in_tests():
    with pytest.raises(TypeCheckError):
        pushforward(np.zeros((2, 3)), np.zeros(3), 4)
