"""Convert the values that YAML gives to the types of a recipe's keys; raise KindError for other types."""

from __future__ import annotations

import enum
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

_TRUTHS = {"true": True, "yes": True, "y": True, "t": True, "1": True} | dict.fromkeys(
    ("false", "no", "n", "f", "0"), False
)


class KindError(Exception):
    """A value that is not of the type of its key; the text describes the type."""


def shown(value: Any) -> str:
    """Return the form of a value in messages, at most 80 characters.

    >>> shown(None), shown(True), shown("a"), shown(1e-05)
    ('null', 'true', "'a'", '1e-05')
    """
    words: dict[Any, str] = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def ended(text: str) -> str:
    """Return a sentence with a full stop, unless it ends with one or with a question mark.

    >>> ended("Use 3"), ended("Did you mean 3?")
    ('Use 3.', 'Did you mean 3?')
    """
    return text if text.endswith((".", "?")) else f"{text}."


def converted(value: Any, hint: Any) -> Any:
    """Return a value converted to the type of its key."""
    members = _members(hint)
    for member in members:
        try:
            return _as_member(value, member)
        except KindError:
            continue
    described = " or ".join(dict.fromkeys(_described(member) for member in members))
    raise KindError(described)


def _members(hint: Any) -> list[Any]:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        members = [member for part in typing.get_args(hint) for member in _members(part)]
        # `str` is last, because it accepts numbers written as text; null comes after the other types.
        return sorted(members, key=lambda member: (member is str, member is type(None)))
    return [hint]


def _as_member(value: Any, member: Any) -> Any:
    origin = typing.get_origin(member) or member
    if origin is type(None) and value is None:
        return None
    reader = _READERS.get(origin)
    if reader is not None:
        return reader(value, member)
    if isinstance(origin, type) and issubclass(origin, enum.Enum) and isinstance(value, str):
        return value
    if origin is typing.Literal and value in typing.get_args(member):
        return value
    raise KindError(_described(member))


def _as_bool(value: Any, member: Any) -> bool:
    word = str(value).lower()
    if isinstance(value, bool | int | str) and word in _TRUTHS:
        return _TRUTHS[word]
    raise KindError(_described(member))


def _as_int(value: Any, member: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    raise KindError(_described(member))


def _as_float(value: Any, member: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return float(value)  # YAML 1.1 reads 1e-5 as a text
        except ValueError:
            pass
    raise KindError(_described(member))


def _as_text(value: Any, member: Any) -> str:
    if isinstance(value, str):
        return value
    raise KindError(_described(member))


def _as_list(value: Any, member: Any) -> Any:
    (item,) = typing.get_args(member) or (Any,)
    if isinstance(value, str) and item is str:
        return value
    if isinstance(value, list):
        return value if item is Any else [_as_member(entry, item) for entry in value]
    raise KindError(_described(member))


def _as_mapping(value: Any, member: Any) -> Any:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return value
    raise KindError(_described(member))


_READERS: dict[Any, Any] = {
    bool: _as_bool,
    int: _as_int,
    float: _as_float,
    str: _as_text,
    list: _as_list,
    dict: _as_mapping,
}

_NAMES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    dict: "a mapping from names to values",
    type(None): "null",
}

_PLURALS: dict[Any, str] = {str: "texts", int: "whole numbers", float: "numbers", dict: "mappings"}


def _described(member: Any) -> str:
    origin = typing.get_origin(member) or member
    if origin is list:
        (item,) = typing.get_args(member) or (str,)
        return f"a list of {_PLURALS.get(typing.get_origin(item) or item, 'texts')}"
    if isinstance(origin, type) and issubclass(origin, enum.Enum):
        return "a text"
    if origin is typing.Literal:
        return " or ".join(shown(choice) for choice in typing.get_args(member))
    return _NAMES.get(origin, f"a {getattr(origin, '__name__', origin)}")


def range_fault(value: Any, rule: str) -> str | None:
    """Return the condition that a number breaks, or None.

    Args:
        value: A number.
        rule: Comparisons, such as "> 0, <= 1".

    Returns:
        The whole rule in words if the number breaks a part of it.

    >>> range_fault(0, "> 0, <= 1"), range_fault(1, "> 0, <= 1")
    ('greater than 0 and at most 1', None)
    """
    parts = [part.split(" ", 1) for part in rule.split(", ")]
    limits = [(sign, limit, float(2**32 - 1) if "**" in limit else float(limit)) for sign, limit in parts]
    if math.isfinite(value) and all(_COMPARISONS[sign][0](value, limit) for sign, _, limit in limits):
        return None
    described = " and ".join(f"{_COMPARISONS[sign][1]} {text}" for sign, text, _ in limits)
    return described if value == value and math.isfinite(value) else f"finite, {described}"


_COMPARISONS: dict[str, tuple[Any, str]] = {
    ">": (lambda a, b: a > b, "greater than"),
    ">=": (lambda a, b: a >= b, "at least"),
    "<": (lambda a, b: a < b, "less than"),
    "<=": (lambda a, b: a <= b, "at most"),
}
