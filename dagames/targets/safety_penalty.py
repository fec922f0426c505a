"""Targets of costs: costs times multipliers, and a cost as a reward."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError, ShapeError
from dagames._types import Numbers, OverAnswers
from dagames.numerics.arrays import short
from dagames.simplex import as_real
from dagames.targets.base import Target
from dagames.targets.combined import as_finite
from dagames.targets.group import AnswerGroup


@dataclass(frozen=True, eq=False)
class SafetyPenalty(Target):
    """The Target of budgets on expected costs, for given multipliers.

    Math:
        r(y) = -sum_i lambda_i c_i(y);   q(z) proportional to exp(-sum_i lambda_i c_i(z) / beta).

    The multipliers are those of the constraints E c_i <= b_i. Dual ascent makes a new target with new multipliers at
    each step. In a group, costs are those of traces, also of traces without an answer.

    Attributes:
        multipliers: lambda_i by the cost's name, at least 0.
        answer_costs: Cost of each answer by the cost's name, [Z] each, for exact rewards.

    Source:
        (paper, appendix D.3, eq. 14, Algorithm 4); claim I.13

    >>> group = AnswerGroup(("a", "b"), costs={"toxicity": [0.5, 0.0], "length": [1.0, 2.0]})
    >>> SafetyPenalty({"toxicity": 2.0, "length": 0.25}).rewards(group)
    array([-1.25, -0.5 ])
    """

    multipliers: Mapping[str, float]
    answer_costs: Mapping[str, Numbers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate multipliers and costs."""
        if not isinstance(self.multipliers, Mapping):
            raise DomainError(f"`multipliers` must map names of costs to numbers, not {short(self.multipliers)}.")
        finite = {name: as_finite(value, f"multipliers[{name!r}]") for name, value in self.multipliers.items()}
        for name, value in finite.items():
            if value < 0:
                raise DomainError(
                    f"`multipliers[{name!r}]` is negative: {value:g}. A negative multiplier would reward the cost; to "
                    "reward it, negate the cost."
                )
        costs = {name: as_real(values, f"answer_costs[{name!r}]") for name, values in self.answer_costs.items()}
        object.__setattr__(self, "multipliers", MappingProxyType(finite))
        object.__setattr__(self, "answer_costs", MappingProxyType(costs))

    @property
    def needs(self) -> frozenset[str]:
        """Costs, if there is a multiplier."""
        return frozenset({"costs"}) if self.multipliers else frozenset()

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute minus the sum of multipliers times costs of each answer, [*x, Z]."""
        total = np.zeros(nu.shape[-1])
        for name, multiplier in self.multipliers.items():
            total -= multiplier * exact_cost(self.answer_costs, name, nu, "SafetyPenalty")
        return np.broadcast_to(total, nu.shape).copy()

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute minus the sum of multipliers times costs of each trace, [K]."""
        total = np.zeros(len(group))
        for name, multiplier in self.multipliers.items():
            total -= multiplier * group.cost(name, "SafetyPenalty")
        return total


@dataclass(frozen=True, eq=False)
class Score(Target):
    """One of the group's costs as a reward, such as a quality score of each trace.

    Attributes:
        name: The cost's name.
        answer_costs: Cost of each answer by the cost's name, [Z] each, for exact rewards.

    >>> from dagames.targets import GiniDiversity
    >>> group = AnswerGroup(("a", "a", "b"), costs={"quality": [1.0, 0.5, 0.0]})
    >>> (GiniDiversity() * Score("quality")).rewards(group).round(4)
    array([0.3333, 0.1667, 0.    ])
    """

    name: str
    answer_costs: Mapping[str, Numbers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate the name and the costs."""
        if not isinstance(self.name, str):
            raise DomainError(f"`name` must be the name of a cost, not {short(self.name)}.")
        costs = {name: as_real(values, f"answer_costs[{name!r}]") for name, values in self.answer_costs.items()}
        object.__setattr__(self, "answer_costs", MappingProxyType(costs))

    @property
    def needs(self) -> frozenset[str]:
        """Costs."""
        return frozenset({"costs"})

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Return the cost of each answer, [*x, Z]."""
        return np.broadcast_to(exact_cost(self.answer_costs, self.name, nu, "Score"), nu.shape).copy()

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Return the cost of each trace, [K]."""
        return group.cost(self.name, "Score").copy()


def exact_cost(costs: Mapping[str, Numbers], name: str, nu: OverAnswers, reader: str) -> NDArray[np.float64]:
    """Return the costs of answers by a name, [Z]; raise unless there is one for each answer of `nu`."""
    if name not in costs:
        raise DomainError(
            f"exact rewards of {reader} need the cost {name!r} of each answer; pass `answer_costs={{{name!r}: [...]}}`."
        )
    values = np.asarray(costs[name], dtype=np.float64)
    if values.shape != nu.shape[-1:]:
        raise ShapeError(f"`answer_costs[{name!r}]` has shape {values.shape}; `nu` has {nu.shape[-1]} answers.")
    return values
