"""What the adapter to TRL costs: a step beside stock TRL, scoring, and reading answers.

Run `python -m benchmarks.llm`; it takes about ten minutes on 2 cores and prints what it measured.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.clock import fastest
from dagames._files import write_text
from dagames.targets import GiniDiversity, InverseFrequency, MajorityVote, Target
from dagames_llm import TargetReward
from dagames_llm.extract import EXTRACTORS

Row = dict[str, Any]
TARGETS: dict[str, Target] = {
    "MajorityVote": MajorityVote(),
    "GiniDiversity": GiniDiversity(),
    "InverseFrequency": InverseFrequency(),
}


def constant(completions: list[Any], **_: Any) -> list[float]:
    """Return the same reward for every completion: the cheapest reward function there is."""
    return [1.0] * len(completions)


def overhead_of_a_step(steps: int) -> list[Row]:
    """Time the steps of one stock GRPOTrainer in which rewards alternate: nothing and a target, on equal tokens.

    Both reward functions are called in every step, so that prompts, tokens and updates are the same. Compared are the
    time within the target's and the rest of the step.

    Args:
        steps: Steps measured, after one that is not.

    Returns:
        One row per target.
    """
    return [_overhead(name, target, steps) for name, target in TARGETS.items()]


def _overhead(name: str, target: Target, steps: int) -> Row:
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    from dagames_llm.models import EMBEDDED, load_model

    spent: list[float] = []
    reward = TargetReward(target, extract="last_number")

    def timed(**arguments: Any) -> list[float]:
        start = time.perf_counter()
        rewards = reward(**arguments)
        spent.append(time.perf_counter() - start)
        return rewards

    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    model, tokenizer = load_model(EMBEDDED)
    with tempfile.TemporaryDirectory() as folder:
        args = GRPOConfig(
            output_dir=folder,
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            num_generations=8,
            per_device_train_batch_size=16,
            max_completion_length=16,
            max_steps=steps + 1,
            scale_rewards="none",
            beta=0.02,
        )
        rows = Dataset.from_list([{"prompt": f"5 + 6 = 11\n{a} + {b} ="} for a in range(1, 9) for b in range(1, 9)])
        GRPOTrainer(
            model,
            reward_funcs=[constant, timed],
            args=args,
            train_dataset=rows,
            processing_class=tokenizer,
            callbacks=[Clock()],
        ).train()
    step = float(np.median(np.diff(ends)))
    inside = float(np.median(spent[1:]))
    return {"what": f"{name} in a step", "seconds": inside, "beside": step - inside, "share": inside / (step - inside)}


def scoring(n_completions: int = 100_000, group_size: int = 64) -> list[Row]:
    """Time a target on many short completions: grouping and rewards, without reading.

    Args:
        n_completions: Number of completions.
        group_size: Traces of a group.

    Returns:
        One row per target.
    """
    generator = np.random.default_rng(0)
    n_groups = n_completions // group_size
    texts = [f"So the answer is {generator.integers(20)}." for _ in range(n_groups * group_size)]
    prompts = [f"question {i}" for i in range(n_groups) for _ in range(group_size)]
    rows = []
    for name, target in TARGETS.items():
        alone, _ = fastest(lambda target=target: _score(target, texts, group_size), repeats=3)
        reward = TargetReward(target, extract=str, group_size=group_size)
        whole, _ = fastest(lambda reward=reward: reward(prompts=prompts, completions=texts), repeats=3)
        rows += [
            {"what": f"{name}, {len(texts):,} answers scored", "seconds": alone},
            {"what": f"{name}, {len(texts):,} completions grouped and scored", "seconds": whole},
        ]
    return rows


def _score(target: Target, answers: list[str], group_size: int) -> None:
    from dagames.targets import AnswerGroup

    for start in range(0, len(answers), group_size):
        target.rewards(AnswerGroup(answers[start : start + group_size]))


def reading(completions: Path | None) -> list[Row]:
    """Time the extractors on completions as instruct models write them.

    Args:
        completions: JSON lines with `extractor` and `completion`; None for a few of our own.

    Returns:
        One row per extractor: the median over completions.
    """
    kept = [
        {"extractor": "last_number", "completion": "Natalia sold 48 / 2 = 24 clips in May.\n\n**Answer: 72** clips."},
        {"extractor": "choice", "completion": "The capital of France is Paris, so the answer is **(B) Paris**."},
        {"extractor": "text", "completion": "The answer is the *Eiffel Tower*."},
    ]
    if completions is not None:
        kept = [json.loads(line) for line in completions.read_text(encoding="utf-8").splitlines()]
    rows = []
    for name in sorted({row["extractor"] for row in kept}):
        texts = [row["completion"] for row in kept if row["extractor"] == name]
        times = [fastest(lambda t=text, f=EXTRACTORS[name]: _repeat(f, t), repeats=5)[0] / 100 for text in texts]
        rows.append({"what": f"{name}, one completion (median of {len(texts)})", "seconds": float(np.median(times))})
    return rows


def _repeat(read: Callable[[str], Any], text: str) -> None:
    for _ in range(100):
        read(text)


def main() -> None:
    """Measure, print and, with --out, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20, help="training steps measured for each target")
    parser.add_argument("--completions", type=Path, help="labelled completions, JSON lines")
    parser.add_argument("--out", type=Path, help="write the result to this JSON file")
    arguments = parser.parse_args()
    rows = [*reading(arguments.completions), *scoring(), *overhead_of_a_step(arguments.steps)]
    table = Table(title="the adapter to TRL, one run", title_justify="left")
    for heading in ("what", "time", "rest of the step", "share"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for row in rows:
        rest = f"{row['beside']:.2f} s" if "beside" in row else ""
        table.add_row(row["what"], _time(row["seconds"]), rest, f"{row['share']:.2%}" if "share" in row else "")
    Console().print(table)
    if arguments.out is not None:
        write_text(arguments.out, json.dumps({"processor": platform.machine(), "rows": rows}, indent=1) + "\n")


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1 or unit == "us":
            return f"{seconds * factor:.3g} {unit}"
    return ""


if __name__ == "__main__":
    main()
