"""Outputs: nothing is replaced unasked, and nothing is half written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dagames._files import write_text
from dagames_llm._errors import OutputError

RESULT = ("metrics.json", "recipe.yaml")
"""Files by which a folder is known as a result, which may be replaced when that is asked for."""


def partial_folder(output: Path) -> Path:
    """Return the folder an unfinished run of `output` works in."""
    return output.parent / f"{output.name}.partial"


def check_output(output: Path, overwrite: bool, resume: bool) -> None:
    """Refuse an output that exists, or that an unfinished run is writing, unless asked.

    Raises:
        OutputError: with what to pass.
    """
    _check_parents(output)
    work = partial_folder(output)
    if resume and not work.is_dir():
        raise OutputError(f"nothing to resume: there is no {work}.")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists already; pass --overwrite to replace it, or name another folder.")
    if output.exists() and not all((output / name).is_file() for name in RESULT):
        raise OutputError(f"{output} is no result of a training run; it is not replaced. Name another folder.")
    if work.exists() and not (resume or overwrite):
        raise OutputError(f"{work} is an unfinished run; pass --resume to go on with it, or --overwrite to drop it.")


def check_new_file(path: str | Path, overwrite: bool = False) -> Path:
    """Return a path a result may be written to.

    Raises:
        OutputError: something is there already and `overwrite` is not set, or its folder is missing.
    """
    path = Path(path)
    _check_parents(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file.")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; pass --overwrite to replace it.")
    return path


def _check_parents(path: Path) -> None:
    above = next((parent for parent in path.parents if parent.exists()), Path())
    if not above.is_dir():
        raise OutputError(f"{path} cannot be made: {above} is a file.")


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON beside its place and rename, so that a file of that name is always whole.

    Args:
        path: the file; its folder is made where missing.
        content: what to write; not-a-number is refused.
    """
    write_text(Path(path), json.dumps(content, indent=1, allow_nan=False) + "\n")
