"""The presets and the page that says where each of their values comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from trl import GRPOConfig, RLOOConfig

from dagames_llm.presets import GAME, PAPER

PAGE = Path(__file__).parents[2] / "docs" / "paper-index.md"
PRESETS = [("PAPER", PAPER, GRPOConfig), ("GAME", GAME, RLOOConfig)]


def rows(section: str) -> dict[str, str]:
    text = PAGE.read_text().split(f"## {section}:")[1].split("\n## ")[0]
    found = re.findall(r"^\| (\w+) \| ([^|]+) \|", text, re.MULTILINE)
    return {field: value.strip() for field, value in found if field != "field"}


@pytest.mark.parametrize(("name", "preset", "config"), PRESETS)
def test_the_page_has_every_field_and_its_value(name: str, preset: Mapping[str, Any], config: type) -> None:
    assert rows(name) == {field: str(value) for field, value in preset.items()}


@pytest.mark.parametrize(("name", "preset", "config"), PRESETS)
def test_trl_takes_the_preset_and_changes_nothing(
    name: str, preset: Mapping[str, Any], config: type, tmp_path: Path
) -> None:
    args = config(output_dir=str(tmp_path), use_cpu=True, bf16=False, activation_checkpointing=True, **preset)
    assert {field: getattr(args, field) for field in preset} == dict(preset)
    assert args.generation_batch_size == 128, "2 orbits of 64 completions in a step"
