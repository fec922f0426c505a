"""A recipe: one YAML file that says everything about a run, read through TRL's own parser.

Its keys are those of `OrbitScriptArguments` (data, task, target), of TRL's `GRPOConfig` and of TRL's `ModelConfig`.
Only the defaults differ, where TRL's are no game: `beta` is positive and advantages are mean-centred.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from trl import GRPOConfig, ModelConfig, TrlParser

from dagames.targets import GiniDiversity, InverseFrequency, MajorityVote, Target
from dagames.targets.majority_vote import Ties
from dagames_llm._errors import RecipeError
from dagames_llm.recipe_file import read_recipe


@dataclass
class OrbitScriptArguments:
    """What is asked, how answers are read, and which target rewards them."""

    task: str = field(default="addition", metadata={"help": "Built-in task; not used where `data` is given."})
    data: str | None = field(default=None, metadata={"help": "Data file of questions or orbits."})
    data_limit: int | None = field(default=None, metadata={"help": "Rows of the data file that are used."})
    held_out: int = field(default=0, metadata={"help": "Last rows of the data file kept for evaluation."})
    chat: bool = field(default=False, metadata={"help": "Render prompts by the model's chat template."})
    extractor: str = field(default="first_number", metadata={"help": "How an answer is read out of a completion."})
    target: str = field(default="majority_vote", metadata={"help": "The target of dagames.targets that rewards."})
    target_weight: float = field(default=1.0, metadata={"help": "Weight of a diversity target."})
    ties: str = field(default="split", metadata={"help": "How a majority vote breaks ties."})
    stop_at_newline: bool = field(default=False, metadata={"help": "End a completion at the end of its line."})
    lora_upper_layers: int | None = field(default=None, metadata={"help": "Put LoRA on this many last layers only."})
    threads: int | None = field(default=None, metadata={"help": "Threads torch uses on a CPU."})
    eval_samples: int = field(default=8, metadata={"help": "Sampled completions of each prompt at evaluation."})


@dataclass
class OrbitGRPOConfig(GRPOConfig):
    """TRL's settings with the defaults of the game."""

    beta: float = field(default=0.02, metadata={"help": "Weight of the KL to the reference; positive."})
    scale_rewards: str = field(
        default="none",
        metadata={"help": "Advantages: `none` centres by the orbit's mean, `group` also divides by its deviation."},
    )
    logging_steps: float = field(default=1, metadata={"help": "Steps between log entries."})


@dataclass(frozen=True)
class Recipe:
    """A recipe, resolved: every key has its value.

    Attributes:
        orbit: data, task and target.
        grpo: TRL's settings.
        model: model and adapter.
        written: the keys that were written down, by file or command line.
    """

    orbit: OrbitScriptArguments
    grpo: OrbitGRPOConfig
    model: ModelConfig
    written: dict[str, Any]


class _Parser(TrlParser):
    def error(self, message: str) -> Any:
        raise RecipeError(f"the recipe cannot be used: {message}.")


CHOICES = {
    "scale_rewards": ("none", "group", "batch"),
    "loss_type": ("luspo", "grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "vespo"),
}
"""Settings TRL reads at the first step only, when a run has begun."""

_TYPES = (OrbitScriptArguments, OrbitGRPOConfig, ModelConfig)


def known_keys() -> set[str]:
    """Return every key a recipe may hold."""
    return {f.name for kind in _TYPES for f in dataclasses.fields(kind) if f.init}


def resolve_recipe(path: str | Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe and give every key its value.

    Args:
        path: a YAML file, or the name of a shipped recipe.
        overrides: keys said elsewhere, which win.

    Returns:
        The recipe.

    Raises:
        RecipeError: the file is missing or no mapping, a key is unknown, or a value is of the wrong kind.
    """
    written = _as_installed({**read_recipe(path), **(overrides or {})})
    check_keys(written, str(path))
    if written.get("trust_remote_code"):
        raise RecipeError(f"{path}: `trust_remote_code` is always off: no code of a model is run.")
    parser = _Parser(dataclass_types=_TYPES)
    # Numbers go in as text, so that argparse reads and checks them: as they are it would take any kind for a default.
    parser.set_defaults_with_config(**{key: _as_argument(value) for key, value in written.items()})
    try:
        orbit, grpo, model = parser.parse_args_into_dataclasses(args=[])
    except (ValueError, TypeError, ImportError, NotImplementedError) as error:
        raise RecipeError(f"{path}: {error}") from error
    if not grpo.beta > 0:
        raise RecipeError(f"{path}: `beta` is {grpo.beta}; the game needs a positive weight of the KL.")
    if not 0 <= grpo.seed < 2**32:
        raise RecipeError(f"{path}: `seed` is {grpo.seed}; it lies between 0 and 2**32 - 1.")
    for key, known in CHOICES.items():
        if getattr(grpo, key) not in known:
            raise RecipeError(f"{path}: `{key}` is {getattr(grpo, key)!r}; known are {', '.join(known)}.")
    return Recipe(orbit, grpo, model, written)


def _as_installed(written: dict[str, Any]) -> dict[str, Any]:
    """Return the keys under the names that the installed transformers has; it renamed two in version 5.23."""
    known = known_keys()
    former = {
        key: key.replace("activation", "gradient") for key in written if key.startswith("activation_checkpointing")
    }
    return {former.get(key, key) if key not in known else key: value for key, value in written.items()}


def check_keys(written: dict[str, Any], place: str) -> None:
    """Raise for a key no recipe knows, with the nearest one that it does.

    Raises:
        RecipeError: there is one.
    """
    known = known_keys()
    for key in written:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise RecipeError(f"{place}: unknown key `{key}`{hint}")


def _as_argument(value: Any) -> Any:
    return str(value) if isinstance(value, bool | int | float) else value


def target_named(name: str, weight: float = 1.0, ties: str = "split") -> Target:
    """Return the target a recipe names.

    Args:
        name: `majority_vote`, `inverse_frequency` or `gini_diversity`.
        weight: of the two diversity targets.
        ties: how the vote breaks them.

    Returns:
        The target.

    Raises:
        RecipeError: there is no target, or no rule for ties, of that name.
    """
    known: dict[str, Callable[[], Target]] = {
        "majority_vote": lambda: MajorityVote(ties=cast("Ties", ties)),
        "inverse_frequency": lambda: InverseFrequency(weight=weight),
        "gini_diversity": lambda: GiniDiversity(weight=weight),
    }
    if name not in known:
        raise RecipeError(f"`target` is {name!r}; known are {', '.join(known)}.")
    if ties not in get_args(Ties):
        raise RecipeError(f"`ties` is {ties!r}; known are {', '.join(get_args(Ties))}.")
    return known[name]()
