"""Validation of the fields of an `AnswerGroup`."""

from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError, ShapeError
from dagames._tolerances import DISTANCE
from dagames._types import Numbers
from dagames.numerics.arrays import read, read_real, short
from dagames.simplex import check_finite

_ORDINARY = {str, int, bool, type(None)}
"""Types whose values are hashable and equal to themselves."""


def as_answers(answers: Any) -> tuple[Hashable, ...]:
    """Validate the answers of a group, hashable values or None, [K]; tensors are converted to numbers."""
    entries = _as_tuple(answers, "answers", "answers")
    if not entries:
        raise ShapeError("`answers` is empty; a group has at least one trace.")
    if _ORDINARY.issuperset(map(type, entries)):
        return entries
    entries = tuple(map(_plain, entries))
    for place, answer in enumerate(entries):
        _check_answer(answer, f"answers[{place}]")
    return entries


def as_gold(gold: Any) -> Hashable:
    """Validate the reference answer: hashable and equal to itself, or None."""
    gold = _plain(gold)
    _check_answer(gold, "gold")
    return gold  # type: ignore[no-any-return]


def as_view_numbers(views: Any, K: int) -> tuple[int, ...]:
    """Validate the views, one integer per trace."""
    entries = _as_tuple(views, "views", "view numbers")
    _check_length(entries, "views", K)
    if set(map(type, entries)) == {int}:
        return entries
    array = read(list(entries), "views").array
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DomainError(f"`views` must be integers, one per trace, not {short(list(entries))}.")
    return tuple(array.tolist())


def as_texts(texts: Any, K: int) -> tuple[str, ...]:
    """Validate the texts, one str per trace."""
    entries = _as_tuple(texts, "texts", "texts")
    _check_length(entries, "texts", K)
    for place, text in enumerate(entries):
        if not isinstance(text, str):
            raise DomainError(f"`texts[{place}]` must be a str, not {short(text)}. Decode the completion first.")
    return entries


def as_costs(costs: Any, K: int) -> Mapping[str, NDArray[np.float64]]:
    """Validate costs, one finite number per trace by name, [K] each; return read-only float64 arrays."""
    if not isinstance(costs, Mapping):
        raise DomainError(f"`costs` must map names to one number per trace, not {type(costs).__name__}.")
    arrays_by_name = {}
    for name, values in costs.items():
        if not isinstance(name, str):
            raise DomainError(f"`costs` has the name {short(name)}; names of costs must be str.")
        raw = read_real(values, f"costs[{name!r}]")
        array = raw.array if raw.fresh else raw.array.copy()
        if array.shape != (K,):
            raise ShapeError(f"`costs[{name!r}]` has shape {array.shape}; it must have one number per trace, ({K},).")
        check_finite(array, f"costs[{name!r}]")
        array.flags.writeable = False
        arrays_by_name[name] = array
    return MappingProxyType(arrays_by_name)


def as_distances(distances: Numbers, K: int, name: str = "distances") -> NDArray[np.float64]:
    """Validate distances, [K, K], in [0, 1], symmetric and 0 on the diagonal, and remove rounding errors.

    Each condition may be violated by `_tolerances.DISTANCE` and 4 eps of the type of `distances`.

    Returns:
        A read-only array that satisfies the conditions exactly.

    Raises:
        ShapeError: If the shape is not (K, K).
        DomainError: If an entry violates a condition by more.
    """
    array, rounding, _ = read_real(distances, name)
    if array.shape != (K, K):
        raise ShapeError(f"`{name}` has shape {array.shape}; it must have one distance per pair of traces, {(K, K)}.")
    check_finite(array, name)
    slack = DISTANCE + 4 * rounding.eps
    _check_none((array < -slack) | (array > 1 + slack), array, name, "which is outside [0, 1]", _RESCALE)
    diagonal = np.abs(np.diagonal(array))
    if diagonal.max() > slack:
        place = int((diagonal > slack).argmax())
        raise DomainError(
            f"`{name}[{place}, {place}]` is {array[place, place]:.6g}, not 0, the distance of a trace to itself. If "
            "these are similarities, pass 1 minus them."
        )
    transposed = array.T
    _check_none(np.abs(array - transposed) > slack, array, name, "which differs from the transposed entry", _SYMMETRISE)
    clean: NDArray[np.float64] = np.clip(0.5 * (array + transposed), 0.0, 1.0)
    np.fill_diagonal(clean, 0.0)
    clean.flags.writeable = False
    return clean


_RESCALE = "Divide distances by their largest possible value; for cosines, pass (1 - cosine) / 2 or clip 1 - cosine."
_SYMMETRISE = "Average the two directions first: `0.5 * (d + d.T)`."


def _check_none(bad: NDArray[np.bool_], array: NDArray[np.float64], name: str, what: str, remedy: str) -> None:
    if bad.any():
        i, j = (int(k) for k in np.argwhere(bad)[0])
        raise DomainError(f"`{name}[{i}, {j}]` is {array[i, j]:.6g}, {what}. {remedy}")


def _as_tuple(values: Any, name: str, what: str) -> tuple[Any, ...]:
    wrong = isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable)
    if wrong or getattr(values, "ndim", 1) == 0:
        raise ShapeError(f"`{name}` must be a list of {what}, one per trace, not {type(values).__name__}.")
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        raise DomainError(f"`{name}` has masked entries; use None for an answer that could not be read.")
    return tuple(values)


def _check_length(entries: tuple[Any, ...], name: str, K: int) -> None:
    if len(entries) != K:
        raise ShapeError(f"`{name}` has {len(entries)} entries for {K} answers.")


def _check_answer(answer: object, place: str) -> None:
    if not _is_answer(answer):
        raise DomainError(
            f"`{place}` is {short(answer)}, which is not equal to itself or not hashable. Pass its canonical text, or "
            "None if no answer could be read."
        )


def _plain(value: Any) -> Any:
    """Convert a tensor, whose hash is its identity, to numbers; return other values unchanged."""
    return value.detach().tolist() if callable(getattr(value, "detach", None)) else value


def _is_answer(answer: object) -> bool:
    try:
        hash(answer)
        return bool(answer == answer)
    except (TypeError, ValueError, RuntimeError):
        return False
