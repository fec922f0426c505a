"""Diversity by entropy: reward rare answers by their surprisal."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dagames._types import OverAnswers
from dagames.functionals.negative_entropy import NegativeEntropy
from dagames.simplex import as_positive
from dagames.targets.base import Target
from dagames.targets.functional_target import FunctionalTarget, check_table, check_table_fits
from dagames.targets.group import AnswerGroup

if TYPE_CHECKING:
    from dagames.estimators import RewardTable
else:
    # Tables load python-flint, which a run without them does not need.
    RewardTable: TypeAlias = Any


@dataclass(frozen=True)
class InverseFrequency(Target):
    """The Target of the entropy game R = weight * sum nu log nu.

    Math:
        r(y) = -weight log nu(E(y));   q(z) proportional to nu(z)^(-weight / beta).

    A trace without an answer gets the least reward there is. It still counts as a trace of the group: frequencies are
    counts over K.

    Attributes:
        weight: The functional's weight lambda, above 0.
        table: Estimate of log nu from a count that includes the trace; by default `recommended_table` of the group's
            size, for rewards that are compared with the group's mean. Give a table where they are not, or
            `plugin_table` for the surprisal of the observed frequency.

    Source:
        (paper, appendix C, eq. 11); claim I.12

    >>> from dagames.estimators import plugin_table
    >>> InverseFrequency(table=plugin_table(4)).rewards(AnswerGroup(("a", "a", "b", None))).round(4)
    array([0.6931, 0.6931, 1.3863, 0.    ])
    >>> InverseFrequency().rewards(AnswerGroup(("a", "a", "b", None))).round(4)
    array([0.1741, 0.1741, 2.5254, 0.    ])
    """

    weight: float = 1.0
    table: RewardTable | None = None

    def __post_init__(self) -> None:
        """Validate weight and table.

        Raises:
            DomainError: If `table` is no table, or one that is not for counts that include the trace itself.
        """
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))
        if self.table is not None:
            check_table(self.table)

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute -weight * log nu, [*x, Z]; +inf where nu is 0."""
        return self._by_slope.exact_rewards(nu)

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute -weight times the table's estimate of log nu for each trace, [K].

        Args:
            group: The traces' answers.

        Returns:
            Rewards, [K], in R-units. A DomainError tells that the table is for another group size.
        """
        table = table_for(self.table, group)
        return group.by_answer(-self.weight * table.coefficients[group.totals], self.least(table))

    def least(self, table: RewardTable) -> float:
        """Return the least reward that a table gives."""
        return 0.0 - self.weight * float(table.coefficients.max())

    @cached_property
    def _by_slope(self) -> FunctionalTarget:
        return Target.from_functional(NegativeEntropy(self.weight))


def table_for(table: RewardTable | None, group: AnswerGroup) -> RewardTable:
    """Return a table that fits a group.

    Args:
        table: The table, or None for the recommended one.
        group: The group.

    Returns:
        The table. A DomainError tells that it is for another group size.
    """
    if table is None:
        from dagames.estimators import recommended_table

        return recommended_table(len(group))
    check_table_fits(table, group)
    return table
