"""A recipe: one YAML file with the settings of a run, parsed by TRL's parser.

Its keys are those of `OrbitScriptArguments` (data, task, target, constraints), of TRL's `GRPOConfig` and of TRL's
`ModelConfig`. `read_recipe` imports nothing heavy, so that a missing or broken file is reported at once.
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
    """The questions, the extractor of answers, and the target and constraints that reward completions."""

    task: str = field(default="addition", metadata={"help": "Built-in task; ignored if `data` is given."})
    data: str | None = field(
        default=None,
        metadata={"help": "Data file or data set: a path, a name, or {name: gsm8k, path: ..., split: ...}."},
    )
    data_limit: int | None = field(default=None, metadata={"help": "Rows of the data file that are used."})
    held_out: int = field(default=0, metadata={"help": "Number of last rows of the data file, used for evaluation."})
    chat: bool = field(default=False, metadata={"help": "Render prompts by the model's chat template."})
    system: str | None = field(default=None, metadata={"help": "System message before each prompt; needs `chat`."})
    extractor: str = field(default="first_number", metadata={"help": "Extractor of the answer of a completion."})
    target: str | None = field(
        default="majority_vote", metadata={"help": "Target of dagames.targets that rewards answers; null for none."}
    )
    target_options: dict | None = field(  # type: ignore[type-arg]
        default=None, metadata={"help": "Options of the target, such as {ties: none}."}
    )
    distance: dict | None = field(  # type: ignore[type-arg]
        default=None, metadata={"help": "Distance between completions: a name, or {name: embedding, batch_size: 8}."}
    )
    constraints: list[dict] | None = field(  # type: ignore[type-arg]
        default=None, metadata={"help": "Constraints, as [{cost: refusal, budget: 0.1, applies_to: {kind: benign}}]."}
    )
    architecture: str | None = field(
        default=None, metadata={"help": "Model type in transformers; --dry-run needs it for an unknown hub id."}
    )
    stop_at_newline: bool = field(default=False, metadata={"help": "End a completion at the end of its line."})
    stop_on_collapse: bool = field(
        default=False, metadata={"help": "End a run that looks collapsed, with the weights from before the collapse."}
    )
    lora_upper_layers: int | None = field(
        default=None, metadata={"help": "Number of last layers with LoRA; null: all."}
    )
    threads: int | None = field(default=None, metadata={"help": "Number of torch's threads on a CPU."})
    eval_samples: int = field(
        default=8, metadata={"help": "Samples of each held-out prompt; 0: no evaluation by `train`."}
    )


@dataclass(frozen=True)
class Recipe:
    """A resolved recipe: every key has a value.

    Attributes:
        orbit: data, task, target and constraints.
        grpo: TRL's settings.
        model: model and adapter.
        target: the target that rewards answers, or None.
        distance: the distance of that target, or None.
        constraints: the constraints; may be empty.
        written: the keys of the files and of the command line, without defaults.
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
    """Read the keys of a recipe and of the recipes that it extends."""
    keys: dict[str, Any] = {}
    seen: list[Path] = []
    path: Path | None = find_recipe(name)
    while path is not None:
        if path.resolve() in seen:
            chain = " -> ".join(p.name for p in [*seen, path])
            raise RecipeError(f"{path}: `extends` makes a circle: {chain}. Remove one `extends`.")
        seen.append(path.resolve())
        content = _content(path)
        base = content.pop("extends", None)
        keys = {**content, **keys}
        path = None if base is None else _extended(path, base)
    return keys


def _extended(path: Path, base: Any) -> Path:
    if not isinstance(base, str):
        raise RecipeError(f"{path}: `extends` is {base!r:.80}; it must name a shipped recipe or a YAML file.")
    sibling = path.parent / base
    try:
        return sibling if sibling.is_file() else find_recipe(base)
    except RecipeError as error:
        raise RecipeError(f"{path}: `extends`: {error}") from error


def _content(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506, a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or type(error).__name__
        raise RecipeError(f"{path}{place}: not YAML: {reason}.") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise RecipeError(f"{path}: a recipe must be a mapping from names to values, one a line: `beta: 0.02`.")
    return content


class _UniqueKeys(yaml.SafeLoader):
    """Loader that refuses a key that occurs twice in a mapping; PyYAML would ignore the first value."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for place, name in enumerate(names):
            if name in names[:place]:
                mark = node.value[place][0].start_mark
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} occurs twice; remove one of the lines", mark
                )
        return super().construct_mapping(node, deep)


def _parts() -> tuple[type, ...]:
    from trl import ModelConfig

    from dagames_llm.trainer import OrbitGRPOConfig

    return OrbitScriptArguments, OrbitGRPOConfig, ModelConfig


@functools.cache
def recipe_keys() -> dict[str, Key]:
    """Return every key that a recipe can have. Heavy: imports TRL."""
    return keys_of(_parts())


def known_keys() -> set[str]:
    """Return the names of the keys that a recipe can have. Heavy: imports TRL."""
    return set(recipe_keys())


def resolve_recipe(path: str | Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe, check all its keys, and add the defaults of the other keys."""
    written = _as_installed({**read_recipe(path), **(overrides or {})})
    data = written.get("data")
    # TRL's parser accepts only a text as `data`; `source_of` checks a mapping.
    settings, values, faults = checked(
        {**written, "data": "a mapping"} if isinstance(data, Mapping) else written, recipe_keys()
    )
    orbit = OrbitScriptArguments(**{f.name: settings[f.name] for f in dataclasses.fields(OrbitScriptArguments)})
    if "data" not in faults:
        orbit.data = data
    group_size = None if "num_generations" in faults else settings["num_generations"]
    target = _make(orbit, ("target", "target_options"), lambda o: target_of(o, group_size), faults)
    distance = _make(orbit, ("distance",), distance_of, faults)
    constraints = _make(orbit, ("constraints",), constraints_of, faults)
    _make(orbit, ("extractor",), lambda o: extractor_named(o.extractor), faults)
    if orbit.data is not None:
        _make(orbit, ("data",), lambda o: source_of(o.data), faults)
    else:
        _make(orbit, ("task",), lambda o: task_named(o.task, 0), faults)
    _check_distance(orbit, target, faults)
    _check_model(settings["model_name_or_path"], faults)
    if faults:
        raise RecipeError(message(str(path), faults))
    orbit, grpo, model = _parsed(path, values)
    orbit.data = data
    return Recipe(orbit, grpo, model, target, distance, constraints or [], written)


def _make(orbit: OrbitScriptArguments, keys: tuple[str, ...], make: Callable[..., Any], faults: Faults) -> Any:
    """Return `make(orbit)`; on an error return None and add a fault of the first key, unless one of them has one."""
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
        return  # checking the embedded model would unpack it
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
    # argparse parses and checks only texts; a default of another type is not checked.
    parser.set_defaults_with_config(**{key: _as_argument(value) for key, value in written.items()})
    try:
        return parser.parse_args_into_dataclasses(args=[])
    except (ValueError, TypeError, ImportError, NotImplementedError, RuntimeError, OSError, AssertionError) as error:
        raise RecipeError(f"{path}: {' '.join(str(error).split())}") from error


def _as_installed(written: dict[str, Any]) -> dict[str, Any]:
    """Return the keys with their names in the installed transformers; version 5.23 renamed two."""
    known = known_keys()
    old_names = {
        key: key.replace("activation", "gradient") for key in written if key.startswith("activation_checkpointing")
    }
    return {old_names.get(key, key) if key not in known else key: value for key, value in written.items()}


def _as_argument(value: Any) -> Any:
    return str(value) if isinstance(value, bool | int | float) else value
