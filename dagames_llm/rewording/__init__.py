"""Other wordings of a question, by rules that do not change its answer.

A rule returns another text, or `None` if the answer could change.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from dagames._choices import did_you_mean
from dagames_llm._errors import RecipeError
from dagames_llm.rewording.expressions import swap_operands
from dagames_llm.rewording.names import other_names
from dagames_llm.rewording.numerals import words_for_numbers
from dagames_llm.rewording.sentences import other_order

RULES: dict[str, Callable[[str, random.Random], str | None]] = {
    "operands": swap_operands,
    "names": other_names,
    "order": other_order,
    "number_words": words_for_numbers,
}
"""Rules by name, in the order in which they are applied."""

OPTIONS = "options"
"""Name of the rule that permutes the options of a multiple-choice question; it changes letters as well as the text."""

TRIES = 8
"""Maximum number of draws for each wording, and of consecutive draws without a new wording."""


def check_rules(rules: Sequence[str], argument: str) -> tuple[str, ...]:
    """Return the names of rules in the order of application; `all` stands for all rules."""
    known = (*RULES, OPTIONS)
    if not isinstance(rules, str | list | tuple) or not all(isinstance(rule, str) for rule in rules):
        raise RecipeError(f"`{argument}` is {rules!r:.80}; it must be a list of rules ({', '.join(known)}), or all.")
    names = [rules] if isinstance(rules, str) else list(rules)
    for name in names:
        if name not in (*known, "all"):
            hint = did_you_mean(name, (*known, "all"))
            raise RecipeError(f"`{argument}` names the rule {name!r}; known are {', '.join(known)}, and all.{hint}")
    return known if "all" in names else tuple(rule for rule in known if rule in names)


def reword(question: str, rules: Sequence[str], count: int) -> list[str]:
    """Return other wordings of a question.

    Args:
        question: a text.
        rules: names of `RULES`.
        count: maximum number of wordings.

    Returns:
        At most `count` texts, different from each other and from the question, and the same at each call.

    >>> reword("2 + 3 + 4 =", ["operands"], 2)
    ['3 + 4 + 2 =', '4 + 2 + 3 =']
    """
    wordings: dict[str, None] = {}
    without_new = 0
    for attempt in range(TRIES * count):
        if len(wordings) >= count or without_new >= TRIES:
            break
        rng = random.Random(f"{attempt} {question}")  # noqa: S311, not for cryptography
        text, before = question, len(wordings)
        for rule in rules:
            # The first attempt applies every rule; later ones omit some at random, for a greater variety.
            if rule in RULES and (attempt == 0 or len(rules) == 1 or rng.random() < 0.6):
                text = RULES[rule](text, rng) or text
        if text != question:
            wordings[text] = None
        without_new = 0 if len(wordings) > before else without_new + 1
    return list(wordings)
