"""Find the numbers of a text, and write some of them as words."""

from __future__ import annotations

import random
import re
from collections import Counter
from fractions import Fraction

from dagames_llm.extract.number_words import WORDS, worded_number

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DIGITS = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?!\d)|(?<=[A-Za-z$€£])\d+(?:,\d{3})*(?:\.\d+)?")
_MULTIPLES = {
    "half": Fraction(1, 2), "halves": Fraction(1, 2), "twice": Fraction(2), "double": Fraction(2),
    "doubled": Fraction(2), "thrice": Fraction(3), "triple": Fraction(3), "tripled": Fraction(3), "dozen": Fraction(12),
    "dozens": Fraction(12), "quarter": Fraction(1, 4), "quarters": Fraction(1, 4), "third": Fraction(1, 3),
    "thirds": Fraction(1, 3), "fourth": Fraction(1, 4), "fourths": Fraction(1, 4), "fifth": Fraction(1, 5),
    "fifths": Fraction(1, 5),
}  # fmt: skip
_MULTIPLE = re.compile(rf"\b(?:{'|'.join(_MULTIPLES)})\b", re.IGNORECASE)
_ONE = re.compile(r"one", re.IGNORECASE)

_PLAIN = re.compile(
    r"(?<![\w$€£.,:/#%+*=×÷·()^-])(?P<before>[A-Za-z]+[ \t]+)?(?P<number>\d{1,6})(?![\w.,:/%+*=×÷·()^-]*\d|[\w%:/°^)-])"
)
_MEASURED = re.compile(
    r"[ \t]*(?:[-+*/×÷·=^%°]|(?:am|pm|a\.m|p\.m|[cmk]?m|[mk]?g|[mk]?l|st|nd|rd|th)\b)", re.IGNORECASE
)
_COUNTED = re.compile(rf"minus|negative|{WORDS.pattern}", re.IGNORECASE)
_LABEL = re.compile(
    r"room|chapter|page|day|level|grade|route|bus|flight|highway|apartment|section|question|team|group|class|phase|step"
    r"|unit|number|no|part|version|size|street|row|player|box|house|act|scene|figure|table",
    re.IGNORECASE,
)
_PART = re.compile(
    rf"[\s-]+(?:{WORDS.pattern}|(?:and\s+\d|half|halves|third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth|dozen)s?\b)",
    re.IGNORECASE,
)

MAX_WORDED = 999_999
"""The largest number that is written as words."""


def in_words(number: int) -> str:
    """Return a whole number in English words.

    Args:
        number: from 0 to `MAX_WORDED`.

    Returns:
        Words.

    >>> in_words(48), in_words(1205), in_words(300_000)
    ('forty-eight', 'one thousand two hundred five', 'three hundred thousand')
    """
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10 - 2] + ("" if number % 10 == 0 else f"-{_ONES[number % 10]}")
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = "" if number % size == 0 else f" {in_words(number % size)}"
    return f"{in_words(number // size)} {name}{rest}"


def words_for_numbers(text: str, rng: random.Random) -> str | None:
    """Return a text with some of its whole numbers written as words.

    Years, labels, measures and parts of expressions are not changed: `Room 12`, `$5`, `3:30`, `5%`, `7 cm`, `4 + 3`.

    Args:
        text: a question.
        rng: generator of the choice of numbers.

    Returns:
        The text, or `None` if no number can be written as words.

    >>> words_for_numbers("Ann has 48 pens in Room 12.", random.Random(0))
    'Ann has forty-eight pens in Room 12.'
    """
    places = [m for m in _PLAIN.finditer(text) if _may_be_words(m, text)]
    if not places:
        return None
    chosen = [m for m in places if rng.random() < 0.6] or [rng.choice(places)]
    for match in reversed(chosen):
        words = in_words(int(match["number"]))
        at_start = re.search(r"(?:^|[.?!]\s+)$", text[: match.start("number")]) is not None
        words = words.capitalize() if at_start else words
        text = text[: match.start("number")] + words + text[match.end("number") :]
    return text


def _may_be_words(match: re.Match[str], text: str) -> bool:
    number, before = match["number"], (match["before"] or "").strip()
    if _MEASURED.match(text, match.end()) or (number.startswith("0") and number != "0") or 1000 <= int(number) < 3000:
        return False
    if _LABEL.fullmatch(before) or _COUNTED.fullmatch(before) or _PART.match(text, match.end()):
        return False  # `page 3` is a label; `3 million`, `4 quarters`, `minus 4` are other numbers
    at_start = re.search(r"(?:^|[.?!]\s+)$", text[: match.start()]) is not None
    return not before[:1].isupper() or at_start


def numbers_of(text: str) -> Counter[Fraction]:
    """Return the numbers of a text in digits and in words, without the word `one`, which is not always a number.

    Args:
        text: a text.

    Returns:
        The number of occurrences of each value; `half`, `twice` and similar words count as numbers.

    >>> numbers_of("Half of 1,200 and twenty-five, one of two") == numbers_of("25 of the 1200, two, half")
    True
    """
    counts: Counter[Fraction] = Counter()
    for match in _DIGITS.finditer(text):
        counts[Fraction(match[0].replace(",", ""))] += 1
    for match in WORDS.finditer(text):
        value = worded_number(match)
        if value is None:
            counts.update(Fraction(n) for word in re.split(r"[\s-]+", match[0]) for n in _single(word))
        elif not _ONE.fullmatch(match[0]):
            counts[value] += 1
    for match in _MULTIPLE.finditer(WORDS.sub(" ", text)):
        counts[_MULTIPLES[match[0].lower()]] += 1
    return counts


def _single(word: str) -> list[Fraction]:
    match = WORDS.fullmatch(word)
    value = None if match is None else worded_number(match)
    return [] if value is None or _ONE.fullmatch(word) else [value]


def same_numbers(question: str, paraphrase: str) -> bool:
    """Return whether a question and its paraphrase have the same numbers, each equally often.

    Args:
        question: the original.
        paraphrase: another wording. A 1 in one of the two may be `one`, `a`, `an` or `single` in the other.

    Returns:
        Whether the numbers agree.

    >>> same_numbers("Ann has 2 pens and 1 cap.", "Ann owns one cap and two pens.")
    True
    >>> same_numbers("Ann has 2 pens.", "Ann has some pens.")
    False
    """
    left, right = numbers_of(question), numbers_of(paraphrase)
    ones = left.pop(Fraction(1), 0) - right.pop(Fraction(1), 0)
    if left != right:
        return False
    other = paraphrase if ones > 0 else question
    return len(re.findall(r"\b(?:one|an?|single)\b", other, re.IGNORECASE)) >= abs(ones)
