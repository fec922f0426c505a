"""Extraction E: the text of a completion -> the answer that is voted on.

An answer is a canonical string, the same for completions with the same meaning, or `None` if the text has no answer or
an ambiguous one; a part of an answer is never returned. Completions are hostile text: nothing is evaluated, a bounded
part is read, every pattern runs in time linear in that part, and the length of a number is checked before its value is
computed.

A completion is read in three steps: reasoning and later turns are removed (`completions`), the statement of the answer
is found (`statements`), and its phrase, without markup (`markup`), is read as a number, a letter, a text or a
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
