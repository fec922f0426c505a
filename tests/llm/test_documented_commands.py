"""Each command that a page or a help text shows would run: its options, names and files are there."""

from __future__ import annotations

import importlib
import subprocess

import pytest

from dagames._errors import DagamesError
from tests.llm.documented import ROOT, RefusedError, Shown, check, in_text, on_page

PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
PAGES += ["results/demo/README.md", "results/cpu/README.md"]


def faults(commands: list[Shown]) -> list[str]:
    found = []
    for shown in commands:
        try:
            check(shown.words)
        except (RefusedError, DagamesError) as error:
            found.append(f"{shown.place}: {' '.join(shown.words)}\n    {error}")
    return found


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page(page: str) -> None:
    assert not (found := faults(on_page(ROOT / page))), "\n".join(found)


def test_every_page_that_shows_commands_is_read() -> None:
    counts = {page: len(on_page(ROOT / page)) for page in PAGES}
    assert counts["README.md"] > 30
    for page in ("training", "evaluation", "data", "engines", "forecast"):
        assert counts[f"docs/{page}.md"] >= 3, page


HELP = {
    "cli": "TRAIN_HELP",
    "evaluation.compare": "COMPARE_HELP",
    "evaluation.command": "EVALUATE_HELP",
    "forecast.command": "HELP",
    "inspection": "INSPECT_HELP",
    "paraphrase": "PARAPHRASE_HELP",
}


@pytest.mark.parametrize("module", HELP)
def test_examples_of_a_help_text(module: str) -> None:
    shown = in_text(module, getattr(importlib.import_module(f"dagames_llm.{module}"), HELP[module]))
    assert shown, "a help text teaches by an example"
    assert not (found := faults(shown)), "\n".join(found)


def test_commands_in_shipped_files() -> None:
    files = [*(ROOT / "dagames_llm/recipes").rglob("*.yaml"), *(ROOT / "examples").rglob("*.*")]
    shown = [
        command
        for file in files
        if file.suffix in (".yaml", ".sh")
        for start in ("accelerate launch ", "dagames-llm ", "torchrun ")
        for command in in_text(file.name, file.read_text(), start)
    ]
    assert len(shown) >= 3
    assert not (found := faults(shown)), "\n".join(found)


WRONG = {
    "dagames-llm train gsm8k_coherence": "config",
    "dagames-llm train --config gsm8k_coherense": "gsm8k_coherence",
    "dagames-llm evaluate out/run --sample 8": "--sample",
    "dagames-llm forecast s.jsonl --target majority": "majority",
    "dagames-llm foresee": "foresee",
    "accelerate launch --num_proceses 8 train.py": "num_proceses",
    "accelerate launch --num_processes 8 -m dagames_llm.cli train gsm8k_coherence": "config",
    "accelerate launch --config_file fsdp9.yaml train.py": "fsdp9",
    "torchrun --nproc_per_node 2 -m dagames_llm.cli train --configs x": "--configs",
    "make tests": "tests",
    "pip install dagames[qlor]": "qlor",
    "python -m benchmarks.nothing": "nothing",
    "sudo reboot": "sudo",
}


@pytest.mark.parametrize("command", WRONG)
def test_a_wrong_command_is_noticed(command: str) -> None:
    with pytest.raises((RefusedError, DagamesError), match=WRONG[command]):
        check(tuple(command.split()))


@pytest.mark.parametrize("target", ["reproduce", "test", "demo", "install"])
def test_make_would_run_what_the_readme_names(target: str) -> None:
    result = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
