"""Extractors by the names that recipes and `TargetReward(target, extract=...)` use."""

from __future__ import annotations

from collections.abc import Callable

from dagames._choices import did_you_mean
from dagames_llm._errors import RecipeError
from dagames_llm.extract.choices import choice
from dagames_llm.extract.expressions import check_installed, math_expression
from dagames_llm.extract.numbers import first_number, last_number
from dagames_llm.extract.texts import normalised_text

Answer = str
Extractor = Callable[[str], Answer | None]

EXTRACTORS: dict[str, Extractor] = {
    "first_number": first_number,
    "last_number": last_number,
    "choice": choice,
    "text": normalised_text,
    "math": math_expression,
}


def extractor_named(name: str, argument: str = "extractor") -> Extractor:
    """Return the extractor that a recipe names.

    Args:
        name: a key of `EXTRACTORS`.
        argument: name of the argument in messages.

    Returns:
        The function from a completion's text to its answer.

    Raises:
        RecipeError: there is no extractor of that name, or its package is not installed.
    """
    if name not in EXTRACTORS:
        hint = did_you_mean(name, EXTRACTORS)
        raise RecipeError(f"`{argument}` is {name!r:.80}; known are {', '.join(EXTRACTORS)}.{hint}")
    if name == "math":
        check_installed()
    return EXTRACTORS[name]


def as_extractor(extract: str | Extractor) -> Extractor:
    """Return the extractor of a name, or a callable unchanged.

    Args:
        extract: a key of `EXTRACTORS`, or a function from a completion's text to a hashable answer or `None`.

    Returns:
        The function.

    Raises:
        RecipeError: `extract` is neither callable nor the name of an extractor.
    """
    if isinstance(extract, str):
        return extractor_named(extract, "extract")
    if not callable(extract):
        raise RecipeError(
            f"`extract` is {extract!r:.80}; it must be a callable from a text to an answer or None, or one of "
            f"{', '.join(EXTRACTORS)}."
        )
    return extract
