"""Policy gradient with a moving average as baseline."""

from dataclasses import dataclass

import numpy as np

from dagames._errors import DomainError
from dagames._types import OverGroup
from dagames.grpo.learners.base import Groups, Learner, Memory
from dagames.numerics.arrays import as_number


@dataclass(frozen=True)
class Reinforce(Learner):
    """REINFORCE: the baseline is a moving average of past groups' mean rewards.

    Math:
        A_i = r_i - b;   b' = decay b + (1 - decay) mean(r).

    Attributes:
        learning_rate: Step in logits per unit of advantage.
        decay: Weight of the past in the moving average.
        level: The baseline before the first step, in R-units.
    """

    learning_rate: float
    decay: float = 0.9
    level: float = 0.0

    def __post_init__(self) -> None:
        """Validate the settings."""
        super().__post_init__()
        object.__setattr__(self, "decay", as_number(self.decay, "decay", "a weight from 0 to 1"))
        object.__setattr__(self, "level", as_number(self.level, "level", "a finite number"))
        if not 0 <= self.decay <= 1:
            raise DomainError(f"`decay` must be a weight from 0 to 1, not {self.decay}.")
        if not np.isfinite(self.level):
            raise DomainError(f"`level` must be a finite number, not {self.level}.")

    def start(self, n_seeds: int) -> Memory:
        """Return the first baseline, [seeds, 1]."""
        return np.full((n_seeds, 1), float(self.level))

    def advantages(self, groups: Groups, memory: Memory) -> tuple[OverGroup, Memory]:
        """Subtract the moving average from the rewards, and update it."""
        rewards = groups.penalised
        after = self.decay * memory + (1 - self.decay) * rewards.mean(axis=-1, keepdims=True)
        return np.asarray(rewards - memory), np.asarray(after)
