"""Mirror descent on the whole policy, from the rewards of one group."""

from dataclasses import dataclass

import numpy as np

from dagames._types import OverGroup, OverTraces
from dagames.grpo.advantages import group_advantages
from dagames.grpo.learners.base import Groups, Learner, Memory, rewards_by_answer


@dataclass(frozen=True)
class MirrorDescent(Learner):
    """Mirror descent on J, with estimated rewards and the exact divergence.

    Math:
        log pi' = log pi + learning_rate (r(E(y)) - beta log(pi / pi_0)) + const;
        learning_rate = 1 / (beta + L) is the damping beta / (beta + L) of claim I.8.

    r is the mean reward of the traces with the answer, or the mean of the group if there is none.

    Attributes:
        learning_rate: Step in logits per R-unit.
    """

    learning_rate: float

    def advantages(self, groups: Groups, memory: Memory) -> tuple[OverGroup, Memory]:
        """Return centred rewards for the record of the step; `learn` does not use them."""
        return group_advantages(groups.rewards), memory

    def learn(self, groups: Groups, advantages: OverGroup) -> OverTraces:
        """Multiply the policy by the exponential of its estimated gradient.

        Args:
            groups: The step's groups.
            advantages: Not used.

        Returns:
            The new logits, [seeds, Y].
        """
        rewards = rewards_by_answer(groups, int(groups.E.max()) + 1)[:, groups.E]
        return np.asarray(groups.logits + self.learning_rate * (rewards - groups.beta * groups.log_ratio))
