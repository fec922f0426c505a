"""The visible text of a completion, without its reasoning and without turns that follow the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Completion = str | Sequence[Mapping[str, Any]]
"""A completion in TRL's form: a string, or the assistant's messages."""

WINDOW = 8192
"""Number of characters read at the end of the visible text, and at its start."""

_THOUGHT = re.compile(
    r"<(?P<close>/)?(?:think|thinking|thought|reasoning|scratchpad)>"
    r"|<\|(?:begin|(?P<end>end))_of_thought\|>"
    r"|◁(?P<stop>/)?think▷",
    re.IGNORECASE,
)
_FINAL_CHANNEL = "<|channel|>final<|message|>"
_OPENING = re.compile(
    r"\s*+(?:<\|im_start\|>assistant|<\|start_header_id\|>assistant<\|end_header_id\|>|<start_of_turn>model)?\s*+"
)
_FOLLOW_UP = re.compile(
    r"\n[ \t>*_#]*+(?:Q|Question|Next question|Follow-up(?: question)?|Human|User|Student|Problem|Exercise|Task|Input"
    r"|Instruction)(?:[ \t]++[0-9]++)?[ \t]*+(?:\*\*)?[ \t]*+[:\uff1a]"
    r"|\n[ \t]*+#{1,6}[ \t]*+(?:Question|Problem|Exercise|Instruction|User|Human|Task"
    r"|Input)\b[ \t]*+[0-9]{0,3}[.:]?[ \t]*+\n"
    r"|<\|(?:im_end|im_start|eot_id|endoftext|end|return|user)\|>|<(?:end|start)_of_turn>|</s>|<["
    r"|\uff5c]end▁of▁sentence[|\uff5c]>"
)


def completion_text(completion: Completion) -> str:
    """Return the text of a completion.

    Args:
        completion: a string or, for chat prompts, the assistant's messages. The content of a message is a string or a
            list of parts, of which those with a `text` are joined; `reasoning_content` is not part of the answer.

    Returns:
        The string, or the text of the last message; empty if there is none.
    """
    if isinstance(completion, str):
        return completion
    content = completion[-1].get("content") if completion else ""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else ()
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    return "".join(text for text in texts if isinstance(text, str))


def visible_text(text: str) -> str | None:
    """Return a completion without reasoning and turns after the answer; None if the reasoning does not end."""
    if "<" in text or "◁" in text:
        begin, is_open = 0, False
        for tag in _THOUGHT.finditer(text):
            is_open = not (tag["close"] or tag["end"] or tag["stop"])
            begin = tag.end()
        if is_open:
            return None
        text = text[begin:].rpartition(_FINAL_CHANNEL)[2]
    text = _OPENING.sub("", text, count=1)
    follow_up = _FOLLOW_UP.search(text)
    return text if follow_up is None else text[: follow_up.start()]


def last_part(text: str) -> str:
    """Return the last `WINDOW` characters, without the word or number that is cut at the start."""
    if len(text) <= WINDOW:
        return text
    tail = text[-WINDOW:]
    blank = re.search(r"\s", tail)
    return "" if blank is None else tail[blank.end() :]


def first_part(text: str) -> str:
    """Return the first `WINDOW` characters, without the word or number that is cut at the end."""
    if len(text) <= WINDOW:
        return text
    words = text[:WINDOW].rsplit(None, 1)
    return words[0] if len(words) > 1 else ""
