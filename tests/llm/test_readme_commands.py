"""The README's command blocks run as they stand, one command after the other; two with less to compute.

The model named `embedded` is a tiny random one: `DAGAMES_CACHE` names the place where it lies unpacked. The recipe
`coherence_cpu` is one of the reader's own with fewer steps, which `extends` the shipped one.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from trl import GRPOConfig

from dagames.cli import main as core
from dagames_llm import cli, models
from tests.llm.documented import ROOT, blocks, commands_of
from tests.llm.tiny import save_tiny

README = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS = [
    "Ann has 3 apples. She buys 4 more apples. How many apples does Ann have?",
    "Tom sold 12 pens. Then he sold 5 more. How many?",
]


FEWER = {"forecast": ("--samples", "2", "--resamples", "2"), "pareto": ("--points", "3")}
"""Options after those shown, where the command as it stands takes a minute: the last value of an option counts."""


def block_under(heading: str) -> list[tuple[str, ...]]:
    """Return the words of the commands of the first block of commands under a heading."""
    section = README.partition(f"# {heading}\n")[2]
    _, block = next(iter(blocks(section)))
    return [words for _, words in commands_of(block)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the file of questions that the README speaks of and a cache that holds the model."""
    wheel = models.embedded_gguf()
    monkeypatch.setenv("DAGAMES_CACHE", str(tmp_path / "cache"))
    save_tiny(tmp_path / "cache" / f"{wheel.stem}-{wheel.stat().st_size}", sharpness=30)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    rows = [{"question": text, "answer": str(answer)} for text, answer in zip(WORDS, (7, 17), strict=True)]
    Path("data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shipped = ROOT / "dagames_llm/recipes/coherence_cpu.yaml"
    Path("coherence_cpu").write_text(f"extends: {shipped}\nmax_steps: 4\nsave_steps: 2\nlora_upper_layers: 1\n")
    return Path.cwd()


@pytest.mark.parametrize("heading", ["One import in a TRL script", "The four algorithms", "Prompts with paraphrases"])
def test_the_python_of_a_section_runs_alone(heading: str, tiny: Path, tmp_path: Path) -> None:
    found = re.search(rf"# {heading}\n\n```python\n(.*?)```", README, re.DOTALL)
    assert found is not None
    fields = GRPOConfig.__dataclass_fields__
    saving = "activation_checkpointing" if "activation_checkpointing" in fields else "gradient_checkpointing"
    cpu = f"GRPOConfig(output_dir={str(tmp_path)!r}, use_cpu=True, bf16=False, report_to='none', {saving}=False, "
    names: dict[str, Any] = {}
    exec(found[1].replace("GRPOConfig(", cpu).replace("Qwen/Qwen2.5-0.5B-Instruct", str(tiny)), names)
    if "trainer" in names:
        assert names["trainer"].args.num_generations == 8
        assert len(names["trainer"].train_dataset) >= 1
    else:
        assert list(names["safety"].dual.multipliers) == ["refusal", "length"]
        assert callable(names["Judge"])


def run(words: tuple[str, ...]) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.guarded(cli.app, words[1:])
    return int(caught.value.code or 0)


def interrupt_after(file: Path) -> threading.Thread:
    """Send Ctrl-C to this process when a file is there."""

    def wait() -> None:
        for _ in range(6000):
            if file.exists():
                os.kill(os.getpid(), signal.SIGINT)
                return
            pause.wait(0.01)

    pause = threading.Event()
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_the_language_model_commands_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = block_under("From the command line")
    first = next(words for words in commands if words[1] == "train" and "--output-dir" in words)
    for words in commands:
        capsys.readouterr()
        if words[1] == "forecast":
            assert run((*words, *FEWER["forecast"])) == 0, capsys.readouterr().err
            continue
        if words == first:  # the run that `--resume` goes on with
            interrupt_after(Path("out/run.partial/checkpoint-2/complete"))
            assert run(words) == 130
            assert "pass --resume" in capsys.readouterr().err
            assert not Path("out/run").exists()
            continue
        assert run(words) == 0, (words, capsys.readouterr().err)
    assert json.loads(Path("out/run/metrics.json").read_text())["history"][-1]["step"] == 4
    assert {path.name for path in Path().iterdir()} == {"data.jsonl", "orbits.jsonl", "coherence_cpu", "out"}
    assert {path.name for path in Path("out").iterdir()} == {"run", "run.json"}


def test_the_commands_that_solve_a_game_and_make_tables_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("game.yaml").write_text((ROOT / "examples/gini.yaml").read_text())
    Path("examples").symlink_to(ROOT / "examples")
    for words in [*block_under("Solve a game from a file"), *block_under("Make a reward table")]:
        monkeypatch.setattr("sys.argv", [*words, *FEWER.get(words[1], ())])
        with pytest.raises(SystemExit) as caught:
            core.main()
        assert not caught.value.code, (words, capsys.readouterr().err)
    written = {path.name for path in Path().iterdir()} - {"examples", "data.jsonl", "coherence_cpu"}
    assert written == {
        "game.yaml",
        "picture.svg",
        "picture.json",
        "result.json",
        "table.json",
        "frontier.svg",
        "frontier.json",
    }
