"""Checks of options that several commands have, without torch."""

from __future__ import annotations

from collections.abc import Mapping

from dagames_llm._errors import DataError


def check_not_empty(options: Mapping[str, str | None]) -> None:
    """Raise for an option whose value is the empty text, often an unset variable of the shell.

    Args:
        options: Values by the name of the option without dashes in front, `max-steps`; None if it is absent.

    Raises:
        DataError: If a value is empty.
    """
    for name, value in options.items():
        if value is not None and not value.strip():
            raise DataError(
                f"--{name} is {value!r}; it must be a text that is not empty. If it is a variable of the shell, set "
                f"the variable; to use the default, omit --{name}."
            )
