"""The key `data` of a recipe, checked before any data are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dagames._choices import did_you_mean
from dagames_llm._errors import DataError, RecipeError
from dagames_llm.data.procedural import PREFIX, SIZE
from dagames_llm.data.sets import SETS, set_named
from dagames_llm.rewording import check_rules


@dataclass(frozen=True)
class Source:
    """The source of questions.

    Attributes:
        name: a public data set, an id on the hub, or `reasoning_gym:<task>`; None for a file of the user.
        path: a file, or a folder with a copy of a hub data set.
        split: part of a data set on the hub or in a folder.
        config: configuration of that data set.
        revision: branch, tag or commit on the hub.
        columns: names of keys, such as `question` -> names of columns of the data.
        views: number of wordings of each question; None for those of the data.
        reword: rules that make wordings.
        system: system message before each question.
        size: number of questions of a procedural task.
        seed: seed of a procedural task.
        options: settings of a procedural task.
    """

    name: str | None = None
    path: Path | None = None
    split: str | None = None
    config: str | None = None
    revision: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    views: int | None = None
    reword: tuple[str, ...] = ()
    system: str | None = None
    size: int = SIZE
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """A short name, without folders."""
        return self.name or (self.path.name if self.path is not None else "")


_TEXTS = ("name", "split", "config", "revision", "system")
_COUNTS = {"views": 1, "size": 1, "seed": 0}
_EXAMPLES = {"columns": "{question: problem}", "options": "{min_terms: 2}"}


def source_of(data: str | Path | Mapping[str, Any]) -> Source:
    """Return the source that `data` names.

    Args:
        data: a path; the name of a public data set, an id on the hub, or `reasoning_gym:<task>`; or a mapping with
            `name` or `path` and other fields of `Source`.

    Returns:
        The source.

    Raises:
        RecipeError: a key or a value cannot be used.
        DataError: there is no such file, nor a data set of that name.

    >>> source_of("gsm8k").name, source_of({"name": "reasoning_gym:gcd", "size": 20}).size
    ('gsm8k', 20)
    """
    if not isinstance(data, Mapping):
        return _of_text(data)
    known = {f.name for f in fields(Source)}
    for key in data:
        if key not in known:
            hint = did_you_mean(key, known)
            raise RecipeError(f"`data` has the unknown key `{key}`; known are {', '.join(sorted(known))}.{hint}")
    values = {key: value for key, value in data.items() if value is not None}
    _check_values(values)
    if "reword" in values:
        values["reword"] = check_rules(values["reword"], "data.reword")
    if "path" in values:
        values["path"] = _existing(Path(str(values["path"])).expanduser())
    if "name" in values and "path" not in values:
        _check_name(values["name"])
    elif "name" in values and set_named(values["name"]) is None:
        raise RecipeError(
            f"`data.name` is {values['name']!r}, but `path` is given too; with a path, `name` must be one of "
            f"{', '.join(SETS)}, or be omitted for another file."
        )
    if "name" not in values and "path" not in values:
        raise RecipeError("`data` is a mapping without `name` and `path`; give one of them.")
    return Source(**values)


def _of_text(data: str | Path) -> Source:
    if not isinstance(data, str | Path) or not str(data).strip():
        raise RecipeError(f"`data` is {data!r:.80}; it must be a path, a name, or a mapping with `name` or `path`.")
    path = Path(data).expanduser()
    if path.exists() and not (isinstance(data, str) and data in SETS and path.is_dir()):
        return Source(path=_existing(path))
    text = str(data)
    if isinstance(data, Path) or path.suffix or path.is_absolute() or text.startswith((".", "~")):
        raise DataError(f"no data file {data}.")
    _check_name(text)
    return Source(name=text)


def _check_name(name: str) -> None:
    if name.startswith(PREFIX) or set_named(name) is not None or (name.count("/") == 1 and all(name.split("/"))):
        return
    raise DataError(
        f"no data file {name}, and no data set of that name; known are {', '.join(SETS)}, {PREFIX}<task>, and ids of "
        f"the hub, owner/name.{did_you_mean(name, SETS)}"
    )


def _existing(path: Path) -> Path:
    if not path.exists():
        raise DataError(f"no data file {path}.")
    if path.is_dir() and not any(path.iterdir()):
        raise DataError(f"no data file {path}: it is an empty folder.")
    return path


def _check_values(values: Mapping[str, Any]) -> None:
    for key in _TEXTS:
        if key in values and (not isinstance(values[key], str) or not values[key].strip()):
            raise RecipeError(f"`data.{key}` is {values[key]!r:.80}; it must be a text that is not empty.")
    for key, least in _COUNTS.items():
        value = values.get(key, least)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise RecipeError(f"`data.{key}` is {value!r:.80}; it must be a whole number, at least {least}.")
    for key in ("columns", "options"):
        value = values.get(key, {})
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise RecipeError(f"`data.{key}` is {value!r:.80}; it must map names to values, as in {_EXAMPLES[key]}.")
    for name, column in values.get("columns", {}).items():
        if not isinstance(column, str):
            raise RecipeError(
                f"`data.columns` maps {name!r} to {column!r:.80}; it must map names of keys to names of your columns, "
                f"as in {_EXAMPLES['columns']}."
            )
