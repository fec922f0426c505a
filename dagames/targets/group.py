"""The answers of the traces that are scored together."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError, ShapeError

UNPARSED = -1
"""Code of a trace without an answer."""


@dataclass(frozen=True)
class AnswerGroup:
    """One group of traces: an answer each, and the view of the orbit that each came from.

    Two traces agree when their answers are equal, so an extractor must return a canonical form. A trace whose answer
    could not be read has the answer None: it agrees with nobody and gets the least reward that a target gives.

    Attributes:
        answers: Answer of each trace, hashable, or None, [K].
        views: Index of the view of each trace, [K]; all 0 when not said.

    >>> AnswerGroup(("11", "12", None, "11")).counts
    array([2, 1, 0, 2])
    """

    answers: tuple[Hashable, ...]
    views: tuple[int, ...] = ()

    def __init__(self, answers: Sequence[Hashable], views: Sequence[int] | None = None) -> None:
        """Take the answers.

        Args:
            answers: Answer of each trace, hashable, or None, [K], at least one.
            views: Index of the view of each trace, [K].

        Raises:
            ShapeError: If there is no trace, or not one view for each.
            DomainError: If an answer is not hashable or is a NaN.
        """
        if not isinstance(answers, Iterable) or isinstance(answers, str | bytes):
            raise ShapeError(f"`answers` must be a list of answers, one per trace, not {type(answers).__name__}.")
        answers = tuple(map(_plain, answers))
        views = (0,) * len(answers) if views is None else tuple(map(_plain, views))
        if not answers:
            raise ShapeError("`answers` is empty; a group has at least one trace.")
        if len(views) != len(answers):
            raise ShapeError(f"`views` has {len(views)} entries for {len(answers)} answers.")
        for place, answer in enumerate(answers):
            if not _is_answer(answer):
                raise DomainError(f"`answers[{place}]` is {answer!r}, which is not equal to itself or not hashable.")
        object.__setattr__(self, "answers", answers)
        object.__setattr__(self, "views", views)

    def __len__(self) -> int:
        """Return the number of traces K."""
        return len(self.answers)

    def without(self, i: int) -> "AnswerGroup":
        """Return the group as if trace i had given no answer; the number of traces stays."""
        return AnswerGroup([None if j == i else answer for j, answer in enumerate(self.answers)], self.views)

    @property
    def codes(self) -> NDArray[np.int64]:
        """Index of each trace's answer in order of first appearance, [K]; `UNPARSED` for None."""
        seen: dict[Hashable, int] = {}
        return np.array([UNPARSED if a is None else seen.setdefault(a, len(seen)) for a in self.answers], np.int64)

    @property
    def parsed(self) -> NDArray[np.bool_]:
        """Which traces have an answer, [K]."""
        return np.asarray(self.codes != UNPARSED)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many traces share each trace's answer, itself included, [K]; 0 where unparsed."""
        codes = self.codes
        totals = np.bincount(codes[codes >= 0], minlength=1)
        return np.where(codes >= 0, totals[codes], 0).astype(np.int64)


def _plain(value: Any) -> Any:
    """Turn a tensor, whose hash is that of its place in memory, into the number that it holds."""
    return value.detach().tolist() if callable(getattr(value, "detach", None)) else value


def _is_answer(answer: object) -> bool:
    try:
        hash(answer)
    except TypeError:
        return False
    return bool(answer == answer)
