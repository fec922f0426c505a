"""Questions from a file, from a public data set on the hub or in a folder, or from a generator."""

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
from dagames_llm.data.rows import PromptSettings, UnreadAnswerError, as_orbit
from dagames_llm.data.sets import DataSet, read_as, set_named
from dagames_llm.data.source import Source, source_of
from dagames_llm.extract import Answer, Extractor, choice, first_number, last_number, math_expression

UNREAD = 0.02
"""Maximum share of a public data set's rows that may be omitted because of unreadable answers."""

_log = logging.getLogger("dagames_llm")


def load_orbits(data: str | Path | Mapping[str, Any], extractor: Extractor, at_least: int = 2) -> list[Orbit]:
    """Read the questions of the key `data` of a recipe.

    A file contains JSON lines, a JSON array, CSV or Parquet. A row has one of these keys:

    - `orbit`: a list of wordings, which are texts or conversations;
    - `messages`: one conversation;
    - `question`, or `Body` and `Question`: a text, to which an instruction for the answer format is added.

    Optional keys are `paraphrases`, `translations`, `options`, `system`, `image`, `images`, and `answer` or `Answer`.
    All other keys are columns.

    Args:
        data: a path; `gsm8k`, `svamp`, `math_qa`, `trivia_qa`, `nq_open`, `beaver_tails`, `xstest`, an id of the hub,
            or `reasoning_gym:<task>`; or a mapping with the fields of `Source`.
        extractor: extracts the gold answer from `answer`, as from completions. Of a list of answers, the first is the
            gold answer and the others are aliases.
        at_least: number of wordings of a `question` without paraphrases; diversity and safety need only one.

    Returns:
        One orbit per row.

    Raises:
        DataError: the file is missing or empty, the hub cannot be reached, or a row cannot be read; the message names
            file and line.
        RecipeError: a key or a value of a mapping cannot be used.
    """
    source = source_of(data)
    rules = _safe_rules(source.reword, extractor)
    settings = PromptSettings(extractor, source.views, at_least, rules, source.system)
    if source.name is not None and source.name.startswith(PREFIX):
        task = source.name.removeprefix(PREFIX)
        return procedural_orbits(task, settings, source.size, source.seed, source.options)
    public = None if source.name is None else set_named(source.name)
    orbits = _checked(_placed_orbits(source, public, settings), public is not None and public.distinct)
    if not orbits:
        raise DataError(f"{source.path or source.name} has no rows.")
    return orbits


def _safe_rules(rules: tuple[str, ...], extractor: Extractor) -> tuple[str, ...]:
    """Return the rules that cannot change an answer: `names` is omitted if an answer may be a name."""
    if "names" not in rules or extractor in {first_number, last_number, choice, math_expression}:
        return rules
    _log.warning("the rule `names` is omitted: with this extractor an answer may be a name in the question.")
    return tuple(rule for rule in rules if rule != "names")


def _placed_orbits(source: Source, public: DataSet | None, settings: PromptSettings) -> Iterator[tuple[str, Orbit]]:
    unread: list[DataError] = []
    total = 0
    for place, raw in _rows(source, public):
        total += 1
        row = raw if public is None else read_as(public, place, raw)
        row = _renamed(place, row, source.columns) if source.columns else row
        if source.path is not None and isinstance(row, Mapping) and any(row.get(name) for name in IMAGE_COLUMNS):
            row = _with_pictures(place, row, source.path.parent)
        try:
            yield place, as_orbit(place, row, settings)
        except UnreadAnswerError as error:
            # A few rows of public data sets have no readable answer; a file of the user must be corrected.
            if public is None:
                raise
            unread.append(error)
    if len(unread) > UNREAD * total:
        raise unread[0]
    if unread:
        _log.warning("%d of %d rows are omitted because their answer cannot be read: %s", len(unread), total, unread[0])


def _checked(placed: Iterable[tuple[str, Orbit]], distinct: bool) -> list[Orbit]:
    orbits: list[Orbit] = []
    seen: dict[str, Answer | None] = {}
    for place, orbit in placed:
        key = view_key(orbit.views[0])
        if distinct and key in seen:
            continue
        if seen.setdefault(key, orbit.gold) != orbit.gold:
            raise DataError(
                f"{place}: an earlier row has the same first wording, {view_text(orbit.views[0])!r:.80}, and another "
                "answer; correct one of the answers, or remove one of the rows."
            )
        orbits.append(orbit)
    return orbits


def _rows(source: Source, public: DataSet | None) -> Iterable[Placed]:
    if source.path is not None and source.path.is_file():
        return read_rows(source.path)
    return hub_rows(source, public)


_OPTIONAL = ("answer", "paraphrases", "translations", "system", *IMAGE_COLUMNS)
"""Columns that a row may lack."""


def _renamed(place: str, row: Any, columns: Mapping[str, str]) -> Any:
    if not isinstance(row, Mapping):
        return row
    missing = [column for name, column in columns.items() if column not in row and name not in _OPTIONAL]
    if missing:
        listed = ", ".join(map(repr, list(row)[:6]))
        raise DataError(f"{place}: no column {missing[0]!r}, which `data.columns` names; the row has {listed}.")
    renamed = set(columns.values())
    others = {key: value for key, value in row.items() if key not in renamed and key not in columns}
    return {**others, **{name: row[column] for name, column in columns.items() if column in row}}


def _with_pictures(place: str, row: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a row with paths of pictures that are relative to the working directory, not to the data file."""

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
