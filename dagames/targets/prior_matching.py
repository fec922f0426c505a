"""The target of the divergence to a prior over answers."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.functionals.kl_to_prior import KLToPrior
from dagames.numerics.arrays import as_number
from dagames.targets.answer_values import check_by_answer, coordinates, values_at
from dagames.targets.base import Target
from dagames.targets.functional_target import as_coordinates
from dagames.targets.group import AnswerGroup
from dagames.targets.inverse_frequency import InverseFrequency
from dagames.targets.tables import RewardTable, check_table_of_log


@dataclass(frozen=True, eq=False)
class PriorMatching(Target):
    """The Target of R = weight * KL(nu || prior).

    Math:
        r(y) = weight (log p(E(y)) - log nu(E(y)));   q(z) proportional to (p(z) / nu(z))^(weight / beta).

    Answers that are not in the prior, or have a probability below `floor`, have the probability `floor`, because a
    probability of 0 has the reward -inf. A trace without an answer gets the reward of an answer of prior probability
    `floor` and frequency 1.

    Attributes:
        prior: Probability of each answer; at least 0, with a sum of at most 1.
        weight: The functional's weight lambda, above 0.
        floor: Least probability of an answer, above 0 and at most 1.
        table: Estimates of log nu from counts that include the trace; as for `InverseFrequency`.
        answers: The answer of each coordinate in exact rewards, [Z]; 0, 1, ..., Z - 1 by default.

    Source:
        (paper, appendix C.2.2, Targeted exploration)

    >>> from dagames.estimators import plugin_table
    >>> target = PriorMatching({"a": 0.5, "b": 0.5}, table=plugin_table(4))
    >>> target.rewards(AnswerGroup(("a", "a", "a", "b"))).round(4)
    array([-0.4055, -0.4055, -0.4055,  0.6931])
    """

    recipe_name: ClassVar[str] = "prior_matching"
    prior: Mapping[Hashable, float]
    weight: float = 1.0
    floor: float = 1e-4
    table: RewardTable | None = None
    answers: tuple[Hashable, ...] | None = None

    def __post_init__(self) -> None:
        """Validate the prior and the other settings."""
        check_by_answer(self.prior, "prior")
        if not isinstance(self.prior, Mapping) or not self.prior:
            raise DomainError(f"`prior` must map answers to probabilities, at least one, not {self.prior!r:.80}.")
        masses = values_at(self.prior, tuple(self.prior), "prior", 0.0)
        if (masses < 0).any() or masses.sum() > 1 + 1e-6:
            raise DomainError(
                f"`prior` has the probabilities {masses.tolist()!r:.80}; each must be at least 0, and their sum, "
                f"{masses.sum():.6g}, at most 1. If these are weights, divide them by their sum."
            )
        if self.table is not None:
            check_table_of_log(self.table, "PriorMatching")
        floor = as_number(self.floor, "floor", "a probability above 0")
        if not 0 < floor <= 1:
            raise DomainError(f"`floor` must be a probability above 0, not {floor}: rewards would be infinite.")
        object.__setattr__(self, "floor", floor)
        object.__setattr__(self, "prior", dict(zip(self.prior, masses.tolist(), strict=True)))
        object.__setattr__(self, "answers", as_coordinates(self.answers, None))
        object.__setattr__(self, "weight", self._surprisal.weight)

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (log p - log nu), up to a constant, [*x, Z]; +inf where nu is 0."""
        prior = self._prior(coordinates(self.answers, nu))
        return np.asarray(-KLToPrior(prior / prior.sum(), self.weight).gradient(nu))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute weight times log p minus the table's estimate of log nu for each trace, [K]."""
        values = self.weight * np.log(self._prior(group.distinct))
        bonus = group.by_answer(values, self.weight * float(np.log(self.floor)))
        return np.asarray(bonus + self._surprisal.rewards(group))

    def _prior(self, answers: tuple[Hashable, ...]) -> NDArray[np.float64]:
        return np.maximum(values_at(self.prior, answers, "prior", self.floor), self.floor)

    @cached_property
    def _surprisal(self) -> InverseFrequency:
        return InverseFrequency(self.weight, self.table)
