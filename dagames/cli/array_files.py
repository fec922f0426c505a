"""Arrays from .npy, .npz and .csv files, by names such as `data.npz:key`; pickled objects are not loaded."""

import math
import re
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from dagames._choices import did_you_mean
from dagames._errors import DagamesError, DomainError
from dagames.cli.csv_files import read_csv

_NAME = re.compile(r"(?P<file>.*?\.(?P<kind>npy|npz|csv))(?::(?P<key>.+))?", re.IGNORECASE | re.DOTALL)

_SIZES = {"npy": 16 * 10**9, "npz": 4 * 10**9, "csv": 200 * 10**6}
"""Largest size of each kind of file, in bytes: .npy is mapped and not copied, .npz is unpacked, CSV is parsed."""

_DAMAGES = (ValueError, EOFError, OverflowError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)


def names_array(text: str) -> bool:
    """Whether a text ends in .npy, .npz or .csv, apart from `:key`."""
    return _NAME.fullmatch(text) is not None


def read_array(text: str, folder: Path) -> np.ndarray:
    """Read `ref.npy`, `data.npz:key` or `table.csv:column` from a folder; an .npy file is mapped into memory."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise DomainError(f"{text!r} is not the name of an .npy, .npz or .csv file.")
    kind, key, path = match["kind"].lower(), match["key"], folder / match["file"]
    _check_file(path, _SIZES[kind])
    if kind == "npy" and key is not None:
        raise DomainError(f"{path} contains one array and takes no key: omit `:{key}`.")
    try:
        if kind == "csv":
            return read_csv(path, key)
        if kind == "npz":
            return _from_npz(path, key)
        return _check_array(np.load(path, mmap_mode="r", allow_pickle=False), str(path))
    except OSError as error:
        raise DomainError(f"cannot read {path}: {error.strerror or error}.") from None
    except DagamesError:
        raise
    except _DAMAGES as error:
        message = " ".join(str(error).split())[:200]
        if "allow_pickle" in message or "Python objects" in message:
            message = (
                "not an .npy array, or an array of Python objects, which is not read; save numbers with numpy.save"
            )
            raise DomainError(f"{path} is {message}.") from None
        raise DomainError(f"{path} is damaged: {message}.") from None


def _check_file(path: Path, limit: int) -> None:
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise DomainError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}.") from None
    if not stat.S_ISREG(status.st_mode):
        reason = "Is a directory" if stat.S_ISDIR(status.st_mode) else "it is not a regular file"
        raise DomainError(f"cannot read {path}: {reason}.")
    if status.st_size == 0:
        raise DomainError(f"{path} is empty.")
    if status.st_size > limit:
        size = status.st_size
        raise DomainError(f"{path} has {size} bytes, and the limit is {limit}; load it and solve the game in Python.")


def _from_npz(path: Path, key: str | None) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if not members:
            raise DomainError(f"{path} contains no array.")
        if key is None and len(members) > 1:
            names = sorted(members)
            raise DomainError(
                f"{path} contains the arrays {', '.join(names)}; name one, such as {path.name}:{names[0]}."
            )
        name = next(iter(members)) if key is None else key
        if name not in members:
            near = did_you_mean(name, members)
            raise DomainError(f"{path} has no array {name!r}; it contains {', '.join(sorted(members))}.{near}")
        with archive.open(members[name]) as member:
            _check_header(member, members[name].file_size, f"{path}:{name}")
        with archive.open(members[name]) as member:
            return _check_array(np.lib.format.read_array(member, allow_pickle=False), f"{path}:{name}")


def _check_header(member: Any, size: int, name: str) -> None:
    """Raise if the header states a size above that of the file or above the limit, before memory is allocated."""
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(member)
    needed, present = math.prod(shape) * dtype.itemsize, size - member.tell()
    if needed > present and not dtype.hasobject:
        raise DomainError(f"{name} is damaged: its header states {needed} bytes, but there are {present}.")
    if needed > _SIZES["npz"]:
        raise DomainError(f"{name} has {needed} bytes, and the limit of .npz is {_SIZES['npz']}; use .npy.")


def _check_array(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise DomainError(f"{name} contains {array.dtype}, not real numbers.")
    if array.ndim == 0 or array.size == 0:
        raise DomainError(f"{name} has shape {array.shape}; it must have at least one entry along the last axis.")
    return np.asarray(array)
