"""Multiple choice: the options of a question, their letters, and their permutations."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

from dagames_llm._errors import DataError

_LETTERS = string.ascii_uppercase
_LISTED = re.compile(r"(?:^|,)\s*([a-z])\s*\)\s*")


def options_of(place: str, options: Any) -> tuple[str, ...]:
    """Return the options of a question in their order.

    Args:
        place: place of the row, for the message.
        options: a list of texts; a mapping from letters to texts; `{"text": [...], "label": [...]}`; or one text such
            as `a ) 38 , b ) 27`.

    Returns:
        At least two different texts.

    Raises:
        DataError: there are fewer texts, or values of another type.
    """
    if isinstance(options, str):
        options = _LISTED.split(options)[2::2]
    elif isinstance(options, Mapping):
        options = options["text"] if "text" in options else [options[key] for key in sorted(options)]
    texts = [str(text).strip() for text in options] if isinstance(options, list | tuple) else []
    if not 2 <= len(texts) <= len(_LETTERS) or not all(texts) or len(set(texts)) < len(texts):
        raise DataError(
            f"{place}: the options are {texts or options!r:.80}; they must be 2 to {len(_LETTERS)} different texts "
            "that are not empty."
        )
    return tuple(texts)


def right_option(place: str, answer: Any, options: Sequence[str], raw_options: Any = None) -> int:
    """Return the index of the option that an answer names.

    Args:
        place: place of the row, for the message.
        answer: a letter, a label of the options, or the text of one.
        options: texts.
        raw_options: the options as in the data set, with their labels.

    Returns:
        An index into the options.

    Raises:
        DataError: the answer names no option.

    >>> right_option("row 1", "b", ["Rome", "Paris"]), right_option("row 1", "Rome", ["Rome", "Paris"])
    (1, 0)
    """
    text = str(answer).strip()
    labels = list(_LETTERS[: len(options)])
    if isinstance(raw_options, Mapping):
        labels = [str(label) for label in (raw_options.get("label") or sorted(raw_options))]
    for known in (labels, [label.lower() for label in labels], list(options)):
        if text in known:
            return known.index(text)
    raise DataError(
        f"{place}: the answer {text!r:.60} is neither a letter from {labels[0]} to {labels[-1]} nor the text of an "
        "option."
    )


def shown(question: str, options: Sequence[str]) -> str:
    """Return a question followed by its lettered options.

    >>> print(shown("Capital of France?", ["Rome", "Paris"]))
    Capital of France?
    A) Rome
    B) Paris
    """
    lines = [f"{letter}) {option}" for letter, option in zip(_LETTERS, options, strict=False)]
    return "\n".join([question.strip(), *lines])


def orders(number: int, count: int, seed: str) -> list[tuple[int, ...]]:
    """Return different orders of options, the original order first.

    Args:
        number: number of options.
        count: maximum number of orders; there are at most `number`! of them.
        seed: seed of the permutations.

    Returns:
        Permutations of `range(number)`: the option at place i of a view is option `order[i]`.
    """
    drawn = random.Random(seed)  # noqa: S311, not for cryptography
    permutations = [tuple(range(number))]
    for _ in range(20 * count):
        if len(permutations) >= count:
            break
        order = list(range(number))
        drawn.shuffle(order)
        if tuple(order) not in permutations:
            permutations.append(tuple(order))
    return permutations[:count]


def letters_of(order: Sequence[int]) -> str:
    """Return the canonical letters of the options in the order of a view.

    >>> letters_of((2, 0, 1))  # option A of the view is canonical option C
    'CAB'
    """
    return "".join(_LETTERS[i] for i in order)
