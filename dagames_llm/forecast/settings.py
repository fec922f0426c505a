"""The settings of a forecast: from options, else from a recipe, else defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagames._choices import did_you_mean
from dagames_llm._errors import RecipeError
from dagames_llm.multipliers import Constraint

if TYPE_CHECKING:
    from dagames.targets import Target

DEFAULTS: dict[str, Any] = {
    "target": "majority_vote",
    "target_options": None,
    "beta": 0.02,
    "num_generations": 8,
    "max_steps": 32,
    "extractor": None,
    "model_name_or_path": None,
    "data": None,
    "task": None,
    "temperature": 1.0,
    "max_completion_length": None,
    "chat": False,
    "stop_at_newline": None,
    "dtype": None,
    "seed": 0,
    "constraints": None,
}
"""Keys of a recipe that a forecast uses, and their defaults."""

WHOLE = (
    "num_generations",
    "max_steps",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "steps_per_generation",
    "generation_batch_size",
    "num_iterations",
)
"""Keys of `DEFAULTS` and of a batch that are whole numbers."""


@dataclass(frozen=True)
class Settings:
    """The settings of a forecast.

    Attributes:
        keys: every key of `DEFAULTS`, resolved.
        target: target that rewards answers, or None.
        constraints: budgets; may be empty.
        together: questions of a generation, from the recipe's batch size.
        steps: generations of the run with constraints; else mean-field steps.
        notes: parts of the recipe that the forecast does not model.
    """

    keys: Mapping[str, Any]
    target: Target | None
    constraints: Sequence[Constraint]
    together: int
    steps: int
    notes: Sequence[str]


def resolved(config: str | None, options: Mapping[str, Any], constraints: str | None, table: str | None) -> Settings:
    """Resolve the settings."""
    from dagames_llm.config.named_rewards import constraints_of
    from dagames_llm.config.recipe import OrbitScriptArguments
    from dagames_llm.config.run_recipe import recipe_for_evaluation

    given = {key: value for key, value in options.items() if value is not None}
    if constraints is not None:
        given["constraints"] = _read_budgets(constraints)
    written = dict(recipe_for_evaluation(config, {}).written) if config is not None else {}
    # Null omits a key, but for the target it means none.
    written = {key: value for key, value in written.items() if value is not None or key == "target"}
    if written.get("max_steps") == -1:  # TRL's default
        del written["max_steps"]
    budgets = constraints_of(OrbitScriptArguments(constraints=given.get("constraints", written.get("constraints"))))
    keys = {**DEFAULTS, **{key: written[key] for key in DEFAULTS if key in written}, **given}
    if budgets and "target" not in given and "target" not in written:
        keys["target"] = None
    if keys["target"] == "null":
        keys["target"] = None
    if "data" in given:
        keys["task"] = None
    if "task" in given:
        keys["data"] = None
    for key in WHOLE:
        _check_whole(key, {**written, **keys}.get(key))
    target = forecast_target(keys["target"], keys["target_options"], table, keys["num_generations"], budgets)
    generation, ratio = _generation(written)
    steps = keys["max_steps"]
    if budgets and "max_steps" in written and "max_steps" not in given:
        steps = max(1, round(steps * ratio))
    elif not budgets and "max_steps" not in given:
        steps = DEFAULTS["max_steps"]  # mean-field steps, not optimiser steps
    together = max(1, generation // keys["num_generations"])
    return Settings(keys, target, budgets, together, steps, _notes(written))


def _generation(written: Mapping[str, Any]) -> tuple[int, float]:
    """Return the completions of a generation of one process, and generations per step of the optimiser."""
    per_device = written.get("per_device_train_batch_size", 8)
    accumulated = written.get("gradient_accumulation_steps", 1)
    batches = written.get("steps_per_generation") or accumulated
    if written.get("generation_batch_size"):
        batches = max(1, written["generation_batch_size"] // per_device)
    return per_device * batches, accumulated / (batches * (written.get("num_iterations") or 1))


def _notes(written: Mapping[str, Any]) -> list[str]:
    scale = written.get("scale_rewards", "none")
    if scale == "none":
        return []
    return [
        (
            f"The recipe's scale_rewards is {scale!r}: advantages are divided by their deviation, so that the weight "
            "of a multiplier relative to the KL varies between groups (claim B.7). The forecast is for `none`."
        )
    ]


def _check_whole(key: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise RecipeError(f"`{key}` is {value!r:.60}; it must be a whole number of at least 1.")


def _read_json(option: str, text: str, example: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"--{option} is not JSON: {error}. Write {example}.") from error


def _read_budgets(text: str) -> list[Any]:
    """Return the option `--constraints`, or raise RecipeError unless it is a JSON list of at least one budget."""
    example = '[{"cost": "refusal", "budget": 0.1}]'
    budgets = _read_json("constraints", text, example)
    if not isinstance(budgets, list) or not budgets:
        raise RecipeError(
            f"--constraints is {text:.80}; it must be a JSON list of at least one budget, such as {example}. For a "
            "forecast without budgets, omit --constraints, and `constraints` in the recipe."
        )
    return budgets


def read_options(text: str | None) -> dict[str, Any] | None:
    """Return the option `--target-options`, or raise RecipeError unless it is a JSON object."""
    example = '{"weight": 0.5}'
    options = None if text is None else _read_json("target-options", text, example)
    if text is not None and not isinstance(options, dict):
        raise RecipeError(
            f"--target-options is {text:.80}; it must be a JSON object of names and values, such as {example}. For the "
            "defaults of the target, omit --target-options."
        )
    return options


def forecast_target(
    name: str | None, options: Any, table: str | None, group_size: int, constraints: Sequence[Constraint] = ()
) -> Target | None:
    """Return the target that the options name; None if only budgets give rewards."""
    from dagames_llm.config.named_rewards import TABLES, target_of
    from dagames_llm.config.recipe import OrbitScriptArguments
    from dagames_llm.forecast.choices import with_table
    from dagames_llm.forecast.group_rules import check_forecast, check_group, sizes_of

    sizes_of(group_size, 1)
    if name is not None:
        check_group(group_size)
    if table is not None and table not in TABLES:
        raise RecipeError(f"--table is {table!r}; known are {', '.join(TABLES)}.{did_you_mean(table, TABLES)}")
    target = target_of(OrbitScriptArguments(target=name, target_options=options), group_size)
    if target is not None:
        check_forecast(target)
    if target is None and not constraints:
        raise RecipeError("a forecast needs a target, or --constraints.")
    if table is None:
        return target
    with_named_table = None if target is None else with_table(target, table, group_size)
    if with_named_table is target:
        raise RecipeError(
            f"--table is {table!r}, but the target {name} has no table; inverse_frequency and prior_matching do."
        )
    return with_named_table


def data_of(settings: Settings) -> Path | str | Mapping[str, Any] | None:
    """Return the questions to draw for; None for a built-in task."""
    data = settings.keys["data"]
    return Path(data) if isinstance(data, str) and Path(data).is_file() else data
