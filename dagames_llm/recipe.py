"""A recipe: one YAML file that says everything about a run, read through TRL's own parser.

Its keys are those of `OrbitScriptArguments` (data, task, target, constraints), of TRL's `GRPOConfig` and of TRL's
`ModelConfig`. Nothing heavy is imported before a recipe is resolved: a missing or broken file is told at once.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import dagames.targets
from dagames._errors import DagamesError
from dagames.targets import Target
from dagames_llm._errors import RecipeError
from dagames_llm.costs import cost_named
from dagames_llm.data import source_of
from dagames_llm.distances import Distance, distance_named
from dagames_llm.multipliers import Constraint

if TYPE_CHECKING:
    from trl import ModelConfig

    from dagames_llm.trainer import OrbitGRPOConfig

SHIPPED = Path(__file__).parent / "recipes"

TARGETS = {
    "centrality": "Centrality",
    "consensus_vote": "ConsensusVote",
    "crossed_vote": "CrossedVote",
    "exponentiated_reward": "ExponentiatedReward",
    "format_reward": "FormatReward",
    "gini_diversity": "GiniDiversity",
    "ground_truth": "GroundTruth",
    "inverse_frequency": "InverseFrequency",
    "majority_vote": "MajorityVote",
    "max_rl": "MaxRL",
    "pass_at_k": "PassAtK",
    "prior_matching": "PriorMatching",
    "random_reward": "RandomReward",
    "soft_consensus": "SoftConsensus",
}
"""Targets that a recipe names, and their classes in `dagames.targets`."""


@dataclass
class OrbitScriptArguments:
    """The questions, how answers are read, and what rewards them."""

    task: str = field(default="addition", metadata={"help": "Built-in task; not used where `data` is given."})
    data: str | None = field(
        default=None,
        metadata={"help": "Data file or data set: a path, a name, or {name: gsm8k, path: ..., split: ...}."},
    )
    data_limit: int | None = field(default=None, metadata={"help": "Rows of the data file that are used."})
    held_out: int = field(default=0, metadata={"help": "Last rows of the data file kept for evaluation."})
    chat: bool = field(default=False, metadata={"help": "Render prompts by the model's chat template."})
    extractor: str = field(default="first_number", metadata={"help": "How an answer is read out of a completion."})
    target: str | None = field(
        default="majority_vote", metadata={"help": "The target of dagames.targets that rewards; null for none."}
    )
    target_options: dict | None = field(  # type: ignore[type-arg]
        default=None, metadata={"help": "Options of the target, such as {ties: none}."}
    )
    distance: dict | None = field(  # type: ignore[type-arg]
        default=None, metadata={"help": "Distance between completions: a name, or {name: embedding, batch_size: 8}."}
    )
    constraints: list[dict] | None = field(  # type: ignore[type-arg]
        default=None, metadata={"help": "Budgets: a list of {cost: refusal, budget: 0.1, applies_to: {kind: benign}}."}
    )
    stop_at_newline: bool = field(default=False, metadata={"help": "End a completion at the end of its line."})
    lora_upper_layers: int | None = field(default=None, metadata={"help": "Put LoRA on this many last layers only."})
    threads: int | None = field(default=None, metadata={"help": "Threads torch uses on a CPU."})
    eval_samples: int = field(default=8, metadata={"help": "Sampled completions of each prompt at evaluation."})


@dataclass(frozen=True)
class Recipe:
    """A recipe, resolved: every key has its value.

    Attributes:
        orbit: data, task, target and constraints.
        grpo: TRL's settings.
        model: model and adapter.
        target: the target that rewards, or None.
        distance: the distance that it needs, or None.
        constraints: budgets; may be empty.
        written: the keys that were written down, by file or command line.
    """

    orbit: OrbitScriptArguments
    grpo: OrbitGRPOConfig
    model: ModelConfig
    target: Target | None
    distance: Distance | None
    constraints: Sequence[Constraint]
    written: dict[str, Any]


CHOICES = {
    "scale_rewards": ("none", "group", "batch"),
    "loss_type": ("luspo", "grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "vespo"),
}
"""Settings TRL reads at the first step only, when a run has begun."""


def shipped_recipes() -> list[str]:
    """Return the names of the recipes that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def find_recipe(name: str | Path) -> Path:
    """Return the file of a recipe.

    Args:
        name: a path, or the name of a shipped recipe.

    Returns:
        The file.

    Raises:
        RecipeError: there is none; the message names the shipped ones.
    """
    path = Path(name)
    if path.is_file():
        return path
    if str(name) in shipped_recipes():
        return SHIPPED / f"{name}.yaml"
    raise RecipeError(f"no recipe {name}; give a YAML file, or one of: {', '.join(shipped_recipes())}.")


def read_recipe(name: str | Path) -> dict[str, Any]:
    """Read the keys of a recipe.

    Args:
        name: a path, or the name of a shipped recipe.

    Returns:
        What is written in it.

    Raises:
        RecipeError: it is missing, no text, no YAML, or no mapping from names to values.
    """
    path = find_recipe(name)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or type(error).__name__
        raise RecipeError(f"{path}{place}: not YAML: {reason}.") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise RecipeError(f"{path}: a recipe is a mapping from names to values.")
    return content


def _parts() -> tuple[type, ...]:
    from trl import ModelConfig

    from dagames_llm.trainer import OrbitGRPOConfig

    return OrbitScriptArguments, OrbitGRPOConfig, ModelConfig


def known_keys() -> set[str]:
    """Return every key a recipe may hold. Heavy: imports TRL."""
    return {f.name for kind in _parts() for f in dataclasses.fields(kind) if f.init}


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
    check_keys(written, known_keys(), str(path))
    if written.get("trust_remote_code"):
        raise RecipeError(f"{path}: `trust_remote_code` is always off: no code of a model is run.")
    orbit, grpo, model = _parsed(path, written)
    if not grpo.beta > 0:
        raise RecipeError(f"{path}: `beta` is {grpo.beta}; the game needs a positive weight of the KL.")
    if not 0 <= grpo.seed < 2**32:
        raise RecipeError(f"{path}: `seed` is {grpo.seed}; it lies between 0 and 2**32 - 1.")
    for key, known in CHOICES.items():
        if getattr(grpo, key) not in known:
            raise RecipeError(f"{path}: `{key}` is {getattr(grpo, key)!r}; known are {', '.join(known)}.")
    if orbit.data is not None:
        source_of(orbit.data)
    target, constraints = target_of(orbit), constraints_of(orbit)
    distance = None if orbit.distance is None else _made("distance", distance_named, orbit.distance)
    if target is None and not constraints:
        raise RecipeError(f"{path}: `target` is null and there are no `constraints`: nothing is rewarded.")
    if target is not None and "distances" in target.needs and distance is None:
        raise RecipeError(f"{path}: `target` is {orbit.target!r}, which needs a `distance`, such as token_f1.")
    return Recipe(orbit, grpo, model, target, distance, constraints, written)


def _parsed(path: str | Path, written: Mapping[str, Any]) -> Any:
    from trl import TrlParser

    class Parser(TrlParser):
        def error(self, message: str) -> Any:
            raise RecipeError(f"the recipe cannot be used: {message}.")

    parser = Parser(dataclass_types=_parts())
    if isinstance(written.get("distance"), str):
        written = {**written, "distance": {"name": written["distance"]}}
    # Numbers go in as text, so that argparse reads and checks them: as they are it would take any kind for a default.
    parser.set_defaults_with_config(**{key: _as_argument(value) for key, value in written.items()})
    try:
        return parser.parse_args_into_dataclasses(args=[])
    except (ValueError, TypeError, ImportError, NotImplementedError) as error:
        raise RecipeError(f"{path}: {error}") from error


def _as_installed(written: dict[str, Any]) -> dict[str, Any]:
    """Return the keys under the names that the installed transformers has; it renamed two in version 5.23."""
    known = known_keys()
    former = {
        key: key.replace("activation", "gradient") for key in written if key.startswith("activation_checkpointing")
    }
    return {former.get(key, key) if key not in known else key: value for key, value in written.items()}


def check_keys(written: Mapping[str, Any], known: set[str], place: str) -> None:
    """Raise for a key that is not known, with the nearest one that is.

    Raises:
        RecipeError: there is one.
    """
    for key in written:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise RecipeError(f"{place}: unknown key `{key}`{hint}")


def _as_argument(value: Any) -> Any:
    return str(value) if isinstance(value, bool | int | float) else value


def target_of(arguments: OrbitScriptArguments) -> Target | None:
    """Return the target that a recipe names.

    Args:
        arguments: Its keys `target` and `target_options`.

    Returns:
        The target, or None where it names none.

    Raises:
        RecipeError: there is no target of that name, or it has no such option or value.
    """
    name, options = arguments.target, arguments.target_options
    if name is None:
        return None
    if name not in TARGETS:
        near = difflib.get_close_matches(str(name), TARGETS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise RecipeError(f"`target` is {name!r}; known are {', '.join(TARGETS)}{hint}")
    if options is not None and not _is_mapping(options):
        raise RecipeError(f"`target_options` is {options!r:.80}; it maps names of options to values: {{ties: none}}.")
    # Answers are texts; YAML reads an unquoted 7 as a number.
    texts = {k: {str(a): p for a, p in v.items()} if isinstance(v, dict) else v for k, v in (options or {}).items()}
    try:
        return getattr(dagames.targets, TARGETS[name])(**texts)  # type: ignore[no-any-return]
    except (TypeError, ValueError, DagamesError) as error:
        raise RecipeError(f"`target` {name} cannot be made with {options or 'no options'}: {error}") from error


def constraints_of(arguments: OrbitScriptArguments) -> list[Constraint]:
    """Return the constraints that a recipe names.

    Args:
        arguments: Its key `constraints`: a list of mappings with `cost` and `budget`, and optionally the other fields
            of `dagames_llm.Constraint`. A cost is a name, or a mapping with `name` and the cost's options.

    Returns:
        The constraints, in order.

    Raises:
        RecipeError: If one has an unknown key, or lacks its cost or budget, or a value cannot be used.
    """
    found = []
    known = {f.name for f in dataclasses.fields(Constraint)}
    for i, entry in enumerate(arguments.constraints or []):
        place = f"`constraints[{i}]`"
        if not _is_mapping(entry) or not {"cost", "budget"} <= set(entry):
            raise RecipeError(f"{place} is {entry!r:.80}; it needs `cost` and `budget`: {{cost: refusal, budget: 0.1}}")
        check_keys(entry, known, place)
        cost = _made(f"constraints[{i}].cost", cost_named, entry["cost"])
        try:
            found.append(Constraint(**{**entry, "cost": cost}))
        except (TypeError, DagamesError) as error:
            raise RecipeError(f"{place}: {error}") from error
    return found


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _made(key: str, make: Callable[..., Any], value: Any) -> Any:
    """Return what a name, or a mapping with a name and options, stands for."""
    if _is_mapping(value) and "name" in value:
        name, options = value["name"], {k: v for k, v in value.items() if k != "name"}
    else:
        name, options = value, {}
    if not isinstance(name, str):
        raise RecipeError(f"`{key}` is {value!r:.80}; it is a name, or a mapping with `name` and options.")
    try:
        return make(name, **options)
    except (TypeError, ValueError, DagamesError) as error:
        raise RecipeError(f"`{key}`: {error}") from error
