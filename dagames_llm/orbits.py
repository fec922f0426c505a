"""Orbits: rows that hold several prompts of the same meaning, and the assignment of completions to these prompts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagames_llm._errors import DataError
from dagames_llm.counted import counted

if TYPE_CHECKING:
    from datasets import Dataset


def view_of_slot(slot: int, n_views: int, group_size: int, turn: int = 0) -> int:
    """Return the view (prompt of an orbit) that a slot of a group answers.

    Every view has `group_size // n_views` slots, and `group_size % n_views` of the views one more. The views with one
    more rotate with `turn`, so that over `n_views` turns all views have equally many. Slots of one view are adjacent.

    Args:
        slot: Place in the group, 0 to `group_size` - 1.
        n_views: Number of views of the orbit.
        group_size: Number of completions of the whole orbit, TRL's `num_generations`.
        turn: Number of times the orbit was sampled before, plus any offset.

    Returns:
        An index into the orbit's views.

    >>> [view_of_slot(slot, 3, 8) for slot in range(8)]
    [0, 0, 0, 1, 1, 1, 2, 2]
    >>> [view_of_slot(slot, 3, 8, turn=1) for slot in range(8)]
    [2, 2, 2, 0, 0, 0, 1, 1]
    """
    extra = group_size % n_views
    first = turn * extra % n_views
    # Without rotation the views with one more slot come first; the rotation moves them to `first`.
    larger, share = extra * (group_size // n_views + 1), group_size // n_views
    place = slot // (share + 1) if slot < larger else extra + (slot - larger) // share
    return (place + first) % n_views


def rows_of_views(
    rows: Sequence[Mapping[str, Any]], first_place: int, group_size: int, epoch: int
) -> list[dict[str, Any]]:
    """Return the rows of a generation, with the view of each row's slot as its `prompt`."""
    check_names(rows[0] if rows else ())
    if not any(row.get("orbit") is not None for row in rows):
        return [{key: value for key, value in row.items() if key != "orbit"} for row in rows]
    shown = []
    for place, row in enumerate(rows, first_place):
        if row.get("orbit") is None and row.get("prompt") is None:
            raise DataError("a row has neither `orbit` nor `prompt`; it must have one of them.")
        views = [row["prompt"]] if row.get("orbit") is None else check_views(row["orbit"], "a row's `orbit`")
        view = view_of_slot(place % group_size, len(views), group_size, epoch + turn_of(views))
        shown.append({**row, "prompt": views[view], "orbit": views, "view": view})
    if len({isinstance(row["prompt"], str) for row in shown}) > 1:
        raise DataError("some rows of a generation hold texts and some conversations; use one form for all prompts.")
    return shown


def check_names(columns: Iterable[str]) -> None:
    """Raise a DataError for a column of the data set whose name is reserved."""
    for name, meaning in {
        "view": "the place of the view that a completion answers",
        "prompts": "an argument of every reward function",
        "completions": "an argument of every reward function",
    }.items():
        if name in columns:
            raise DataError(f"the data set has a column `{name}`, which is the name of {meaning}; rename the column.")


def turn_of(views: Sequence[Any]) -> int:
    """Return an orbit's first turn: a hash of its views, the same on every process and in every run."""
    written = json.dumps(views, default=str).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(written, digest_size=4).digest(), "big")


def check_views(views: Any, place: str) -> list[Any]:
    """Return an orbit, or raise unless it is a list of prompts."""
    if isinstance(views, str):
        raise DataError(
            f"{place} is one text, {views[:60]!r}; it must be a list of prompts, one per view. `prompts_to_orbits` "
            "makes such lists from rows with one prompt each."
        )
    if not isinstance(views, list | tuple) or not views:
        raise DataError(f"{place} is {views!r:.80}; it must be a list of at least one prompt.")
    for i, view in enumerate(views):
        if not isinstance(view, str) and not _is_conversation(view):
            raise DataError(f"{place}, view {i}, is {view!r:.80}; a view must be a text or a list of messages.")
    if len({isinstance(view, str) for view in views}) > 1:
        raise DataError(f"{place} mixes texts and conversations; use one form for all views.")
    return list(views)


def check_orbits(orbits: Iterable[Any]) -> int:
    """Return the largest number of views; raise unless each row's orbit is a list of prompts or missing."""
    return max(
        (1 if o is None else len(check_views(o, f"`orbit` of row {i}")) for i, o in enumerate(orbits)), default=0
    )


def _is_conversation(view: Any) -> bool:
    return isinstance(view, list) and bool(view) and all(isinstance(m, Mapping) and "role" in m for m in view)


def prompts_to_orbits(dataset: Dataset, by: str = "orbit_id") -> Dataset:
    """Group rows of one prompt each into rows of one orbit each, for `OrbitGRPOTrainer` and `OrbitRLOOTrainer`.

    Args:
        dataset: Rows with `prompt` and the column `by`, which is equal for the prompts of one orbit. Rows of one orbit
            need not be adjacent; they keep their order.
        by: Name of the column that identifies the orbit.

    Returns:
        One row per orbit, in order of first appearance: `prompt`, the first view; `orbit`, all views; `by`; and every
        other column, which must be constant within an orbit.

    Raises:
        DataError: If `dataset` is not a Dataset, a column or a value of `by` is missing, or another column differs
            within an orbit.

    >>> from datasets import Dataset
    >>> rows = Dataset.from_list([
    ...     {"prompt": "1 + 2 =", "pair": 0}, {"prompt": "3 + 4 =", "pair": 1}, {"prompt": "2 + 1 =", "pair": 0}
    ... ])
    >>> prompts_to_orbits(rows, by="pair")[0]
    {'prompt': '1 + 2 =', 'orbit': ['1 + 2 =', '2 + 1 ='], 'pair': 0}
    """
    from datasets import Dataset

    names = getattr(dataset, "column_names", None)
    if not isinstance(dataset, Dataset) or names is None:
        raise DataError(f"`dataset` is {_described(dataset)}; it must be a datasets.Dataset. {_as_dataset(dataset)}")
    for name in ("prompt", by):
        if name not in names:
            raise DataError(f"`dataset` has no column {name!r}; it has {', '.join(names)}.")
    if "orbit" in names and by != "orbit":
        raise DataError("`dataset` has a column `orbit` already; remove or rename it.")
    orbits: dict[Hashable, dict[str, Any]] = {}
    # Plain values, because tensors can neither be keys nor be compared.
    for i, row in enumerate(dataset.with_format(None)):
        check_views([row["prompt"]], f"row {i}")
        key = row[by]
        if not isinstance(key, str | int):
            raise DataError(f"row {i}: `{by}` is {key!r:.80}; it must be an integer or a text.")
        orbit = orbits.setdefault(key, {"prompt": row["prompt"], "orbit": [], **_others(row)})
        orbit["orbit"].append(row["prompt"])
        differing = [name for name, value in _others(row).items() if not _same(orbit[name], value)]
        if differing:
            raise DataError(
                f"row {i}: `{differing[0]}` is {row[differing[0]]!r:.80}, but {orbit[differing[0]]!r:.80} in the first "
                f"row with `{by}` {key!r:.80}. A column must be constant within an orbit: remove the column, or "
                "correct it."
            )
    return Dataset.from_list(list(orbits.values()))


def _described(dataset: Any) -> str:
    if not isinstance(dataset, list | tuple):
        return f"of type {type(dataset).__name__}"
    kinds = ", ".join(sorted({type(row).__name__ for row in dataset}))
    return f"a {type(dataset).__name__} of {counted(len(dataset), 'item')}{f' ({kinds})' * bool(kinds)}"


def _as_dataset(dataset: Any) -> str:
    """Return the remedy for an argument that is not a Dataset."""
    if isinstance(dataset, list | tuple) and dataset and all(isinstance(row, Mapping) for row in dataset):
        return "Pass `Dataset.from_list(rows)`."
    if isinstance(dataset, list | tuple):
        return 'Pass `Dataset.from_list(rows)`, with rows such as {"prompt": "1 + 2 =", "orbit_id": 0}.'
    if isinstance(dataset, Mapping):
        return "Pass one split, such as `dataset['train']`, or `Dataset.from_dict(columns)`."
    return (
        "Rows of one orbit can be anywhere, so that a stream cannot be grouped: load all rows, or stream rows that "
        "have `orbit` already."
    )


def _same(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))  # a missing number is NaN


def _others(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"prompt", "orbit"}}
