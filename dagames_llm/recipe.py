"""A recipe: one YAML file that says everything about a run, read through TRL's own parser.

Its keys are those of `OrbitScriptArguments` (data, task, target, constraints), of TRL's `GRPOConfig` and of TRL's
`ModelConfig`. Nothing heavy is imported before a recipe is resolved: a missing or broken file is told at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import dagames.targets
from dagames._errors import DagamesError
from dagames.targets import Target
from dagames_llm._errors import ModelError, RecipeError
from dagames_llm.contradictions import Faults
from dagames_llm.costs import cost_named
from dagames_llm.data import task_named
from dagames_llm.distances import Distance, distance_named
from dagames_llm.extract import extractor_named
from dagames_llm.kinds import shown
from dagames_llm.models import EMBEDDED, locate_model
from dagames_llm.multipliers import Constraint, DualAscent
from dagames_llm.validation import Key, checked, keys_of, message

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
    data: str | None = field(default=None, metadata={"help": "Data file of questions or orbits."})
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
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_OnceEach)  # noqa: S506, a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or type(error).__name__
        raise RecipeError(f"{path}{place}: not YAML: {reason}.") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise RecipeError(f"{path}: a recipe is a mapping from names to values, one a line: `beta: 0.02`.")
    return content


class _OnceEach(yaml.SafeLoader):
    """YAML in which a mapping has each key once: of two values the first would be ignored."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for place, name in enumerate(names):
            if name in names[:place]:
                mark = node.value[place][0].start_mark
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} is there twice; remove one", mark
                )
        return super().construct_mapping(node, deep)


def _parts() -> tuple[type, ...]:
    from trl import ModelConfig

    from dagames_llm.trainer import OrbitGRPOConfig

    return OrbitScriptArguments, OrbitGRPOConfig, ModelConfig


@functools.cache
def recipe_keys() -> dict[str, Key]:
    """Return every key a recipe may hold. Heavy: imports TRL."""
    return keys_of(_parts())


def known_keys() -> set[str]:
    """Return the names of the keys a recipe may hold. Heavy: imports TRL."""
    return set(recipe_keys())


def resolve_recipe(path: str | Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe, check the whole of it, and give every key its value.

    Args:
        path: a YAML file, or the name of a shipped recipe.
        overrides: keys said elsewhere, which win.

    Returns:
        The recipe.

    Raises:
        RecipeError: the file is missing or no mapping, or keys cannot be used; the message names all of them.
    """
    written = _as_installed({**read_recipe(path), **(overrides or {})})
    settings, values, faults = checked(written, recipe_keys())
    orbit = OrbitScriptArguments(**{f.name: settings[f.name] for f in dataclasses.fields(OrbitScriptArguments)})
    target = _made_of(orbit, ("target", "target_options"), target_of, faults)
    distance = _made_of(orbit, ("distance",), distance_of, faults)
    constraints = _made_of(orbit, ("constraints",), constraints_of, faults)
    _made_of(orbit, ("extractor",), lambda o: extractor_named(o.extractor), faults)
    if orbit.data is None:
        _made_of(orbit, ("task",), lambda o: task_named(o.task, 0), faults)
    _check_distance(orbit, target, faults)
    _check_model(settings["model_name_or_path"], faults)
    if faults:
        raise RecipeError(message(str(path), faults))
    orbit, grpo, model = _parsed(path, values)
    return Recipe(orbit, grpo, model, target, distance, constraints or [], written)


def _made_of(orbit: OrbitScriptArguments, keys: tuple[str, ...], make: Callable[..., Any], faults: Faults) -> Any:
    """Return what the keys name, or note why it cannot be made."""
    if faults.keys() & set(keys):
        return None
    try:
        return make(orbit)
    except (DagamesError, ModuleNotFoundError) as error:
        faults[keys[0]] = str(error).rstrip(".")
        return None


def _check_distance(orbit: OrbitScriptArguments, target: Target | None, faults: Faults) -> None:
    if faults.keys() & {"target", "target_options", "distance"}:
        return
    needed = target is not None and "distances" in target.needs
    if needed and orbit.distance is None:
        faults["target"] = f"`target` is {orbit.target!r}, which needs a `distance`, such as token_f1"
    if orbit.distance is not None and not needed:
        faults["distance"] = (
            f"`distance` is {orbit.distance['name']!r}, but the target {orbit.target} does not read distances: "
            "leave it out, or choose `target: centrality`"
        )


def _check_model(name: str | None, faults: Faults) -> None:
    if "model_name_or_path" in faults or name in (None, EMBEDDED):
        return  # the embedded model is unpacked when it is loaded
    try:
        locate_model(str(name))
    except ModelError as error:
        faults["model_name_or_path"] = f"`model_name_or_path` is {name!r}: {str(error).rstrip('.')}"


def _parsed(path: str | Path, written: Mapping[str, Any]) -> Any:
    from trl import TrlParser

    class Parser(TrlParser):
        def error(self, message: str) -> Any:
            raise RecipeError(f"the recipe cannot be used: {message}.")

    parser = Parser(dataclass_types=_parts())
    # Numbers go in as text, so that argparse reads and checks them: as they are it would take any kind for a default.
    parser.set_defaults_with_config(**{key: _as_argument(value) for key, value in written.items()})
    try:
        return parser.parse_args_into_dataclasses(args=[])
    except (ValueError, TypeError, ImportError, NotImplementedError, RuntimeError, OSError, AssertionError) as error:
        raise RecipeError(f"{path}: {' '.join(str(error).split())}") from error


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
            raise RecipeError(f"{place}: unknown key `{key}` ({shown(written[key])}){hint}")


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
    kind = getattr(dagames.targets, TARGETS[name])
    try:
        return kind(**texts)  # type: ignore[no-any-return]
    except (TypeError, ValueError, DagamesError) as error:
        given = f"`target_options` is {shown(options)}" if options else "there are no `target_options`"
        raise RecipeError(f"`target` is {name!r} and {given}: {error}. {_options_of(kind)}") from error


def _options_of(kind: type) -> str:
    names = list(inspect.signature(kind).parameters)
    return f"Its options are {', '.join(names)}." if names else "It has no options."


def distance_of(arguments: OrbitScriptArguments) -> Distance | None:
    """Return the distance that a recipe's key `distance` names, or None where it names none."""
    return None if arguments.distance is None else _made("distance", distance_named, arguments.distance)


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
    if found:
        try:
            DualAscent(found)
        except DagamesError as error:
            raise RecipeError(f"`constraints`: {error}") from error
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
