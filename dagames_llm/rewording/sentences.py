"""Reorder the sentences of a word problem that do not refer to earlier sentences."""

from __future__ import annotations

import random
import re

_SENTENCE = re.compile(r"[^.?!]*(?:\.(?=\d)[^.?!]*|(?<=[A-Z])\.(?=\s?[A-Z])[^.?!]*)*[.?!]+[\"')]*\s*")
_REFERS = re.compile(
    r"\b(?:he|she|it|they|him|her|hers|his|its|them|their|theirs|this|that|these|those|there|then|now|also|too|other"
    r"|others|another|rest|each|both|same|such|so|more|fewer|less|remaining|left|after|before|later|first|second|third"
    r"|last|next|again|altogether|total|all|still|however|but|and then|finally|one|ones|such|if|combined|together|does"
    r"|twice|half|than|as|former|latter|same|sum|result|answer|above|following|below)\b",
    re.IGNORECASE,
)
_STATE = re.compile(
    r"(?:[A-Z][a-z]+|There|A [a-z]+|The [a-z]+) (?:has|have|is|are|costs?|weighs|contains?|holds?|had) "
)


def sentences_of(text: str) -> list[str] | None:
    """Return the sentences of a text in order, without blanks around them; `None` if it cannot be split."""
    sentences, end = [], 0
    for match in _SENTENCE.finditer(text.strip() + " "):
        if match.start() != end:
            return None
        sentences.append(match[0].strip())
        end = match.end()
    return sentences if end >= len(text.strip()) and all(sentences) else None


def other_order(text: str, rng: random.Random) -> str | None:
    """Return a word problem with its sentences in another order.

    One change is made: two adjacent sentences that state facts (`Ann has 3 pens.`) and refer to no earlier sentence are
    swapped, or the question is put first if it refers to no earlier sentence.

    Args:
        text: a word problem.
        rng: generator of the choice of the change.

    Returns:
        The text, or `None` if no change is certain to keep the answer.

    >>> other_order("Ann has 3 pens. Tom has 4 caps. How many pens does Ann have?", random.Random(3))
    'Tom has 4 caps. Ann has 3 pens. How many pens does Ann have?'
    """
    sentences = sentences_of(text)
    if sentences is None or not 2 <= len(sentences) <= 30 or "\n" in text.strip() or '"' in text:
        return None
    changes = [i for i in range(len(sentences) - 1) if _states(sentences[i]) and _states(sentences[i + 1])]
    question = sentences[-1]
    if question.endswith("?") and "?" not in "".join(sentences[:-1]) and _stands_alone(question, sentences[:-1]):
        changes.append(-1)
    if not changes:
        return None
    place = rng.choice(changes)
    if place < 0:
        return " ".join([question, *sentences[:-1]])
    sentences[place : place + 2] = sentences[place + 1], sentences[place]
    return " ".join(sentences)


def _states(sentence: str) -> bool:
    words = sentence.removeprefix("There ")
    return _STATE.match(sentence) is not None and sentence.endswith(".") and not _REFERS.search(words)


def _stands_alone(question: str, before: list[str]) -> bool:
    """Return whether a question can come first: no word refers back, and no pronoun begins the text before it."""
    without = re.sub(r"\b(?:does|in total|altogether|all together|in all)\b", "", question)
    return not _REFERS.search(without) and not _REFERS.search(before[0].split(" ")[0])
