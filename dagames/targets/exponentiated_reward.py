"""A reward that depends on the answer alone, as in standard reinforcement learning."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames._types import OverAnswers
from dagames.targets.answer_values import ByAnswer, check_by_answer, coordinates, values_at
from dagames.targets.base import Target
from dagames.targets.combined import as_finite
from dagames.targets.functional_target import as_coordinates
from dagames.targets.group import AnswerGroup


@dataclass(frozen=True, eq=False)
class ExponentiatedReward(Target):
    """The Target of R = -E r(z): q is proportional to exp(r / beta), for every policy.

    Math:
        r(y) = r(E(y));   q(z) proportional to exp(r(z) / beta).

    Attributes:
        reward: Reward of an answer: a mapping, or a function of the answer; finite.
        otherwise: Reward of a trace without an answer, and of an answer that is not in the mapping.
        answers: The answer of each coordinate in exact rewards, [Z]; 0, 1, ..., Z - 1 by default.

    Source:
        (paper, section 2.4, Standard RL); claim I.10

    >>> ExponentiatedReward({"yes": 1.0, "no": -1.0}).rewards(AnswerGroup(("yes", "no", None)))
    array([ 1., -1.,  0.])
    >>> np.exp(ExponentiatedReward(lambda z: z * np.log(2)).log_density([0.5, 0.5], beta=1.0)).round(4)
    array([0.3333, 0.6667])
    """

    recipe_name: ClassVar[str] = "exponentiated_reward"
    reward: ByAnswer
    otherwise: float = 0.0
    answers: tuple[Hashable, ...] | None = None

    def __post_init__(self) -> None:
        """Validate the reward and the answers."""
        check_by_answer(self.reward, "reward")
        object.__setattr__(self, "otherwise", as_finite(self.otherwise, "otherwise"))
        object.__setattr__(self, "answers", as_coordinates(self.answers, None))

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Return r(z), which does not depend on `nu`, [*x, Z]."""
        values = values_at(self.reward, coordinates(self.answers, nu), "reward", self.otherwise)
        return np.broadcast_to(values, nu.shape).copy()

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Return the reward of each trace's answer, [K]."""
        return group.by_answer(values_at(self.reward, group.distinct, "reward", self.otherwise), self.otherwise)
