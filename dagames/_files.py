"""Files are written whole or not at all, and nothing is replaced unless asked."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from dagames._errors import DomainError


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name, then rename it, so that no reader ever sees half of it.

    Args:
        path: The file; its folder is made if it is missing.
        text: Its content.
    """
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write plain data as JSON, whole or not at all.

    Args:
        path: The file; its folder is made if it is missing.
        content: Numbers, texts, lists and mappings. Not-a-number is refused, which JSON does not have.
    """
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then rename it, so that no reader ever sees half of it.

    Args:
        path: The file; its folder is made if it is missing.
        content: Its content.

    Raises:
        DomainError: If the file cannot be written there.
    """
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as file:
            part = Path(file.name)
            file.write(content)
            file.flush()
            # Renamed before it is on disk, the file could be empty after a power cut, and what it replaced gone.
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
        raise DomainError(f"{path} is a file; name a folder.")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise DomainError(f"{path} exists already; choose another folder, or say --overwrite to replace what is in it.")
    if (reason := obstacle(path)) is not None:
        raise DomainError(f"{path} cannot be made: {reason}.")


def check_new_file(path: Path, *, overwrite: bool) -> None:
    """Raise if an output file exists already and may not be replaced.

    Args:
        path: The file.
        overwrite: Whether the user asked for it to be replaced.

    Raises:
        DomainError: If it exists and `overwrite` is false, if it is a folder or no regular file, or if a folder of its
            path is a file or takes no file.
    """
    if path.is_dir():
        raise DomainError(f"{path} is a folder; name a file.")
    if path.exists() and not path.is_file():
        raise DomainError(f"{path} is no regular file.")
    if path.exists() and not overwrite:
        raise DomainError(f"{path} exists already; choose another name, or say --overwrite to replace it.")
    if (reason := obstacle(path)) is not None:
        raise DomainError(f"{path} cannot be written: {reason}.")


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


def obstacle(path: Path) -> str | None:
    """Return why no file or folder can be made at a path, or None if one can.

    Args:
        path: The path; the folders that lead to it need not exist.

    Returns:
        What is wrong with the nearest folder above it that exists: it is a file, or takes no file.
    """
    above = next((parent for parent in path.parents if parent.exists()), Path())
    if not above.is_dir():
        return f"{above} is a file"
    try:
        # Permissions do not tell it all (a file system that is full, or read only), and hours of work may come first.
        with tempfile.TemporaryFile(dir=above):
            return None
    except OSError as error:
        return f"no file can be made in {above} ({error.strerror})"
