"""Rows of a file, each with its place: JSON lines, a JSON array, CSV, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from dagames_llm._errors import DataError

Row = Mapping[str, Any]
Placed = tuple[str, Any]
"""A row, which can be any JSON value, after its place in the file, for messages."""

LISTS = ("orbit", "messages", "conversations", "options", "paraphrases", "translations", "images", "choices")
"""Columns whose cells in a CSV file are JSON, because they hold lists or mappings."""


COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip, or a spreadsheet, which can be saved as CSV",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""First bytes of compressed and other binary files."""


def read_rows(path: Path) -> Iterator[Placed]:
    """Read the rows of a data file; the suffix or else the first characters determine the format."""
    if not path.is_file():
        reason = ": it is a folder" if path.is_dir() else ": it is not a regular file; write the rows to one"
        raise DataError(f"no data file {path}{reason if path.exists() else ''}.")
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet_rows(path)
    content = path.read_bytes()
    compression = next((name for start, name in COMPRESSED.items() if content.startswith(start)), None)
    if compression is not None:
        raise DataError(f"{path} is compressed ({compression}); unpack it and give the unpacked file.")
    if suffix in {".csv", ".tsv"}:
        return _csv_rows(path, content, "\t" if suffix == ".tsv" else ",")
    return _array_rows(path, content) if content.lstrip().startswith(b"[") else _line_rows(path, content)


def parse_json(place: str, content: bytes | str) -> Any:
    """Parse a JSON text; raise DataError for non-finite numbers."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a JSON value")

    def number(digits: str) -> float:
        if not isfinite(value := float(digits)):
            raise ValueError(f"{digits} is beyond the largest number")
        return value

    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        return json.loads(text, parse_constant=refuse, parse_float=number)
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: not UTF-8 at byte {error.start}.") from error
    except RecursionError as error:
        raise DataError(f"{place}: nested too deeply.") from error
    except ValueError as error:
        raise DataError(f"{place}: not JSON: {error}.") from error


def _line_rows(path: Path, content: bytes) -> Iterator[Placed]:
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield f"{path}, line {number}", parse_json(f"{path}, line {number}", line)


def _array_rows(path: Path, content: bytes) -> Iterator[Placed]:
    for number, row in enumerate(parse_json(str(path), content), start=1):
        yield f"{path}, item {number}", row


def _csv_rows(path: Path, content: bytes, delimiter: str) -> Iterator[Placed]:
    lines = content.split(b"\n")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n")
        at = error.start - sum(len(line) + 1 for line in lines[:number])
        raise DataError(f"{path}, line {number + 1}: not UTF-8 at byte {at}. Save the table as UTF-8.") from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DataError(f"{path}, line {start}: not CSV: {error}.") from error
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(f"{path}, line {start}", cells)
        else:
            yield f"{path}, line {start}", _csv_row(f"{path}, line {start}", header, cells)


def _header(place: str, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        number = len(repeated)
        raise DataError(f"{place}: the header has {number} columns {repeated[0]!r}; column names must be unique.")
    return names


def _csv_row(place: str, header: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(header):
        raise DataError(
            f"{place}: {len(cells)} cells, but the header names {len(header)} columns ({', '.join(header[:6])}). A "
            "cell with a comma, a quote or a line break must be in double quotes."
        )
    row: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=True):
        if not cell.strip():
            continue
        is_json = name in LISTS or (name in {"answer", "answers"} and cell.lstrip().startswith("["))
        row[name] = parse_json(f"{place}, column {name!r}", cell) if is_json else cell
    return row


def _parquet_rows(path: Path) -> Iterator[Placed]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", without_nulls(row)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(f"{path}, after row {number}: cannot be read as Parquet: {reason}.") from error


def without_nulls(row: Row) -> dict[str, Any]:
    """Return a row of a table without its empty cells."""
    return {key: value for key, value in row.items() if value is not None}
