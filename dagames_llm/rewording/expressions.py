"""Permute the operands of sums and products in a text.

An expression is parsed, not evaluated. Terms and factors move together with their signs, and the first one has no minus
or division sign. In exact arithmetic the value does not change.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

_TOKEN = re.compile(r"[ \t]*(\d+(?:,\d{3})*(?:\.\d+)?|[-+*/×÷·()−])")
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_OPEN = r"(?:[-−(][ \t]*)*"
_RUN = re.compile(rf"(?<![\w.,^%=*/+)-]){_OPEN}{_NUMBER}(?:[ \t)]*[-+*/×÷·−][ \t]*{_OPEN}{_NUMBER})+(?:[ \t]*\))*")
_EXCLUDED_AFTER = re.compile(r"[ \t]*=[ \t]*[-−(]*\d|[ \t]*(?:\^|%|\*|/)|\w|[.,]\d")
_PLUS, _MINUS, _TIMES, _OVER = "+", "-−", "*×·", "/÷"

MAX_TOKENS = 200
"""Largest number of tokens (numbers and signs) of an arithmetic expression."""


@dataclass(frozen=True)
class Chain:
    """A sum or a product: pairs of a sign and an operand; the first sign is that of a sum or a product."""

    is_sum: bool
    items: tuple[tuple[str, Operand], ...]


@dataclass(frozen=True)
class Negative:
    """Minus an operand, with the sign as it is written."""

    sign: str
    operand: Operand


Operand = str | Chain | Negative
"""A number as it is written, or an expression."""


class _UnreadableError(Exception):
    """Tokens that are not an expression."""


def swap_operands(text: str, rng: random.Random) -> str | None:
    r"""Return a text whose sums and products have their operands in another order.

    Args:
        text: a question of arithmetic.
        rng: generator of the permutations.

    Returns:
        The text, or `None` if the order does not change. An equation with its value, `5 + 6 = 11`, is an example and
        is not changed.

    >>> swap_operands("5 + 6 = 11\n7 - 2 + 3 =", random.Random(1))
    '5 + 6 = 11\n3 - 2 + 7 ='
    """
    changed, end = [], 0
    for match in _RUN.finditer(text):
        try:
            tree = None if _EXCLUDED_AFTER.match(text, match.end()) else _parse(match[0])
        except _UnreadableError:
            continue
        spaced = re.search(r"\d[-+*/×÷·−]", match[0]) is None
        # Without blanks, an expression with only minus and division signs may be a date, a range, or a name.
        if tree is None or not (spaced or re.search(r"[+*×·]", match[0])) or (other := _permuted(tree, rng)) == tree:
            continue
        changed += [text[end : match.start()], _formatted(other, spaced)]
        end = match.end()
    result = "".join([*changed, text[end:]])
    return result if changed and result != text else None


def _permuted(tree: Operand, rng: random.Random) -> Operand:
    if isinstance(tree, str):
        return tree
    if isinstance(tree, Negative):
        return Negative(tree.sign, _permuted(tree.operand, rng))
    items = [(sign, _permuted(part, rng)) for sign, part in tree.items]
    rng.shuffle(items)
    # A subtrahend or divisor cannot be first.
    first = next(i for i, (sign, _) in enumerate(items) if sign not in _MINUS + _OVER)
    items.insert(0, items.pop(first))
    return Chain(tree.is_sum, tuple(items))


def _formatted(tree: Operand, spaced: bool) -> str:
    """Return the text of an expression, with the necessary parentheses, also around a later operand with a minus."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, Negative):
        inner = _formatted(tree.operand, spaced)
        return tree.sign + (inner if isinstance(tree.operand, str) else f"({inner})")
    parts: list[str] = []
    for i, (sign, part) in enumerate(tree.items):
        inner = _formatted(part, spaced)
        enclosed = isinstance(part, Chain) and (part.is_sum or not tree.is_sum)
        if enclosed or (i > 0 and inner[0] in _MINUS):
            inner = f"({inner})"
        parts.append(inner if i == 0 else f" {sign} {inner}" if spaced else f"{sign}{inner}")
    return "".join(parts)


def _parse(text: str) -> Operand:
    tokens, end = [], 0
    while match := _TOKEN.match(text, end):
        tokens.append(match[1])
        end = match.end()
    if text[end:].strip() or len(tokens) > MAX_TOKENS:
        raise _UnreadableError
    tree, rest = _chain(tokens, is_sum=True)
    if rest:
        raise _UnreadableError
    return tree


def _chain(tokens: list[str], *, is_sum: bool) -> tuple[Operand, list[str]]:
    def operand(tokens: list[str]) -> tuple[Operand, list[str]]:
        return _chain(tokens, is_sum=False) if is_sum else _atom(tokens)

    signs = _PLUS + _MINUS if is_sum else _TIMES + _OVER
    first, rest = operand(tokens)
    items: list[tuple[str, Operand]] = []
    while rest and rest[0] in signs:
        part, after = operand(rest[1:])
        items.append((rest[0], part))
        rest = after
    if not items:
        return first, rest
    # No sign precedes the first operand; in another place it has the plus or times sign that the text uses.
    plain = next((sign for sign, _ in items if sign in _PLUS + _TIMES), _PLUS if is_sum else "*")
    return Chain(is_sum, ((plain, first), *items)), rest


def _atom(tokens: list[str]) -> tuple[Operand, list[str]]:
    if not tokens:
        raise _UnreadableError
    head, rest = tokens[0], tokens[1:]
    if head in _MINUS:
        inner, rest = _atom(rest)
        return Negative(head, inner), rest
    if head == "(":
        inner, rest = _chain(rest, is_sum=True)
        if not rest or rest[0] != ")":
            raise _UnreadableError
        return inner, rest[1:]
    if not head[0].isdigit():
        raise _UnreadableError
    return head, rest
