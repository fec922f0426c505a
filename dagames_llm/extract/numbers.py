"""The number that a completion gives as its answer, in canonical form: a reduced fraction `7/2`, a time, a range."""

from __future__ import annotations

import re

from dagames_llm.extract.completions import first_part, last_part, visible_text
from dagames_llm.extract.markup import plain
from dagames_llm.extract.number_phrases import MAX_PHRASE, number_in
from dagames_llm.extract.number_words import WORDS
from dagames_llm.extract.quantities import QUANTITY, canonical_number, quantities
from dagames_llm.extract.statements import first_sentence, sentences, statements

_REMARK = re.compile(
    r"[\s*_(>-]*(?:let me know|i hope|hope (?:this|that)|feel free|note|please|if you (?:have|need|want|would|are"
    r"|like)|if you'd|is there|would you|do you|thank"
    r"|good luck|remember|keep in mind|let'?s (?:verify|check|double)|verif|(?:to )?(?:double-)?check|to verify"
    r"|explanation|reason"
    r"|this (?:matches|confirms|shows)|(?:you can|we can) (?:verify|check)|great|well done|disclaimer|source|rounded"
    r"|confidence)",
    re.IGNORECASE,
)
_CHECK = re.compile(
    r"\n[ \t*_#(>-]*+(?:verification|check|let'?s (?:verify|check|double)|to (?:verify|check)|we can (?:verify|check)"
    r"|explanation|reasoning|note|justification|proof)\b",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"\b(?:can(?:no|')t|cannot|unable to|not enough|insufficient|don't know|do not know|not sure|impossible to"
    r"|unclear|unknown"
    r"|undetermined|cannot be determined|no solution|more information)\b",
    re.IGNORECASE,
)
_UNFINISHED = re.compile(r"\b(?:and then|then|next|first|we|let|and|or|so|to|by|multiply|add|subtract|divide)\b")
_LIST_MARK = re.compile(
    r"^[ \t]*+(?:>[ \t]*+)*+(?:[-•+*–][ \t]+(?=\S)|[0-9]{1,2}[.)][ \t]+(?=[A-Za-z*\\$(]))", re.MULTILINE
)
_ANYTHING = re.compile(r"[0-9A-Za-z\u0080-\U0010ffff]")
_BOLD = re.compile(r"(?<![\w)])\*\*([^*\n:]{1,80})\*\*(?!\s?:|\d)")
_STEPS = re.compile(r"\n[ \t]*+2[.)]\s")
_CONTINUED = re.compile(r"\s?(?:[-+×*÷]\s?[0-9(]|=)")
_APPROXIMATELY = re.compile(r"[\s=≈~(:]*+(?:(?:about|approximately|around|roughly)\s)?")
_NUMBER = re.compile(r"\d|π|(?<![A-Za-z])pi(?![A-Za-z])")
_LONE_ONE = re.compile(
    r"(?<![-\w])one(?![-\s](?:hundred|thousand|million|half|third|quarter|fifth|tenth))(?!\w)", re.IGNORECASE
)
_ENTRY = re.compile(
    r"[\s|>•*_-]*+(?:part )?\(?(?P<label>[A-Za-z][A-Za-z' ]{0,30})\)?[*_]{0,2}\s?[:"
    r"|][*_]{0,2}\s?[^:\n]{0,4}[0-9][^:\n]{0,30}$",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"total|sum|answer|result|final|overall|altogether|all|difference|remain|left|average|mean|profit|therefore|so\b",
    re.IGNORECASE,
)
_OR = re.compile(r"\s*(?:or|to|and|,|/)\s*")

_FAR = 2 * MAX_PHRASE

MAX_LINES = 12
"""Number of last lines in which a number that no statement marks as the answer is searched."""


def last_number(text: str) -> str | None:
    r"""Return the number that a completion states as its answer, or else the number of its last sentence.

    A number is stated in the last `\boxed{}`, after `####`, "answer is" or "Answer:", or in `<answer>`, in this order.
    Percent and currency signs and units are dropped: `50%` and `50` are equal, `50%` and `0.5` are not.

    Args:
        text: a completion, or a worked solution.

    Returns:
        A reduced fraction (`7/2`), a multiple of pi (`9*pi`), a time or ratio (`10:30`) or a range (`3-5`); `None` if
        the completion gives no single complete quantity.
    """
    visible = visible_text(text)
    return None if visible is None else _last_number(last_part(visible))


def first_number(text: str) -> str | None:
    """Return the number at the start of a completion, the continuation of `3 + 4 =`, or else the number it states.

    Args:
        text: a completion.

    Returns:
        The number of the first line or, if the completion is a list of steps, of all lines, in the form of
        `last_number`; `None` without such a number.
    """
    visible = visible_text(text)
    if visible is None:
        return None
    start = first_part(visible)
    line = plain(start.partition("\n")[0][:_FAR])
    if line[:2] in {"1.", "1)"} and _STEPS.search(start):
        return _last_number(start)
    begin = _APPROXIMATELY.match(line)
    match = QUANTITY.match(line, begin.end() if begin else 0)
    if match is None:
        return _last_number(start.partition("\n")[0])
    return _leading(line, match)


def _leading(line: str, match: re.Match[str]) -> str | None:
    """Return the number at the start of a line, also of an equation: `11 + 5 = 16`, `10-5=5`."""
    number = (match["sign"] or "") + match["number"]
    if _CONTINUED.match(line, match.start() + len(number)) and "=" in line[match.start() :]:
        return canonical_number(number)
    line = line[match.start() :]
    leading = list(quantities(first_sentence(line)))
    if not leading or (len(leading) > 1 and _OR.fullmatch(line, leading[0].end, leading[1].start)):
        return None
    return leading[0].answer


def _last_number(text: str) -> str | None:
    has_statement = False
    for form, phrase in statements(text):
        has_statement = True
        if form == "box" and "!" in phrase:
            return None
        if form == "tag":
            return _in_last_sentence(phrase)
        answer = number_in(plain(phrase[:_FAR] if form == "box" else first_sentence(phrase[:_FAR])))
        if answer is not None or form == "box" or re.search(r"\d", phrase):
            return answer
    return None if has_statement else _in_last_sentence(text)


def _in_last_sentence(text: str) -> str | None:
    """Return the number of the last sentence with a number, without remarks and checks of the result."""
    if "####" in text:
        text = text.rpartition("####")[2]
    check = _CHECK.search(text)
    if check is not None and re.search(r"\d", text[: check.start()]):
        text = text[: check.start()]
    lines = [line for line in text.rsplit("\n", MAX_LINES)[-MAX_LINES:] if _ANYTHING.search(line)]
    entries = [_ENTRY.match(line[:_FAR]) for line in lines[-2:]]
    if len(entries) == 2 and all(entries) and entries[-1] and not _SUMMARY.search(entries[-1]["label"]):
        return None
    for line in reversed(lines):
        for sentence in reversed(sentences(_LIST_MARK.sub("", line))):
            if _REMARK.match(sentence, 0, 60) or sentence.rstrip(" *_\"')").endswith(("?", "\uff1f", ":", "\uff1a")):
                continue
            if _GIVEN_UP.search(sentence[-_FAR:]):
                return None
            if _NUMBER.search(sentence) or WORDS.search(sentence):
                return _of_sentence(sentence)
    return None


def _of_sentence(sentence: str) -> str | None:
    sentence = sentence[-_FAR:]
    bold = _BOLD.findall(sentence) if "**" in sentence else []
    if bold and re.search(r"\d", bold[-1]):
        return number_in(plain(bold[-1]).rstrip("."))
    phrase = plain(sentence).strip()
    if _LONE_ONE.search(phrase) and len(phrase) > 5 and not _NUMBER.search(phrase):
        return None
    ended = phrase[-1:] in ".!)]}”\"'。" or not phrase[-1:].isalpha()
    if not ended and _UNFINISHED.search(re.split(r"[0-9]", phrase)[-1]):
        return None
    return number_in(phrase)
