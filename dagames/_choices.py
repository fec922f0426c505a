"""Arguments that are one of a few words, and the suggestion for one that is misspelled."""

from collections.abc import Iterable
from typing import Any, TypeVar

from dagames._errors import DomainError

T = TypeVar("T", bound=str)


def did_you_mean(word: Any, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Return " Did you mean X?" with the known word nearest to a wrong one, or "" if none is near.

    Args:
        word: The wrong word.
        known: The known words; case is ignored.
        cutoff: Least similarity in [0, 1], as `difflib` measures it.

    Returns:
        The question, with a space before it.

    >>> did_you_mean("newtonn", ["auto", "newton"])
    ' Did you mean newton?'
    """
    # Only a message needs it, and `import dagames` loads this module.
    from difflib import get_close_matches

    folded = {name.casefold(): name for name in known}
    near = get_close_matches(str(word).casefold(), folded, n=1, cutoff=cutoff)
    return f" Did you mean {folded[near[0]]}?" if near else ""


def nearest(words: Iterable[Any], known: Iterable[str]) -> str:
    """Return " Did you mean X?" for the first of several words that is nearly a known one, or "".

    >>> nearest(["id", "quetion"], ["orbit", "question"])
    ' Did you mean question?'
    """
    names = list(known)
    return next(filter(None, (did_you_mean(word, names, 0.7) for word in words)), "")


def as_choice(value: Any, name: str, known: Iterable[T]) -> T:
    """Validate an argument that is one of a few words.

    Args:
        value: What was given.
        name: Name of the argument.
        known: The words that it may be.

    Returns:
        The word.

    Raises:
        DomainError: If it is none of them; the message lists them and suggests the nearest.

    >>> as_choice("centered", "counts", ["self-inclusive", "centred"])
    Traceback (most recent call last):
        ...
    dagames._errors.DomainError: `counts` must be one of self-inclusive, centred, not 'centered'. Did you mean centred?
    """
    words = list(known)
    for word in words:
        if isinstance(value, str) and value == word:
            return word
    hint = did_you_mean(value, words) if isinstance(value, str) else ""
    given = " ".join(repr(value).split())[:80]
    raise DomainError(f"`{name}` must be one of {', '.join(words)}, not {given}.{hint}")
