"""The target of the Gini functional, linear in the frequency of the answer."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames._types import OverAnswers, PerCount
from dagames.functionals.gini import Gini
from dagames.simplex import as_positive
from dagames.targets.base import Target
from dagames.targets.functional_target import FunctionalTarget
from dagames.targets.group import AnswerGroup


@dataclass(frozen=True)
class GiniDiversity(Target):
    """The Target of R = weight / 2 * |nu|^2, the collision probability.

    Math:
        r(y) = weight (1 - nu(E(y)));   q(z) proportional to exp(-weight nu(z) / beta).

    In a group nu is count / K, the trace itself included. A trace without an answer gets the least reward, 0, which is
    that of an answer that all traces have.

    Attributes:
        weight: The functional's weight lambda, above 0.

    Source:
        (paper, appendix C.2.2); claim I.19

    >>> GiniDiversity().rewards(AnswerGroup(("a", "a", "b", None)))
    array([0.5 , 0.5 , 0.75, 0.  ])
    """

    recipe_name: ClassVar[str] = "gini_diversity"
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

    def rewards_by_count(self, group_size: int) -> PerCount | None:
        """Compute weight * (1 - k / K), [K + 1]."""
        return self._by_slope.rewards_by_count(group_size)

    @cached_property
    def _by_slope(self) -> FunctionalTarget:
        return Target.from_functional(Gini(self.weight))
