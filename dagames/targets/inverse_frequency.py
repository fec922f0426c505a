"""Diversity by entropy: reward rare answers by their surprisal."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.simplex import as_positive
from dagames.targets.base import Target
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
        if self.table is None:
            return
        from dagames.estimators import RewardTable

        if not isinstance(self.table, RewardTable):
            raise DomainError(f"`table` must be a RewardTable, not {type(self.table).__name__}.")
        if self.table.counts == "independent":
            raise DomainError(
                "`table` is for independent counts, but a group counts the trace itself: its rewards would be biased "
                "at order 1/K (claim II.4). Use a table with counts='centred', or 'self-inclusive'."
            )

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute -weight * log nu, [*x, Z]; +inf where nu is 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(-self.weight * np.log(nu))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute -weight times the table's estimate of log nu for each trace, [K].

        Args:
            group: The traces' answers.

        Returns:
            Rewards, [K], in R-units.

        Raises:
            DomainError: If the table is for another group size.
        """
        from dagames.estimators import recommended_table

        table = recommended_table(len(group)) if self.table is None else self.table
        if table.group_size != len(group):
            raise DomainError(f"`table` is for groups of {table.group_size}, but this group has {len(group)} traces.")
        rewards = np.full(len(group), 0.0 - self.weight * table.coefficients.max())
        rewards[group.parsed] = -self.weight * table.reward(group.counts[group.parsed])
        return rewards
