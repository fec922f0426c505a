"""The types of numbers and the containers in which users hold arrays."""

import tempfile
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

TYPES = [
    "f2",
    "<f4",
    ">f4",
    "<f8",
    ">f8",
    "g",
    "b1",
    "i1",
    "<i2",
    ">i2",
    "<i4",
    ">i4",
    "<i8",
    ">i8",
    "u1",
    "u2",
    "u4",
    ">u8",
]


class Wrapped:
    """An array of another library: what is known of it is `__array__`, and its memory is its own."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.array if dtype is None else self.array.astype(dtype)


class Tensor:
    """A tensor, as far as it is known: one that has a gradient has no numpy array."""

    def __init__(self, array: np.ndarray, dtype: str | None = None, *, grad: bool = True) -> None:
        self.array, self.dtype, self.grad = array, f"torch.{dtype or array.dtype}", grad

    def detach(self) -> "Tensor":
        return Tensor(self.array, self.dtype.removeprefix("torch."), grad=False)

    def cpu(self) -> "Tensor":
        return self

    def float(self) -> "Tensor":
        return Tensor(self.array.astype(np.float32), grad=self.grad)

    def numpy(self) -> np.ndarray:
        if self.grad or self.dtype == "torch.bfloat16":
            raise RuntimeError("Can't call numpy() on Tensor that requires grad, or of this type")
        return self.array

    def __len__(self) -> int:
        return len(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.numpy()


def strided(array: np.ndarray) -> np.ndarray:
    """Every other entry of a larger array, backwards."""
    return np.repeat(array[..., ::-1], 2, axis=-1)[..., ::-2] if array.ndim else array


def mapped(array: np.ndarray) -> np.ndarray:
    """A file that is mapped for reading."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "array.npy", array)
        return np.load(Path(folder) / "array.npy", mmap_mode="r")


def frozen(array: np.ndarray) -> np.ndarray:
    """A copy that is read-only."""
    array = array.copy()
    array.flags.writeable = False
    return array


def objects(array: np.ndarray, kind: Callable[[Any], Any]) -> np.ndarray:
    """An array of Python's objects; numbers that these do not hold stay what they are."""
    made = np.empty(array.shape, dtype=object)
    for place, entry in np.ndenumerate(array):
        number = float(entry) if entry.dtype.kind == "f" else entry.item()
        made[place] = kind(number) if np.isfinite(number) else number
    return made


CONTAINERS: dict[str, Callable[[np.ndarray], Any]] = {
    "array": np.copy,
    "Fortran": partial(np.array, order="F"),
    "strided": strided,
    "read-only": frozen,
    "map": mapped,
    "list": np.ndarray.tolist,
    "tuple": lambda a: tuple(a.tolist()) if a.ndim else a.item(),
    "list of rows": lambda a: list(a) if a.ndim else a[()],
    "__array__": Wrapped,
    "tensor": Tensor,
    "list of tensors": lambda a: [Tensor(row) for row in a] if a.ndim else Tensor(a),
    "unmasked": lambda a: np.ma.MaskedArray(a, mask=False),
    "fractions": lambda a: objects(a, Fraction),
    "decimals": lambda a: objects(a, Decimal),
    "objects": lambda a: objects(a, lambda entry: entry),
}
