"""Whole numbers of users: counts, and labels in every type of integer."""

import operator
from typing import Any

import numpy as np

from dagames._errors import DomainError
from dagames._tolerances import CELLS
from dagames._types import Numbers
from dagames.numerics import arrays

_WIDEST = 2**63


def as_count(value: Any, name: str, least: int = 1) -> int:
    """Validate a count.

    Args:
        value: An integer of Python, of numpy, or of whatever serves as an index.
        name: The argument's name in error messages.
        least: The least that is allowed.

    Returns:
        The count.

    Raises:
        DomainError: If it is no integer (True and 2.0 are none), or too small.

    >>> as_count(np.int64(3), "steps")
    3
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
    """Read indices 0, 1, 2, ...

    Args:
        values: Whole numbers of any type: integers, floats, objects; True and False are 1 and 0.
        name: The argument's name in error messages.

    Returns:
        The indices in a signed integer type of native byte order, at least 0, of any shape; perhaps the user's own.

    Raises:
        DomainError: Naming the first entry that is no index.

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
            raise DomainError(f"{where} is {_told(entry)}; an answer is an index 0, 1, 2, ...{_why(entry)}")
    if array.dtype.kind == "i" and array.dtype.isnative:
        return arrays.Raw(array, rounding, fresh)
    return arrays.Raw(array.astype(np.int64), rounding, True)


def compact(indices: np.ndarray, n_answers: int, *, fresh: bool) -> np.ndarray:
    """Return indices that nobody else can change, in the least type that holds them unless they are read-only.

    Args:
        indices: Indices below `n_answers`, signed.
        n_answers: Number of answers |Z|.
        fresh: Whether nobody else holds the array.

    Returns:
        The array itself where its memory is read-only, else a copy; not writeable.

    >>> compact(np.array([0, 99]), 100, fresh=False).dtype
    dtype('int8')
    """
    least = np.min_scalar_type(-n_answers)
    if not fresh and arrays.is_read_only(indices):
        return arrays.owned(indices, fresh=False)
    return arrays.owned(indices.astype(least, copy=not fresh), fresh=True)


def check_cells(n_prompts: int, n_answers: int, name: str) -> None:
    """Raise if a table over prompts and answers would not fit into memory.

    Args:
        n_prompts: Number of prompts.
        n_answers: Number of answers |Z|.
        name: The argument that the number of answers comes from.

    Raises:
        DomainError: If there are more than `_tolerances.CELLS` cells.
    """
    if n_prompts * n_answers > CELLS:
        raise DomainError(
            f"`{name}` asks for {n_answers} answers to each of {n_prompts} prompts, and {CELLS} in all fit into "
            "memory. Number the answers that occur 0, 1, 2, ..., as by `numpy.unique(E, return_inverse=True)`, or "
            "state the prompts in several games."
        )


def _not_an_index(array: np.ndarray) -> np.ndarray | None:
    if array.dtype.kind == "b":
        return None
    # The usual case without a temporary array.
    if (array.dtype.kind == "i" and array.min() >= 0) or (array.dtype.kind == "u" and int(array.max()) < _WIDEST):
        return None
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            wide = array.astype(np.float64)  # float16 has no number of the size of the limit
        whole = np.isfinite(wide) & (wide == np.floor(wide))
        return np.asarray(~whole | (wide < 0) | (wide >= _WIDEST))
    return np.asarray((array < 0) | (array >= _WIDEST))


def _told(entry: Any) -> str:
    return f"{entry:g}" if isinstance(entry, float | np.floating) else str(entry)


def _why(entry: Any) -> str:
    if entry == -1:
        return " (-1 often stands for a missing label: leave such traces out, or give them an answer of their own)"
    if entry >= _WIDEST:
        return " below 2^63; number the answers that occur, as by `numpy.unique(E, return_inverse=True)`"
    return ""
