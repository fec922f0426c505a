"""Make the target, the distance and the constraints that a recipe names."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import dagames.estimators
import dagames.targets
from dagames._choices import did_you_mean
from dagames._errors import DagamesError
from dagames.targets import Target
from dagames_llm._errors import RecipeError
from dagames_llm.config.kinds import ended, shown
from dagames_llm.costs import cost_named
from dagames_llm.distances import Distance, distance_named
from dagames_llm.multipliers import Constraint, DualAscent

if TYPE_CHECKING:
    from dagames.estimators import RewardTable
    from dagames_llm.config.recipe import OrbitScriptArguments

TARGETS: dict[str, type[Target]] = {
    kind.recipe_name: kind
    for kind in (getattr(dagames.targets, name) for name in dagames.targets.__all__)
    if issubclass(kind, Target) and kind.recipe_name is not None
}
"""Targets that a recipe names."""

TABLES = {name: method for name, method in dagames.estimators.METHODS.items() if "bias" not in method.options}
"""Reward tables that a recipe names under `target_options`."""


def check_keys(written: Mapping[str, Any], known: set[str], place: str) -> None:
    """Raise for an unknown key, and suggest the nearest known one.

    Raises:
        RecipeError: a key is unknown.
    """
    for key in written:
        if key not in known:
            raise RecipeError(f"{place}: unknown key `{key}` ({shown(written[key])}).{did_you_mean(key, known)}")


def target_of(arguments: OrbitScriptArguments, group_size: int | None = None) -> Target | None:
    """Return the target that a recipe names.

    Args:
        arguments: Its keys `target` and `target_options`. The option `table` is a name of `TABLES`.
        group_size: Completions of a group, `num_generations`, for which a table is made.

    Returns:
        The target, or None if it names none.

    Raises:
        RecipeError: there is no target of that name, or an option is unknown or has a wrong value.
    """
    name, options = arguments.target, arguments.target_options
    if name is None:
        return None
    if not isinstance(name, str) or name not in TARGETS:
        raise RecipeError(f"`target` is {shown(name)}; known are {', '.join(TARGETS)}.{did_you_mean(name, TARGETS)}")
    if options is not None and not _is_mapping(options):
        raise RecipeError(f"`target_options` is {options!r:.80}; it must map names to values, as in {{ties: none}}.")
    kind = TARGETS[name]
    known = list(inspect.signature(kind).parameters)
    for option in options or {}:
        if option not in known:
            hint = did_you_mean(option, known)
            raise RecipeError(
                f"`target_options` is {shown(options)}: the target {name} has no option `{option}`.{hint} "
                f"{_options_of(kind)}"
            )
    # Answers are texts; YAML reads an unquoted 7 as a number.
    arguments_of_target = {
        option: {str(answer): p for answer, p in value.items()} if isinstance(value, dict) else value
        for option, value in (options or {}).items()
    }
    if arguments_of_target.get("table") is not None:
        arguments_of_target["table"] = _table(arguments_of_target["table"], group_size)
    try:
        return kind(**arguments_of_target)
    except (TypeError, ValueError, DagamesError) as error:
        written = f"`target_options` is {shown(options)}" if options else "there are no `target_options`"
        raise RecipeError(f"`target` is {name!r} and {written}: {ended(str(error))} {_options_of(kind)}") from error


def _options_of(kind: type) -> str:
    names = list(inspect.signature(kind).parameters)
    return f"Its options are {', '.join(names)}." if names else "It has no options."


def table_named(name: str, group_size: int) -> RewardTable:
    """Return the table of a name in `TABLES`."""
    table: RewardTable = attrgetter(TABLES[name].function)(dagames.estimators)(group_size)
    return table


def _table(name: Any, group_size: int | None) -> Any:
    if not isinstance(name, str) or name not in TABLES or group_size is None:
        raise RecipeError(
            f"`target_options`: `table` is {shown(name)}; known are {', '.join(TABLES)}, each for `num_generations` "
            f"traces.{did_you_mean(name, TABLES)}"
        )
    try:
        return table_named(name, group_size)
    except DagamesError as error:
        raise RecipeError(f"`target_options`: no {name} `table` for groups of {group_size}: {error}") from error


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
    entries = arguments.constraints or []
    if not isinstance(entries, list):
        raise RecipeError(f"`constraints` is {entries!r:.80}; it must be a list: [{{cost: refusal, budget: 0.1}}].")
    constraints = []
    known = {f.name for f in dataclasses.fields(Constraint)}
    for i, entry in enumerate(entries):
        place = f"`constraints[{i}]`"
        if _is_mapping(entry):
            check_keys(entry, known, place)
        if not _is_mapping(entry) or not {"cost", "budget"} <= set(entry):
            raise RecipeError(
                f"{place} is {entry!r:.80}; it must have `cost` and `budget`: {{cost: refusal, budget: 0.1}}."
            )
        cost = _made(f"constraints[{i}].cost", cost_named, entry["cost"])
        try:
            constraints.append(Constraint(**{**entry, "cost": cost}))
        except (TypeError, DagamesError) as error:
            raise RecipeError(f"{place}: {error}") from error
    if constraints:
        try:
            DualAscent(constraints)
        except DagamesError as error:
            raise RecipeError(f"`constraints`: {error}") from error
    return constraints


def distance_of(arguments: OrbitScriptArguments) -> Distance | None:
    """Return the distance that a recipe names.

    Args:
        arguments: Its key `distance`.

    Returns:
        The distance, or None if it names none.

    Raises:
        RecipeError: There is no distance of that name, or an option is unknown or has a wrong value.
    """
    return None if arguments.distance is None else _made("distance", distance_named, arguments.distance)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _made(key: str, make: Callable[..., Any], value: Any) -> Any:
    """Call `make` with a name, or with the name and the options of a mapping."""
    if _is_mapping(value) and "name" in value:
        name, options = value["name"], {k: v for k, v in value.items() if k != "name"}
    else:
        name, options = value, {}
    if not isinstance(name, str):
        raise RecipeError(f"`{key}` is {value!r:.80}; it must be a name, or a mapping with `name` and options.")
    try:
        return make(name, **options)
    except (TypeError, ValueError, DagamesError) as error:
        raise RecipeError(f"`{key}`: {error}") from error
