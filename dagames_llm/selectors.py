"""Messages for a constraint that selects no row: the values that occur, and the nearest to each value that does not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from dagames._choices import did_you_mean

Occurring = dict[str, dict[str, Any]]
"""The values of each column that occur, by their `repr`."""

_LISTED = 10
"""Number of values of a column that a message lists."""


def collect_values(selector: Any, rows: Iterable[Mapping[str, Any]], occurring: Occurring) -> None:
    """Add the values of the rows to `occurring`, for the columns of a selector that is a mapping."""
    if isinstance(selector, Mapping):
        for row in rows:
            for column in selector:
                if column in row:
                    occurring.setdefault(column, {}).setdefault(repr(row[column]), row[column])


def merged(parts: Iterable[Occurring]) -> Occurring:
    """Return the values that occur on any process, in the order of the processes.

    >>> merged([{"kind": {"'a'": "a"}}, {"kind": {"'b'": "b"}}])
    {'kind': {"'a'": 'a', "'b'": 'b'}}
    """
    values: Occurring = {}
    for part in parts:
        for column, by_repr in part.items():
            values.setdefault(column, {}).update(by_repr)
    return values


def explain_no_row(selector: Any, occurring: Occurring) -> str:
    """Return sentences on the values that occur, with a suggestion for each value of the selector that does not.

    >>> found = {}
    >>> collect_values({"kind": "bening"}, [{"kind": "benign"}, {"kind": "harmful"}], found)
    >>> explain_no_row({"kind": "bening"}, found)
    "The column 'kind' has the values 'benign', 'harmful'. Did you mean 'benign'?"
    """
    if not isinstance(selector, Mapping):
        return "`applies_to` was False for every row."
    sentences, all_occur = [], True
    for column, allowed in selector.items():
        values = occurring.get(column, {})
        allowed_values = _several(allowed)
        missing = [value for value in allowed_values if not any(bool(value == other) for other in values.values())]
        if len(missing) < len(allowed_values):
            continue
        all_occur = False
        more = ", ..." if len(values) > _LISTED else ""
        listed = ", ".join(text[:60] for text in list(values)[:_LISTED]) or "none"
        hints = dict.fromkeys(did_you_mean(repr(value), values) for value in missing)
        sentences.append(f"The column {column!r} has the values {listed}{more}.{''.join(hints)}")
    if all_occur:
        sentences.append("Each column has such a value, but no row has all of them together.")
    return " ".join(sentences)


def _several(allowed: Any) -> list[Any]:
    several = isinstance(allowed, Collection) and not isinstance(allowed, str | bytes | Mapping)
    return list(allowed) if several else [allowed]
