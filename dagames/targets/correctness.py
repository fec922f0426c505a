"""Targets that depend on which answers are right, by a reference answer, a collection or a function."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.numerics.arrays import short
from dagames.targets.answer_values import coordinates
from dagames.targets.base import Target
from dagames.targets.functional_target import as_coordinates
from dagames.targets.group import AnswerGroup

Correct: TypeAlias = Collection[Any] | Callable[[Any], Any]
"""Right answers: a collection, or a function from an answer to whether it is right."""


@dataclass(frozen=True, eq=False)
class ByCorrectness(Target):
    """A target whose reward depends on whether an answer is right, and on the probability of right answers.

    A trace without an answer is wrong. Wrong answers get 0.

    Attributes:
        correct: The right answers: a collection, or a function of an answer; None for the group's `gold`.
        answers: The answer of each coordinate in exact rewards, [Z]; 0, 1, ..., Z - 1 by default.
    """

    correct: Correct | None = None
    answers: tuple[Hashable, ...] | None = None

    def __post_init__(self) -> None:
        """Validate the right answers."""
        wrong = isinstance(self.correct, str | bytes) or not isinstance(self.correct, Collection)
        if self.correct is not None and wrong and not callable(self.correct):
            raise DomainError(
                f"`correct` must be a collection of answers or a function of an answer, not {short(self.correct)}. "
                "Pass a single right answer as {answer}."
            )
        object.__setattr__(self, "answers", as_coordinates(self.answers, None))

    @property
    def needs(self) -> frozenset[str]:
        """The group's reference answer, unless `correct` is given."""
        return frozenset() if self.correct is not None else frozenset({"gold"})

    @abstractmethod
    def exact_value(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the reward of a right answer where right answers have mass p, [*x]."""

    @abstractmethod
    def sampled_value(self, n_right: int, K: int) -> float:
        """Compute the reward of a right trace of a group of K with `n_right` right ones, itself included."""

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute the reward of each answer, [*x, Z]; raise unless `correct` is given."""
        if self.correct is None:
            raise DomainError(
                f"{type(self).__name__} takes the right answer from a group's `gold`, which exact rewards do not "
                "have. Pass `correct`, such as correct={0}."
            )
        right = self._right(coordinates(self.answers, nu), None)
        p = np.asarray((nu * right).sum(axis=-1))
        return np.asarray(np.where(right, self.exact_value(p)[..., None], 0.0))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute the reward of each trace, [K]; 0 for wrong ones."""
        gold = None if self.correct is not None else group.required("gold", type(self).__name__)
        right = self._right(group.distinct, gold)
        n_right = int(group.totals[right].sum())
        value = self.sampled_value(n_right, len(group)) if n_right else 0.0
        return group.by_answer(np.where(right, value, 0.0), 0.0)

    def _right(self, answers: tuple[Hashable, ...], gold: Hashable) -> NDArray[np.bool_]:
        if self.correct is None:
            right = [answer == gold for answer in answers]
        elif callable(self.correct):
            right = [bool(self.correct(answer)) for answer in answers]
        else:
            right = [answer in self.correct for answer in answers]
        return np.array(right, dtype=np.bool_)
