r"""Statements of the answer: `\boxed{}`, `####`, "answer is", "Answer:", `<answer>`, in this order of precedence."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BOX = re.compile(r"\\f?boxed\s?(?=\{|[0-9A-J](?![A-Za-z]))")
_BRACE = re.compile(r"\\?[{}]")
_HEADING = re.compile(
    r"[\s*_#]*+(?:(?:step|part|case|problem|question|exercise|section|solution|example|method|option|phase|stage|task"
    r"|answer [0-9]+\b)\b|[0-9]{1,2}[.)](?![0-9]))",
    re.IGNORECASE,
)
_ANSWER_IS = re.compile(
    r"\banswer(?:\s(?:to|for|of)\s[^.:\n]{1,80}?)?[\s\"'*_`]{0,4}"
    r"(?:is|was|are|would be|should be|will be|must be|equals|comes out to|=)(?![a-z])"
    r"|\b(?:antwort|ergebnis|lösung)\s(?:ist|lautet|beträgt)\b|\b(?:respuesta|resposta"
    r"|risposta)(?:\s\w{1,12})?\s(?:es|é|è)(?!\w)"
    r"|\bréponse(?:\s\w{1,12})?\sest\b|答案[是为]",
    re.IGNORECASE,
)
_ANSWER_LABEL = re.compile(
    r"\b(?:answer|antwort|respuesta|réponse|resposta|risposta)(?:\s(?:choice|option|letter"
    r"|key))?(?:\s\([^()\n]{0,30}\))?[\s\"'*_`]{0,4}[:\uff1a]"
    r"|(?:ответ|答案)[\s\"'*_`]{0,4}[:\uff1a]"
    r"|^[#\s*]{0,8}(?:final )?answer[*\s]{0,4}(?:$|\s[–—-]\s)",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWER_TAG = re.compile(r"<answer>", re.IGNORECASE)
_LINE = re.compile(r"[\s*_:$\\\[\]\"'`>=≈(){}.-]*+\n?")
_BARE = re.compile(r"[\s*_:$\"'`|>\[\\]*+")
_SENTENCE_END = re.compile(
    r"(?<!\bapprox)(?<!\bca)(?<!\bno)(?<!\bNo)(?<!\bRs)(?<!\bi\.e)(?<!\be\.g)(?<!\bvs)[.!?](?:[\"')\]*_$]"
    r"|\\[)\]])*+(?=\s|\Z)|。|[\uff01\uff1f]"
)

Statement = tuple[str, str]
"""The form of a statement (`box`, `mark`, `is`, `label`, `tag`), and the text that it states."""


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a text in order of precedence; within a form the last one first.

    An empty box, and a heading of a step after `####`, are no statements.
    """
    if "boxed" in text or "\\fbox" in text:
        yield from _boxes(text)
    if "####" in text:
        yield from _marks(text)
    folded = text.lower()
    if "answer" in folded or not text.isascii() or "antwort" in folded or "respuesta" in folded or "ergebnis" in folded:
        for form, pattern in (("is", _ANSWER_IS), ("label", _ANSWER_LABEL)):
            for match in reversed(list(pattern.finditer(text))[-3:]):
                yield form, first_line(text, match.end())
        tags = list(_ANSWER_TAG.finditer(text))
        if tags:
            yield "tag", re.split(r"</answer>", text[tags[-1].end() :], maxsplit=1, flags=re.IGNORECASE)[0].strip()


def first_line(text: str, begin: int = 0) -> str:
    """Return the rest of the line from `begin`, or if it is empty, the next line that is not."""
    start = begin
    bare = _BARE.match(text, begin)
    if bare is not None and "\n" in bare.group():
        start = begin + bare.group().rindex("\n") + 1
    end = text.find("\n", max(start, bare.end() if bare else start))
    return text[start : end if end >= 0 else len(text)]


def first_sentence(line: str) -> str:
    """Return the first sentence of a line, without its full stop."""
    end = _SENTENCE_END.search(line)
    return line if end is None else line[: end.start()] + line[end.start() : end.end()].replace(".", "")


def sentences(line: str) -> list[str]:
    """Return the sentences of a line, each with the mark that ends it."""
    parts, begin = [], 0
    for end in _SENTENCE_END.finditer(line):
        parts.append(line[begin : end.end()])
        begin = end.end()
    return [part for part in [*parts, line[begin:]] if part.strip()]


def _boxes(text: str) -> Iterator[Statement]:
    """Yield the last box that is not empty; "" if it is not closed, or joined to the box before by "and", "or", ","."""
    spans = [(box.start(), *_braces(text, box.end())) for box in list(_BOX.finditer(text))[-8:]]
    spans = [span for span in spans if span[2] is None or text[span[1] : span[2]].strip(" {}")]
    if not spans:
        return
    first, begin, end = spans[-1]
    if end is None or (
        len(spans) > 1
        and spans[-2][2]
        and re.fullmatch(r"\}?[\s$,\\()]*(?:and|or|,)[\s$\\()]*", text[spans[-2][2] : first])
    ):
        yield "box", ""
    else:
        yield "box", text[begin:end]


def _braces(text: str, begin: int) -> tuple[int, int | None]:
    """Return the start and the end of the text in the braces at `begin`; no end if they are not closed."""
    if text[begin : begin + 1] != "{":
        return begin, min(begin + 1, len(text))
    depth = 0
    for brace in _BRACE.finditer(text, begin):
        if brace.group() == "{":
            depth += 1
        elif brace.group() == "}":
            depth -= 1
            if depth == 0:
                return begin + 1, brace.start()
    return begin + 1, None


def _marks(text: str) -> Iterator[Statement]:
    """Yield the line after the last `####`, unless it is the heading of a step."""
    last = text.rindex("####") + 4
    line = first_line(text, last)
    if not _HEADING.match(line):
        yield "mark", line
