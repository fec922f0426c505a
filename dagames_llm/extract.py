"""Extraction E: the text a model wrote -> the answer that is voted on.

An answer is a canonical string, hashable and equal exactly when two completions mean the same thing, or `None` where
nothing can be read. Completions are hostile text: nothing is evaluated, only a bounded part is looked at, every
pattern runs in time linear in that part, and a number is refused by its written size before it is built.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from fractions import Fraction

from dagames_llm._errors import RecipeError

Answer = str
Extractor = Callable[[str], Answer | None]
Message = dict[str, str]

WINDOW = 8192
"""Characters looked at: the first ones for what comes first, the last ones for what comes last."""

MAX_DIGITS = 64
"""Written digits of a number, exponent included, above which it counts as unreadable."""

_NUMBER = re.compile(
    r"(?<![0-9A-Za-z_.])[-+]?"
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
    r"(?:[eE][-+]?[0-9]+)?"
    r"(?: ?/ ?[0-9]+)?"
)
_POWER = ("**", "^")
_MARK = "####"
_STATED_CHOICE = re.compile(r"(?i:answer)(?i: is|:| is:)?\s{0,8}\(?([A-J])(?![A-Za-z0-9])")
_BARE_CHOICE = re.compile(r"\s*\(?([A-J])(?:[).:]|\s*\Z)")


def completion_text(completion: str | Sequence[Message]) -> str:
    """Return the text of a completion, which TRL gives as a string or, for chat prompts, as messages.

    Args:
        completion: a string, or the assistant's messages.

    Returns:
        The text, that of the last message where there are several; empty where there is none.
    """
    if isinstance(completion, str):
        return completion
    content = completion[-1].get("content") if completion else ""
    return content if isinstance(content, str) else ""


def canonical_number(written: str) -> Answer | None:
    """Return the canonical spelling of one written number: `11`, `-7/2`.

    Args:
        written: digits with an optional sign, thousands commas, decimals, exponent or denominator.

    Returns:
        The reduced fraction, without `/1`; `None` for a zero denominator or more than `MAX_DIGITS` digits.
    """
    plain = written.replace(",", "").replace(" ", "")
    exponent = re.search(r"[eE]([-+]?[0-9]+)", plain)
    if sum(c.isdigit() for c in plain) > MAX_DIGITS:
        return None
    if exponent is not None and abs(int(exponent.group(1))) > MAX_DIGITS:
        return None
    numerator, _, denominator = plain.partition("/")
    if denominator and int(denominator) == 0:
        return None
    value = Fraction(numerator) / (int(denominator) if denominator else 1)
    return str(value)


def _read(text: str, match: re.Match[str]) -> Answer | None:
    """Return the number matched, unless it is a piece of a power such as `9**9**9`, whose value nobody asked for."""
    before, after = text[: match.start()].rstrip()[-2:], text[match.end() :].lstrip()[:2]
    if before.endswith(_POWER) or after.startswith(_POWER):
        return None
    return canonical_number(match.group())


def first_number(text: str) -> Answer | None:
    """Return the first number of the first line that is not empty: the continuation of `3 + 4 =`.

    Args:
        text: a completion.

    Returns:
        The canonical number, or `None`.
    """
    line = text[:WINDOW].lstrip().partition("\n")[0].replace("\u2212", "-")
    match = _NUMBER.search(line)
    return None if match is None else _read(line, match)


def last_number(text: str) -> Answer | None:
    """Return the number behind the last `####`, or else the last number of the text.

    Args:
        text: a completion, or a worked solution.

    Returns:
        The canonical number, or `None`, also where a `####` is followed by no number.
    """
    tail = text[-WINDOW:].replace("\u2212", "-")
    _, mark, stated = tail.rpartition(_MARK)
    if mark:
        match = _NUMBER.search(stated[:WINDOW])
        return None if match is None else _read(stated, match)
    found = list(_NUMBER.finditer(tail))
    return _read(tail, found[-1]) if found else None


def choice(text: str) -> Answer | None:
    """Return the letter of a multiple choice answer: `(B)`, `B.`, `The answer is B`.

    Args:
        text: a completion.

    Returns:
        One capital letter from A to J, the last one stated as the answer, or `None`.
    """
    stated = _STATED_CHOICE.findall(text[-WINDOW:])
    if stated:
        return str(stated[-1])
    bare = _BARE_CHOICE.match(text[:WINDOW])
    return None if bare is None else bare.group(1)


def normalised_text(text: str) -> Answer | None:
    """Return the first line that is not empty, without case, accents of width, extra blanks or outer punctuation.

    Args:
        text: a completion.

    Returns:
        The normalised line, or `None` where nothing is left of it.
    """
    line = text[:WINDOW].strip().partition("\n")[0]
    words = " ".join(unicodedata.normalize("NFKC", line).casefold().split())
    return words.strip(" .,;:!?\"'`*()[]") or None


EXTRACTORS: dict[str, Extractor] = {
    "first_number": first_number,
    "last_number": last_number,
    "choice": choice,
    "text": normalised_text,
}


def extractor_named(name: str) -> Extractor:
    """Return the extractor a recipe names.

    Args:
        name: a key of `EXTRACTORS`.

    Returns:
        The function from a completion's text to its answer.

    Raises:
        RecipeError: there is no extractor of that name.
    """
    if name not in EXTRACTORS:
        raise RecipeError(f"`extractor` is {name!r}; known are {', '.join(EXTRACTORS)}.")
    return EXTRACTORS[name]
