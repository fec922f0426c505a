"""The mathematical expression that a completion gives, in canonical form, parsed by math-verify's LaTeX parser."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec

from dagames_llm._errors import RecipeError
from dagames_llm.extract.completions import last_part, visible_text
from dagames_llm.extract.markup import plain
from dagames_llm.extract.number_phrases import number_in
from dagames_llm.extract.numbers import last_number
from dagames_llm.extract.parser_process import ParserProcess
from dagames_llm.extract.quantities import canonical_number
from dagames_llm.extract.statements import first_sentence, statements

MAX_LENGTH = 300
"""Characters of an expression above which it counts as unreadable."""

MAX_DEPTH = 12
"""Nested brackets above which an expression counts as unreadable."""

_TOO_BIG = re.compile(
    r"!|°|…|\.\.|[0-9]{26}|\\(?:circ|degrees?|[lc]?dots|overline|dot|begin|int|sum|prod|lim|binom|choose|def|input"
    r"|newcommand)\b"  # no factorials, long numbers, degrees, "and so on"
    r"|\^\s*\{?\s*\(?\s*-?[0-9]{3}"  # no power above 99
    r"|\^\s*[{(]{0,3}\s*[0-9]+\s*\^"  # no towers
)
_DISPLAYED = re.compile(r"\$\$?([^$\n]{1,400}+)\$\$?|\\\(([^\n]{1,400}?)\\\)|\\\[\s*([^\n]{1,400}?)\s*\\\]")
_MATHEMATICAL = re.compile(
    r"\\[a-zA-Z]|[\^+*/=(]|(?<![A-Za-z])[a-zA-Z](?![A-Za-z])|[0-9]|(?<![A-Za-z])(?:pi|sqrt|oo)(?![A-Za-z])"
)
_DELIMITERS = re.compile(r"\\(?:left|right|big[lr]?|Big[lr]?)(?![a-zA-Z])\s?|\\[,;!:> ]")
_NAMES = "sqrt|pi|sin|cos|tan|log|exp|oo|asin|acos|atan|Abs"
_COMMANDS = re.compile(r"\\[a-zA-Z]+")
_PROSE = re.compile(rf"(?<![A-Za-z\\])(?!(?:{_NAMES})(?![A-Za-z]))[A-Za-z]{{3,}}")
_WHOLLY_TEXT = re.compile(r"\A\\(?:text|mathrm|mathbf|textbf)\s?\{([^{}]*+)\}\Z")
_UNIT = re.compile(r"\s*(?:\\[,;: ]\s*)?\\(?:text|mathrm|mbox)\s?\{\s?[^{}0-9]*+\}(?:\s?\^\s?\{?[23]\}?)?\s*$")
_NUMERICAL = re.compile(  # words, units and one number: no variable, no operator but a slash, no list
    r"(?!.*(?:[0-9]\s?[a-z](?![a-zA-Z])|(?<![A-Za-z])[A-Za-z]\s?[-/*]|[0-9]\s?[-–]))[^\\^+×÷(){}\[\]<>≤≥±√|,;!∞]*"
)
_RANGE = re.compile(r"[0-9]-")
PARSER = ParserProcess()


def math_expression(text: str) -> str | None:
    """Return the expression that a completion states as its answer, in canonical form.

    Numbers have the form of `last_number`. Other expressions are expanded, simplified by arithmetic and written in
    SymPy's form, `2*sqrt(3)`, `x**2 + 2*x + 1`; an equation with a variable alone on the left, `y = ...`, is replaced
    by its right side. The LaTeX is parsed in another process, which is killed after a time limit, so that the function
    works in any thread and no expression can block a run.

    Args:
        text: a completion.

    Returns:
        The canonical key, or `None` if the completion states no expression, or one that is too long, nested too deeply,
        or has towers, factorials or large powers.

    Raises:
        RecipeError: math-verify is not installed.
    """
    check_installed()
    visible = visible_text(text)
    if visible is None:
        return None
    tail = last_part(visible)
    for form, phrase in statements(tail):
        candidate = phrase if form in {"box", "tag"} else first_sentence(phrase)
        key = _key(candidate)
        if key is not None or form == "box" or _MATHEMATICAL.search(candidate):
            return key
    return _in_last_line(tail)


def check_installed() -> None:
    """Raise RecipeError if math-verify is not installed."""
    if find_spec("math_verify") is None:
        raise RecipeError(
            "the extractor `math` needs math-verify, which is not installed: pip install 'dagames[math]'."
        )


def _in_last_line(tail: str) -> str | None:
    """Return the key of the formula of the last line or, without a formula, the number of the last sentence."""
    lines = [line for line in tail.rsplit("\n", 6)[-6:] if re.search(r"\w", line)]
    if not lines:
        return None
    line = lines[-1].strip()
    formulas = _DISPLAYED.findall(line)
    if formulas:
        return _key("".join(formulas[-1]))
    if not _PROSE.search(line):
        return _key(line)
    return last_number(tail)


def _key(phrase: str) -> str | None:
    """Return the key of a phrase: of the one formula in `$...$`, or of the phrase as a number or an expression."""
    formulas = _DISPLAYED.findall(phrase)
    if len(formulas) > 1:
        return None
    phrase = "".join(formulas[0]) if formulas else phrase
    phrase = _WHOLLY_TEXT.sub(r"\1", phrase.strip().strip("$").strip().rstrip(".").strip())
    bare = plain(phrase)
    if _NUMERICAL.fullmatch(bare) or canonical_number(bare) is not None:
        number = number_in(bare)
        if number is not None and not _RANGE.search(number):
            return number
    return _of_parts(_UNIT.sub("", phrase))


def _of_parts(phrase: str) -> str | None:
    """Return the key of an expression, or of a point, interval, set or list: `(1, 2)`, `[0, 5)`, `{-1, 1}`.

    The elements of a set, and of a list without brackets, are sorted.
    """
    if _refused(phrase):
        return None
    written = _DELIMITERS.sub("", phrase).replace("\\{", "{").replace("\\}", "}").strip()
    opening, closing = written[:1], written[-1:]
    inner = written[1:-1] if opening in "([{" and closing in ")]}" and _matching(written) else written
    parts = _split(inner)
    if len(parts) == 1:
        return _parsed(phrase)
    if "=" in phrase:
        return None
    keys = [_key(part) for part in parts]
    known = [key for key in keys if key is not None and "," not in key]
    if len(known) < len(keys):
        return None
    if inner is written or opening == "{":
        return "{" + ", ".join(sorted(set(known))) + "}"
    return opening + ", ".join(known) + closing


def _matching(written: str) -> bool:
    """Return whether the last character closes the first bracket; the shapes may differ, as in `[0, 5)`."""
    depth = 0
    for place, c in enumerate(written):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0:
            return place == len(written) - 1
    return False


def _split(written: str) -> list[str]:
    """Return the parts of a text between its commas, except commas in brackets."""
    parts, depth, begin = [], 0, 0
    for place, c in enumerate(written):
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            parts.append(written[begin:place])
            begin = place + 1
    return [*parts, written[begin:]]


def _refused(phrase: str) -> bool:
    """Return whether a phrase is prose, or an expression that is too large for a computer algebra system."""
    if len(phrase) > MAX_LENGTH or _TOO_BIG.search(phrase.replace("**", "^")) or not _MATHEMATICAL.search(phrase):
        return True
    depth = deepest = 0
    for c in phrase:
        depth += (c in "([{") - (c in ")]}")
        deepest = max(deepest, depth)
    return deepest > MAX_DEPTH or bool(_PROSE.search(_COMMANDS.sub("", plain(phrase))))


@lru_cache(maxsize=4096)
def _parsed(phrase: str) -> str | None:
    return PARSER.key(phrase)
