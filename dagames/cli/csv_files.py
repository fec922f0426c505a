"""Numbers from a CSV file: a column by its header, one column alone, or a table without a header."""

import csv
import itertools
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dagames._choices import did_you_mean
from dagames._errors import DomainError, ShapeError


def read_csv(path: Path, column: str | None) -> NDArray[np.float64]:
    """Read a column [rows], or a table [rows, columns]; a first row in which some cell is not a number is a header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            return _read(path, column, ((rows.line_num, row) for row in rows if row))
    except OSError as error:
        raise DomainError(f"cannot read {path}: {error.strerror}.") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise DomainError(f"{path} is not CSV: {error}.") from None


def _read(path: Path, column: str | None, rows: Iterator[tuple[int, list[str]]]) -> NDArray[np.float64]:
    line, first = next(rows, (0, []))
    if not first:
        raise DomainError(f"{path} is empty.")
    if any(_number(cell) is None for cell in first):
        names = [name.strip() for name in first]
        places = [_place(path, column, names)]
    elif column is not None:
        raise DomainError(f"{path} has no header, so no column {column!r}: the first row contains numbers.")
    else:
        names, places = [], list(range(len(first)))
        rows = itertools.chain([(line, first)], rows)
    values = array("d")
    for line, row in rows:
        if len(row) != len(first):
            raise ShapeError(
                f"{path}, row {line} has {len(row)} cells, but the first row has {len(first)}. For prompts of unequal "
                "sizes, name one file for each, such as [first.csv, second.csv]."
            )
        for place in places:
            value = _number(row[place])
            if value is None or value != value:
                cell = row[place][:40]
                raise DomainError(f"{path}, row {line}, column {place + 1} is {cell!r}; every cell must be a number.")
            values.append(value)
    if not values:
        raise DomainError(f"{path} has a header ({_join_names(names)}) and no rows.")
    table = np.frombuffer(values).reshape(-1, len(places))
    return table if table.shape[1] > 1 else table[:, 0]


def _place(path: Path, column: str | None, names: list[str]) -> int:
    if column is None and len(names) > 1:
        raise DomainError(f"{path} has the columns {_join_names(names)}; name one, such as {path.name}:{names[0]}.")
    if column is not None and names.count(column) != 1:
        number, hint = (
            ("no column", did_you_mean(column, names)) if column not in names else ("more than one column", "")
        )
        raise DomainError(f"{path} has {number} {column!r}; its header is {_join_names(names)}.{hint}")
    return 0 if column is None else names.index(column)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _join_names(names: list[str]) -> str:
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
