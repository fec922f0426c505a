"""Checks of the target of a `TargetReward`: its kind, the costs that it names, and the group size of its tables."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

import dagames.targets
from dagames._choices import did_you_mean
from dagames.functionals import Functional
from dagames.targets import SafetyPenalty, Score, Target
from dagames_llm._errors import RecipeError


def check_kind(target: Any) -> None:
    """Raise unless an argument is a target; the message names the target that was probably meant."""
    if not isinstance(target, Target):
        raise RecipeError(f"`target` must be a Target of dagames.targets, not {target!r:.60}; pass {_meant(target)}.")


def check_costs(target: Target, known: Iterable[str]) -> None:
    """Raise unless each cost that a target or a part of it names is known."""
    known = list(known)
    for part in parts_of(target):
        several = list(part.multipliers) if isinstance(part, SafetyPenalty) else []
        for name in [part.name] if isinstance(part, Score) else several:
            if name not in known:
                raise RecipeError(
                    f"{type(part).__name__} of the target needs the cost {name!r}, but `costs` has "
                    f"{', '.join(map(repr, known)) or 'none'}.{did_you_mean(name, known)} Pass "
                    f"`costs={{{name!r}: ...}}` to TargetReward."
                )


def check_tables(target: Target, group_size: int) -> None:
    """Raise unless each table of a target or of a part of it is for groups of this size."""
    for part in parts_of(target):
        size = getattr(getattr(part, "table", None), "group_size", group_size)
        if size != group_size:
            raise RecipeError(
                f"the `table` of {type(part).__name__} is for groups of {size} traces, but `group_size` is "
                f"{group_size}. Make a table for {group_size} traces, such as `recommended_table({group_size})`, or "
                f"set `num_generations` and `group_size` to {size}."
            )


def parts_of(target: Target) -> Iterator[Target]:
    """Yield a target and the targets that it is made of."""
    yield target
    for value in getattr(target, "__dict__", {}).values():
        for part in _targets_in(value):
            yield from parts_of(part)


def _targets_in(value: Any) -> Iterator[Target]:
    if isinstance(value, Target):
        yield value
    elif isinstance(value, Mapping | tuple):
        for entry in value.values() if isinstance(value, Mapping) else value:
            yield from _targets_in(entry)


def _meant(value: Any) -> str:
    if isinstance(value, type):
        return f"an instance, {value.__name__}(...)"
    if isinstance(value, Functional):
        return f"Target.from_functional({_written(value)})"
    if not isinstance(value, str):
        return "one, such as MajorityVote()"
    exported = (getattr(dagames.targets, name) for name in dagames.targets.__all__)
    kinds = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Target) and kind is not Target]
    for kind in kinds:
        if value.replace("_", "").casefold() == kind.__name__.casefold():
            needed = [p for p in inspect.signature(kind).parameters.values() if p.default is p.empty]
            return f"{kind.__name__}({'...' if needed else ''})"
    return f"one, such as MajorityVote().{did_you_mean(value, [kind.__name__ for kind in kinds])}".removesuffix("?")


def _written(functional: Functional) -> str:
    """Return the call that makes a functional, if its parameters are numbers."""
    values = list(vars(functional).values())
    simple = all(isinstance(value, float | int | np.ndarray) and np.ndim(value) == 0 for value in values)
    return f"{functional.name}({', '.join(repr(float(v)) for v in values) if simple else '...'})"
