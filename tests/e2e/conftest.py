"""The fixture of commands in this process."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import pytest

from dagames.cli.main import main


@pytest.fixture
def refused_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """Return `refused` for this process, where the run-time type checker, which users do not have, is off."""

    # The usage line names the program, which is not pytest.
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)

    def run_here(*arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["dagames", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == 2, printed.err
        assert "Traceback" not in printed.err
        assert printed.out == ""
        return printed.err

    jaxtyping.config.update("jaxtyping_disable", True)
    yield run_here
    jaxtyping.config.update("jaxtyping_disable", False)
