"""Call rewards on each of two processes as TRL does, without a model. Rank r writes OUT/rank<r>.json."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState

from dagames._errors import DagamesError
from dagames.targets import Centrality, MajorityVote
from dagames_llm import Constraint, SafetyReward, TargetReward
from dagames_llm.costs import Length
from dagames_llm.rewards import PATIENCE
from tests.llm.test_rewards import Trainer

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


class Messages(logging.Handler):
    """Keeps the messages of a logger."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def warnings_of_flat_steps(*texts: str) -> list[str]:
    """The warnings of equal rewards; the completions of each process are those of its text."""
    messages, logger = Messages(), logging.getLogger("dagames_llm")
    logger.addHandler(messages)
    reward, trainer = TargetReward(MajorityVote(), extract=str), Trainer()
    for _ in range(PATIENCE):
        completions = list(texts[PartialState().process_index])
        reward(prompts=["q"] * 4, completions=completions, log_metric=trainer.log_metric)
    logger.removeHandler(messages)
    return [text for text in messages.texts if "nothing is learned" in text]


def warnings_of_no_row(*kinds: str) -> list[str]:
    """The warnings of a constraint that applies to no row; each process has rows of its kind."""
    safety = SafetyReward(Constraint(Length("words"), 0.0, name="rare", applies_to={"kind": "bening"}))
    model = torch.nn.Identity()
    safety.callback.on_step_begin(None, None, None, model=model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(PATIENCE):
            safety(["p"], ["a"], kind=[kinds[PartialState().process_index]])
    return [str(warning.message) for warning in caught]


def logged_cost() -> float:
    """The logged mean cost of 1 word on the first process and of 2 and 3 words on the second."""
    safety = SafetyReward(Constraint(Length("words"), 0.0))
    model, logged = torch.nn.Identity(), {}
    safety.callback.on_step_begin(None, None, None, model=model)
    texts = (["a"], ["a b", "a b c"])[PartialState().process_index]
    safety(["p"] * len(texts), texts, logged.__setitem__)
    return logged["safety/length/cost"]


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
        "flat on one": warnings_of_flat_steps("1111", "1112"),
        "flat on both": warnings_of_flat_steps("1111", "2222"),
        "no row": warnings_of_no_row("harmful", "benign"),
        "cost": logged_cost(),
    }
    (out / f"rank{state.process_index}.json").write_text(json.dumps(found))
