"""A control: a reward for any answer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames._types import OverAnswers
from dagames.targets.base import Target
from dagames.targets.group import AnswerGroup


@dataclass(frozen=True)
class FormatReward(Target):
    """A control that does not depend on the answer: 1 if an answer could be read, else 0.

    If another target does not improve accuracy more than this one, its effect is that of the format.

    Math:
        r(y) = 1 if E(y) exists, else 0;   q is uniform over answers.

    >>> FormatReward().rewards(AnswerGroup(("a", "b", None)))
    array([1., 1., 0.])
    """

    recipe_name: ClassVar[str] = "format_reward"

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Return 1 for every answer, [*x, Z]."""
        return np.ones(nu.shape)

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Return 1 for each trace with an answer, else 0, [K]."""
        return group.parsed.astype(np.float64)
