"""The entries of a game file: numbers inline or in other files, and errors with the place in the file."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from dagames._choices import did_you_mean
from dagames._errors import DagamesError, DomainError
from dagames.cli.array_files import names_array, read_array
from dagames.cli.yaml_files import Document

Keys: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead to an entry."""

_ARGUMENT = re.compile(r"`(?P<name>\w+)(?P<index>(?:\[[\d, ]+\])*)`")


class Entries:
    """The entries of a document, by the keys that lead to them."""

    def __init__(self, document: Document) -> None:
        self.place = document.place
        self._document = document
        self._files: dict[Keys, str] = {}

    def at(self, keys: Keys) -> Any:
        """Return an entry as plain data."""
        entry = self._document.content
        for key in keys:
            entry = entry[key]
        return entry

    def check_keys(self, keys: Keys, allowed: Collection[str]) -> None:
        """Raise a DomainError if a mapping has a key that is not allowed."""
        for key in self.at(keys):
            if key not in allowed:
                near = did_you_mean(key, allowed)
                raise DomainError(f"{self.place(*keys, key)}: unknown: {key}.{near} The keys are {', '.join(allowed)}.")

    def scalar(self, key: str) -> Any:
        """Return a number of the outermost mapping, or None; refuse true and false, which a game reads as 1 and 0."""
        entry = self._document.content.get(key)
        if isinstance(entry, bool):
            raise DomainError(f"{self.place(key)}: `{key}` must be a number, not {_describe(entry)}.")
        return entry

    def numbers(self, keys: Keys, *, only: bool = True) -> Any:
        """Return a number, an array, or a list of these; unless `only`, also a text that is not the name of a file."""
        entry = self.at(keys)
        if isinstance(entry, str) and names_array(entry):
            self._files[keys] = entry
            try:
                return read_array(entry, self._document.path.parent)
            except DagamesError as error:
                raise type(error)(f"{self.place(*keys)}: {_name(keys)}: {error}") from None
        if isinstance(entry, list):
            plain = set(map(type, entry)) <= {int, float}
            return entry if plain else [self.numbers((*keys, i)) for i in range(len(entry))]
        if type(entry) in {int, float} or (isinstance(entry, str) and not only):
            return entry
        raise DomainError(
            f"{self.place(*keys)}: {_name(keys)} is {_describe(entry)}; it must be a number, a list of numbers, or the "
            "name of an .npy, .npz or .csv file."
        )

    @contextmanager
    def placed(self, *inside: Keys) -> Iterator[None]:
        """Add the place of an error's argument to its message; `inside` gives the mappings of the arguments."""
        try:
            yield
        except DagamesError as error:
            raise type(error)(f"{self._place_of(str(error), inside)}: {error}") from None

    def _place_of(self, message: str, inside: tuple[Keys, ...]) -> str:
        if match := _ARGUMENT.search(message):
            index = tuple(int(i) for i in re.findall(r"\d+", match["index"]))
            for outer in (*inside, ()):
                if match["name"] in (self.at(outer) or ()):
                    keys = (*outer, match["name"], *index)
                    files = (self._files.get(keys[:length]) for length in range(1, len(keys) + 1))
                    file = next(filter(None, files), None)
                    return self.place(*keys) + (f" ({file})" if file else "")
        return self.place(*(inside[0] if inside else ()))


def _name(keys: Keys) -> str:
    outer = max(i for i, key in enumerate(keys) if isinstance(key, str))
    index = ", ".join(str(key) for key in keys[outer + 1 :])
    return f"`{keys[outer]}[{index}]`" if index else f"`{keys[outer]}`"


def _describe(entry: Any) -> str:
    if isinstance(entry, str):
        return repr(entry[:40])
    if isinstance(entry, dict):
        return "a mapping"
    return "empty" if entry is None else str(entry).lower()
