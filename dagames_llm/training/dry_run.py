"""A dry run: two steps of a recipe on a tiny random model of the same architecture, in a folder that is then removed.

It runs the ordinary training, and shows in seconds and without a download whether a setting makes it fail. Sizes,
lengths and settings that need a GPU or a network are changed; the output lists the changes.
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
"""Number of steps, and the maximum numbers of tokens of a completion and of completions of a generation."""

LOCAL: Mapping[str, Any] = {
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
"""Settings that can need a GPU, a network or files, and their values in a dry run."""

FILES = (".jsonl", ".json", ".csv", ".parquet", ".yaml", ".txt", ".gz", ".zip")
"""Suffixes for which `data` is a file rather than the name of a data set."""


@dataclass(frozen=True)
class DryRun:
    """The result of a dry run.

    Attributes:
        architecture: the model type of the tiny model.
        changes: sentences on the differences from the recipe.
        history: statistics of each step, as in `metrics.json`.
    """

    architecture: str
    changes: tuple[str, ...]
    history: tuple[Mapping[str, float], ...]


def dry_run(name: str | Path, overrides: Mapping[str, Any] | None = None) -> DryRun:
    """Make two steps of a recipe on a tiny random model, and remove all files."""
    written = {**read_recipe(name), **(overrides or {})}
    model = str(written.get("model_name_or_path") or "embedded")
    architecture = architecture_of(model, written.get("architecture"))
    changes = [f"the model is a random {architecture} of two layers, not {model}"]
    with tempfile.TemporaryDirectory(prefix="dagames-dry-run-") as scratch:
        folder = Path(scratch)
        changed = {"model_name_or_path": str(save_tiny(folder / "model", architecture)), **_local(written, changes)}
        changed |= _sizes(written, changes)
        made_up = _needs_hub(written.get("data"))
        if made_up:
            changes.append(f"the questions are artificial, because reading {written['data']} may need the hub")
            changed |= {"data": str(folder / "questions.jsonl"), "data_limit": None, "held_out": 0}
            write_text(folder / "questions.jsonl", "")  # resolving a recipe checks that the file exists
        recipe = resolve_recipe(name, {**(overrides or {}), **changed})
        if made_up:
            write_text(folder / "questions.jsonl", "".join(json.dumps(row) + "\n" for row in made_up_rows(recipe)))
        history = _train(_without_downloads(recipe, folder, changes), folder)
    return DryRun(architecture, tuple(changes), history)


def _train(recipe: Recipe, folder: Path) -> tuple[Mapping[str, float], ...]:
    from dagames_llm.training.train import train

    result = train(recipe, folder / "result")
    return tuple(json.loads((result / "metrics.json").read_text(encoding="utf-8"))["history"])


def _local(written: Mapping[str, Any], changes: list[str]) -> dict[str, Any]:
    """Return the settings that replace those of `LOCAL`, and add the replaced settings of the recipe to `changes`."""
    changed = {key: value for key, value in LOCAL.items() if key in {*written, "use_cpu", "report_to"}}
    changed["save_strategy"] = "no"
    optimiser = str(written.get("optim", ""))
    if "paged" in optimiser or "bit" in optimiser:
        changed["optim"] = "adamw_torch"
    replaced = [f"{key}: {written[key]}" for key in changed if key in written and written[key] != changed[key]]
    if replaced:
        changes.append(f"settings for a GPU, a network or files are left out: {', '.join(replaced)}")
    return changed


def _sizes(written: Mapping[str, Any], changes: list[str]) -> dict[str, Any]:
    """Return steps, lengths and batch of a dry run, and add the differences from the recipe to `changes`."""
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
        several = f"; the recipe needs a multiple of {processes} processes" if processes > 1 else ""
        changes.append(f"one row of {group} completions per step, not {batch} completions per process{several}")
        changed |= {"per_device_train_batch_size": group, "gradient_accumulation_steps": 1}
        changed |= {"steps_per_generation": None, "generation_batch_size": None}
    return changed


def _batch(written: Mapping[str, Any]) -> int | None:
    """Return the completions of a generation on one process; None for settings that `train` refuses."""
    accumulated = written.get("gradient_accumulation_steps", 1)
    numbers = [written.get("per_device_train_batch_size", 8), written.get("steps_per_generation") or accumulated]
    generation = written.get("generation_batch_size")
    if generation is not None:
        numbers = [generation]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        return None
    return math.prod(numbers)


def _needs_hub(data: Any) -> bool:
    """Return whether reading `data` may need a download; raise DataError for a missing file."""
    if data is None or Path(str(data)).exists():
        return False
    if str(data).endswith(FILES) or Path(str(data)).is_absolute():
        raise DataError(f"no data file {data}.")
    return True


def made_up_rows(recipe: Recipe) -> Iterable[dict[str, Any]]:
    """Return artificial questions for a recipe's extractor, with the columns of its constraints' selectors."""
    selected: dict[str, list[Any]] = {}
    for constraint in recipe.constraints:
        if isinstance(constraint.applies_to, Mapping):
            for column, value in constraint.applies_to.items():
                selected.setdefault(column, []).extend(value if isinstance(value, list | tuple) else [value])
    columns = [dict(zip(selected, values, strict=True)) for values in product(*selected.values())]
    choice = recipe.orbit.extractor == "choice"
    rows = max(STEPS * recipe.grpo.generation_batch_size // recipe.grpo.num_generations, 4, len(columns))
    questions = []
    for i in range(rows):
        options = f" A) {2 * i} B) {2 * i + 1}" if choice else ""
        orbit = [f"What is {i} and {i} more?{options}", f"How much are two times {i}?{options}"]
        questions.append({"orbit": orbit, "answer": "A" if choice else str(2 * i), **columns[i % len(columns)]})
    return questions


def _without_downloads(recipe: Recipe, folder: Path, changes: list[str]) -> Recipe:
    """Return the recipe with replacements for the encoder, classifier and tokenizer of its distance and costs."""
    from dagames_llm.costs import Length, Toxicity
    from dagames_llm.embeddings import Embedding

    if isinstance(recipe.distance, Embedding):
        changes.append(f"sentences are embedded by counts of letters, not by {recipe.distance.model}")
        recipe.distance.model = letter_counts
    constraints = []
    for constraint in recipe.constraints:
        cost = constraint.cost
        if isinstance(cost, Toxicity):
            changes.append(f"toxicity is the share of letters, not the score of {cost.model}")
            cost = share_of_letters
        elif isinstance(cost, Length) and cost.unit == "tokens":
            cost = Length("tokens", cost.limit, str(folder / "model"))
        constraints.append(replace(constraint, cost=cost))
    return replace(recipe, constraints=constraints)


def letter_counts(texts: list[str]) -> NDArray[np.float64]:
    """Return a 1 and the counts of the 26 letters of each text, [n, 27], which replace an encoder."""
    return np.array([[1.0, *(text.lower().count(chr(97 + k)) for k in range(26))] for text in texts])


def share_of_letters(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the share of letters in each text, [n] in [0, 1], which replaces a classifier.

    For random characters it is about 1/2, which is above most budgets, so that multipliers increase.
    """
    return np.array([sum(map(str.isalpha, text)) / max(len(text), 1) for text in texts])


def show_dry_run(name: str, result: DryRun) -> str:
    """Return the text that describes a dry run."""
    lines = ["changed in the dry run:", *(f"  - {change}" for change in result.changes)]
    for number, step in enumerate(result.history, start=1):
        shown = (f"{key} {step[key]:.4g}" for key in ("loss", "reward", "kl", "grad_norm") if key in step)
        lines.append(f"step {number}: {', '.join(shown)}")
    return "\n".join([*lines, f"the dry run of {name} passed; its files are removed"])


def dry_run_command(config: str, data: Path | None) -> None:
    """Run `dagames-llm train --dry-run`."""
    import typer

    from dagames_llm.cli import quiet_libraries

    quiet_libraries()
    typer.echo(show_dry_run(config, dry_run(config, {} if data is None else {"data": str(data)})))
