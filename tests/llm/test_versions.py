"""Installed packages that are older or newer than what was tested: what is said, and with which versions."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import trl

from dagames_llm import models, trainer
from dagames_llm._errors import VersionError
from dagames_llm.config import recipe


def test_a_trl_without_the_overridden_methods_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trl, "__version__", "0.29.1")
    with pytest.raises(VersionError, match=r"need trl >= 1.0, < 1.17; installed is 0.29.1"):
        trainer.check_version()


@pytest.mark.parametrize(("version", "warned"), [("1.0.0", 0), ("1.16.3", 0), ("1.17.0", 1), ("2.0", 1)])
def test_a_trl_that_was_not_tested_is_warned_of(
    version: str, warned: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trl, "__version__", version)
    trainer.check_version()
    assert len(caplog.records) == warned
    assert all(f"installed is {version}" in record.getMessage() for record in caplog.records)


def test_unpacking_with_an_older_transformers_names_the_version_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = ModuleType("transformers")
    older.__dict__.update(__version__="5.10.2", AutoModelForCausalLM=None, AutoTokenizer=None)
    monkeypatch.setitem(sys.modules, "transformers", older)
    with pytest.raises(VersionError, match=r"transformers >= 5.17; installed is 5.10.2"):
        models._unpack(tmp_path / "model.gguf", tmp_path / "folder")


def test_a_renamed_key_is_read_under_the_name_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {"activation_checkpointing": False, "beta": 0.1}
    monkeypatch.setattr(recipe, "known_keys", lambda: {"activation_checkpointing", "beta"})
    assert recipe._as_installed(written) == written
    monkeypatch.setattr(recipe, "known_keys", lambda: {"gradient_checkpointing", "beta"})
    assert recipe._as_installed(written) == {"gradient_checkpointing": False, "beta": 0.1}
