"""Conversion of users' arrays to float64.

Accepted: lists, tuples, numpy arrays of every real type, byte order and stride, memory maps, objects with `__array__`,
tensors with `detach` and `numpy` such as torch's; integers, fractions and decimals of Python. True and False are 1
and 0. Refused: masked entries, complex numbers, text, dates, missing values.
"""

from collections.abc import Callable
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from dagames._errors import DomainError, ShapeError
from dagames._tolerances import Rounding
from dagames._types import Numbers

_EXACT = Rounding(0.0, 0.0)
_HALVES = {"bfloat16": Rounding(2.0**-7, 2.0**-133)}
"""Floating-point types of torch and ml_dtypes that numpy does not have."""

_KINDS = {"c": "complex numbers", "U": "text", "S": "text", "T": "text", "M": "dates", "m": "durations"}
_REMEDIES = {
    "c": "Take `.real`, if the imaginary parts are 0.",
    "U": "Convert them, as by `numpy.asarray(values, float)`; number labels by `numpy.unique(E, return_inverse=True)`.",
    "O": "Every entry must be one real number, and none may be missing.",
}
_FAILURES = (TypeError, RuntimeError, OverflowError, NotImplementedError, AttributeError, BufferError)


class Raw(NamedTuple):
    """An array in the type in which the user passed it.

    Attributes:
        array: Booleans, integers, floats of any width, or Python integers too large for numpy's types.
        rounding: Precision of the type in which the numbers were passed.
        fresh: Whether the array is a new one, to which the user has no reference.
    """

    array: np.ndarray
    rounding: Rounding
    fresh: bool


def read(values: Numbers, name: str) -> Raw:
    """Return a user's array in the type in which it was passed, of any shape.

    Raises:
        DomainError: If an entry is masked, missing, or not a real number.
        ShapeError: If rows differ in length.

    >>> read([True, 2], "E").array
    array([1, 2])
    """
    coarse: list[Rounding] = []
    opened = _opened(values, name, coarse.append)
    try:
        array = np.asarray(opened)
    except ValueError:
        raise ShapeError(f"`{name}` is not a rectangular array of numbers.") from None
    except _FAILURES as error:
        raise DomainError(f"`{name}` cannot be read as an array: {error}") from None
    fresh = isinstance(values, list | tuple | int | float)
    if array.dtype.name in _HALVES:
        coarse.append(_HALVES[array.dtype.name])
        array, fresh = array.astype(np.float32), True
    if array.dtype.kind == "O":
        array, fresh = _from_objects(array, values, name), True
    if array.dtype.kind not in "biufO" and array.ndim == 0:
        raise DomainError(f"`{name}` must be real numbers, not {short(array.item())}.")
    if array.dtype.kind not in "biufO":
        raise DomainError(
            f"`{name}` must be real numbers, not {_KINDS.get(array.dtype.kind, 'records')} (type {array.dtype}). "
            f"{_REMEDIES.get(array.dtype.kind, _REMEDIES['U'])}"
        )
    return Raw(array, max([_rounding(array.dtype), *coarse]), fresh)


def read_real(values: Numbers, name: str, *, scalar: bool = False) -> Raw:
    """Return a user's array in native float64, possibly the user's own array; a single number only if `scalar`.

    Raises:
        ShapeError: If rows differ in length, if there is no entry, or if a number is passed without `scalar`.
    """
    array, rounding, fresh = read(values, name)
    if array.size == 0 or (array.ndim == 0 and not scalar):
        raise ShapeError(f"`{name}` has shape {array.shape}; at least one entry along the last axis is needed.")
    if array.dtype == np.float64 and array.dtype.isnative:
        return Raw(array, rounding, fresh)
    with np.errstate(over="ignore"):
        return Raw(array.astype(np.float64), rounding, True)


def read_labels(values: Numbers, name: str) -> np.ndarray:
    """Return an array of labels as text, by which they are compared.

    Raises:
        DomainError: If a label is masked or missing (None, NaN).
        ShapeError: If rows differ in length, or a single label is passed.
    """
    roundings: list[Rounding] = []
    try:
        array = np.asarray(_opened(values, name, roundings.append))
    except ValueError:
        raise ShapeError(f"`{name}` is not a rectangular array of labels.") from None
    except _FAILURES as error:
        raise DomainError(f"`{name}` cannot be read as an array: {error}") from None
    if array.ndim == 0:
        raise ShapeError(f"`{name}` must be a list of labels, not {short(values)}.")
    for place, entry in np.ndenumerate(array):
        if entry is None or not isinstance(entry == entry, bool | np.bool_) or entry != entry:
            raise DomainError(f"`{name}[{', '.join(map(str, place))}]` is missing ({short(entry)}); give it a label.")
    return array.astype(str)


def owned(array: np.ndarray, *, fresh: bool) -> np.ndarray:
    """Return a read-only array to which the user has no writeable reference.

    It is the array itself if it is `fresh` (new) or of read-only memory, else a copy.

    >>> mine = np.array([0.5, 0.5])
    >>> owned(mine, fresh=False) is mine
    False
    >>> mine.flags.writeable = False
    >>> owned(mine, fresh=False) is mine
    True
    """
    if not fresh and not is_read_only(array):
        array = array.copy()
    array.flags.writeable = False
    return array


def as_number(value: Any, name: str, required: str) -> float:
    """Return one real number, also from an array without axes; raise if it is a bool, text or not a number."""
    if type(value) in {int, float}:
        return _as_float(value, name)
    try:
        array = read(value, name).array
    except (DomainError, ShapeError):
        array = np.empty(0)
    if array.ndim or array.dtype.kind == "b":
        raise DomainError(f"`{name}` must be {required}, not {short(value)}.")
    return _as_float(array.item(), name)


def _opened(values: Any, name: str, note: Callable[[Rounding], None]) -> Any:
    """Convert tensors to arrays, also inside lists, and refuse masked entries; return other values unchanged."""
    if isinstance(values, np.ma.MaskedArray):
        return _unmasked(values, name)
    if isinstance(values, list | tuple):
        if set(map(type, values)) <= {int, float}:
            return values
        return [_opened(value, name, note) for value in values]
    if callable(getattr(values, "detach", None)):
        return _from_tensor(values, name, note)
    return values


def _unmasked(values: Any, name: str) -> np.ndarray:
    mask = np.ma.getmaskarray(values)
    if mask.any():
        raise DomainError(
            f"`{name}` has {int(mask.sum())} masked of {mask.size} entries. Leave out their traces or answers, "
            "or fill them, as by `.filled(0)`."
        )
    return np.asarray(values.data)


def _from_tensor(values: Any, name: str, note: Callable[[Rounding], None]) -> np.ndarray:
    try:
        tensor = values.detach().cpu()
        kind = str(tensor.dtype).rpartition(".")[2]
        if kind in _HALVES:
            note(_HALVES[kind])
            tensor = tensor.float()
        return np.asarray(tensor.numpy())
    except (ValueError, *_FAILURES) as error:
        raise DomainError(f"`{name}` cannot be read as an array: {' '.join(str(error).split())[:200]}") from None


def _from_objects(array: np.ndarray, values: Any, name: str) -> np.ndarray:
    """Convert an array of Python numbers to int64 if all are integers that fit, to float64 if some are not integers."""
    if array.ndim == 0 and not isinstance(array.item(), Real | Decimal):
        raise DomainError(
            f"`{name}` must be real numbers, not {type(values).__name__}. Pass an array or a list; "
            "convert a sparse array by `.toarray()`."
        )
    flat = array.reshape(-1)
    for i, entry in enumerate(flat):
        if not isinstance(entry, Real | Decimal | np.bool_):
            place = ", ".join(map(str, np.unravel_index(i, array.shape)))
            raise DomainError(
                f"`{name}[{place}]` must be a real number, not {short(entry)}. "
                f"{_REMEDIES['U' if isinstance(entry, str) else 'O']}"
            )
    as_type: Callable[[Any], Any] = float
    if all(isinstance(entry, Integral) for entry in flat):
        if all(-(2**63) <= int(entry) < 2**63 for entry in flat):
            return np.array([int(entry) for entry in flat], dtype=np.int64).reshape(array.shape)
        as_type = int
    converted = [_as_float(entry, name) if as_type is float else int(entry) for entry in flat]
    return np.array(converted, dtype=object if as_type is int else np.float64).reshape(array.shape)


def _as_float(value: Any, name: str) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):
        raise DomainError(f"`{name}` has the value {short(value)}, which is outside the range of float64.") from None


def short(value: Any) -> str:
    """Return the repr of a value for error messages, at most 80 characters long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def _rounding(dtype: np.dtype[Any]) -> Rounding:
    if dtype.kind != "f":
        return _EXACT
    info = np.finfo(dtype)
    return Rounding(float(info.eps), float(info.smallest_subnormal))


def is_read_only(array: np.ndarray) -> bool:
    """Return whether an array and all arrays that it is a view of are read-only.

    The chain of bases must end at an array that owns its memory, a file that is mapped for reading, or bytes. Writeable
    views that were made before the owner became read-only are not detected.
    """
    owner: Any = array
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return False
        if owner.flags.owndata:
            return True
        if isinstance(owner, np.memmap) and owner.mode == "r":
            return True
        owner = owner.base
    return isinstance(owner, bytes)
