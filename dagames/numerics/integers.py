"""Validation of users' integers: counts and answer indices."""

import operator
from typing import Any

import numpy as np

from dagames._errors import DomainError
from dagames._tolerances import CELLS
from dagames._types import Numbers
from dagames.numerics import arrays

_WIDEST = 2**63


def as_count(value: Any, name: str, least: int = 1) -> int:
    """Return an integer of Python or numpy that is at least `least`.

    Raises:
        DomainError: If it is not an integer (True and 2.0 are not), or too small.
    """
    message = f"`{name}` must be an integer of at least {least}, not {arrays.short(value)}."
    if isinstance(value, bool | np.bool_):
        raise DomainError(message)
    try:
        count = operator.index(value)
    except TypeError:
        raise DomainError(message) from None
    if count < least:
        raise DomainError(message)
    return count


def as_indices(values: Numbers, name: str) -> arrays.Raw:
    """Return indices 0, 1, 2, ... in a signed integer type of native byte order, possibly the user's own array.

    Integers, floats and objects without a fractional part are accepted; True and False are 1 and 0.

    Raises:
        DomainError: Naming the first entry that is not an index.

    >>> as_indices(np.array([0.0, 2.0]), "E").array
    array([0, 2])
    """
    array, rounding, fresh = arrays.read(values, name)
    if array.size:
        bad = _not_an_index(array)
        if bad is not None and bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            where = f"`{name}[{', '.join(map(str, place))}]`" if place else f"`{name}`"
            entry = array[place]
            raise DomainError(f"{where} is {_text(entry)}; an answer is an index 0, 1, 2, ...{_hint(entry)}")
    if array.dtype.kind == "i" and array.dtype.isnative:
        return arrays.Raw(array, rounding, fresh)
    return arrays.Raw(array.astype(np.int64), rounding, True)


def compact(indices: np.ndarray, n_answers: int, *, fresh: bool) -> np.ndarray:
    """Return a read-only array of indices below `n_answers`, in the smallest integer type that holds them.

    An array of read-only memory is returned itself.

    >>> compact(np.array([0, 99]), 100, fresh=False).dtype
    dtype('int8')
    """
    least = np.min_scalar_type(-n_answers)
    if not fresh and arrays.is_read_only(indices):
        return arrays.owned(indices, fresh=False)
    return arrays.owned(indices.astype(least, copy=not fresh), fresh=True)


def check_cells(n_prompts: int, n_answers: int, name: str) -> None:
    """Raise if a table over prompts and answers has more than `_tolerances.CELLS` entries, naming the argument."""
    if n_prompts * n_answers > CELLS:
        raise DomainError(
            f"`{name}` gives a table of {n_prompts} prompts times {n_answers} answers; at most {CELLS} entries fit "
            "into memory. Number the answers that occur 0, 1, 2, ..., as by `numpy.unique(E, return_inverse=True)`, or "
            "split the prompts into several games."
        )


def _not_an_index(array: np.ndarray) -> np.ndarray | None:
    if array.dtype.kind == "b":
        return None
    # The usual case, without a temporary array.
    if (array.dtype.kind == "i" and array.min() >= 0) or (array.dtype.kind == "u" and int(array.max()) < _WIDEST):
        return None
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            wide = array.astype(np.float64)  # the limit is outside the range of float16
        whole = np.isfinite(wide) & (wide == np.floor(wide))
        return np.asarray(~whole | (wide < 0) | (wide >= _WIDEST))
    return np.asarray((array < 0) | (array >= _WIDEST))


def _text(entry: Any) -> str:
    return f"{entry:g}" if isinstance(entry, float | np.floating) else str(entry)


def _hint(entry: Any) -> str:
    if entry == -1:
        return " (-1 often stands for a missing label: leave such traces out, or give them an answer of their own)"
    if entry >= _WIDEST:
        return " below 2^63; number the answers that occur, as by `numpy.unique(E, return_inverse=True)`"
    return ""
