"""Numbers from a CSV file: a column by its header, one column alone, or a table without a header."""

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError, ShapeError

Cells = Iterator[tuple[int, list[str]]]


def read_csv(path: Path, column: str | None) -> NDArray[np.float64]:
    """Read numbers from a CSV file.

    A first row in which some cell is not a number is a header.

    Args:
        path: The file; its cells are separated by commas.
        column: Header of the wanted column, or None for a file of one column, or of nothing but numbers.

    Returns:
        The column, [rows]; or, of a file of several columns without a header, the table [rows, columns].

    Raises:
        DomainError: If the file cannot be read, is empty, has no such column, or a cell is not a number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            return _read(path, column, ((rows.line_num, row) for row in rows if row))
    except OSError as error:
        raise DomainError(f"cannot read {path}: {error.strerror}.") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise DomainError(f"{path} is not CSV: {error}.") from None


def _read(path: Path, column: str | None, rows: Cells) -> NDArray[np.float64]:
    line, first = next(rows, (0, []))
    if not first:
        raise DomainError(f"{path} is empty.")
    if all(map(_is_number, first)):
        if column is not None:
            raise DomainError(f"{path} has no header to look up the column {column!r} in; its first row is numbers.")
        table = _table(path, line, first, rows)
        return table if table.shape[1] > 1 else table[:, 0]
    names = [name.strip() for name in first]
    if column is None and len(names) > 1:
        raise DomainError(f"{path} has the columns {_listed(names)}; say which, as {path.name}:{names[0]}.")
    if column is not None and names.count(column) != 1:
        number = "no column" if column not in names else "more than one column"
        raise DomainError(f"{path} has {number} {column!r}; its header is {_listed(names)}.")
    place = 0 if column is None else names.index(column)
    values = array("d")
    for line, row in rows:
        _check_width(path, line, row, len(names))
        values.append(_number(path, line, place, row[place]))
    if not values:
        raise DomainError(f"{path} has a header ({_listed(names)}) and no rows.")
    return np.frombuffer(values)


def _table(path: Path, line: int, first: list[str], rows: Cells) -> NDArray[np.float64]:
    values = array("d", [_number(path, line, place, cell) for place, cell in enumerate(first)])
    for number, row in rows:
        _check_width(path, number, row, len(first))
        values.extend([_number(path, number, place, cell) for place, cell in enumerate(row)])
    return np.frombuffer(values).reshape(-1, len(first))


def _check_width(path: Path, line: int, row: list[str], width: int) -> None:
    if len(row) != width:
        raise ShapeError(
            f"{path}, row {line} has {len(row)} cells, and the first row has {width}. Prompts of unequal sizes: name "
            "one file for each, as [first.csv, second.csv]."
        )


def _number(path: Path, line: int, place: int, cell: str) -> float:
    value = float(cell) if _is_number(cell) else np.nan
    if np.isnan(value):
        raise DomainError(f"{path}, row {line}, column {place + 1} is {cell[:40]!r}; every cell must be a number.")
    return value


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
