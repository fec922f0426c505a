"""Check all keys of a recipe before anything is written or loaded, and report all faults in one message.

A fault states the key, its value, the condition and a remedy. Each key is checked by the tables of
`dagames_llm.config.rules`, and then combinations of keys by `dagames_llm.config.contradictions`.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import inspect
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dagames_llm.config.contradictions import Faults, Settings, contradictions
from dagames_llm.config.kinds import KindError, converted, ended, range_fault, shown
from dagames_llm.config.named_rewards import TARGETS
from dagames_llm.config.rules import (
    ATTENTION,
    CHOICES,
    HINTS,
    NEEDS,
    RANGES,
    REFUSED,
    REQUIRED,
    WHOLE_ABOVE_ONE,
)


@dataclass(frozen=True)
class Key:
    """A key that a recipe can have.

    Attributes:
        hint: The type of its values.
        default: Its value if the recipe does not contain it.
        choices: The allowed values; empty for no limit.
    """

    hint: Any
    default: Any
    choices: tuple[str, ...] = ()


FORMER = {
    "dataset_name": "data",
    "dataset_path": "data",
    "reward_funcs": "target",
    "reward_model_name_or_path": "target",
    "torch_dtype": "dtype",
    "max_prompt_length": "data",
    "warmup_ratio": "warmup_steps",
}
"""Keys of TRL's scripts, and the keys of a recipe that replace them."""


def keys_of(parts: Iterable[type]) -> dict[str, Key]:
    """Return the keys of the data classes that a recipe is parsed into."""
    keys = {}
    for part in parts:
        hints = typing.get_type_hints(part)
        for field in dataclasses.fields(part):
            if field.init:
                choices = CHOICES.get(field.name) or _enumerated(hints[field.name])
                keys[field.name] = Key(hints[field.name], _default(field), choices)
    return keys


def _default(field: Any) -> Any:
    return field.default if field.default is not dataclasses.MISSING else field.default_factory()


def _enumerated(hint: Any) -> tuple[str, ...]:
    kinds = [kind for kind in typing.get_args(hint) if isinstance(kind, type) and issubclass(kind, enum.Enum)]
    return tuple(str(member.value) for kind in kinds for member in kind)


def checked(written: Mapping[str, Any], keys: Mapping[str, Key]) -> tuple[Settings, dict[str, Any], Faults]:
    """Check keys one by one, then together; return all settings, the values of the written keys, and the faults."""
    faults: Faults = {}
    values = dict(_converted(written, keys, faults))
    settings = Settings({name: key.default for name, key in keys.items()} | values)
    changed = {name: value for name, value in values.items() if value != keys[name].default}
    for name, value in values.items():
        _check_value(name, value, keys[name], faults)
    for name in changed:
        _check_needs(name, changed[name], settings, faults)
    for name, fault in contradictions(settings, frozenset(faults)):
        faults.setdefault(name, fault)
    return settings, values, faults


def message(place: str, faults: Mapping[str, str]) -> str:
    """Return one message for all faults of a recipe."""
    if len(faults) == 1:
        return f"{place}: {ended(next(iter(faults.values())))}"
    return f"{place}: {len(faults)} keys cannot be used.\n" + "\n".join(
        f"  {ended(fault)}" for fault in faults.values()
    )


def unknown(name: str, value: Any, known: Iterable[str]) -> str:
    """Return the remedy for an unknown key: the key that replaces it, `target_options`, or the nearest known key."""
    if name in FORMER:
        return f"; use `{FORMER[name]}`"
    if any(name in inspect.signature(target).parameters for target in TARGETS.values()):
        text = value if isinstance(value, str) and value.isidentifier() else shown(value)
        return f"; options of the target belong into `target_options`: `target_options: {{{name}: {text}}}`"
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else "; `dagames-llm train --help` describes the keys"


def _converted(written: Mapping[str, Any], keys: Mapping[str, Key], faults: Faults) -> Iterator[tuple[str, Any]]:
    for name, raw in written.items():
        if name not in keys:
            faults[name] = f"unknown key `{name}` ({shown(raw)}){unknown(name, raw, keys)}"
            continue
        key, value = keys[name], _idiom(name, raw)
        if name in REFUSED and value != key.default:
            faults[name] = f"`{name}` is {'set' if 'token' in name else shown(value)}: {REFUSED[name]}"
            continue
        try:
            yield name, converted(value, key.hint)
        except KindError as error:
            faults[name] = _fault(name, value, f"it must be {error}")


def _idiom(name: str, value: Any) -> Any:
    """Return the value that TRL expects in place of another YAML form of it."""
    if value is False and name.endswith("_strategy"):
        return "no"  # YAML 1.1 reads an unquoted `no` as false
    if name == "scale_rewards" and isinstance(value, bool):
        return "group" if value else "none"
    if name == "distance" and isinstance(value, str):
        return {"name": value}
    return value


def _fault(name: str, value: Any, condition: str) -> str:
    hint = f"; {HINTS[name]}" if name in HINTS else ""
    return f"`{name}` is {shown(value)}; {condition}{hint}"


def _check_value(name: str, value: Any, key: Key, faults: Faults) -> None:
    if value is None:
        if name in REQUIRED:
            faults[name] = _fault(name, value, f"it must be a whole number, at {_phrase(RANGES[name])}")
        return
    rule = RANGES.get(name)
    broken = None if rule is None else range_fault(value, rule)
    if name == "max_steps" and value != -1 and value < 1:
        broken = "at least 1"
    if broken is not None:
        faults[name] = _fault(name, value, f"it must be {broken}{_otherwise(name, key)}")
    elif name in WHOLE_ABOVE_ONE and value > 1 and value != int(value):
        faults[name] = _fault(name, value, "it must be a whole number of steps, or a share of the run below 1")
    elif key.choices and value not in key.choices:
        near = difflib.get_close_matches(str(value), key.choices, n=1)
        first = f"did you mean {near[0]}? known are" if near else "known are"
        faults[name] = _fault(name, value, f"{first} {', '.join(key.choices)}")
    elif name == "attn_implementation" and not (value in ATTENTION or "/" in value or value.startswith("paged|")):
        faults[name] = _fault(name, value, f"known are {', '.join(ATTENTION)}, or the id of a kernel, owner/name")
    elif value in ("", []) and name in ("model_name_or_path", "lora_target_modules", "output_dir", "data"):
        faults[name] = _fault(name, value, "it must not be empty")


def _phrase(rule: str) -> str:
    return rule.replace(">= ", "least ")


def _otherwise(name: str, key: Key) -> str:
    if name in HINTS or key.default is None:
        return ""
    return f"; leave it out for the default, {shown(key.default)}"


def _check_needs(name: str, value: Any, settings: Settings, faults: Faults) -> None:
    for names, other, allowed in NEEDS:
        applies = name in names or any(part.endswith("_") and name.startswith(part) for part in names)
        if applies and settings[other] not in allowed and name not in faults:
            wanted = " or ".join(f"`{other}: {shown(one).strip(chr(39))}`" for one in allowed)
            faults[name] = (
                f"`{name}` is {shown(value)}, but `{other}` is {shown(settings[other])}: "
                f"set {wanted}, or leave `{name}` out"
            )
