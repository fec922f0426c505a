"""Train a tiny model by Safety-GRPO in TRL's own trainers and record each process. Runs alone or under torchrun.

Rank r writes OUT/rank<r>.json.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from dagames_llm.costs import Length
from dagames_llm.multipliers import Constraint
from dagames_llm.safety import SafetyReward, exchanged

KINDS = ["harmful", "benign", "harmful", "benign", "benign", "harmful"]


def large(texts: list[str]) -> list[float]:
    return [len(re.findall("[5-9]", text)) / 3 for text in texts]


def task(completions: list[str], **_: Any) -> list[float]:
    return [float("1" in text) for text in completions]


class Recorded(SafetyReward):
    """A safety reward that keeps what it was given and what it gave."""

    def __init__(self, constraints: list[Constraint]) -> None:
        super().__init__(constraints)
        self.calls: list[dict[str, Any]] = []

    def __call__(self, prompts: Any, completions: Any, log_metric: Any = None, **columns: Any) -> list[float]:
        rewards = super().__call__(prompts, completions, log_metric, **columns)
        self.calls.append({
            "prompts": list(prompts), "texts": list(completions), "kind": columns["kind"], "rewards": rewards,
            "multipliers": self.dual.multipliers,
        })  # fmt: skip
        return rewards


def two_constraints() -> list[Constraint]:
    return [
        Constraint(large, budget=0.05, applies_to={"kind": "harmful"}, step=0.3, cap=0.9, window=2),
        Constraint(Length("characters", limit=4), 0.9, "long", sense="at least", step=1.0, warm_up=1),
    ]


def build(model: Path, folder: Path, safety: SafetyReward, rloo: bool = False, callbacks: Any = (), **more: Any) -> Any:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

    rows = {"prompt": [f"q{i}=" for i in range(6)], "kind": KINDS}
    evaluation = {"prompt": ["e0=", "e1="], "kind": ["harmful", "benign"]}
    settings = {
        "num_generations": 4,
        "per_device_train_batch_size": 8,
        "per_device_eval_batch_size": 4,
        "max_completion_length": 3,
        "max_steps": 4,
        "learning_rate": 0.01,
        "use_cpu": True,
        "bf16": False,
        "activation_checkpointing": False,
        "logging_steps": 1,
        "report_to": [],
        "save_strategy": "no",
        "shuffle_dataset": False,
        "disable_tqdm": True,
        **({} if rloo else {"scale_rewards": "none"}),
        **more,
    }
    config, trainer = (RLOOConfig, RLOOTrainer) if rloo else (GRPOConfig, GRPOTrainer)
    return trainer(
        str(model),
        reward_funcs=[task, safety],
        args=config(output_dir=str(folder), **settings),
        train_dataset=Dataset.from_dict(rows),
        eval_dataset=Dataset.from_dict(evaluation),
        callbacks=[safety.callback, *callbacks],
    )


def record(model: Path, out: Path) -> None:
    from accelerate import PartialState

    from dagames_llm._errors import CostError

    safety = Recorded(two_constraints())
    trainer = build(
        model, out / "scratch", safety, per_device_train_batch_size=3, steps_per_generation=2,
        gradient_accumulation_steps=2, num_iterations=2, max_steps=6, eval_strategy="steps", eval_steps=2,
        per_device_eval_batch_size=2,
    )  # fmt: skip
    trainer.train()
    state = PartialState()
    refused = ""
    try:
        exchanged([[1.0]], CostError("cost 'mine' raised") if state.process_index == 1 else None)
    except CostError as error:
        refused = str(error)
    (out / f"rank{state.process_index}.json").write_text(
        json.dumps({"world_size": state.num_processes, "calls": safety.calls, "refused": refused})
    )
