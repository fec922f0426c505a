"""Diversity by collisions: reward rare answers linearly."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dagames._types import OverAnswers
from dagames.functionals.gini import Gini
from dagames.simplex import as_positive
from dagames.targets.base import Target
from dagames.targets.functional_target import FunctionalTarget
from dagames.targets.group import AnswerGroup


@dataclass(frozen=True)
class GiniDiversity(Target):
    """The Target of the collision game R = weight / 2 * |nu|^2.

    Math:
        r(y) = weight (1 - nu(E(y)));   q(z) proportional to exp(-weight nu(z) / beta).

    A group counts the trace itself: nu is count / K. A trace without an answer gets 0, the least reward (that of an
    answer which everybody gives).

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
        return self._by_slope.exact_rewards(nu)

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute weight * (1 - count / K) for each trace, [K]; the count includes the trace itself."""
        return self._by_slope.rewards(group)

    @cached_property
    def _by_slope(self) -> FunctionalTarget:
        return Target.from_functional(Gini(self.weight))
