"""The child process of `parser_process`: for each line with a JSON string, write a line with its key or null."""

from __future__ import annotations

import ast
import json
import logging
import operator
import re
import sys
from typing import Any

MAX_KEY = 300
"""Characters of a key above which an expression counts as unreadable."""

MAX_MEMORY = 2 * 1024**3
"""Bytes of address space, if the system can limit it."""


def main() -> None:
    """Write the key of each line of the input."""
    _limit_memory()
    logging.disable(logging.CRITICAL)
    import math_verify  # noqa: F401, takes seconds, which the time limit of an expression excludes

    for line in sys.stdin:
        try:
            key = canonical_key(json.loads(line))
        except (Exception, RecursionError):  # noqa: BLE001, third-party parsers raise anything on hostile text
            key = None
        sys.stdout.write(json.dumps(key) + "\n")
        sys.stdout.flush()


def canonical_key(phrase: str) -> str | None:
    """Return the canonical key of an expression in LaTeX or in the form of a key; None if it is no expression."""
    if not phrase.strip():
        return None
    expression = _from_key(phrase)
    if expression is None:
        expression = _from_latex(phrase)
    key = None if expression is None else _written(expression)
    again = None if key is None else _from_key(key)
    return key if again is not None and _written(again) == key else None


def _from_latex(phrase: str) -> Any:
    from math_verify import LatexExtractionConfig, parse

    # Only the LaTeX parser of math-verify is used, because its parser of plain expressions evaluates Python code. Its
    # time limit, which uses a signal, is off.
    found = parse(f"${phrase}$", [LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=0)
    return found[0] if found else None


def _written(expression: Any) -> str | None:
    import sympy

    if isinstance(expression, sympy.Equality) and isinstance(expression.lhs, sympy.Symbol):
        expression = expression.rhs
    if not isinstance(expression, sympy.Expr):
        return None
    if expression.has(sympy.nan, sympy.zoo):
        return None
    exact = expression.replace(lambda part: part.is_Float, lambda part: sympy.Rational(str(part)))
    key = str(sympy.radsimp(sympy.cancel(sympy.expand(exact))))
    return key if len(key) <= MAX_KEY else None


_FUNCTIONS = frozenset(["sqrt", "log", "exp", "sin", "cos", "tan", "asin", "acos", "atan", "Abs"])
_OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip


def _from_key(phrase: str) -> Any:
    """Return the expression of a key, parsed and not evaluated by Python; `None` if the phrase is not a key."""
    if "\\" in phrase or "{" in phrase:
        return None
    try:
        tree = ast.parse(phrase.strip().replace("^", "**"), mode="eval")
        return _of_node(tree.body)
    except (SyntaxError, ValueError, TypeError, KeyError):
        return None


def _of_node(node: ast.expr) -> Any:
    import sympy

    if isinstance(node, ast.Constant) and type(node.value) in {int, float}:
        return sympy.Rational(str(node.value))
    if isinstance(node, ast.Name):
        names = {"pi": sympy.pi, "E": sympy.E, "I": sympy.I, "oo": sympy.oo}
        if node.id not in names and not re.fullmatch("[A-Za-z](?:_[A-Za-z0-9]{1,3})?", node.id):
            raise ValueError(node.id)
        return names.get(node.id) or sympy.Symbol(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_of_node(node.operand)
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_of_node(node.left), _of_node(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
        if node.func.id not in _FUNCTIONS:
            raise ValueError(node.func.id)
        return getattr(sympy, node.func.id)(_of_node(node.args[0]))
    raise ValueError(ast.dump(node))


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # the system has no such limits
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY if hard < 0 else min(MAX_MEMORY, hard), hard))


if __name__ == "__main__":
    main()
