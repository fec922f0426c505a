"""Replace first names in word problems by other first names."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

_GROUPS = tuple(map(frozenset, json.loads((Path(__file__).parent / "first_names.json").read_text("utf-8")).values()))
"""First names of women and of men. Names that are words too (Will, May, Rose) are in neither."""

_WORD = re.compile(r"\b[A-Z][A-Za-zÀ-ÿ]+")


def other_names(text: str, rng: random.Random) -> str | None:
    """Return a word problem with other first names.

    A name is replaced everywhere, by a name with the same pronouns. A text is not changed if a name is next to another
    capitalised word or to a title, as in the name of a well-known person.

    Args:
        text: a word problem.
        rng: generator of the names.

    Returns:
        The text, or `None` if no listed first name can be replaced.

    >>> other_names("Ann has 2 pens. Tom has Mary's cap.", random.Random(0)) is None
    False
    >>> other_names("Who was the wife of John Adams?", random.Random(0)) is None
    True
    """
    words = list(_WORD.finditer(text))
    names = {m[0] for m in words if any(m[0] in group for group in _GROUPS)}
    if not names or any(_may_be_full_name(text, m) for m in words if m[0] in names):
        return None
    present = set(re.findall(r"\w+", text.lower()))
    replacements: dict[str, str] = {}
    for name in sorted(names):
        group = next(group for group in _GROUPS if name in group)
        free = sorted(other for other in group if other.lower() not in present and other not in replacements.values())
        replacements[name] = rng.choice(free)
    return _WORD.sub(lambda m: replacements.get(m[0], m[0]), text)


def _may_be_full_name(text: str, match: re.Match[str]) -> bool:
    before = re.search(r"([A-Za-zÀ-ÿ]+)\.?[ ]$", text[: match.start()])
    after = re.match(r"(?:'s)?[ ]([A-Za-zÀ-ÿ]+)|\d|-\w", text[match.end() :])
    if after is not None and (after[1] is None or (after[1][0].isupper() and after[1] != "I")):
        return True
    if before is None or not before[1][0].isupper():
        return False
    # A capital at the start of a sentence is not part of a name: `If Tom`, `When Mary`; a title ends with a full stop.
    starts = re.search(r"(?:^|[.?!:\n]\s*)$", text[: before.start()]) is not None
    titles = {
        "Mr",
        "Mrs",
        "Ms",
        "Dr",
        "Miss",
        "Uncle",
        "Aunt",
        "King",
        "Queen",
        "Saint",
        "St",
        "Pope",
        "President",
        "Sir",
    }
    return not starts or before[1] in titles
