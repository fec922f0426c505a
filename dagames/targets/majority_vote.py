"""Coherence: reward the traces that give the group's most frequent answer."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.targets.base import Target
from dagames.targets.group import AnswerGroup

Ties = Literal["split", "first", "none"]


@dataclass(frozen=True)
class MajorityVote(Target):
    """One vote over all traces of the group, whatever view of the orbit they came from.

    Math:
        r(y) = 1 if E(y) is the mode z*, else 0;   q(z) proportional to exp(1{z = z*} / beta),
        whose limit for beta to 0 is the point mass on z*.

    Traces without an answer have no vote and get 0.

    Attributes:
        ties: What m equally frequent modes get: "split" gives each 1/m, so that the order of the traces does not
            matter and no tie is rewarded like a consensus; "first" gives 1 to the one that was seen first;
            "none" gives 0, so that a tied group teaches nothing.

    Source:
        (paper, section 4.3, Algorithm 1)

    >>> MajorityVote().rewards(AnswerGroup(("11", "11", None, "12")))
    array([1., 1., 0., 0.])
    """

    ties: Ties = "split"

    def __post_init__(self) -> None:
        """Validate the rule for ties.

        Raises:
            DomainError: If there is no such rule.
        """
        if self.ties not in get_args(Ties):
            raise DomainError(f"`ties` must be one of {', '.join(get_args(Ties))}, not {self.ties!r}.")

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute the reward of each answer, [*x, Z]; masses are tied only if equal to the last bit."""
        return self._share(nu == nu.max(axis=-1, keepdims=True))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute the reward of each trace, [K], in [0, 1]."""
        codes = group.codes
        if not group.parsed.any():
            return np.zeros(len(group))
        totals = np.bincount(codes[codes >= 0])
        per_answer = self._share(totals == totals.max())
        return np.where(codes >= 0, per_answer[codes], 0.0)

    def _share(self, modes: NDArray[np.bool_]) -> OverAnswers:
        number = modes.sum(axis=-1, keepdims=True)
        if self.ties == "split":
            return np.asarray(modes / number)
        if self.ties == "none":
            return np.asarray(modes & (number == 1), dtype=np.float64)
        return np.asarray(modes & (np.cumsum(modes, axis=-1) == 1), dtype=np.float64)
