"""Numbers written in English words: `forty-two`, `two and a half million`, `three quarters`."""

from __future__ import annotations

import re
from fractions import Fraction

_ONES = dict(
    zip(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ],
        range(20),
        strict=True,
    )
)
_TENS = dict(
    zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True)
)
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_PARTS |= {"halves": 2} | {f"{name}s": size for name, size in _PARTS.items() if name != "half"}

_WORD = "|".join(sorted([*_ONES, *_TENS, "hundred", *SCALES], key=len, reverse=True))
WORDS = re.compile(
    rf"\b(?:(minus|negative)\s)?((?:{_WORD})(?:(?:[\s-]|\sand\s)(?:{_WORD})\b)*+)\b(?:[\s-]({'|'.join(_PARTS)})\b)?",
    re.I,
)


def worded_number(match: re.Match[str]) -> Fraction | None:
    """Return the value of a match of `WORDS`; `None` if the words are not one number (`two three`)."""
    words = [word for word in re.split(r"[\s-]+", match[2].lower()) if word != "and"]
    value = _cardinal(words)
    if value is None:
        return None
    magnitude = Fraction(value, _PARTS[match[3].lower()]) if match[3] else Fraction(value)
    return -magnitude if match[1] else magnitude


def _cardinal(words: list[str]) -> int | None:
    """Return the number that words spell; None unless each scale is smaller than the one before it."""
    total, bound = 0, 10**15
    group: list[str] = []
    for word in words:
        if word not in SCALES:
            group.append(word)
            continue
        below = _below_thousand(group)
        if not below or SCALES[word] >= bound:
            return None
        total, bound, group = total + below * SCALES[word], SCALES[word], []
    if not group:
        return total
    below = _below_thousand(group)
    return None if below is None or (below == 0 and total > 0) else total + below


def _below_thousand(words: list[str]) -> int | None:
    """Return the number below 1000 that words spell: `[ones hundred] [tens] [ones]`."""
    rest = list(words)
    value = 0
    if "hundred" in rest:
        before, rest = rest[: rest.index("hundred")], rest[rest.index("hundred") + 1 :]
        if len(before) != 1 or not 1 <= _ONES.get(before[0], 0) < 20:
            return None
        value = 100 * _ONES[before[0]]
    if rest and rest[0] in _TENS:
        value += _TENS[rest.pop(0)]
        if rest and not 1 <= _ONES.get(rest[0], 0) < 10:
            return None
    if rest and rest[0] in _ONES:
        value += _ONES[rest.pop(0)]
    return None if rest or not words else value
