"""JSON files with a checksum, which detects changes of the content but does not authenticate its author."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from dagames._errors import DomainError


def to_checksummed(content: dict[str, Any]) -> str:
    """Convert content to JSON with its SHA-256."""
    return json.dumps({**content, "sha256": _checksum(content)}, indent=1, allow_nan=False) + "\n"


def from_checksummed(text: str, name: str) -> dict[str, Any]:
    """Read JSON that `to_checksummed` returned, and compare its SHA-256.

    Args:
        text: The text.
        name: Name of the text in error messages.

    Returns:
        The content.

    Raises:
        DomainError: If the text was not made by `to_checksummed`, or was changed.

    >>> from_checksummed(to_checksummed({"a": [1, 0.1]}), "it")
    {'a': [1, 0.1]}
    """
    try:
        content = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        reason = "too deep" if isinstance(error, RecursionError) else error
        raise DomainError(f"{name} is not JSON: {reason}.") from None
    if not isinstance(content, dict) or "sha256" not in content:
        raise DomainError(f"{name} has no `sha256`; it was not written by this program.")
    claimed = content.pop("sha256")
    if claimed != _checksum(content):
        raise DomainError(f"{name} was changed after it was written: its checksum differs. Make the file anew.")
    return content


def as_path(path: str | Path) -> Path:
    """Convert to a Path, or raise a DomainError."""
    if not isinstance(path, (str, Path)) or "\0" in str(path):
        raise DomainError(f"`path` must be the path of a file, not {path!r}.")
    return Path(path)


def read_bounded(path: Path, largest: int) -> str:
    """Read a text file of at most `largest` bytes."""
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise DomainError(f"cannot read {path}: {error.strerror}.") from None
    if len(content) > largest:
        raise DomainError(f"{path} is larger than {largest} bytes; it is not a reward table.")
    return content.decode("utf-8", errors="replace")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number in JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number:.40} is beyond float64")
    return value


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode()).hexdigest()
