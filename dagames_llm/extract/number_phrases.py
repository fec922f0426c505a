"""The quantity that a phrase gives: `Total = 5 * 4 + 2 = 22 cookies, not 20` -> 22; none if several are possible."""

from __future__ import annotations

import re
from itertools import pairwise

from dagames_llm.extract.number_words import WORDS, worded_number
from dagames_llm.extract.quantities import Quantity, quantities

_CONTRAST = re.compile(
    r"[,;]?\s(?:but\s)?(?:or (?:about|approximately|roughly|around|equivalently|simply)|not|rather than|instead of"
    r"|as opposed to|because|since|which|where|so that|that is|if)\b"
    r"|[,;]?\si\.e\.|\s--+\s|\s—\s|;\s"
)
_PARENTHESIS = re.compile(r"(?<=\s)\([^()\n]*+\)|\[[^\[\]\n]*+\]$")
_DENIED = re.compile(r"\s*(?:not|never|none|unknown|neither)\b", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(?<![\w)])\(?[A-Za-z](?:_\{?\w{1,3}\}?)?\s?=(?!=)")
_MULTIPLE = re.compile(r"(?:(?<![0-9A-Za-z])[0-9]+\s?[a-z]|(?<![A-Za-z])[a-z]\s?\^\s?\{?[0-9]\}?)\s*$")
_CLAUSE = re.compile(r"[,;:]\s|\b(?:so|then|thus|therefore|hence|and|gives)\b", re.IGNORECASE)
_COPULA = re.compile(
    r"(?:[=≈:~]|\b(?:is|are|was|were|be|equals?|equal to|gives|yields|makes|get|totals))\s*"
    r"(?:(?:a total of|about|approximately|approx\.?|around|roughly|exactly|only|just|now|then|therefore|thus|indeed"
    r"|equal to|≈|~)\s*)?$"
)
_JOINT = re.compile(
    r"\s*(?:[A-Za-z%°]{1,20}\s+){0,3}(?:and|or|to|by|of|&|plus|minus|times|through|until|versus|vs\.?|every|per|than"
    r"|over|out of)\s*"
    r"|\s*(?:and|or|[,;|/&])\s*|\s*[A-Za-z]{1,12}\s*|\s*[A-Za-z]{0,12},?\s*(?:and"
    r"|or)?\s*[A-Za-z](?:\([a-z]\))?\s?[=:]\s*"
)
_HENCE = re.compile(r".*[,;]?\s(?:so|thus|therefore|hence)[,\s](?!that\b)(?=.*[0-9])", re.IGNORECASE | re.DOTALL)
_PERIOD = re.compile(r"[\s-]?(?:second|minute|hour|day|week|month|year)s?\b")
_OVER_A_PERIOD = re.compile(
    r"(?:over|in|within|during|for|after|of)\s(?:(?:the|a|all|next|first|last|course|period|span|of|whole|entire"
    r"|about)\s){0,5}$",
    re.IGNORECASE,
)


_LONE_PI = re.compile(r"(?<![0-9A-Za-z*×])(?<![0-9*×] )(?:π|pi(?![A-Za-z]))")

MAX_PHRASE = 400
"""Largest number of characters of a phrase that is read."""


def number_in(phrase: str) -> str | None:
    """Return the canonical quantity that a phrase without markup gives, or None."""
    if len(phrase) > MAX_PHRASE or "\\" in phrase.rpartition("=")[2] or _DENIED.match(phrase):
        return None
    if "π" in phrase or "pi" in phrase:
        phrase = _LONE_PI.sub("1π", phrase)
    phrase = _without_remarks(_HENCE.sub("", phrase, count=1))
    if phrase.count("=") > 1 and len(_ASSIGNMENT.findall(phrase)) > 1 and re.search(r"[,;]|\b(?:and|or)\b", phrase):
        return None
    side = _right_side(phrase)
    candidates = list(quantities(side))
    if not candidates:
        return _worded(side)
    if len(candidates) == 1:
        return candidates[0].answer
    return _main_quantity(side, candidates)


def _without_remarks(phrase: str) -> str:
    """Return a phrase without parentheses and without a clause of contrast or explanation after its number."""
    rest = _PARENTHESIS.sub("", phrase)
    if any(c.isdigit() for c in rest):
        phrase = rest
    cut = _CONTRAST.search(phrase)
    while cut is not None and not any(c.isdigit() for c in phrase[: cut.start()]):
        cut = _CONTRAST.search(phrase, cut.end())
    return phrase if cut is None else phrase[: cut.start()]


def _right_side(phrase: str) -> str:
    """Return the right side of an equation; of an exact value and its rounding, the exact value."""
    exact, approximately, rounded = phrase.partition("≈")
    if approximately and not re.search(r"[\dπ)}]\s*$", exact):
        exact = rounded
    left, equals, right = exact.rpartition("=")
    if not equals:
        return exact
    if _MULTIPLE.search(_CLAUSE.split(left)[-1].partition("=")[0]):
        return ""
    if any(c.isdigit() for c in right) or WORDS.search(right):
        return "=" + right
    return left if right.strip(" ?.$") and not re.search(r"[\\/^]", right) and "=" not in left else right


def _worded(phrase: str) -> str | None:
    matches = list(WORDS.finditer(phrase))
    if len(matches) != 1 or re.search(r"\d", phrase):
        return None
    value = worded_number(matches[0])
    return None if value is None else str(value)


def _main_quantity(phrase: str, several: list[Quantity]) -> str | None:
    """Return the quantity after "is" or "=", or the only one that is not the length of a period; None if unclear."""
    joined = [_JOINT.fullmatch(phrase, a.end, b.start) is not None for a, b in pairwise(several)]
    after_copula = [k for k, q in enumerate(several) if _COPULA.search(phrase, max(0, q.start - 40), q.start)]
    if len({several[k].answer for k in after_copula}) > 1:
        return None
    if after_copula:
        last = after_copula[-1]
        between = phrase[several[last].end : several[-1].start]
        more = re.search(r"\b(?:and|or)\b", between) if last < len(several) - 1 else None
        return None if more or (*joined, False)[last] else several[last].answer
    over_periods = [
        k for k, q in enumerate(several)
        if _PERIOD.match(phrase, q.end) and _OVER_A_PERIOD.search(phrase, max(0, q.start - 60), q.start)
    ]  # fmt: skip
    main = [q for k, q in enumerate(several) if k not in over_periods]
    return main[0].answer if len(main) == 1 and not _PERIOD.match(phrase, main[0].end) else None
