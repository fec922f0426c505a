"""A short answer in words, normalised as in the evaluations of TriviaQA and SQuAD: `The Beatles` -> `beatles`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from dagames_llm.extract.completions import first_part, last_part, visible_text
from dagames_llm.extract.markup import plain
from dagames_llm.extract.statements import first_line, statements

_JOINS = re.compile(r"[-‐-―/_⁄∕\\|~]+|(?<=[0-9])\.(?=[0-9])")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = re.compile(r"[^\w\s]+|_+")
_END = re.compile(
    r"(?<!\b[A-Za-z])(?<!\bSt)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bDr)(?<!\bJr)(?<!\bSr)(?<!\bMt)(?<!\bFt)(?<!\bNo)(?<!\bvs)[.!?][\"')”]*\s+(?=\S)"
    r"|(?<=[a-z][A-Z])\.\s+(?=[A-Z])|(?<=\.[A-Z])\.\s+(?=(?:It|He|She|They|This|The)\s)"
)
_REMARK = re.compile(
    r"\s+[—–-]+\s+(?=\w)|;\s|,?\s(?:because|since|which|who|where|as (?:it|he|she|they)|not|rather than|instead of"
    r"|so)\s"
    r"|,\s(?:a|an|the|also|formerly|located|known|written|born|and (?:it|he|she))\s"
)
_PARENTHESIS = re.compile(r"\s*\([^()\n]*+\)|\s*\[[^\[\]\n]*+\]")
_LABEL = re.compile(
    r"\s*+(?:(?:A|Answer|Final answer|Response|Short answer)\s?:\s*+|(?:Final )?answer\s?[–—-]\s"
    r"|(?:[0-9]{1,2}[.)]|[-•*>])\s+(?=\S))",
    re.IGNORECASE,
)
_CONTRAST = re.compile(r",?\s(?:not|rather than|instead of)\s[^\n]*$|,\s(?:which|who|whose|where)\s[^\n]*$")
_OPENING = re.compile(
    r"(?:it's|it is|it was|that's|that is|that was|this is|this was|they are|he is|he was|she is"
    r"|she was)\s+(?!(?:born|located|written|found|the|an?)\b)(?:(?:known as|called|named)\s+)?(?=\S)",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(
    r"\s*(?:sure|certainly|of course|okay|ok|great question|yes|well|hmm|let'?s|let me|here)\b[^\n]*[!:.]\s*$"
    r"|\s*(?:sure|certainly|of course|okay|ok)[!,.]\s*(?=\S)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“«]([^\"“”«»\n]{1,120})[\"”»]\s*[.,]?(?=\s|\Z)")
_NAME = r"(?:[A-Z0-9À-Þ][\w.'’&-]*+|\"[^\"\n]+\")"
_NAMES = (
    rf"(?:[Tt]he )?{_NAME}(?:,? (?:of|the|and|de|da|van|von|du|la|le|del|in|on|for|to|a|with|&|{_NAME})(?= [\w\"&])"
    rf"|,? {_NAME})*+"
)
_PREDICATE = re.compile(
    rf"[\w\s',’.()\"-]{{2,160}}?\s(?:is|was|are|were)\s(?:(?:called|named|known as|actually|probably|likely|in|by|on"
    rf"|at|from|located|situated|found|written|painted|born"
    rf"|founded|directed|composed|discovered|invented|created|set|held|sung|played) )*(?P<name>{_NAMES})[.!]?\s*\Z"
)
_SUBJECT = re.compile(
    rf"\s*(?P<name>{_NAMES})\s(?:is|was|are|were)\s(?:the|an?|known|considered|called|one)\s[^\n]*\Z"
    rf"|\s*(?P<doer>{_NAMES})\s(?:wrote|painted|invented|discovered|directed|won|composed|founded|played|sang"
    rf"|created)\s[^\n]*\Z"
)
_OF = re.compile(
    r"The [\w ]{2,60} of [\w ]{2,60}? (?:is|was) (?:called )?(?:the|an?) (?P<name>[\w-]+(?: [\w-]+)?)[.!]?"
)
_VERB = re.compile(
    r"(?<=\w)\s(?:is|was|are|were|has|have|had|wrote|painted|invented|discovered|directed|won|composed|founded|created|can|could|will|would|do|does|did|am)\s(?=\w)"
)
_GIVEN_UP = re.compile(
    r"\b(?:i (?:don't|do not|can't|cannot|am not|couldn't)|i'm (?:not|sorry|unable)|unable to|not sure|there is no"
    r"|no answer|sorry|unknown"
    r"|as an ai|not enough information|cannot be)\b",
    re.IGNORECASE,
)

_UNSTABLE = re.compile(
    r"answer|antwort|respuesta|ergebnis|\b(?:i|im|it|its|that|this|they|he|she|sorry|unable|not|no|as|unknown|cannot)\b"
)
"""Words in a normalised answer from which extraction may return another answer."""

MAX_LENGTH = 400
"""Largest number of characters of a short answer."""

MAX_WORDS = 12
"""Largest number of words of a short answer."""


def normalised_text(text: str) -> str | None:
    """Return the short answer that a completion gives, normalised.

    Args:
        text: a completion.

    Returns:
        The stated answer, or else the first line, without parentheses and remarks, in the form of `normalise`; `None`
        for refusals, for questions and for sentences in which no part is clearly the answer.
    """
    visible = visible_text(text)
    if visible is None:
        return None
    answer = _read(visible)
    if answer is None or (answer.isascii() and not _UNSTABLE.search(answer)):
        return answer
    for _ in range(3):
        again = None if answer is None else _read(answer)
        if again == answer:
            return answer
        answer = again
    return None


def normalise(phrase: str) -> str:
    """Return a phrase in lower case, without articles, punctuation and accents, single blanks between words.

    Hyphens, slashes and decimal points separate words (`Spider-Man` is `spider man`, `3.5` is `3 5`); other punctuation
    and marks of thousands are dropped (`U.S.A.` is `usa`).
    """
    if not phrase.isascii():
        phrase = _without_accents(phrase)
    phrase = phrase.lower().replace("&", " and ")
    words = _PUNCTUATION.sub("", _JOINS.sub(" ", phrase))
    return " ".join(_ARTICLES.sub(" ", words).split())


def matches(answer: str | None, aliases: Iterable[str], read: Callable[[str], str | None] | None = None) -> bool:
    """Return whether an answer is one of the accepted ones.

    Args:
        answer: a canonical answer, or `None`, which matches nothing.
        aliases: accepted answers, canonical or as written in a data set.
        read: makes an alias canonical; `normalise` by default, which drops signs; `last_number` for numbers.

    Returns:
        Whether the answer equals a canonical alias.

    Examples:
        >>> matches("usa", ["United States", "U.S.A."])
        True
        >>> from dagames_llm.extract import last_number
        >>> matches("1/2", ["0.5"], last_number)
        True
    """
    if answer is None:
        return False
    return any(answer == (read or normalise)(alias) for alias in aliases)


def _without_accents(phrase: str) -> str:
    for _ in range(2):
        decomposed = unicodedata.normalize(
            "NFKD", phrase.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("ł", "l")
        )
        phrase = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    return phrase


def _read(visible: str) -> str | None:
    for form, phrase in statements(last_part(visible)):
        answer = _short(plain(phrase[: 2 * MAX_LENGTH]), is_statement=True)
        if answer is not None or form == "box":
            return answer
    return _short(plain(_first_answer_line(first_part(visible))[: 2 * MAX_LENGTH]), is_statement=False)


def _first_answer_line(text: str) -> str:
    """Return the first line after an optional preamble ("Sure!")."""
    line = first_line(text)
    if len(line) < MAX_LENGTH and _PREAMBLE.fullmatch(line.rstrip() + " ") and "\n" in text.strip():
        rest = text.lstrip().partition("\n")[2]
        return first_line(rest) if rest.strip() else line
    return line


def _short(line: str, is_statement: bool) -> str | None:
    """Return the normalised answer in a line; None for a sentence in which no part is clearly the answer."""
    if len(line) > MAX_LENGTH:
        return None
    line = _LABEL.sub("", line.strip(), count=1)
    preamble = _PREAMBLE.match(line)
    if preamble is not None and preamble.end() < len(line):
        line = line[preamble.end() :]
    end = _END.search(line)
    line = (line if end is None else line[: end.start()]).strip()
    if _GIVEN_UP.search(line) or (line.endswith("?") and len(line.split()) > 3):
        return None
    line = _OPENING.sub("", line, count=1)
    rest = _PARENTHESIS.sub("", line)
    line = rest if re.search(r"\w", rest) else line
    phrase = _core(line, is_statement)
    answer = "" if phrase is None else normalise(phrase)
    return answer if 0 < len(answer) <= MAX_LENGTH and answer.count(" ") < MAX_WORDS else None


def _core(line: str, is_statement: bool) -> str | None:
    if line == normalise(line):
        return line
    quoted = _QUOTED.findall(line)
    if len(quoted) == 1 and (is_statement or line.rstrip(" .").endswith(('"', "”", "»"))):
        return str(quoted[0])
    line = _CONTRAST.sub("", line) or line
    remark = _REMARK.search(line)
    if (
        remark is not None
        and re.search(r"\w", line[: remark.start()])
        and (is_statement or not _VERB.search(line[: remark.start()]))
    ):
        line = line[: remark.start()]
    if not _VERB.search(line):
        return line
    if is_statement and not line.endswith("."):
        return line
    for pattern in (_SUBJECT, _PREDICATE, _OF):
        match = pattern.fullmatch(line)
        if match is not None:
            return match["name"] or match["doer"] if pattern is _SUBJECT else match["name"]
    return None
