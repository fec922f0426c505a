"""Several processes: one message where all fail alike, the number of the one that fails alone, one result."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
import typer
import yaml

from dagames_llm import cli, launched
from tests.llm.forked import ROOT, Server
from tests.llm.tiny import free_port, tiny_settings

OWN_FRAME = f'File "{ROOT}/dagames'


def on_two_processes(server: Server, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module on two processes that torchrun's launcher forks. Others are started afresh by both launchers."""
    return server.run("-m", "tests.llm.launch_worker", free_port(), module, *arguments, folder=ROOT)


def test_one_error_of_all_processes_is_printed_once(server: Server) -> None:
    arguments = ["train", "--config", "nowhere.yaml", "--output-dir", "out/nowhere"]
    result = on_two_processes(server, "dagames_llm.cli", *arguments)
    assert result.returncode != 0
    assert result.stderr.count("error: no recipe nowhere.yaml") == 1
    assert result.stderr.count("no recipe nowhere.yaml") == 1
    assert OWN_FRAME not in result.stderr, "tracebacks of torchrun's own only"


@pytest.mark.parametrize(
    ("arguments", "message"), [(["train"], "Missing option"), (["train", "--confg", "x"], "No such option")]
)
def test_a_usage_error_is_printed_by_the_first_process(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launched, "GRACE", 0.0)
    for rank in "01":
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", "2")
        with pytest.raises(SystemExit) as end:
            cli.guarded(cli.app, arguments)
        output = capsys.readouterr()
        assert end.value.code == 2
        assert output.out == ""
        assert (message in output.err) if rank == "0" else (output.err == "")


@pytest.mark.parametrize(("end", "code"), [(None, 0), (KeyboardInterrupt, 130), (ValueError, None)])
def test_other_ends_of_the_second_process(
    end: type[BaseException] | None, code: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command() -> None:
        if end is not None:
            raise end

    monkeypatch.setenv("RANK", "1")
    with pytest.raises(SystemExit if code is not None else ValueError) as caught:
        cli.guarded(command, [])
    assert code is None or caught.value.code == code


def test_an_error_of_the_second_process_alone_is_printed_and_ends_both(
    server: Server, tiny: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(tiny_settings(tiny, max_steps=1)))
    started = time.monotonic()
    result = on_two_processes(
        server, "tests.llm.fail_worker", "train", "--config", str(recipe), "--output-dir", str(tmp_path / "out")
    )
    assert result.returncode != 0
    assert result.stderr.count("error: process 1 of 2: the disk of this machine holds no questions.") == 1
    assert result.stderr.count("error: ") == 1
    assert time.monotonic() - started < 200, "the first process waited for the second"
    assert not (tmp_path / "out").exists()


def test_evaluation_on_two_processes_is_done_by_one(server: Server, tiny: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "data.jsonl", tmp_path / "out.json"
    data.write_text(json.dumps({"orbit": ["a1=", "b1?"], "answer": "1"}) + "\n")
    options = ["--model", str(tiny), "--data", str(data), "--samples", "2", "--max-new-tokens", "2", "--device", "cpu"]
    result = on_two_processes(server, "dagames_llm.cli", "evaluate", *options, "--out", str(out))
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.count("95 % intervals") == 1
    assert json.loads(out.read_text())["results"][str(tiny)]["n_orbits"] == 1
    assert {path.name for path in tmp_path.iterdir()} == {"data.jsonl", "out.json"}


def test_a_process_that_works_alone_forgets_its_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_PORT": "1", "ACCELERATE_USE_CPU": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RANKING", "kept")
    launched.work_alone()
    assert not {"RANK", "WORLD_SIZE", "MASTER_PORT", "ACCELERATE_USE_CPU"} & set(os.environ)
    assert os.environ["RANKING"] == "kept"
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(typer.Exit) as end:
        launched.work_alone()
    assert end.value.exit_code == 0
    assert os.environ["RANK"] == "1"


@pytest.mark.parametrize(("rank", "message"), [("0", "error: wrong.\n"), ("3", "error: process 3 of 4: wrong.\n")])
def test_an_error_names_the_process(
    rank: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setattr(launched, "GRACE", 0.0)
    with pytest.raises(SystemExit) as end:
        launched.fail("wrong.")
    assert end.value.code == 2
    assert capsys.readouterr().err == message
