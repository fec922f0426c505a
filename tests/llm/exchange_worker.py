"""Call rewards on each of two processes as TRL does, without a model. Rank r writes OUT/rank<r>.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState

from dagames._errors import DagamesError
from dagames.targets import Centrality, MajorityVote
from dagames_llm import TargetReward

TEXTS = ["1", "1", "2", "3", "3", "3", "1", "2", "2", "2", "1", "4"]
"""Three groups of 4; each process has 6, so that the second group lies on both."""

PROMPTS = [f"q{i // 4}" for i in range(12)]
IDS = ["a", "a", "b", "b", "a", "b", "b", "a", "c", "c", "c", "c"]


def half(values: list[Any]) -> list[Any]:
    start = 6 * PartialState().process_index
    return values[start : start + 6]


def outcome(reward: TargetReward, number: int = 6, **columns: list[Any]) -> Any:
    columns = {"prompts": PROMPTS, **columns}
    given = {name: half(values)[:number] for name, values in columns.items()}
    try:
        return reward(completions=half(TEXTS)[:number], **given)
    except DagamesError as error:
        return f"{type(error).__name__}: {error}"


def fails_on_the_second(text: str) -> str:
    if PartialState().process_index == 1:
        raise ValueError("no reader here")
    return text


def distant(texts: list[str], answers: list[Any]) -> Any:
    return torch.full((len(texts), len(texts)), 2.0) if PartialState().process_index == 0 else torch.zeros(4, 4)


def main(out: Path) -> None:
    state = PartialState(cpu=True)
    vote = TargetReward(MajorityVote(), extract=str, group_size=4)
    found = {
        "world_size": state.num_processes,
        "by place": outcome(vote),
        "by id": outcome(TargetReward(MajorityVote(), extract=str), orbit_id=IDS),
        "by integer and missing id": outcome(TargetReward(MajorityVote(), extract=str), orbit_id=[1] * 11 + [None]),
        "mixed": outcome(vote, prompts=["q"] * 7 + ["r"] * 5),
        "incomplete": outcome(vote, number=5),
        "extractor": outcome(TargetReward(MajorityVote(), extract=fails_on_the_second, group_size=4)),
        "distance": outcome(TargetReward(Centrality(), extract=str, group_size=4, distance=distant)),
    }
    (out / f"rank{state.process_index}.json").write_text(json.dumps(found))
