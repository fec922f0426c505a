"""A recipe: one YAML file that says everything about a run, read through TRL's own parser.

Its keys are those of `OrbitScriptArguments` (data, task, target, constraints), of TRL's `GRPOConfig` and of TRL's
`ModelConfig`. Nothing heavy is imported before a recipe is resolved: a missing or broken file is told at once.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dagames._choices import did_you_mean
from dagames._errors import DagamesError
from dagames.targets import Target
from dagames_llm._errors import ModelError, RecipeError
from dagames_llm.config.contradictions import Faults
from dagames_llm.config.named_rewards import constraints_of, distance_of, target_of
from dagames_llm.config.validation import Key, checked, keys_of, message
from dagames_llm.data import source_of, task_named
from dagames_llm.distances import Distance
from dagames_llm.extract import extractor_named
from dagames_llm.models import EMBEDDED, locate_model
from dagames_llm.multipliers import Constraint

if TYPE_CHECKING:
    from trl import ModelConfig

    from dagames_llm.trainer import OrbitGRPOConfig

SHIPPED = Path(__file__).parents[1] / "recipes"


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
    system: str | None = field(default=None, metadata={"help": "System message before each prompt; needs `chat`."})
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
    architecture: str | None = field(
        default=None, metadata={"help": "Model type of transformers, for --dry-run where the hub id does not tell it."}
    )
    stop_at_newline: bool = field(default=False, metadata={"help": "End a completion at the end of its line."})
    stop_on_collapse: bool = field(
        default=False, metadata={"help": "When a run looks collapsed, end it and go back to the checkpoint before."}
    )
    lora_upper_layers: int | None = field(default=None, metadata={"help": "Put LoRA on this many last layers only."})
    threads: int | None = field(default=None, metadata={"help": "Threads torch uses on a CPU."})
    eval_samples: int = field(
        default=8, metadata={"help": "Samples of each held-out prompt; 0: no evaluation by `train`."}
    )


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
    """Return the file of a recipe."""
    path = Path(name)
    if path.is_file():
        return path
    if str(name) in shipped_recipes():
        return SHIPPED / f"{name}.yaml"
    known = shipped_recipes()
    raise RecipeError(
        f"no recipe {name}; give a YAML file, or one of: {', '.join(known)}.{did_you_mean(name, known, 0.7)}"
    )


def read_recipe(name: str | Path) -> dict[str, Any]:
    """Read the keys of a recipe, and those of the recipe that it extends."""
    keys: dict[str, Any] = {}
    seen: list[Path] = []
    path: Path | None = find_recipe(name)
    while path is not None:
        if path.resolve() in seen:
            chain = " -> ".join(p.name for p in [*seen, path])
            raise RecipeError(f"{path}: `extends` comes back to where it began: {chain}. Take one of them out.")
        seen.append(path.resolve())
        content = _content(path)
        above = content.pop("extends", None)
        keys = {**content, **keys}
        path = None if above is None else _extended(path, above)
    return keys


def _extended(path: Path, above: Any) -> Path:
    if not isinstance(above, str):
        raise RecipeError(f"{path}: `extends` is {above!r:.80}; it is the name of a shipped recipe, or a YAML file.")
    beside = path.parent / above
    try:
        return beside if beside.is_file() else find_recipe(above)
    except RecipeError as error:
        raise RecipeError(f"{path}: `extends`: {error}") from error


def _content(path: Path) -> dict[str, Any]:
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
    """Read a recipe, check the whole of it, and give every key its value."""
    written = _as_installed({**read_recipe(path), **(overrides or {})})
    data = written.get("data")
    # A mapping is checked by what reads it; TRL's parser knows texts only.
    settings, values, faults = checked(
        {**written, "data": "given"} if isinstance(data, Mapping) else written, recipe_keys()
    )
    orbit = OrbitScriptArguments(**{f.name: settings[f.name] for f in dataclasses.fields(OrbitScriptArguments)})
    if "data" not in faults:
        orbit.data = data
    size = None if "num_generations" in faults else settings["num_generations"]
    target = _made_of(orbit, ("target", "target_options"), lambda o: target_of(o, size), faults)
    distance = _made_of(orbit, ("distance",), distance_of, faults)
    constraints = _made_of(orbit, ("constraints",), constraints_of, faults)
    _made_of(orbit, ("extractor",), lambda o: extractor_named(o.extractor), faults)
    if orbit.data is not None:
        _made_of(orbit, ("data",), lambda o: source_of(o.data), faults)
    else:
        _made_of(orbit, ("task",), lambda o: task_named(o.task, 0), faults)
    _check_distance(orbit, target, faults)
    _check_model(settings["model_name_or_path"], faults)
    if faults:
        raise RecipeError(message(str(path), faults))
    orbit, grpo, model = _parsed(path, values)
    orbit.data = data
    return Recipe(orbit, grpo, model, target, distance, constraints or [], written)


def _made_of(orbit: OrbitScriptArguments, keys: tuple[str, ...], make: Callable[..., Any], faults: Faults) -> Any:
    """Return what the keys name, or note why it cannot be made."""
    if faults.keys() & set(keys):
        return None
    try:
        return make(orbit)
    except (DagamesError, ModuleNotFoundError) as error:
        reason = str(error).rstrip(".")
        faults[keys[0]] = reason if f"`{keys[0]}" in reason else f"`{keys[0]}`: {reason}"
        return None


def _check_distance(orbit: OrbitScriptArguments, target: Target | None, faults: Faults) -> None:
    if faults.keys() & {"target", "target_options", "distance"}:
        return
    needed = target is not None and "distances" in target.needs
    if needed and orbit.distance is None:
        faults["target"] = f"`target` is {orbit.target!r}, which needs a `distance`, such as token_f1"


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


def _as_argument(value: Any) -> Any:
    return str(value) if isinstance(value, bool | int | float) else value
