"""Extraction E: the text a model wrote -> the answer that is voted on.

An answer is a canonical string, hashable and equal exactly when two completions mean the same thing, or `None` where
nothing can be read; what is not plainly one answer is `None` and never a part of it. Completions are hostile text:
nothing is evaluated, only a bounded part is looked at, every pattern runs in time linear in that part, and a number is
refused by its written size before it is built.

A completion is read in three steps: reasoning and later turns are dropped (`completions`), the place where the answer
is stated is found (`statements`), and its phrase, without markup (`markup`), is read as a number, a letter, a text or a
mathematical expression.
"""

from dagames_llm.extract.choices import choice
from dagames_llm.extract.completions import WINDOW, Completion, completion_text
from dagames_llm.extract.expressions import math_expression
from dagames_llm.extract.numbers import first_number, last_number
from dagames_llm.extract.quantities import MAX_DIGITS, canonical_number
from dagames_llm.extract.registry import EXTRACTORS, Answer, Extractor, as_extractor, extractor_named
from dagames_llm.extract.texts import matches, normalise, normalised_text

__all__ = [
    "EXTRACTORS",
    "MAX_DIGITS",
    "WINDOW",
    "Answer",
    "Completion",
    "Extractor",
    "as_extractor",
    "canonical_number",
    "choice",
    "completion_text",
    "extractor_named",
    "first_number",
    "last_number",
    "matches",
    "math_expression",
    "normalise",
    "normalised_text",
]
