"""Arrays as users hold them, read as the float64 arrays of the core: the one place where that happens.

What is read: lists, tuples, numpy arrays of every real type, byte order and stride, memory maps, and whatever turns
itself into an array by `__array__` or, like torch's tensors, by `detach` and `numpy`; Python's integers, fractions and
decimals. True and False are 1 and 0. What is refused: masked entries, complex numbers, text, dates, missing values.
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
"""Types that numpy does not know, which torch and ml_dtypes bring."""

_KINDS = {"c": "complex numbers", "U": "text", "S": "text", "T": "text", "M": "dates", "m": "durations"}
_REMEDIES = {
    "c": "Take `.real`, if the imaginary parts are 0.",
    "U": "Convert them, as by `numpy.asarray(values, float)`; number labels by `numpy.unique(E, return_inverse=True)`.",
    "O": "Every entry must be one real number, and none may be missing.",
}
_FAILURES = (TypeError, RuntimeError, OverflowError, NotImplementedError, AttributeError, BufferError)


class Raw(NamedTuple):
    """An array as it came.

    Attributes:
        array: Booleans, integers, floats of any width, or Python integers that no type of numpy holds.
        rounding: How coarse the type is in which the numbers came.
        fresh: Whether nobody else holds the array.
    """

    array: np.ndarray
    rounding: Rounding
    fresh: bool


def read(values: Numbers, name: str) -> Raw:
    """Read an array, in the type in which it came.

    Args:
        values: Real numbers, in any form that the module names.
        name: The argument's name in error messages.

    Returns:
        The array, of any shape.

    Raises:
        DomainError: If an entry is masked, missing, or no real number.
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
    """Read an array as float64.

    Args:
        values: Real numbers, in any form that the module names.
        name: The argument's name in error messages.
        scalar: Whether a single number will do.

    Returns:
        The array in float64, of native byte order; it may be the user's own.

    Raises:
        ShapeError: If rows differ in length, if there is no entry, or one number where several are needed.
    """
    array, rounding, fresh = read(values, name)
    if array.size == 0 or (array.ndim == 0 and not scalar):
        raise ShapeError(f"`{name}` has shape {array.shape}; at least one entry along the last axis is needed.")
    if array.dtype == np.float64 and array.dtype.isnative:
        return Raw(array, rounding, fresh)
    with np.errstate(over="ignore"):
        return Raw(array.astype(np.float64), rounding, True)


def read_labels(values: Numbers, name: str) -> np.ndarray:
    """Read labels that are compared by their text.

    Args:
        values: Text, numbers, or whatever else has a text.
        name: The argument's name in error messages.

    Returns:
        The texts, of any shape.

    Raises:
        DomainError: If a label is masked or missing (None, NaN).
        ShapeError: If rows differ in length.

    >>> read_labels(["a", "b"], "groups").tolist()
    ['a', 'b']
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
    """Return an array that nobody else can change.

    Args:
        array: An array.
        fresh: Whether nobody else holds it.

    Returns:
        The array itself where it is fresh or of memory that is read-only, else a copy; not writeable.

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


def as_number(value: Any, name: str, wanted: str) -> float:
    """Read one real number.

    Args:
        value: The number: of Python, of numpy, or an array or tensor without axes.
        name: The argument's name in error messages.
        wanted: What it must be, in error messages.

    Returns:
        The number as a float.

    Raises:
        DomainError: If it is something else; also if it is true, false or text.
    """
    if type(value) in {int, float}:
        return _as_float(value, name)
    try:
        array = read(value, name).array
    except (DomainError, ShapeError):
        array = np.empty(0)
    if array.ndim or array.dtype.kind == "b":
        raise DomainError(f"`{name}` must be {wanted}, not {short(value)}.")
    return _as_float(array.item(), name)


def _opened(values: Any, name: str, note: Callable[[Rounding], None]) -> Any:
    """Turn what numpy misreads into arrays: tensors, and lists that hold them; refuse masks, also inside lists."""
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
            f"`{name}` has {int(mask.sum())} masked of {mask.size} entries, which stand for no number. Leave their "
            "traces or answers out, or fill them, as by `.filled(0)`."
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
    """Convert objects that are numbers: all integers to int64 if they fit, and else as they are; others to float64."""
    if array.ndim == 0 and not isinstance(array.item(), Real | Decimal):
        raise DomainError(
            f"`{name}` must be real numbers, not {type(values).__name__}. Pass an array or a list; "
            "of a sparse array, `.toarray()`."
        )
    flat = array.reshape(-1)
    for i, entry in enumerate(flat):
        if not isinstance(entry, Real | Decimal | np.bool_):
            place = ", ".join(map(str, np.unravel_index(i, array.shape)))
            raise DomainError(
                f"`{name}[{place}]` must be a real number, not {short(entry)}. "
                f"{_REMEDIES['U' if isinstance(entry, str) else 'O']}"
            )
    convert: Callable[[Any], Any] = float
    if all(isinstance(entry, Integral) for entry in flat):
        if all(-(2**63) <= int(entry) < 2**63 for entry in flat):
            return np.array([int(entry) for entry in flat], dtype=np.int64).reshape(array.shape)
        convert = int
    whole = [_as_float(entry, name) if convert is float else int(entry) for entry in flat]
    return np.array(whole, dtype=object if convert is int else np.float64).reshape(array.shape)


def _as_float(value: Any, name: str) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):
        raise DomainError(f"`{name}` holds {short(value)}, which no float64 holds.") from None


def short(value: Any) -> str:
    """Return the text of a value in error messages, of 80 characters at most."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def _rounding(dtype: np.dtype[Any]) -> Rounding:
    if dtype.kind != "f":
        return _EXACT
    about = np.finfo(dtype)
    return Rounding(float(about.eps), float(about.smallest_subnormal))


def is_read_only(array: np.ndarray) -> bool:
    """Say whether nobody can write to an array's memory.

    Args:
        array: An array.

    Returns:
        Whether it, and every array that it is a part of, forbid writing, down to one that owns its memory, a file that
        is mapped for reading, or bytes. A view that was made before the owner was frozen goes unseen.
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
