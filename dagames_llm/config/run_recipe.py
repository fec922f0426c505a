"""The settings of a recipe that evaluation reads, without TRL.

A resolved recipe contains settings of the machine that trained (bf16, processes), which TRL can refuse on another one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import Path
from typing import Any

from dagames_llm._errors import ModelError, OutputError, RecipeError
from dagames_llm.config.named_rewards import constraints_of, distance_of
from dagames_llm.config.recipe import OrbitScriptArguments, Recipe, read_recipe
from dagames_llm.evaluation.evaluate import Decoding
from dagames_llm.models import check_adapter

RECIPE = "recipe.yaml"
"""Name of the file with the resolved recipe in a run's folder."""

SAMPLES = 8
"""Samples of each prompt if the recipe has `eval_samples: 0`."""


@dataclass(frozen=True)
class Drawing:
    """Settings for sampling completions, with TRL's names and defaults.

    Attributes:
        seed: Seed of the samples, and of a built-in task's split.
        temperature: Sampling temperature.
        max_completion_length: Maximum number of tokens of a completion.
        top_p: See `Decoding`.
        top_k: See `Decoding`.
        min_p: See `Decoding`.
        repetition_penalty: See `Decoding`.
        generation_kwargs: See `Decoding`.
        use_cpu: Whether the run used a CPU even if there was a GPU.
        model_init_kwargs: Options for loading the model.
    """

    seed: int = 42
    temperature: float = 1.0
    max_completion_length: int = 512
    top_p: float = 1.0
    top_k: int = 0
    min_p: float | None = None
    repetition_penalty: float = 1.0
    generation_kwargs: Mapping[str, Any] | None = None
    use_cpu: bool = False
    model_init_kwargs: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Loading:
    """Settings for loading the model of a run, with TRL's names and defaults.

    Attributes:
        model_name_or_path: `embedded`, a folder, or a hub id.
        model_revision: Revision on the hub.
        dtype: Type of the weights.
        attn_implementation: Attention kernel; chosen by transformers if None.
        more: All keys of the recipe; the others can be read as attributes.
    """

    model_name_or_path: str | None = None
    model_revision: str = "main"
    dtype: str | None = "float32"
    attn_implementation: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """Return another key of the recipe, or None if it is absent."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self.more.get(name)


_NUMBERS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**32 - 1),
    "temperature": (1e-6, inf),
    "max_completion_length": (1, inf),
    "eval_samples": (0, inf),
    "held_out": (0, inf),
    "top_p": (1e-12, 1),
    "top_k": (-1, inf),
    "min_p": (0, 1),
    "repetition_penalty": (1e-12, inf),
}
_WHOLE = ("seed", "max_completion_length", "eval_samples", "held_out", "top_k")
_SWITCHES = ("chat", "stop_at_newline", "use_cpu")
_NAMES = ("task", "data", "extractor", "model_name_or_path", "model_revision", "dtype", "attn_implementation")


def recipe_file(place: Path) -> Path | None:
    """Return the recipe of a run's folder, or None if it has none."""
    if place.name.endswith(".partial") and (place / "written.yaml").is_file():
        raise OutputError(f"{place} is an unfinished run; evaluate it when it is finished (train --resume).")
    return place / RECIPE if (place / RECIPE).is_file() else None


def recipe_for_evaluation(source: str | Path | None, keys: Mapping[str, Any]) -> Recipe:
    """Return a recipe for evaluation, with a `Drawing` as `grpo`, a `Loading` as `model`, and no target."""
    written = {**({} if source is None else read_recipe(source)), **keys}
    place = "" if source is None else f"{source}: "
    for name, value in written.items():
        _check(place, name, value)
    if isinstance(written.get("distance"), str):
        written["distance"] = {"name": written["distance"]}
    orbit = OrbitScriptArguments(**_part(OrbitScriptArguments, written))
    loading = Loading(**_part(Loading, written), more=written)
    return Recipe(
        orbit=orbit,
        grpo=Drawing(**_part(Drawing, written)),  # type: ignore[arg-type]
        model=loading,  # type: ignore[arg-type]
        target=None,
        distance=distance_of(orbit),
        constraints=constraints_of(orbit),
        written=written,
    )


def _part(kind: Any, written: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in dataclasses.fields(kind)} - {"more"}
    return {name: written[name] for name in names & set(written)}


def _check(place: str, name: str, value: Any) -> None:
    if name in _SWITCHES and not isinstance(value, bool):
        raise RecipeError(f"{place}`{name}` is {value!r:.60}; it must be true or false.")
    if name in _NAMES and not isinstance(value, str | None) and not (name == "data" and isinstance(value, Mapping)):
        raise RecipeError(f"{place}`{name}` is {value!r:.60}; it must be a text.")
    if name == "generation_kwargs" and not isinstance(value, Mapping | None):
        raise RecipeError(f"{place}`{name}` is {value!r:.60}; it must be a mapping of settings of `generate`, or null.")
    if name not in _NUMBERS or (name == "min_p" and value is None):
        return
    low, high = _NUMBERS[name]
    kind = int if name in _WHOLE else int | float
    if isinstance(value, bool) or not isinstance(value, kind) or not (low <= value <= high and isfinite(value)):
        what = "a whole number" if name in _WHOLE else "a finite number"
        span = f"of at least {low:g}" if high == inf else f"from {low:g} to {high:g}"
        raise RecipeError(f"{place}`{name}` is {value!r:.60}; it must be {what} {span}.")


def decoding_of(recipe: Recipe, samples: int | None = None, seed: int | None = None, batch_size: int = 64) -> Decoding:
    """Return the sampling settings of an evaluation of a run."""
    drawing = recipe.grpo
    return Decoding(
        samples=samples or recipe.orbit.eval_samples or SAMPLES,
        temperature=drawing.temperature,
        max_new_tokens=drawing.max_completion_length,
        batch_size=batch_size,
        seed=drawing.seed if seed is None else seed,
        chat=recipe.orbit.chat,
        top_p=drawing.top_p,
        top_k=max(0, drawing.top_k or 0),
        min_p=drawing.min_p,
        repetition_penalty=drawing.repetition_penalty,
        generation_kwargs=drawing.generation_kwargs or None,
    )


def is_adapter(folder: Path) -> bool:
    """Return whether a folder contains an adapter rather than a whole model; raise ModelError if neither."""
    if not (folder / "adapter_config.json").is_file() and (folder / "config.json").is_file():
        return False
    try:
        check_adapter(folder)
    except ModelError as error:
        raise ModelError(f"{error} Give the folder of a run, of an adapter or of a model.") from error
    return True
