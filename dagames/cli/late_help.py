"""Help texts: paragraphs, lists with hanging indents, and lists that are imported only when the text is shown."""

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from typer.core import TyperCommand


def as_paragraphs(text: str) -> str:
    r"""Join the lines of each paragraph, which the terminal then fills to its width; those after \b stay as they are.

    Args:
        text: A help text.

    Returns:
        The text with one line for each paragraph.

    >>> as_paragraphs("One\ntwo.\n\n\b\n  three\n  four")
    'One two.\n\n\x08\n  three\n  four'
    """
    return "\n\n".join(
        paragraph if paragraph.startswith("\b") else " ".join(paragraph.split("\n"))
        for paragraph in text.strip().split("\n\n")
    )


def as_list(descriptions: Mapping[str, str]) -> str:
    """Return names and descriptions in two columns, for terminals of 80 columns.

    Args:
        descriptions: The description of each name.

    Returns:
        One row for each name; further lines of a description are indented to its column.

    >>> print(as_list({"a": "first", "long": "second"}))
        a     first
        long  second
    """
    width = max(map(len, descriptions)) + 2
    rows = (f"    {name:{width}}{does}" for name, does in descriptions.items())
    return "\n".join(textwrap.fill(row, 76, subsequent_indent=" " * (4 + width)) for row in rows)


def command_class(lists: Callable[[], Mapping[str, str]]) -> type[TyperCommand]:
    """Make a command class that replaces names in braces in the help text by `lists()`, when the help is shown."""

    class Command(TyperCommand):
        def format_help(self, ctx: Any, formatter: Any) -> None:
            for name, text in lists().items():
                self.help = (self.help or "").replace(f"{{{name}}}", text)
            super().format_help(ctx, formatter)

    return Command
