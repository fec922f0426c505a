"""Read YAML (and JSON, a subset) as plain data, with line and column of every entry and limits on size and depth."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from dagames._errors import DomainError

_SIZE = 50_000_000
"""Largest size of a file, in bytes."""
_ENTRIES = 2**25
"""Largest number of entries with aliases expanded; more than `_SIZE` bytes can hold without aliases."""
_DEPTH = 50
_COLUMNS = 2**26
"""Line and column are stored in one integer, line * 2^26 + column: PyYAML's marks need much more memory."""

# The scalars of YAML 1.2. PyYAML implements those of 1.1, where 1e-5 is a text and 1:30 is 90.
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|nan)", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """The content of a file as plain data, and the marks of the entries of each mapping and list, by its `id`."""

    path: Path
    content: Any
    marks: dict[int, "array[int]"] = field(repr=False)

    def place(self, *keys: str | int) -> str:
        """Return file, line and column of an entry, or of the innermost existing entry that would contain it."""
        inside, mark = self.content, None
        for key in keys:
            if isinstance(inside, dict) and key in inside:
                number = list(inside).index(key)
            elif isinstance(inside, list) and isinstance(key, int) and key < len(inside):
                number = key
            else:
                break
            mark = self.marks[id(inside)][number]
            inside = inside[key]
        return str(self.path) if mark is None else f"{self.path}, {_position(mark)}"


def read_yaml(path: Path) -> Document:
    """Read a YAML file; a DomainError if it cannot be read, is too large, or is not YAML of plain data."""
    try:
        with path.open("rb") as file:
            text = file.read(_SIZE + 1)
    except OSError as error:
        raise DomainError(f"cannot read {path}: {error.strerror}.") from None
    if len(text) > _SIZE:
        raise DomainError(f"{path} is larger than {_SIZE // 10**6} MB; keep its arrays in .npy files and name them.")
    try:
        reader = _Reader(text.decode("utf-8-sig"))
        return Document(path, reader.document(), reader.marks)
    except _NotPlainError as error:
        raise DomainError(f"{path} is not YAML of plain data: {error}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = " ".join(str(error).split()) if mark is None else _position(_mark(mark))
        raise DomainError(f"{path} is not YAML: {where if mark is None else f'{where}: {problem}'}.") from None


class _NotPlainError(Exception):
    """YAML that is not plain data."""


class _Reader:
    """Builds plain data from the events of a parser.

    It does not use libyaml's composer, which recurses in C: a file of 10^5 brackets would crash the process.
    """

    def __init__(self, text: str) -> None:
        self.marks: dict[int, array[int]] = {}
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        self._anchors: dict[str, tuple[Any, int]] = {}

    def document(self) -> Any:
        content, documents = None, 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    _refuse(event, " begins a second document, but a game file holds one")
            elif isinstance(event, yaml.NodeEvent):
                content, _ = self._node(event, 0)
        return content

    def _node(self, event: Any, depth: int) -> tuple[Any, int]:
        """Build the value that begins with an event; return it and its number of entries, with aliases expanded."""
        if getattr(event, "tag", None) is not None:
            _refuse(event, f" has the tag {event.tag!r}, and tags are not supported")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                _refuse(event, f" refers to &{event.anchor}, which is not complete at this place")
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            node = (_value(event.value) if event.implicit[0] else event.value), 1
        elif depth >= _DEPTH:
            _refuse(event, f" is nested more than {_DEPTH} deep")
        else:
            node = self._collection(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _collection(self, start: Any, depth: int) -> tuple[Any, int]:
        value: Any = {} if isinstance(start, yaml.MappingStartEvent) else []
        marks, size = array("q"), 1
        for event in self._events:
            if isinstance(event, yaml.CollectionEndEvent):
                break
            marks.append(_mark(event.start_mark))
            if isinstance(value, dict):
                key = self._key(event, value)
                value[key], entries = self._node(next(self._events), depth + 1)
            else:
                entry, entries = self._node(event, depth + 1)
                value.append(entry)
            size += entries
            if size > _ENTRIES:
                _refuse(event, f": with aliases expanded there are more than {_ENTRIES} entries")
        self.marks[id(value)] = marks
        return value, size

    @staticmethod
    def _key(event: Any, value: dict[str, Any]) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            _refuse(event, " has a key that is not a word")
        if event.tag is not None:
            _refuse(event, f" has the tag {event.tag!r}, and tags are not supported")
        if event.value in value:
            _refuse(event, f" repeats the key {event.value!r}")
        return str(event.value)


def _refuse(event: Any, reason: str) -> NoReturn:
    raise _NotPlainError(f"{_position(_mark(event.start_mark))}{reason}")


def _mark(mark: Any) -> int:
    return int(mark.line * _COLUMNS + min(mark.column, _COLUMNS - 1))


def _position(mark: int) -> str:
    line, column = divmod(mark, _COLUMNS)
    return f"line {line + 1}, column {column + 1}"


def _value(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if special := _SPECIAL.fullmatch(text):
        return float("".join(special.groups()))
    return _WORDS.get(text.lower(), text)
