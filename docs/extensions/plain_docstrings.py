"""Docstrings are plain text with formulas: what reStructuredText would read as markup is escaped."""

import re
from typing import Any

from sphinx.application import Sphinx

CODE = re.compile(r"(`[^`]+`)")
SHAPE = re.compile(r"(?<!`)(\[(?:\*x|[A-Z])[A-Z, *x+0-9_]*\])(?!`)")
MARKUP = re.compile(r"[*|]|_(?=\W|$)")


def escape(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Escape the text of a docstring, and keep examples and formulas as they are.

    Args:
        lines: The docstring's lines, changed in place.
    """
    out: list[str] = []
    in_example = False
    formula: int | None = None
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if formula is not None and line.strip() and depth <= formula:
            formula = None
        in_example = line.lstrip().startswith((">>>", "...")) or (in_example and bool(line.strip()))
        if line.strip() == "Math:":
            formula = depth
            out += ["", line[:depth] + "::", ""]
        elif formula is not None or in_example:
            out.append(line)
        else:
            parts = CODE.split(SHAPE.sub(r"`\1`", line))
            out.append("".join(part if part.startswith("`") else MARKUP.sub(r"\\\g<0>", part) for part in parts))
    lines[:] = out


def setup(app: Sphinx) -> dict[str, bool]:
    """Escape before Napoleon reads the sections."""
    app.connect("autodoc-process-docstring", escape, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
