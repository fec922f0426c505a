"""What a file states, entry by entry: numbers inline or in files beside it, and errors that name the place."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from dagames._errors import DagamesError, DomainError, did_you_mean
from dagames.cli.array_files import names_array, read_array
from dagames.cli.yaml_files import Document

Keys: TypeAlias = tuple[str | int, ...]

_ARGUMENT = re.compile(r"`(?P<name>\w+)(?P<index>(?:\[[\d, ]+\])*)`")


class Stated:
    """The entries of a document.

    Attributes:
        document: The document.
    """

    def __init__(self, document: Document) -> None:
        """Take the document."""
        self.document = document
        self._files: dict[Keys, str] = {}

    def at(self, keys: Keys) -> Any:
        """Return the entry that the keys lead to, as it is written."""
        entry = self.document.content
        for key in keys:
            entry = entry[key]
        return entry

    def check_keys(self, keys: Keys, known: Collection[str]) -> None:
        """Raise if a mapping has a key that is not known.

        Args:
            keys: Where the mapping is.
            known: The keys that it may have.

        Raises:
            DomainError: Naming the first such key, its place and the known key nearest to it.
        """
        for key in self.at(keys):
            if key not in known:
                place = self.document.place(*keys, key)
                raise DomainError(
                    f"{place}: unknown: {key}.{did_you_mean(key, known)} The keys are {', '.join(known)}."
                )

    def scalar(self, key: str) -> Any:
        """Return a number of the outermost mapping, or None; what is a text is left to the game to refuse.

        Args:
            key: Its key.

        Returns:
            The entry.

        Raises:
            DomainError: If it is true or false, which Python takes for 1 and 0.
        """
        entry = self.document.content.get(key)
        if isinstance(entry, bool):
            raise DomainError(f"{self.document.place(key)}: `{key}` must be a number, not {str(entry).lower()}.")
        return entry

    def numbers(self, keys: Keys, *, only: bool = True) -> Any:
        """Return numbers that are written out, or that stand in a file.

        Args:
            keys: Where they are.
            only: Whether a text that names no file is refused, and not left to whom it is meant for.

        Returns:
            A number, an array, or a list of any of these.

        Raises:
            DomainError: If there is something else, or a file cannot be read.
        """
        entry = self.at(keys)
        if isinstance(entry, str) and names_array(entry):
            self._files[keys] = entry
            try:
                return read_array(entry, self.document.path.parent)
            except DagamesError as error:
                raise type(error)(f"{self.document.place(*keys)}: {_name(keys)}: {error}") from None
        if isinstance(entry, list):
            return self._list(entry, keys)
        if type(entry) in {int, float} or (isinstance(entry, str) and not only):
            return entry
        raise DomainError(
            f"{self.document.place(*keys)}: {_name(keys)} is {_written(entry)}, which is neither a number, nor a list "
            "of numbers, nor the name of an .npy, .npz or .csv file."
        )

    def _list(self, entry: list[Any], keys: Keys) -> Any:
        if set(map(type, entry)) <= {int, float}:
            return entry
        return [self.numbers((*keys, i)) for i in range(len(entry))]

    @contextmanager
    def placed(self, *inside: Keys) -> Iterator[None]:
        """Give errors about an argument the place where the file states it.

        Args:
            inside: Where arguments may stand, besides the outermost mapping.

        Yields:
            Nothing; do inside what may fail.

        Raises:
            DagamesError: The same error, of the same class, with its place.
        """
        try:
            yield
        except DagamesError as error:
            raise type(error)(f"{self._place(str(error), inside)}: {error}") from None

    def _place(self, message: str, inside: tuple[Keys, ...]) -> str:
        if found := _ARGUMENT.search(message):
            index = tuple(int(i) for i in re.findall(r"\d+", found["index"]))
            for outer in (*inside, ()):
                if found["name"] in (self.at(outer) or ()):
                    return self._place_and_file((*outer, found["name"], *index))
        return self.document.place(*(inside[0] if inside else ()))

    def _place_and_file(self, keys: Keys) -> str:
        for length in range(1, len(keys) + 1):
            if keys[:length] in self._files:
                return f"{self.document.place(*keys)} ({self._files[keys[:length]]})"
        return self.document.place(*keys)


def _name(keys: Keys) -> str:
    outer = max(i for i, key in enumerate(keys) if isinstance(key, str))
    index = ", ".join(str(key) for key in keys[outer + 1 :])
    return f"`{keys[outer]}[{index}]`" if index else f"`{keys[outer]}`"


def _written(entry: Any) -> str:
    if isinstance(entry, str):
        return repr(entry[:40])
    if isinstance(entry, dict):
        return "a mapping"
    return "empty" if entry is None else str(entry).lower()
