"""Find and read the file of a recipe. Nothing heavy is imported: a missing or broken file is told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dagames_llm._errors import RecipeError

SHIPPED = Path(__file__).parent / "recipes"


def shipped_recipes() -> list[str]:
    """Return the names of the recipes that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def find_recipe(name: str | Path) -> Path:
    """Return the file of a recipe.

    Args:
        name: a path, or the name of a shipped recipe.

    Returns:
        The file.

    Raises:
        RecipeError: there is none; the message names the shipped ones.
    """
    path = Path(name)
    if path.is_file():
        return path
    if str(name) in shipped_recipes():
        return SHIPPED / f"{name}.yaml"
    raise RecipeError(f"no recipe {name}; give a YAML file, or one of: {', '.join(shipped_recipes())}.")


def read_recipe(name: str | Path) -> dict[str, Any]:
    """Read the keys of a recipe.

    Args:
        name: a path, or the name of a shipped recipe.

    Returns:
        What is written in it.

    Raises:
        RecipeError: it is missing, no text, no YAML, or no mapping from names to values.
    """
    path = find_recipe(name)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or type(error).__name__
        raise RecipeError(f"{path}{place}: not YAML: {reason}.") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise RecipeError(f"{path}: a recipe is a mapping from names to values.")
    return content
