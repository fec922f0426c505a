"""Help texts with lists that are imported only when the text is shown."""

from collections.abc import Callable, Mapping
from typing import Any

from typer.core import TyperCommand


def command_class(lists: Callable[[], Mapping[str, str]]) -> type[TyperCommand]:
    """Make a command class that replaces names in braces in the help text by `lists()`, when the help is shown."""

    class Command(TyperCommand):
        def format_help(self, ctx: Any, formatter: Any) -> None:
            for name, text in lists().items():
                self.help = (self.help or "").replace(f"{{{name}}}", text)
            super().format_help(ctx, formatter)

    return Command
