"""Policy gradient with the mean of the other traces as baseline."""

from dataclasses import dataclass

from dagames._types import OverGroup
from dagames.grpo.advantages import group_advantages
from dagames.grpo.learners.base import Groups, Learner, Memory


@dataclass(frozen=True)
class Rloo(Learner):
    """RLOO: rewards minus the mean of the other traces; the divergence to the reference is part of the reward.

    Attributes:
        learning_rate: Step in logits per unit of advantage.
    """

    learning_rate: float

    def advantages(self, groups: Groups, memory: Memory) -> tuple[OverGroup, Memory]:
        """Subtract the mean of the other traces of the group, of which there must be at least one."""
        return group_advantages(groups.penalised, "leave-one-out"), memory
