"""Policy gradient with the group's own mean for baseline."""

from dataclasses import dataclass
from typing import Literal

from dagames._types import OverGroup
from dagames.grpo.advantages import group_advantages
from dagames.grpo.learners.base import Groups, Learner, Memory


@dataclass(frozen=True)
class Grpo(Learner):
    """GRPO: rewards centred by the group's mean, and divided by its deviation if asked.

    Attributes:
        learning_rate: Step in logits per unit of advantage.
        normalise: "center", or "standardise" as in the paper's eq. 5.

    Source:
        (paper, eq. 4 and 5)
    """

    learning_rate: float
    normalise: Literal["center", "standardise"] = "center"

    def advantages(self, groups: Groups, memory: Memory) -> tuple[OverGroup, Memory]:
        """Centre the rewards of each group."""
        return group_advantages(groups.penalised, self.normalise), memory
