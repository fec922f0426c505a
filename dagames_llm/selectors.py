"""Messages for selectors of constraints with values that occur in no row, or that select no row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    missing = missing_values(selector, occurring)
    columns = [column for column, values in missing.items() if len(values) == len(_several(selector[column]))]
    if not columns:
        return "Each column has such a value, but no row has all of them together."
    return " ".join(f"The column {column!r} has {_listed(column, missing[column], occurring)}" for column in columns)


def missing_values(selector: Mapping[str, Any], occurring: Occurring) -> dict[str, list[Any]]:
    """Return the values of a selector that occur in no row, by column, without columns whose values all occur.

    >>> missing_values({"kind": ["benign", "harmfull"]}, {"kind": {"'benign'": "benign", "'harmful'": "harmful"}})
    {'kind': ['harmfull']}
    """
    missing = {}
    for column, allowed in selector.items():
        values = list(occurring.get(column, {}).values())
        absent = [value for value in _several(allowed) if not any(bool(value == other) for other in values)]
        if absent:
            missing[column] = absent
    return missing


def explain_missing(missing: Mapping[str, Sequence[Any]], occurring: Occurring) -> str:
    """Return sentences on the result of `missing_values`: the values that do not occur, and those that do.

    >>> explain_missing({"kind": ["harmfull"]}, {"kind": {"'benign'": "benign", "'harmful'": "harmful"}})
    "No row has 'harmfull' in the column 'kind', which has the values 'benign', 'harmful'. Did you mean 'harmful'?"
    """
    return " ".join(
        f"No row has {' or '.join(repr(value)[:60] for value in values)} in the column {column!r}, which has "
        f"{_listed(column, values, occurring)}"
        for column, values in missing.items()
    )


def _listed(column: str, missing: Sequence[Any], occurring: Occurring) -> str:
    """Return the values of a column as the end of a sentence, with a suggestion for each missing value."""
    values = occurring.get(column, {})
    more = ", ..." if len(values) > _LISTED else ""
    listed = ", ".join(text[:60] for text in list(values)[:_LISTED]) or "none"
    hints = dict.fromkeys(did_you_mean(repr(value), values) for value in missing)
    return f"the values {listed}{more}.{''.join(hints)}"


def _several(allowed: Any) -> list[Any]:
    several = isinstance(allowed, Collection) and not isinstance(allowed, str | bytes | Mapping)
    return list(allowed) if several else [allowed]
