"""Python files of a user's own, which define a claim or a functional; they are run, as any script would be."""

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from dagames import DomainError

T = TypeVar("T")


def load_from(path: Path, name: str, kind: type[T]) -> T:
    """Run a Python file and take one object from it.

    Args:
        path: The file.
        name: Name of the object, as CLAIM.
        kind: What it must be.

    Returns:
        The object.

    Raises:
        DomainError: If there is no such file, it fails, or it does not define the object; the message names the line.
    """
    if path.suffix != ".py" or not path.is_file():
        raise DomainError(f"{path} is no Python file; name one that defines {name}, a {kind.__name__}.")
    found = getattr(_run(path), name, None)
    if found is None:
        raise DomainError(f"{path} does not define {name}; docs/claims.md has a template.")
    if not isinstance(found, kind):
        raise DomainError(f"{path}: {name} is a {type(found).__name__}, not a {kind.__name__}.")
    return found


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"own_{path.stem.replace('.', '_')}", path)
    if spec is None or spec.loader is None:
        raise DomainError(f"{path} cannot be read as Python.")
    module = importlib.util.module_from_spec(spec)
    # Data classes look their module up.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - whatever the user's file does wrong
        raise DomainError(f"{path}, line {_line(error, path)}: {type(error).__name__}: {error}.") from None
    return module


def _line(error: Exception, path: Path) -> int | None:
    """Find the line of the file where it went wrong."""
    if isinstance(error, SyntaxError):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None
