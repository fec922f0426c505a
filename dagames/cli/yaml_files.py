"""YAML (and JSON, which is YAML) read as plain data, with a place for every entry and a limit on everything."""

import re
from array import array
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dagames._errors import DomainError

_SIZE = 50_000_000
"""Bytes read at most."""
_ENTRIES = 2**25
"""Entries at most, aliases written out: more than `_SIZE` bytes can hold without aliases."""
_DEPTH = 50
_COLUMNS = 2**26
"""Line and column share one integer, for a mark costs more than the number it belongs to."""

# The scalars of YAML 1.2, of which JSON is a part. PyYAML's own rules are those of 1.1, where 1e-5 is a text, and
# 1:30 is the number 90.
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|nan)", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """What a file says, and where.

    Attributes:
        path: The file.
        content: Mappings, lists, texts, numbers, truth values and None.
        marks: Where the entries of each mapping and list begin, by its `id`.
    """

    path: Path
    content: Any
    marks: dict[int, MutableSequence[int]] = field(repr=False)

    def place(self, *keys: str | int) -> str:
        """Name the place of an entry, or of the innermost one around it that exists.

        Args:
            keys: The keys and indices that lead to the entry.

        Returns:
            The file, and if there is such an entry its line and column, both from 1.
        """
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
        return str(self.path) if mark is None else f"{self.path}, {_words(mark)}"


def read_yaml(path: Path) -> Document:
    """Read a YAML file.

    Args:
        path: The file.

    Returns:
        What it says.

    Raises:
        DomainError: If it cannot be read, is too large, or is not YAML of plain data.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_SIZE + 1)
    except OSError as error:
        raise DomainError(f"cannot read {path}: {error.strerror}.") from None
    if len(text) > _SIZE:
        raise DomainError(f"{path} is larger than {_SIZE // 10**6} MB; keep its arrays in .npy files and name them.")
    builder = _Builder()
    try:
        for event in _events(text.decode("utf-8-sig")):
            builder.take(event)
    except _NotPlainError as error:
        raise DomainError(f"{path} is not YAML of plain data: {error}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DomainError(f"{path} is not YAML: {_told(error)}.") from None
    return Document(path, builder.content, builder.marks)


def _events(text: str) -> Iterator[Any]:
    # Events and not nodes: the composer of libyaml recurses in C, and a file of 10^5 brackets ends the process.
    return iter(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def _told(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    problem = getattr(error, "problem", None) or "cannot be read"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _words(mark: int) -> str:
    line, column = divmod(mark, _COLUMNS)
    return f"line {line + 1}, column {column + 1}"


class _NotPlainError(Exception):
    """YAML that states more than plain data."""


@dataclass
class _Open:
    """A mapping or list whose end has not been read yet."""

    value: Any
    anchor: str | None
    marks: MutableSequence[int] = field(default_factory=lambda: array("q"))
    key: str | None = None
    size: int = 1


class _Builder:
    """Builds plain data from the events of a parser."""

    def __init__(self) -> None:
        self.content: Any = None
        self.marks: dict[int, MutableSequence[int]] = {}
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._documents = 0

    def take(self, event: Any) -> None:
        """Take the next event.

        Args:
            event: An event of PyYAML's parser.

        Raises:
            _NotPlainError: If the file states more than plain data, or too much of it.
        """
        mark = event.start_mark.line * _COLUMNS + min(event.start_mark.column, _COLUMNS - 1)
        if getattr(event, "tag", None) is not None:
            raise _NotPlainError(f"{_words(mark)} has the tag {event.tag!r}, and tags are not read")
        match event:
            case yaml.ScalarEvent():
                self._scalar(event, mark)
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    raise _NotPlainError(f"{_words(mark)} repeats &{event.anchor}, which has not been completed before")
                self._add(*self._anchors[event.anchor], mark)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._open(event, mark)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                closed = self._stack.pop()
                self.marks[id(closed.value)] = closed.marks
                self._add(closed.value, closed.size, closed.marks[0] if closed.marks else mark, closed.anchor)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _NotPlainError(f"{_words(mark)} begins a second document, and a game is one")
            case _:
                pass

    def _scalar(self, event: Any, mark: int) -> None:
        parent = self._stack[-1] if self._stack else None
        if parent is None or parent.key is not None or isinstance(parent.value, list):
            self._add(_value(event.value) if event.implicit[0] else event.value, 1, mark, event.anchor)
            return
        if event.value in parent.value:
            raise _NotPlainError(f"{_words(mark)} states the key {event.value!r} for the second time")
        parent.key = event.value
        parent.marks.append(mark)

    def _open(self, event: Any, mark: int) -> None:
        if len(self._stack) >= _DEPTH:
            raise _NotPlainError(f"{_words(mark)} is nested more than {_DEPTH} deep")
        if self._stack:
            self._check_expected(mark)
            if isinstance(self._stack[-1].value, list):
                self._stack[-1].marks.append(mark)
        self._stack.append(_Open([] if isinstance(event, yaml.SequenceStartEvent) else {}, event.anchor))

    def _add(self, value: Any, size: int, mark: int, anchor: str | None = None) -> None:
        if anchor is not None:
            self._anchors[anchor] = value, size
        if not self._stack:
            self.content = value
            return
        self._check_expected(mark)
        parent = self._stack[-1]
        parent.size += size
        if parent.size > _ENTRIES:
            raise _NotPlainError(f"{_words(mark)}: written out, aliases make more than {_ENTRIES} entries")
        if isinstance(parent.value, list):
            if len(parent.marks) == len(parent.value):
                parent.marks.append(mark)
            parent.value.append(value)
        else:
            parent.value[parent.key] = value
            parent.key = None

    def _check_expected(self, mark: int) -> None:
        parent = self._stack[-1]
        if isinstance(parent.value, dict) and parent.key is None:
            raise _NotPlainError(f"{_words(mark)} has a key that is not a word")


def _value(text: str) -> Any:
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if special := _SPECIAL.fullmatch(text):
        return float("".join(special.groups()))
    return _WORDS.get(text.lower(), text)
