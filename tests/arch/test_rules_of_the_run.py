"""The test run's own rules bite: skips and warnings fail it, and shapes are checked at every call."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from dagames.simplex import pushforward

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("body", "passes"),
    [
        ("def test_it():\n    assert True\n", True),
        ("import pytest\n\ndef test_it():\n    pytest.skip('no data')\n", False),
        ("import pytest\n\npytest.skip('no data', allow_module_level=True)\n", False),
        ("import pytest\n\n@pytest.mark.skipif(True, reason='x')\ndef test_it():\n    pass\n", False),
        ("import warnings\n\ndef test_it():\n    warnings.warn('careful')\n", False),
        ("import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    assert True\n", False),
        ("import pytest\n\n@pytest.mark.unheard_of\ndef test_it():\n    assert True\n", False),
    ],
)
def test_a_silent_skip_or_a_warning_fails_the_run(tmp_path, body, passes):
    (tmp_path / "tests").mkdir()
    for name in ("conftest.py", "pyproject.toml", "tests/__init__.py", "tests/checked.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "test_it.py").write_text(body)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode == 0) is passes, done.stdout


def test_shapes_are_checked_in_tests():
    with pytest.raises(TypeCheckError):
        pushforward(np.zeros((2, 3)), np.zeros(3), 4)
