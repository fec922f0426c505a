"""Bad recipes: each gives one message with key, value and remedy, exit code 2, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagames_llm import cli
from dagames_llm.config import contradictions
from dagames_llm.config.kinds import shown
from tests.llm.bad_recipes import BAD, SEVERAL
from tests.llm.tiny import tiny_settings

ABSENT = {
    "bitsandbytes", "deepspeed", "flash_attn", "galore_torch", "liger_kernel", "math_verify", "tensorboard",
    "tensorboardX", "vllm", "wandb",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[Path]:
    """A folder with what recipes name; commands run in it."""
    folder = tmp_path_factory.mktemp("bad")
    rows = [{"orbit": [f"a{i}=", f"b{i}?"], "answer": i} for i in range(6)]
    lines = "\n".join(json.dumps(row) for row in rows)
    (folder / "data.jsonl").write_text(lines)
    (folder / "broken.jsonl").write_text(lines + '\n{"orbit": ["half"')
    (folder / "unlabelled.jsonl").write_text("\n".join(json.dumps({"orbit": row["orbit"]}) for row in rows))
    kinds = [{**row, "kind": ["benign", "harmful"][i % 2]} for i, row in enumerate(rows)]
    (folder / "kinds.jsonl").write_text("\n".join(map(json.dumps, kinds)))
    (folder / "hollow").mkdir()
    (folder / "hollow" / "config.json").write_text((tiny / "config.json").read_text())
    shutil.copytree(tiny, folder / "mute", ignore=shutil.ignore_patterns("chat_template*"))
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(autouse=True)
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages that this machine may have are absent."""
    found = contradictions.installed
    monkeypatch.setattr(contradictions, "installed", lambda name: name.split(".")[0] not in ABSENT and found(name))


def refusal(place: Path, tiny: Path, changes: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a recipe with changed keys is refused with, having checked how."""
    local = {
        key: value.replace("HERE", str(place)) if isinstance(value, str) else value for key, value in changes.items()
    }
    good = tiny_settings(tiny, data=str(place / "data.jsonl"), max_completion_length=1, max_steps=2)
    (place / "recipe.yaml").write_text(yaml.safe_dump({**good, **local}))
    before = sorted(place.rglob("*"))
    capsys.readouterr()
    where = [] if "output_dir" in changes else ["--output-dir", "new"]
    with pytest.raises(SystemExit) as caught:
        cli.guarded(cli.app, ["train", "--config", "recipe.yaml", *where])
    output = capsys.readouterr()
    assert caught.value.code == 2, output.err
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert output.err.count("error: ") == 1
    assert "Traceback" not in output.err
    assert sorted(place.rglob("*")) == before
    return output.err


def leaves(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)


NAMES = [f"{i}-{next(iter(changes))}" for i, (changes, _) in enumerate(BAD)]


@pytest.mark.parametrize(("changes", "remedy"), BAD, ids=NAMES)
def test_a_bad_recipe(
    changes: dict[str, Any], remedy: str, place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = refusal(place, tiny, changes, capsys)
    key, value = next(iter(changes.items()))
    value = value.replace("HERE", str(place)) if isinstance(value, str) else value
    assert f"`{key}" in words
    secret = "token" in key
    assert secret or any(text in words for leaf in leaves(value) for text in (shown(leaf), str(leaf)) if text)
    assert not secret or value not in words
    assert remedy in words


def test_all_faults_of_a_recipe_are_in_one_message(place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = refusal(place, tiny, SEVERAL, capsys)
    assert "5 keys cannot be used" in words
    for key in ("learning_rate", "beta", "num_generation", "bf16", "fp16"):
        assert f"`{key}`" in words


def test_a_key_is_there_once(place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = yaml.safe_dump(tiny_settings(tiny))
    (place / "twice.yaml").write_text(f"{good}beta: 0.5\n")
    with pytest.raises(SystemExit):
        cli.guarded(cli.app, ["train", "--config", "twice.yaml", "--output-dir", "new"])
    words = capsys.readouterr().err
    assert "'beta' occurs twice; remove one of the lines" in words
    assert f"line {len(good.splitlines()) + 1}" in words


GOOD = [
    {"learning_rate": "1e-4"},  # a text in YAML 1.1
    {"save_strategy": False},  # `no`, unquoted
    {"scale_rewards": True},
    {"use_cpu": "yes"},
    {"lora_target_modules": "all-linear"},
    {"report_to": "none"},
    {"report_to": []},
    {"distance": "token_f1", "target": "centrality"},
    {"eval_strategy": "epoch", "held_out": 2},
    {"data": None},
    {"resume_from_checkpoint": None, "push_to_hub": False, "do_train": False},
    {"warmup_steps": 0.1, "save_steps": 0.5},
    {"max_steps": -1, "num_train_epochs": 1},
    {"eval_samples": 0},
]


@pytest.mark.parametrize("changes", GOOD, ids=[str(changes) for changes in GOOD])
def test_a_good_recipe_is_not_refused(changes: dict[str, Any], place: Path, tiny: Path) -> None:
    from dagames_llm.config.recipe import resolve_recipe

    path = place / "good.yaml"
    with contextlib.ExitStack() as after:
        after.callback(path.unlink)
        path.write_text(yaml.safe_dump(tiny_settings(tiny, data=str(place / "data.jsonl")) | changes))
        written = resolve_recipe(path).written
        assert {key: written[key] for key in changes} == changes
