"""Take what a user's Python file defines."""

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from dagames import DomainError


def defined_in(path: Path, name: str, example: str) -> Any:
    """Import a Python file and take one of its names.

    The file runs as any Python file does; only run files that you trust.

    Args:
        path: The file.
        name: What it should define.
        example: A line that would define it, for the error message.

    Returns:
        What it defines under that name.

    Raises:
        DomainError: If there is no such file, it is no Python, it fails, or it does not define the name.
    """
    if not path.is_file():
        raise DomainError(f"there is no file {path}. It should be a Python file that defines {name}: {example}.")
    module_name = f"_user_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if path.suffix != ".py" or spec is None or spec.loader is None:
        raise DomainError(
            f"{path} must be a Python file, with a name that ends in .py, which defines {name}: {example}."
        )
    module = importlib.util.module_from_spec(spec)
    # Known by name while it runs, as dataclasses need; nothing else of the process should meet it.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise DomainError(f"{path}{_line(error, path)} fails: {type(error).__name__}: {error}.") from error
    finally:
        del sys.modules[module_name]
    if not hasattr(module, name):
        raise DomainError(f"{path} does not define {name}. Add a line such as: {example}.")
    return getattr(module, name)


def _line(error: Exception, path: Path) -> str:
    """Name the last line of the file that led to an error."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}," if error.lineno else ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    return f", line {lines[-1]}," if lines else ""
