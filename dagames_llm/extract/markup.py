r"""Markdown, HTML and LaTeX around an answer: `**$\boxed{\dfrac{7}{2}}$**` -> `7/2`."""

from __future__ import annotations

import re
import sys
import unicodedata

_SIGNS = {
    "\u2212": "-", "\u2010": "-", "\u2011": "-", "\ufe63": "-", "\uff0d": "-", "\u00b7": "×", "\u22c5": "×",
    "\u2217": "×",
    "\u2715": "×", "\u2219": "×", "→": ": ", "⇒": ": ", "⟹": ": ", "≃": "≈", "≅": "≈", "∼": "≈", "⩽": "≤", "⩾": "≥",
    "\u2044": "/", "\u2215": "/", "\u2236": ":", "\u2007": "\u2009", "\u2008": "\u2009", "\ufeff": "", "\u200b": "",
    "\u200e": "", "\u2060": "", "\u3002": ". ", "\u3000": " ", "\uff01": "! ", "\uff04": "", "\uff05": "%",
    "\uff08": "(",
    "\uff09": ")", "\uff0b": "+", "\uff0c": ", ", "\uff0e": ".", "\uff0f": "/", "\uff1a": ":", "\uff1b": "; ",
    "\uff1d": " = ", "\uff1f": "? ", "\uff5e": "~", "\u3001": ", ", "\u0000": " ",
}  # fmt: skip
_DIGITS = {
    chr(code): str(unicodedata.decimal(chr(code)))
    for code in range(128, sys.maxunicode + 1)
    if unicodedata.category(chr(code)) == "Nd"
}
_FRACTIONS = {
    chr(code): " " + unicodedata.normalize("NFKD", chr(code)).replace("⁄", "/")
    for code in [0xBC, 0xBD, 0xBE, *range(0x2150, 0x215F), 0x2189]
}
_TO_PLAIN = str.maketrans(_SIGNS | _DIGITS | _FRACTIONS)
_RAISED = re.compile(r"[⁰¹²³⁴-⁹⁺⁻]++")
_SUBSCRIPT = re.compile(r"[₀-₉]++")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")

_TAG = re.compile(r"</?(?:b|i|u|p|em|strong|span|div|mark|code|font|center|br|big|small|answer)\b[^<>\n]{0,60}>")
_FENCE = re.compile(r"^[ \t]*+```[^\n]*+$", re.MULTILINE)
_LINK = re.compile(r"\[([^\[\]\n]{1,80})\]\([^()\n]{1,200}\)")
_BOLD = re.compile(r"(?<![\w)\]}*])(\*{1,3})(?=[^\s*])([^*\n]*+)\1(?![0-9*])")
_POWER = re.compile(r"(?<=[\w)\]}])[ ]?\*\*[ ]?(?=[\w(\\{-])")
_TIMES = re.compile(r"(?<=[\w)\]}])([ ]?)\*[ ]?(?=[\w(\\{$-])")
_UNDERLINES = re.compile(r"(?<![A-Za-z0-9}])_++(?!\{)|(?<=[A-Za-z0-9}])_++(?![A-Za-z0-9{])")

_SPACES = re.compile(
    r"\\(?:left|right|displaystyle|textstyle|big[lrg]*|Big[lrg]*|q?quad|limits|hspace\{[^{}]*\}|newline)(?![a-zA-Z])"
)
_TEXT = re.compile(
    r"\\(?:text(?:bf|it|rm|tt|sf|normal)?|math(?:rm|bf|it|sf|tt|bb)|mbox|hbox|operatorname|emph|underline|bm|boldsymbol"
    r"|boxed|fbox)\b\s*+\{([^{}]*+)\}"
)
_COMMAND = re.compile(
    r"\\(times|cdot|ast|div|pm|mp|approx|simeq|sim|leq?|geq?|lt|gt|pi|infty|Rightarrow|implies|therefore"
                      r"|to|rightarrow|Longrightarrow|degrees?|euro|pounds|dots|ldots|cdots"
                      r"|neq?)(?![a-zA-Z])")  # fmt: skip
_COMMANDS = {
    "times": "×", "cdot": "×", "ast": "×", "div": "÷", "pm": "±", "mp": "±", "approx": "≈", "simeq": "≈", "sim": "≈",
    "le": "≤", "leq": "≤", "lt": "<", "ge": "≥", "geq": "≥", "gt": ">", "pi": "π", "infty": "∞", "degree": "°",
    "degrees": "°", "euro": "€", "pounds": "£", "dots": "…", "ldots": "…", "cdots": "…", "ne": "≠", "neq": "≠",
}  # fmt: skip
_CIRCLE = re.compile(r"\^\s?\{?\s?\\circ\s?\}?")
_PART = r"[-+]?\s?(?:[0-9]++(?:[.,][0-9]++)*+\s?π?|\.[0-9]++|π)"
_FRACTION = re.compile(
    rf"(?:(?P<whole>[0-9])\s?)?\\[dtc]?frac\s?(?:\{{\s?(?P<a>{_PART})\s?\}}"
    rf"|(?P<c>[0-9]))\s?(?:\{{\s?(?P<b>{_PART})\s?\}}|(?P<d>[0-9]))"
)


def plain(text: str) -> str:
    r"""Return text without emphasis, mathematical delimiters and commands that only change its appearance.

    Args:
        text: a phrase of a completion.

    Returns:
        The phrase. Commands with a mathematical meaning, such as `\sqrt`, stay; `**` between operands becomes `^`.
    """
    if not text.isascii():
        text = _SUBSCRIPT.sub(lambda lowered: "_" + unicodedata.normalize("NFKC", lowered.group()), text)
        text = _RAISED.sub(lambda raised: "^" + raised.group().translate(_LOWERED), text).translate(_TO_PLAIN)
    if "<" in text:
        text = _TAG.sub("", text.replace("<sup>", "^").replace("</sup>", " ").replace("<sub>", "_"))
    if "{,}" in text:
        text = text.replace("{,}", ",")
    if "\\" in text:
        text = _without_latex(text)
    if "`" in text:
        text = _FENCE.sub("", text).replace("`", "")
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    if "*" in text:
        text = _BOLD.sub(r"\2", text)
        text = _TIMES.sub(r"\1×\1", _POWER.sub("^", text)).replace("*", "")
    if "_" in text:
        text = _UNDERLINES.sub("", text)
    if "$" in text:
        text = _without_dollars(text)
    return text.replace("~~", "").replace("->", ": ").replace("=>", ": ")


def _without_dollars(text: str) -> str:
    text = re.sub(r"\b(?:US|USD|AU|CA|A|C|HK|NT|S)\$(?=\s?[0-9])", "", text)
    return re.sub(r"(?<=[0-9])\$(?=[0-9])", " | ", text).replace("$", "")


def _without_latex(text: str) -> str:
    text = _CIRCLE.sub("°", text.replace("\\!", "").replace("\\,", "\u2009"))
    text = _SPACES.sub(" ", text)
    text = _COMMAND.sub(lambda command: _COMMANDS.get(command[1], ": "), text)
    text = re.sub(r"\\([$%#&_{}])", lambda escaped: "" if escaped[1] == "$" else escaped[1], text)
    text = re.sub(r"\\[()\[\]]", "", re.sub(r"\\\\|\\[;:> ]", " ", text))
    for _ in range(4):  # the patterns match innermost braces
        text, n_texts = _TEXT.subn(r"\1", text)
        text, n_fractions = _FRACTION.subn(_written_fraction, text)
        if not n_texts + n_fractions:
            break
    return text


def _written_fraction(match: re.Match[str]) -> str:
    whole = f"{match['whole']} " if match["whole"] else ""
    numerator, denominator = match["a"] or match["c"], match["b"] or match["d"]
    numerator = numerator.replace("π", "1π") if numerator.strip("+- ") == "π" else numerator
    if match["whole"] and not (numerator + denominator).isdigit():
        return f"{whole}× {numerator}/{denominator}"
    return f"{whole}{numerator.replace(' ', '')}/{denominator.replace(' ', '')}"
