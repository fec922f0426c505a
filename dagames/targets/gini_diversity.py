"""Diversity by collisions: reward rare answers linearly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dagames._types import OverAnswers
from dagames.simplex import as_positive
from dagames.targets.base import Target
from dagames.targets.group import AnswerGroup


@dataclass(frozen=True)
class GiniDiversity(Target):
    """The Target of the collision game R = weight / 2 * |nu|^2.

    Math:
        r(y) = weight (1 - nu(E(y)));   q(z) proportional to exp(-weight nu(z) / beta).

    A trace without an answer gets 0, the least reward (that of an answer which everybody gives).

    Attributes:
        weight: The functional's weight lambda, above 0.

    Source:
        (paper, appendix C.2.2); claim I.19

    >>> GiniDiversity().rewards(AnswerGroup(("a", "a", "b", None)))
    array([0.5 , 0.5 , 0.75, 0.  ])
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        """Validate the weight."""
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (1 - nu), [*x, Z]."""
        return np.asarray(self.weight * (1.0 - nu))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute weight * (1 - count / K) for each trace, [K]; the count includes the trace itself."""
        return np.where(group.parsed, self.weight * (1.0 - group.counts / len(group)), 0.0)
