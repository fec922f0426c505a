"""A dry run: two steps of a recipe on a tiny random model of the same architecture, in a folder that is then removed.

It is the ordinary training, so that what a setting breaks in it is seen in seconds and without a download. Changed are
sizes and lengths, and what needs a GPU or a network; every change is told.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames._files import write_text
from dagames_llm._errors import DataError
from dagames_llm.config.recipe import Recipe, read_recipe, resolve_recipe
from dagames_llm.training.tiny_models import architecture_of, save_tiny

STEPS, LENGTH, LARGEST = 2, 8, 64
"""Steps made, tokens of a completion, and completions of a generation at most."""

ELSEWHERE: Mapping[str, Any] = {
    "use_cpu": True,
    "load_in_4bit": False,
    "load_in_8bit": False,
    "use_bnb_nested_quant": False,
    "use_vllm": False,
    "use_liger_kernel": False,
    "attn_implementation": None,
    "torch_compile": False,
    "fp16": False,
    "tf32": None,
    "deepspeed": None,
    "fsdp": None,
    "report_to": "none",
    "push_to_hub": False,
    "resume_from_checkpoint": None,
    "save_strategy": "no",
    "model_revision": "main",
}
"""Settings that need a GPU, a network or files, and what they are in a dry run."""

FILES = (".jsonl", ".json", ".csv", ".parquet", ".yaml", ".txt", ".gz", ".zip")
"""Endings by which `data` is a file, and no name of a data set."""


@dataclass(frozen=True)
class DryRun:
    """The result of a dry run.

    Attributes:
        architecture: the model type that was trained.
        changes: what was not as in the recipe, in words.
        history: statistics of each step, as in `metrics.json`.
    """

    architecture: str
    changes: tuple[str, ...]
    history: tuple[Mapping[str, float], ...]


def dry_run(name: str | Path, overrides: Mapping[str, Any] | None = None) -> DryRun:
    """Make two steps of a recipe on a tiny random model, and leave nothing behind."""
    written = {**read_recipe(name), **(overrides or {})}
    model = str(written.get("model_name_or_path") or "embedded")
    architecture = architecture_of(model, written.get("architecture"))
    changes = [f"the model is a random {architecture} of two layers, not {model}"]
    with tempfile.TemporaryDirectory(prefix="dagames-dry-run-") as scratch:
        folder = Path(scratch)
        changed = {"model_name_or_path": str(save_tiny(folder / "model", architecture)), **_elsewhere(written, changes)}
        changed |= _sizes(written, changes)
        made_up = _needs_hub(written.get("data"))
        if made_up:
            changes.append(f"the questions are made up, as reading {written['data']} may need the hub")
            changed |= {"data": str(folder / "questions.jsonl"), "data_limit": None, "held_out": 0}
            write_text(folder / "questions.jsonl", "")  # a recipe may name no file that is missing
        recipe = resolve_recipe(name, {**(overrides or {}), **changed})
        if made_up:
            write_text(folder / "questions.jsonl", "".join(json.dumps(row) + "\n" for row in made_up_rows(recipe)))
        history = _train(_without_downloads(recipe, folder, changes), folder)
    return DryRun(architecture, tuple(changes), history)


def _train(recipe: Recipe, folder: Path) -> tuple[Mapping[str, float], ...]:
    from dagames_llm.training.train import train

    result = train(recipe, folder / "result")
    return tuple(json.loads((result / "metrics.json").read_text(encoding="utf-8"))["history"])


def _elsewhere(written: Mapping[str, Any], changes: list[str]) -> dict[str, Any]:
    """Return the settings that a dry run has not as they are, and tell those that were written."""
    changed = {key: value for key, value in ELSEWHERE.items() if key in {*written, "use_cpu", "report_to"}}
    changed["save_strategy"] = "no"
    optimiser = str(written.get("optim", ""))
    if "paged" in optimiser or "bit" in optimiser:
        changed["optim"] = "adamw_torch"
    told = [key for key in changed if key in written and written[key] != changed[key]]
    if told:
        needed = ", ".join(f"{key}: {written[key]}" for key in told)
        changes.append(f"left out, for a GPU, a network or files: {needed}")
    return changed


def _sizes(written: Mapping[str, Any], changes: list[str]) -> dict[str, Any]:
    """Return the steps, lengths and batch of a dry run: the recipe's batch, if one process can have it."""
    length, steps = written.get("max_completion_length"), written.get("max_steps")
    changes.append(f"{STEPS} steps{'' if steps is None else f', not {steps}'}")
    changed: dict[str, Any] = {"max_steps": STEPS}
    if not isinstance(length, int) or length > LENGTH:
        changed["max_completion_length"] = LENGTH
        changes.append(f"completions of {LENGTH} tokens{'' if length is None else f', not {length}'}")
    if written.get("lora_upper_layers") is not None:
        changed["lora_upper_layers"] = 1
        changes.append(f"an adapter on one layer, not {written['lora_upper_layers']}")
    batch, group = _batch(written), written.get("num_generations", 8)
    if isinstance(group, int) and group > 0 and batch is not None and (batch > LARGEST or batch % group):
        processes = group // math.gcd(group, batch)
        several = f"; a run of this recipe needs {processes} processes, or a multiple" if processes > 1 else ""
        changes.append(f"one row of {group} completions a step, not {batch} completions a process{several}")
        changed |= {"per_device_train_batch_size": group, "gradient_accumulation_steps": 1}
        changed |= {"steps_per_generation": None, "generation_batch_size": None}
    return changed


def _batch(written: Mapping[str, Any]) -> int | None:
    """Return the completions of a generation on one process, or None where a number is none: training refuses that."""
    accumulated = written.get("gradient_accumulation_steps", 1)
    numbers = [written.get("per_device_train_batch_size", 8), written.get("steps_per_generation") or accumulated]
    whole = written.get("generation_batch_size")
    if whole is not None:
        numbers = [whole]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        return None
    return math.prod(numbers)


def _needs_hub(data: Any) -> bool:
    """Tell whether `data` is a name that a loader may have to download."""
    if data is None or Path(str(data)).exists():
        return False
    if str(data).endswith(FILES) or Path(str(data)).is_absolute():
        raise DataError(f"no data file {data}.")
    return True


def made_up_rows(recipe: Recipe) -> Iterable[dict[str, Any]]:
    """Return questions of the form that a recipe's extractor reads, with the columns that its constraints select by."""
    rows = max(STEPS * recipe.grpo.generation_batch_size // recipe.grpo.num_generations, 4)
    selected: dict[str, list[Any]] = {}
    for constraint in recipe.constraints:
        if isinstance(constraint.applies_to, Mapping):
            for column, value in constraint.applies_to.items():
                selected.setdefault(column, []).extend(value if isinstance(value, list | tuple) else [value])
    kinds = [dict(zip(selected, values, strict=True)) for values in product(*selected.values())]
    choice = recipe.orbit.extractor == "choice"
    made = []
    for i in range(rows):
        options = f" A) {2 * i} B) {2 * i + 1}" if choice else ""
        orbit = [f"What is {i} and {i} more?{options}", f"How much are two times {i}?{options}"]
        made.append({"orbit": orbit, "answer": "A" if choice else str(2 * i), **kinds[i % len(kinds)]})
    return made


def _without_downloads(recipe: Recipe, folder: Path, changes: list[str]) -> Recipe:
    """Return the recipe with stand-ins for encoder, classifier and tokenizer of distance and costs."""
    from dagames_llm.costs import Length, Toxicity
    from dagames_llm.embeddings import Embedding

    if isinstance(recipe.distance, Embedding):
        changes.append(f"sentences are embedded by counts of letters, not by {recipe.distance.model}")
        recipe.distance.model = letter_counts
    constraints = []
    for constraint in recipe.constraints:
        cost = constraint.cost
        if isinstance(cost, Toxicity):
            changes.append(f"toxicity is the share of letters, not what {cost.model} finds")
            cost = share_of_letters
        elif isinstance(cost, Length) and cost.unit == "tokens":
            cost = Length("tokens", cost.limit, str(folder / "model"))
        constraints.append(replace(constraint, cost=cost))
    return replace(recipe, constraints=constraints)


def letter_counts(texts: list[str]) -> NDArray[np.float64]:
    """Return the counts of 26 letters in each text and one more, [n, 27]: an encoder without a download."""
    return np.array([[1.0, *(text.lower().count(chr(97 + k)) for k in range(26))] for text in texts])


def share_of_letters(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the share of letters in each text, [n] in [0, 1]: a classifier without a download.

    Of random characters it is a half, above most budgets, so that multipliers rise.
    """
    return np.array([sum(map(str.isalpha, text)) / max(len(text), 1) for text in texts])


def show_dry_run(name: str, found: DryRun) -> str:
    """Return a dry run in words."""
    lines = ["changed in the dry run:", *(f"  - {change}" for change in found.changes)]
    for number, step in enumerate(found.history, start=1):
        shown = (f"{key} {step[key]:.4g}" for key in ("loss", "reward", "kl", "grad_norm") if key in step)
        lines.append(f"step {number}: {', '.join(shown)}")
    return "\n".join([*lines, f"the dry run of {name} passed; nothing was kept"])


def dry_run_command(config: str, data: Path | None) -> None:
    """Make the dry run of `dagames-llm train --dry-run`."""
    import typer

    from dagames_llm.cli import quiet_libraries

    quiet_libraries()
    found = dry_run(config, {} if data is None else {"data": str(data)})
    typer.echo(show_dry_run(config, found))
