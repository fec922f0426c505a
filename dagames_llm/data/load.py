"""Questions from a file, from a public data set on the hub or in a folder, or made on the spot."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dagames_llm._errors import DataError
from dagames_llm.data.files import Placed, read_rows
from dagames_llm.data.hub import hub_rows
from dagames_llm.data.orbit import IMAGE_COLUMNS, Orbit, view_key, view_text
from dagames_llm.data.procedural import PREFIX, procedural_orbits
from dagames_llm.data.rows import Asking, UnreadAnswerError, as_orbit
from dagames_llm.data.sets import DataSet, read_as, set_named
from dagames_llm.data.source import Source, source_of
from dagames_llm.extract import Answer, Extractor, choice, first_number, last_number, math_expression

UNREAD = 0.02
"""Share of a public data set's rows that may be left out, as their answer cannot be read."""

_log = logging.getLogger("dagames_llm")


def load_orbits(data: str | Path | Mapping[str, Any], extractor: Extractor, at_least: int = 2) -> list[Orbit]:
    """Read the questions that the key `data` of a recipe names.

    A file holds JSON lines, a JSON array, CSV or Parquet. A row is an object with `orbit` (a list of wordings, which
    are texts or conversations), `messages` (one conversation) or `question`, to which the form that the extractor reads
    is added; and optionally `paraphrases`, `translations`, `options`, `system`, `image`, `images`, `answer`. Rows with
    `Body`, `Question` and `Answer` are read too. Other keys are columns.

    Args:
        data: a path; `gsm8k`, `svamp`, `math_qa`, `trivia_qa`, `nq_open`, `beaver_tails`, `xstest`, an id of the hub,
            or `reasoning_gym:<task>`; or a mapping with the fields of `Source`.
        extractor: reads the gold answer out of the `answer` field, as it reads the model's completions. A list of
            answers is one answer and its aliases.
        at_least: wordings that a `question` without paraphrases is given; one is enough for diversity and safety.

    Returns:
        One orbit a row.

    Raises:
        DataError: the file is missing or empty, the hub cannot be reached, or a row cannot be read; the message names
            file and line.
        RecipeError: a key or a value of a mapping cannot be used.
    """
    source = source_of(data)
    asking = Asking(extractor, source.views, at_least, _fitting(source.reword, extractor), source.system)
    if source.name is not None and source.name.startswith(PREFIX):
        task = source.name.removeprefix(PREFIX)
        return procedural_orbits(task, asking, source.size, source.seed, source.options)
    found = None if source.name is None else set_named(source.name)
    orbits = _checked(_placed_orbits(source, found, asking), found is not None and found.distinct)
    if not orbits:
        raise DataError(f"{source.path or source.name} has no rows.")
    return orbits


def _fitting(rules: tuple[str, ...], extractor: Extractor) -> tuple[str, ...]:
    """Return the rules that cannot change an answer: where it may be a name, names stay."""
    if "names" not in rules or extractor in {first_number, last_number, choice, math_expression}:
        return rules
    _log.warning("the rule `names` is left out: with this extractor an answer may be a name of the question.")
    return tuple(rule for rule in rules if rule != "names")


def _placed_orbits(source: Source, found: DataSet | None, asking: Asking) -> Iterator[tuple[str, Orbit]]:
    unread: list[DataError] = []
    total = 0
    for place, read in _rows(source, found):
        total += 1
        row = read if found is None else read_as(found, place, read)
        row = _renamed(place, row, source.columns) if source.columns else row
        if source.path is not None and isinstance(row, Mapping) and any(row.get(name) for name in IMAGE_COLUMNS):
            row = _with_pictures(place, row, source.path.parent)
        try:
            yield place, as_orbit(place, row, asking)
        except UnreadAnswerError as error:
            # A public set has a few rows whose answer is a mark; a file of the user's own is mended.
            if found is None:
                raise
            unread.append(error)
    if len(unread) > UNREAD * total:
        raise unread[0]
    if unread:
        _log.warning("%d of %d rows are left out, as their answer cannot be read: %s", len(unread), total, unread[0])


def _checked(placed: Iterable[tuple[str, Orbit]], distinct: bool) -> list[Orbit]:
    orbits: list[Orbit] = []
    seen: dict[str, Answer | None] = {}
    for place, orbit in placed:
        key = view_key(orbit.views[0])
        if distinct and key in seen:
            continue
        if seen.setdefault(key, orbit.gold) != orbit.gold:
            raise DataError(
                f"{place}: the same first wording came before with another answer: {view_text(orbit.views[0])!r:.80}."
            )
        orbits.append(orbit)
    return orbits


def _rows(source: Source, found: DataSet | None) -> Iterable[Placed]:
    if source.path is not None and source.path.is_file():
        return read_rows(source.path)
    return hub_rows(source, found)


_OPTIONAL = ("answer", "paraphrases", "translations", "system", *IMAGE_COLUMNS)
"""Columns that a row may lack."""


def _renamed(place: str, row: Any, columns: Mapping[str, str]) -> Any:
    if not isinstance(row, Mapping):
        return row
    missing = [column for name, column in columns.items() if column not in row and name not in _OPTIONAL]
    if missing:
        listed = ", ".join(map(repr, list(row)[:6]))
        raise DataError(f"{place}: no column {missing[0]!r}, which `data.columns` names; it has {listed}.")
    taken = set(columns.values())
    kept = {key: value for key, value in row.items() if key not in taken and key not in columns}
    return {**kept, **{name: row[column] for name, column in columns.items() if column in row}}


def _with_pictures(place: str, row: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a row whose pictures are found from anywhere: a path in a file is relative to the file's folder."""

    def located(picture: Any) -> Any:
        if not isinstance(picture, str):
            return picture
        path = folder / picture
        if not path.is_file():
            raise DataError(f"{place}: no picture {path}.")
        return str(path)

    changed = dict(row)
    for name in IMAGE_COLUMNS:
        value = row.get(name)
        if value is not None:
            changed[name] = [located(one) for one in value] if isinstance(value, list) else located(value)
    return changed
