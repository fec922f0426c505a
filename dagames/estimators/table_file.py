"""The fields of a reward table's file, and a check of each."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from dagames._errors import DomainError, ShapeError
from dagames.estimators.supremum import Interval

FORMAT = "dagames reward table 1"
LARGEST_FILE = 2**20

_LARGEST_GROUP = 10_000
_LONGEST = 4000
"""Characters of a name, or of a rational number."""

_MOST_TERMS = 512


def check_fields(content: dict[str, Any], path: str) -> None:
    """Check that a file has the fields of a table, each of the right kind."""
    if content.get("format") != FORMAT:
        raise DomainError(
            f"{path} is not a reward table: its `format` is {content.get('format')!r:.80}, not {FORMAT!r}."
        )
    for name in [*_FIELDS, *content]:
        if name not in content:
            raise DomainError(f"{path} is not a complete reward table: the field {name!r} is missing. Make it anew.")
        if name not in _FIELDS:
            raise DomainError(f"{path}: a reward table has no field {name!r:.80}. Make the file anew.")
    for name, (kind, fits) in _FIELDS.items():
        if not fits(content[name]):
            raise DomainError(f"{path}: the field {name!r} must be {kind}, not {content[name]!r:.80}.")
    size, entries = content["group_size"] + 1, len(content["coefficients"])
    if entries != size:
        raise ShapeError(f"{path}: `coefficients` has shape ({entries},), not ({size},).")


def as_terms(estimates: dict[str, Any], path: str) -> dict[tuple[Fraction, int], Fraction]:
    """Read the terms of a reward: the coefficient of each (alpha, m)."""
    terms: Any = estimates.get("terms")
    if isinstance(terms, list) and 1 <= len(terms) <= _MOST_TERMS and all(map(_is_term, terms)):
        try:
            return {(Fraction(alpha), m): Fraction(b) for alpha, m, b in terms}
        except (ValueError, ZeroDivisionError):
            pass
    raise DomainError(
        f"{path}: the field 'estimates' has the terms {terms!r:.80}; each must be a list of a power, the power of the "
        "logarithm and a coefficient, rational numbers."
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**1023


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _is_interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]


def _is_rational(value: Any) -> bool:
    # Exponents are refused: with one, a short text could be an enormous number.
    return _is_text(value) and not set(value) - set("-0123456789/")


def _is_term(value: Any) -> bool:
    if not (isinstance(value, list) and len(value) == 3):
        return False
    alpha, m, b = value
    return _is_rational(alpha) and _is_rational(b) and isinstance(m, int) and not isinstance(m, bool)


def _is_group_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST_GROUP


_TEXT, _INTERVAL = ("a text", _is_text), ("two finite numbers, the smaller first", _is_interval)

_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "format": _TEXT,
    "group_size": (f"an integer from 1 to {_LARGEST_GROUP}", _is_group_size),
    "counts": _TEXT,
    "estimates": ("an object with a name", lambda value: isinstance(value, dict) and _is_text(value.get("name"))),
    "method": _TEXT,
    "precision": _TEXT,
    "coefficients": (
        "a list of finite numbers",
        lambda value: isinstance(value, list) and all(_is_number(c) and math.isfinite(c) for c in value),
    ),
    "bias": _INTERVAL,
    "second_moment": _INTERVAL,
    "variance": _INTERVAL,
    "optimum": ("null or two finite numbers", lambda value: value is None or _is_interval(value)),
}


def check_claim(path: str, name: str, claimed: list[float], computed: Interval) -> None:
    """Raise a DomainError if the enclosure that a file states differs from the computed one."""
    if tuple(claimed) != tuple(computed):
        raise DomainError(
            f"{path} claims a {name.replace('_', ' ')} in {tuple(claimed)}; that of its coefficients is in "
            f"{tuple(computed)}. Make the file anew."
        )
