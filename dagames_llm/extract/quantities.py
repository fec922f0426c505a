"""Written quantities: `-1,234.5`, `2 1/2`, `3×10^8`, `9π`, `10:30`, `3-5`.

A number that is a part of a larger expression (a power, a sum, a root, a date, a coordinate) has no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from dagames_llm.extract.number_words import SCALES

MAX_DIGITS = 64
"""Largest number of digits of a number, a numerator and a denominator."""

_TOO_LARGE = 10**MAX_DIGITS

_RUN = r"[0-9]++(?:(?:[.,'’\u2009\u202f\u00a0]|\x20(?=[0-9]{3}(?![0-9/:])))[0-9]++)*+"
_NUMBER = rf"(?:(?<![\w.,])\.[0-9]++|{_RUN})"
_SIGN = r"(?:(?<![\w)\]}%°.-])[-–+](?=[0-9.€£¥₹])|(?<==)\s?-\s?|(?<==\s)-\s?)"
QUANTITY = re.compile(
    rf"(?<![A-Za-z0-9_^\\])(?<![0-9][.,'’:/])(?P<sign>{_SIGN})?(?:[€£¥₹]\s?(?P<late>-)?)?(?P<number>{_NUMBER})"
    r"(?P<exponent>[eE][-+]?[0-9]{1,9}(?![0-9A-Za-z]|\.[0-9]))?"
    r"(?:\s?[×x]\s?10\s?\^\s?[({]?\s?(?P<power>[-+]?[0-9]{1,9})(?:\s?[)}])?)?"
    rf"(?:\s?/\s?(?P<over>{_RUN})"
    r"|(?:\s{1,2}|\sand\s)(?P<part>[0-9]{1,9})\s?/\s?(?P<parts>[0-9]{1,9})"
    r"|(?P<clock>(?::[0-9]{1,9}){1,3})"
    rf"|[-–—](?P<high>{_RUN})"
    r")?(?P<pi>[ ]?[×*]?[ ]?(?:π|pi(?![A-Za-z]))(?:\s?/\s?(?P<below>[0-9]{1,9}))?)?"
    r"(?:\s(?P<scale>hundred|thousand|million|billion|trillion|dozen|lakh|crore)s?(?![A-Za-z])"
    r"|\sand\s(?:a|one)[\s-](?P<piece>half|third|quarter)(?![A-Za-z]))?"
)
_SIZES = {**SCALES, "hundred": 100, "dozen": 12, "lakh": 10**5, "crore": 10**7}
_PIECES = {"half": Fraction(1, 2), "third": Fraction(1, 3), "quarter": Fraction(1, 4)}
_AFTER = re.compile(
    r"\s*+(?:[\^±√\\∞…]|[×÷*=](?=\s*[\w(\\√π.-])|[+](?=\s?[0-9(\\√π.]|\s?[a-zA-Z]\b)"
    r"|[-–](?=\s?[0-9(\\√π.€]|\s?[b-zB-Z]\b(?!'))|/(?=\s?[0-9(\\√π])|[xX](?=\s?[0-9]))"
    r"|\((?=[\w-])|[.,'’:/](?=[0-9])|!(?=\s*[\w=)/×+^-])|\.\."
    r"|[ABDEGHIKM-UX-Za-fi-knopqrt-z](?![A-Za-z])|\s[xyz](?![A-Za-z])|[A-Za-z]++[0-9_^(]"
    r"|\s(?:squared|cubed|factorial|mod)\b|\s(?:more|less|fewer|greater)\sthan\b|[#&@_]"
)
_BEFORE = re.compile(
    r"(?:[\^×÷+√±<>≤≥≠∞\\@]|[A-Za-z]\(|(?:greater|less|more|fewer|larger|smaller|higher|lower)\sthan|[\w)\]}]\s?/"
    r"|(?<![A-Za-z])[A-Za-z]\s?[-–]|[0-9)π}%]\s?[-–]|(?:^|[:(])\s*[-–]\s|\\[a-z]{1,12}\{?"
    r"|(?<![A-Za-z])(?:log|ln|lg|sin|cos|tan|sqrt|exp|mod|times|plus|minus|divided\sby|multiplied\sby|root\sof"
    r"|power\sof"
    r"|(?:half|third|quarter|twice|double|triple|square|cube|percent|%)(?:\sof)?|base)[\s(]|[0-9]\)?[ ]|\)"
    r"|[0-9]\s?\*)\s*$|[-–]$"
)


_OPERATOR_WORDS = frozenset([
    "log",
    "ln",
    "lg",
    "sin",
    "cos",
    "tan",
    "sqrt",
    "exp",
    "mod",
    "times",
    "plus",
    "minus",
    "by",
    "of",
    "than",
    "base",
    "half",
    "third",
    "quarter",
    "twice",
    "double",
    "triple",
    "square",
    "cube",
    "percent",
])
_REFERENCE = re.compile(
    r"(?<![A-Za-z])(?:step|part|problem|question|case|equation|example|figure|table|exercise|method|type|grade|level"
    r"|phase|stage)\s#?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quantity:
    """A quantity found in a phrase.

    Attributes:
        start: index of its first character.
        end: index after its last character.
        answer: its canonical form; `None` if it is a part of a larger expression, malformed, or too long.
    """

    start: int
    end: int
    answer: str | None


def quantities(phrase: str) -> Iterator[Quantity]:
    """Yield the quantities of a phrase without markup, in their order."""
    for match in QUANTITY.finditer(phrase):
        begin, end = match.span()
        if _REFERENCE.search(phrase, max(0, begin - 12), begin):
            continue
        is_part = _AFTER.match(phrase, end) or _operator_before(phrase, begin)
        yield Quantity(begin, end, None if is_part else _answer(match))


def _operator_before(phrase: str, begin: int) -> bool:
    """Return whether an operator precedes a number, such as "+", "more than" or "sqrt("."""
    before = phrase[max(0, begin - 24) : begin]
    bare = before.rstrip()
    if bare[-1:].isalpha() and bare.rpartition(" ")[2].lower() not in _OPERATOR_WORDS:
        return "\\" in bare
    return bool(bare) and _BEFORE.search(before) is not None


def canonical_number(written: str) -> str | None:
    """Return the canonical spelling of one written number: `11`, `-7/2`.

    Args:
        written: digits with an optional sign, thousands marks, decimals, exponent or denominator.

    Returns:
        The reduced fraction, without `/1`; `None` if it is no number, has a denominator of zero, or more than
        `MAX_DIGITS` digits.
    """
    match = QUANTITY.fullmatch(written.strip())
    return None if match is None else _answer(match)


def _answer(match: re.Match[str]) -> str | None:
    written = match.group()
    if written.isdigit() and len(written) <= MAX_DIGITS:  # the common case, without fractions
        return written.lstrip("0") or "0"
    if match["clock"]:
        return _clock(match)
    value = _value(match)
    if value is None or max(abs(value.numerator), value.denominator) >= _TOO_LARGE:
        return None
    if match["high"]:
        high = plain_number(match["high"])
        simple = not (match["sign"] or match["exponent"] or match["power"] or match["pi"] or match["scale"])
        return f"{value}-{high}" if simple and high is not None and value < high else None
    return str(value) if match["pi"] is None else _times_pi(value, match["below"])


def _value(match: re.Match[str]) -> Fraction | None:
    value = plain_number(match["number"])
    power = int((match["exponent"] or "e0")[1:]) + int(match["power"] or 0)
    if value is None or abs(power) > MAX_DIGITS:
        return None
    if power:
        value *= Fraction(10) ** power
    if match["over"]:
        below = plain_number(match["over"])
        if not below:
            return None
        value /= below
    if match["part"]:
        part, parts = int(match["part"]), int(match["parts"])
        if part >= parts or value.denominator > 1:
            return None
        value += Fraction(part, parts)
    if match["scale"]:
        value *= _SIZES[match["scale"]]
    elif match["piece"]:
        value += _PIECES[match["piece"]]
    return -value if "-" in (match["late"] or match["sign"] or "") or match["sign"] == "–" else value


_ENGLISH = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})++(?:\.[0-9]++)?|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]++)?")
_GERMAN = re.compile(r"[0-9]{1,3}(?:(?:\.[0-9]{3})++,[0-9]++|(?:\.[0-9]{3}){2,})")
_SPACED = re.compile(r"[0-9]{1,3}(?:[ \u2009\u202f\u00a0][0-9]{3})++(?:[.,][0-9]++)?")
_DECIMAL = re.compile(r"[0-9]*+\.[0-9]++|[0-9]++")
_COMMA = re.compile(r"[0-9]++,[0-9]++")
_APOSTROPHE = re.compile(r"[0-9]{1,3}(?:['’][0-9]{3})++(?:\.[0-9]++)?")


def plain_number(digits: str) -> Fraction | None:
    """Return the value of digits with thousands marks and decimals, in one of the conventions, or `None`.

    `1,234.5`, `1,00,000` (Indian), `1.234,5`, `1 234,5` and `1'234.5` are read. A single comma is a decimal comma if it
    cannot be a thousands mark; `3,5` is not read, as it may be a list.
    """
    if len(digits) > 2 * MAX_DIGITS or sum(map(str.isdigit, digits)) > MAX_DIGITS:
        return None
    if _DECIMAL.fullmatch(digits):
        return Fraction(digits)
    if _COMMA.fullmatch(digits) and (digits[0] == "0" or not _ENGLISH.fullmatch(digits)):
        return Fraction(digits.replace(",", ".")) if len(digits) > 3 or digits[0] == "0" else None
    if _ENGLISH.fullmatch(digits) or _APOSTROPHE.fullmatch(digits):
        return Fraction(re.sub(r"[,'’]", "", digits))
    if _GERMAN.fullmatch(digits):
        return Fraction(digits.replace(".", "").replace(",", "."))
    if _SPACED.fullmatch(digits):
        return Fraction(re.sub(r"[ \u2009\u202f\u00a0]", "", digits).replace(",", "."))
    return None


def _clock(match: re.Match[str]) -> str | None:
    """Return a time of day or a ratio as it is written, without leading zeros: `10:30`, `3:2`."""
    simple = match["number"].isdigit() and not (match["sign"] or match["exponent"] or match["power"])
    return f"{int(match['number'])}{match['clock']}" if simple and not (match["scale"] or match["pi"]) else None


def _times_pi(value: Fraction, below: str | None) -> str | None:
    if below is not None and int(below) == 0:
        return None
    value /= int(below or 1)
    if value == 0:
        return "0"
    above = {1: "pi", -1: "-pi"}.get(value.numerator, f"{value.numerator}*pi")
    return above if value.denominator == 1 else f"{above}/{value.denominator}"
