r"""The letter of a multiple-choice answer: `**B**`, `\boxed{\text{(B)}}`, `The correct option is b).`, `So B.`."""

from __future__ import annotations

import re

from dagames_llm.extract.completions import first_part, last_part, visible_text
from dagames_llm.extract.markup import plain
from dagames_llm.extract.statements import first_line, sentences, statements

_LEAD = (
    r"[\s\"'(\[{:]*+(?:(?i:(?:the |therefore,? |thus,? |most )?(?:correct |right |best |final )?(?:option|choice"
    r"|letter|answer|"
    r"statement|alternative)(?:\s(?:is|was|choice|option|letter|would be))?)[\s:\"'(\[]*+)?"
)
_REASON = (
    r"[,;]?\s(?i:because|since|as|for|due|which|given|where|and (?:the|it|this|that|not)|but|not|rather|instead|so"
    r"|is|with|would|in this|—|–|-)\b"
)
_LETTER = re.compile(rf"{_LEAD}(?P<letter>[A-Z])(?P<close>['\"]*[)\]}}.:,;\"'”]|\s*(?:[-–—]\s|\Z)|{_REASON}|\s(?=\S))")
_SMALL = re.compile(rf"{_LEAD}(?:(?<=[(\[])(?P<inside>[a-j])[)\]]|(?P<letter>[a-j])(?:[)\]:]|\.?[\s\"'}}]*\Z))")
_SECOND = re.compile(
    r"[)\]}.\"':]*\s*(?:[^\s.;]{1,20}\s){0,4}?(?:\b(?i:or|and|nor)\b|&|/|,|\+)\s*(?i:also |option |both "
    r"|\()?\s*\(?[A-J](?:[)\].,:;]|\s*\Z|\s(?:are|both|is)\b)"
)
_DENIED = re.compile(r"[\s\"'(]*(?i:not|neither|none|either|both|never|no)\b(?P<rest>.*)", re.DOTALL)
_RATHER = re.compile(r"\b(?i:but|instead|rather)\b\s?(?i:it is |is |rather |instead )?(?P<rest>.*)", re.DOTALL)

_OPTION_LINE = re.compile(r"^[ \t>*_\-•]*+\(?(?:(?i:option|choice)\s)?([A-J])[*_]{0,2}[).:]", re.MULTILINE)
_STARTS = re.compile(
    r"[\s\"']*+(?:\((?P<inside>[A-Ja-j])\)|(?:(?i:option|choice|letter) )?\[?(?P<letter>[A-J])\]?(?:[).:,]"
    r"|\s*(?:[-–—]\s|\Z)|\s(?:because|since)\b)|(?P<small>[a-j])(?:\)|[.:]\s|[.:]?\s*\Z))"
)
_ONLY = re.compile(
    r"[\s\"'(\[:∴>]*+(?:(?i:(?:(?:final|correct|right|best|my|selected|chosen) ?)?"
    r"(?:option|choice|answer|solution|response|output|result|selection|letter|pick|conclusion)?(?<=\w)\s?:?\s?"
    r"|definitely |probably |likely |clearly |obviously |certainly "
    r"|surely ))?[\s\"'(\[]*+(?P<letter>[A-Za-j])[)\].\"'\s]*"
)
_VERDICT = re.compile(
    r"(?:^|[.,;:!]\s|\b(?i:option|choice|letter|answer|statement|alternative|that|so|thus|therefore|hence|then|only)\s)"
    r"[\s\"']*\(?(?P<letter>[A-J])\)?(?:[:.)][^.\n]{0,80}?)?,?\s(?:is|must be|would be|seems|seems to be|has to be"
    r"|appears to be)\s(?:therefore |thus |clearly |indeed |likely |probably |just )?"
    r"(?:the |my |our )?(?:most |only )?(?:correct|right|best|true|appropriate|accurate|answer|one)\b"
)
_ONLY_ONE = re.compile(
    r"\b[Oo]nly (?:option |choice |statement )?\(?(?P<letter>[A-J])\)? (?:satisf|fit|meet|match|work|hold|make|can|is)"
)
_CONCLUSION = re.compile(
    r"\b(?:(?i:so|thus|hence|therefore|it's|it is|it must be|be|is|choose|chose|pick|select|go with|going with"
    r"|go for|going for"
    r"|option|choice|letter|"
    r"answer|conclude|select|selecting|choosing|leaves|leaving|matches|prefer|say))[\s,:(\"']*+"
    r"(?:(?i:option|choice|letter|answer|with|it's|it is|is)[\s:(\"']*+)*(?P<letter>[A-J])(?P<close>[)\].,;:!\"']"
    r"|\s*\Z|\s(?i:because|since|as)\b)"
)
_HENCE = re.compile(r"\b(?i:so|thus|therefore|hence|but)\b")
_NEGATED = re.compile(
    r"\b(?i:not|neither|nor|or|and|either|both|than|except|isn't|eliminate|rule out|between)\b[^.;]*$|&\s*$"
)
_WITH_ANOTHER = re.compile(r"\s*(?i:or|and|nor|&|/)\s*(?:option )?\(?[A-J](?![A-Za-z])")

MAX_PHRASE = 400
"""Number of characters of a phrase that are read."""


def choice(text: str) -> str | None:
    """Return the letter of a multiple-choice answer.

    Args:
        text: a completion.

    Returns:
        One capital letter: from a box, `####`, "answer is", "Answer:" or `<answer>`, in this order; or else from the
        conclusion of the last sentence ("So B.", "D is correct"), the last line, or the start of the text ("B. Paris").
        `None` if there is no letter, more than one, or one that may be an article ("The answer is A dog").
    """
    visible = visible_text(text)
    if visible is None:
        return None
    tail = last_part(visible)
    has_statement = False
    for form, phrase in statements(tail):
        has_statement = True
        letter = _leading_letter(plain(phrase[:MAX_PHRASE]))
        if letter is not None or form == "box":
            return letter or None
    if has_statement and not _ONLY.fullmatch(plain(tail.rstrip().rpartition("\n")[2][-MAX_PHRASE:])):
        return _concluding_letter(tail)
    return _concluding_letter(tail) or _starting(first_part(visible))


def _leading_letter(phrase: str) -> str | None:
    """Return the letter at the start of the phrase after "The answer is"; "" for several letters, and for "not B"."""
    phrase = phrase.strip()
    denied = _DENIED.match(phrase)
    if denied is not None:
        rather = _RATHER.search(denied["rest"])
        return "" if rather is None else _leading_letter(rather["rest"])
    match = _LETTER.match(phrase)
    if match is None:
        match = _SMALL.match(phrase)
        letter = None if match is None else (match["inside"] or match["letter"])
    else:
        letter = match["letter"]
        if match["close"].isspace() and (letter in "AI" or letter > "J"):
            return None
    if match is None or letter is None:
        return None
    return "" if _SECOND.match(phrase, match.end("letter") if match["letter"] else match.end()) else letter.upper()


def _concluding_letter(text: str) -> str | None:
    """Return the letter of the last line, or of its last sentence with a conclusion."""
    lines = [line for line in text.rsplit("\n", 6)[-6:] if re.search(r"\w", line)]
    if not lines:
        return None
    last = plain(lines[-1][-MAX_PHRASE:]).strip()
    only = _ONLY.fullmatch(last)
    if only is not None:
        return only["letter"].upper()
    if len(set(_OPTION_LINE.findall(text))) > 1 and _OPTION_LINE.match(last):
        return None
    if len(lines) > 1 and _STARTS.match(last) and len(_OPTION_LINE.findall(text)) == 1:
        return _starting(last)
    for sentence in reversed(sentences(last)[-3:]):
        for pattern in (_VERDICT, _ONLY_ONE, _CONCLUSION):
            conclusions = list(pattern.finditer(sentence))
            if conclusions:
                return _unless_denied(sentence, conclusions[-1])
    return None


def _unless_denied(sentence: str, match: re.Match[str]) -> str | None:
    before = _HENCE.split(sentence[: match.start("letter")])[-1]
    if _NEGATED.search(before[-60:]) or _WITH_ANOTHER.match(sentence, match.end("letter")):
        return None
    return match["letter"]


def _starting(text: str) -> str | None:
    """Return the letter at the start of a text, unless the text lists the options."""
    start = plain(first_line(text)[:MAX_PHRASE])
    match = _STARTS.match(start)
    if match is None or len(set(_OPTION_LINE.findall(text))) > 1:
        return None
    group = "inside" if match["inside"] else "letter" if match["letter"] else "small"
    if _SECOND.match(start, match.end(group)):
        return None
    if match["letter"] == "A" and start[match.end("letter") :].startswith(":"):
        return _leading_letter(start[match.end() :]) or "A"
    return match[group].upper()
