"""Samples that `dagames-llm forecast` draws: kept, read again, and continued after an interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.llm.forked import ROOT, Server
from tests.llm.test_forecast_command import run


def test_a_target_that_cannot_be_forecast_is_refused_before_anything_is_drawn(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagames_llm import models

    def never(*_: Any, **__: Any) -> None:
        pytest.fail("a model was loaded")

    monkeypatch.setattr(models, "load_model", never)
    code, shown = run(["forecast", "--model", str(tiny), "--task", "addition", "--target", "max_rl"], capsys)
    assert code == 2
    assert "cannot be forecast" in shown


@pytest.mark.parametrize(("option", "dtype"), [([], "bfloat16"), (["--dtype", "float16"], "float16")])
def test_the_model_is_loaded_in_the_dtype_of_the_recipe_unless_an_option_names_one(
    option: list[str],
    dtype: str,
    tiny: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dagames_llm import models
    from dagames_llm._errors import ModelError

    def refuse(name: str, dtype: str) -> None:
        raise ModelError(f"{name} in {dtype}")

    monkeypatch.setattr(models, "load_model", refuse)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"task: addition\nmodel_name_or_path: {tiny}\ndtype: bfloat16\n")
    code, shown = run(["forecast", "--config", str(recipe), *option], capsys)
    assert code == 2
    assert f"{tiny} in {dtype}" in shown.replace("\n", "")


def test_an_interrupted_drawing_goes_on_to_the_same_forecast_without_a_file_of_samples(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagames_llm.evaluation.journal import Journal

    (tmp_path / "data.jsonl").write_text("".join(json.dumps({"orbit": [f"a{i}=", f"b{i}?"]}) + "\n" for i in range(3)))
    settings = [
        "--extractor",
        "first_number",
        "--resamples",
        "1",
        "--steps",
        "2",
        "--samples",
        "6",
        "--batch-size",
        "6",
    ]
    draw = [
        "forecast",
        *settings,
        "--model",
        str(tiny),
        "--data",
        str(tmp_path / "data.jsonl"),
        "--max-new-tokens",
        "2",
    ]
    code, shown = run([*draw, "--json", str(tmp_path / "whole.json")], capsys)
    assert code == 0, shown
    add, done = Journal.add, []

    def killed(journal: Journal, *entry: Any) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        add(journal, *entry)
        done.append(entry)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", killed)
        code, shown = run([*draw, "--json", str(tmp_path / "killed.json")], capsys)
    assert code == 130
    assert (tmp_path / "killed.json.partial").is_file()
    code, shown = run([*draw, "--json", str(tmp_path / "killed.json")], capsys)
    assert code == 0, shown
    assert "continuing with 2 batches" in " ".join(shown.split())
    assert (tmp_path / "killed.json").read_text() == (tmp_path / "whole.json").read_text()
    assert not (tmp_path / "killed.json.partial").exists()


def test_samples_are_drawn_kept_and_read_again(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"orbit": [f"a{i}=", f"b{i}?"], "answer": i} for i in range(2)]
    (tmp_path / "data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    kept = tmp_path / "samples.jsonl"
    common = ["--extractor", "first_number", "--resamples", "1", "--steps", "2"]
    source = ["--model", str(tiny), "--data", str(tmp_path / "data.jsonl"), "--samples", "6", "--max-new-tokens", "2"]
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    code, shown = run(["forecast", *common, *source, "--save-samples", str(kept), "--json", str(first)], capsys)
    assert code == 0, shown
    code, shown = run(["forecast", str(kept), *common, "--json", str(second)], capsys)
    assert code == 0, shown
    assert json.loads(first.read_text()) == json.loads(second.read_text())
    assert len(json.loads(kept.read_text().splitlines()[0])["completions"][1]) == 6


KILLED = """
import os, signal, sys
from dagames_llm import cli
from dagames_llm.evaluation import journal
from dagames_llm.forecast import answers_forecast as forecast

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

add = journal.Journal.add

def last_add(self, sampled, prompts, batch):
    add(self, sampled, prompts, batch)
    if len(self.path.read_text().splitlines()) == 4:
        kill()

if sys.argv[1] == "drawing":
    journal.Journal.add = last_add
else:
    forecast.forecast = kill
cli.guarded(cli.app, sys.argv[2:])
"""


def test_a_forecast_killed_while_it_draws_and_while_it_solves_goes_on_to_the_same_numbers(
    server: Server, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second process is killed in the solving of what the first one began to draw."""
    monkeypatch.chdir(tmp_path)
    rows = [{"orbit": [f"a{i}=", f"b{i}?"], "answer": i} for i in range(3)]
    Path("data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    command = ["forecast", "--model", str(tiny), "--data", "data.jsonl", "--samples", "4", "--max-new-tokens", "2"]
    command += ["--batch-size", "4", "--extractor", "first_number", "--resamples", "1", "--steps", "2"]
    outputs = ["--save-samples", "samples.jsonl", "--json", "forecast.json"]
    place = {**os.environ, "PYTHONPATH": str(ROOT)}
    for when, kept in (("drawing", 3), ("solving", 6)):
        arguments = ["-c", KILLED, when, *command, *outputs]
        if when == "drawing":
            child = subprocess.run([sys.executable, *arguments], env=place, capture_output=True, text=True)
        else:
            child = server.run(*arguments)
        assert child.returncode == -signal.SIGKILL, child.stderr
        assert len(Path("samples.jsonl.partial").read_text().splitlines()) == 1 + kept
        assert not Path("forecast.json").exists()
        assert Path("samples.jsonl").exists() == (when == "solving")
    for other, message in ((["--seed", "1"], "`decoding` was"), (["--dtype", "bfloat16"], "`dtype` was")):
        code, shown = run([*command, *outputs, *other], capsys)
        assert code == 2
        assert message in shown
    code, shown = run([*command, *outputs], capsys)
    assert code == 0, shown
    assert "continuing with 6 batches" in " ".join(shown.split())
    assert {path.name for path in Path().iterdir()} == {"data.jsonl", "samples.jsonl", "forecast.json"}
    code, shown = run([*command, "--save-samples", "whole.jsonl", "--json", "whole.json"], capsys)
    assert code == 0, shown
    assert "going on" not in shown
    assert Path("samples.jsonl").read_text() == Path("whole.jsonl").read_text()
    assert json.loads(Path("forecast.json").read_text()) == json.loads(Path("whole.json").read_text())
    code, shown = run([*command, *outputs], capsys)
    assert code == 2
    assert "exists already" in shown
