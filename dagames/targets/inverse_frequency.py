"""The target of the negative entropy: the surprisal of the answer as reward."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames._types import OverAnswers, PerCount
from dagames.functionals.negative_entropy import NegativeEntropy
from dagames.simplex import as_positive
from dagames.targets.base import Target
from dagames.targets.functional_target import FunctionalTarget
from dagames.targets.group import AnswerGroup
from dagames.targets.tables import RewardTable, check_table_of_log, table_for


@dataclass(frozen=True)
class InverseFrequency(Target):
    """The Target of R = weight * sum nu log nu, the negative entropy.

    Math:
        r(y) = -weight log nu(E(y));   q(z) proportional to nu(z)^(-weight / beta).

    A trace without an answer gets the least reward, and is included in K: frequencies are counts over K.

    Attributes:
        weight: The functional's weight lambda, above 0.
        table: Estimates of log nu from counts that include the trace; by default `recommended_table` of the group's
            size, for rewards from which the group's mean is subtracted. In it, a rarer answer never has a smaller
            reward. Use a table for self-inclusive counts if the mean is not subtracted, or `plugin_table` for the
            surprisal of the observed frequency.

    Source:
        (paper, appendix C, eq. 11); claim I.12

    >>> from dagames.estimators import plugin_table
    >>> InverseFrequency(table=plugin_table(4)).rewards(AnswerGroup(("a", "a", "b", None))).round(4)
    array([0.6931, 0.6931, 1.3863, 0.    ])
    >>> InverseFrequency().rewards(AnswerGroup(("a", "a", "b", None))).round(4)
    array([0.4431, 0.4431, 2.2531, 0.    ])
    """

    recipe_name: ClassVar[str] = "inverse_frequency"
    weight: float = 1.0
    table: RewardTable | None = None

    def __post_init__(self) -> None:
        """Validate weight and table."""
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))
        if self.table is not None:
            check_table_of_log(self.table, "InverseFrequency")

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute -weight * log nu, [*x, Z]; +inf where nu is 0."""
        return self._by_slope.exact_rewards(nu)

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute -weight times the table's estimate of log nu for each trace, [K].

        Args:
            group: The traces' answers.

        Returns:
            Rewards, [K], in R-units. A DomainError if the table is for another group size.
        """
        table = table_for(self.table, len(group))
        return group.by_answer(-self.weight * table.coefficients[group.totals], self.least(table))

    def rewards_by_count(self, group_size: int) -> PerCount:
        """Compute -weight times the table's entries, [K + 1]."""
        return np.asarray(-self.weight * table_for(self.table, group_size).coefficients)

    def least(self, table: RewardTable) -> float:
        """Return the least reward of a table."""
        return 0.0 - self.weight * float(table.coefficients.max())

    @cached_property
    def _by_slope(self) -> FunctionalTarget:
        return Target.from_functional(NegativeEntropy(self.weight))
