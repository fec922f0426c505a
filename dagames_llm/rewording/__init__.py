"""Other wordings of a question, made by rules that keep its answer.

Each rule returns another text or `None`: where it is not plain that the answer stays, a rule does nothing.
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
"""Draws for each wording that is wanted, and draws without a new one, after which a question is left with fewer."""


def check_rules(rules: Sequence[str], argument: str) -> tuple[str, ...]:
    """Return the rules that names stand for, in their order; `all` stands for each."""
    known = (*RULES, OPTIONS)
    if not isinstance(rules, str | list | tuple) or not all(isinstance(rule, str) for rule in rules):
        raise RecipeError(f"`{argument}` is {rules!r:.80}; it is a list of rules: {', '.join(known)}; or all.")
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
        count: how many are wanted.

    Returns:
        At most `count` texts, different from each other and from the question; the same ones at each call.

    >>> reword("2 + 3 + 4 =", ["operands"], 2)
    ['3 + 4 + 2 =', '4 + 2 + 3 =']
    """
    found: dict[str, None] = {}
    barren = 0
    for attempt in range(TRIES * count):
        if len(found) >= count or barren >= TRIES:
            break
        drawn = random.Random(f"{attempt} {question}")  # noqa: S311, a wording and no secret
        text, before = question, len(found)
        for rule in rules:
            # The first wording takes every rule; later ones leave some out, so that they differ in more than chance.
            if rule in RULES and (attempt == 0 or len(rules) == 1 or drawn.random() < 0.6):
                text = RULES[rule](text, drawn) or text
        if text != question:
            found[text] = None
        barren = 0 if len(found) > before else barren + 1
    return list(found)
