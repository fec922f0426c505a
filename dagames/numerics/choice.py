"""Arguments that are one of a few names."""

from difflib import get_close_matches
from typing import Any, TypeVar

from dagames._errors import DomainError

Name = TypeVar("Name", bound=str)


def as_choice(value: Any, choices: tuple[Name, ...], argument: str) -> Name:
    """Validate a name.

    Args:
        value: The name given.
        choices: The names known.
        argument: What the argument is called.

    Returns:
        The name.

    Raises:
        DomainError: If it is none of them; the message lists them and suggests one that is spelled alike.

    >>> as_choice("centered", ("centred", "independent"), "counts")
    Traceback (most recent call last):
        ...
    dagames._errors.DomainError: `counts` must be one of centred, independent, not 'centered'. Did you mean 'centred'?
    """
    for name in choices:
        if isinstance(value, str) and value == name:
            return name
    near = get_close_matches(str(value), choices, 1, 0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DomainError(f"`{argument}` must be one of {', '.join(choices)}, not {value!r}.{hint}")
