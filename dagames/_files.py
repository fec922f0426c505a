"""Atomic writing of files, and checks of output paths."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from dagames._errors import DomainError


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, by a temporary name and a rename; missing folders are made."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write plain data as JSON, atomically; NaN and infinities, which JSON does not have, are refused."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically, by a temporary name and a rename; missing folders are made.

    Args:
        path: The file.
        content: Its content.

    Raises:
        DomainError: If it cannot be written, or if `path` is a folder, a device or a pipe.
    """
    _check_regular(path)
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as file:
            part = Path(file.name)
            file.write(content)
            file.flush()
            # Without fsync before the rename, a power failure could leave an empty file in place of the old one.
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        raise DomainError(f"cannot write {path}: {error.strerror}.") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def check_new(path: Path, *, overwrite: bool) -> None:
    """Raise if an output folder exists already and may not be replaced.

    Args:
        path: The folder.
        overwrite: Whether the user asked for it to be replaced.

    Raises:
        DomainError: If it exists and `overwrite` is false, if it is a file, or if it cannot be made.
    """
    if path.is_file():
        raise DomainError(f"{path} is a file; pass the name of a folder.")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise DomainError(f"{path} exists already; choose another folder, or say --overwrite to replace what is in it.")
    if (reason := obstacle(path)) is not None:
        raise DomainError(f"{path} cannot be made: {reason}.")


def check_new_file(path: Path, *, overwrite: bool) -> None:
    """Raise if `path` cannot be written as a file, or exists already unless `overwrite`."""
    _check_regular(path)
    if path.exists() and not overwrite:
        raise DomainError(f"{path} exists already; choose another name, or pass --overwrite to replace it.")
    if (reason := obstacle(path)) is not None:
        raise DomainError(f"{path} cannot be written: {reason}.")


def _check_regular(path: Path) -> None:
    """Raise if something other than a regular file has this name."""
    if path.is_dir():
        raise DomainError(f"{path} is a folder; pass the name of a file.")
    if path.exists() and not path.is_file():
        raise DomainError(f"{path} is not a regular file.")


def check_folder(path: Path, option: str) -> None:
    """Raise if the folder of an output file does not exist; commands call this before they compute.

    Args:
        path: The file.
        option: The option that names it.

    Raises:
        DomainError: If there is no such folder.
    """
    if path.parent.is_dir():
        return
    if (reason := obstacle(path)) is not None:
        raise DomainError(f"{option}: cannot write {path}: {reason}.")
    raise DomainError(
        f"{option}: cannot write {path}: there is no folder {path.parent}. Make it (mkdir -p {path.parent}), or choose "
        "another folder."
    )


def check_output(path: Path, option: str, *, overwrite: bool) -> None:
    """Raise if the file that an option names cannot be written: `check_folder`, then `check_new_file`."""
    check_folder(path, option)
    check_new_file(path, overwrite=overwrite)


def obstacle(path: Path) -> str | None:
    """Return why no file can be made at a path, or None if one can; folders of the path need not exist."""
    parent_folder = next((parent for parent in path.parents if parent.exists()), Path())
    if not parent_folder.is_dir():
        return f"{parent_folder} is a file"
    try:
        # Permissions do not show a full or read-only file system, and the file may be written only after hours.
        with tempfile.TemporaryFile(dir=parent_folder):
            return None
    except OSError as error:
        return f"no file can be made in {parent_folder} ({error.strerror})"
