"""What a learner sees of a step, and the policy gradient that most of them share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from dagames._types import Extraction, OverAnswers, OverGroup, OverTraces
from dagames.simplex import as_positive

Memory = NDArray[np.float64]
"""What a learner keeps from step to step, one row a seed."""


@dataclass(frozen=True, eq=False)
class Groups:
    """One group of traces per seed, with everything that a learner may know of the step.

    Attributes:
        traces: The traces drawn, [seeds, K].
        answers: Their answers, [seeds, K].
        rewards: Their rewards, [seeds, K], in R-units.
        pi: The policy they were drawn from, [seeds, Y].
        logits: Its logits, [seeds, Y].
        logits_0: Logits of the reference, [Y].
        E: Answer of each trace, [Y].
        beta: Weight of the divergence to the reference, in R-units per nat.
    """

    traces: NDArray[np.int64]
    answers: NDArray[np.int64]
    rewards: OverGroup
    pi: OverTraces
    logits: OverTraces
    logits_0: NDArray[np.float64]
    E: Extraction
    beta: float

    @property
    def log_ratio(self) -> OverTraces:
        """The log of policy over reference of every trace, [seeds, Y]; 0 where the reference excludes it."""
        held = np.isfinite(self.logits_0)
        moved = np.subtract(self.logits, self.logits_0, out=np.zeros_like(self.logits), where=held)
        level = logsumexp(self.logits, axis=-1, keepdims=True) - logsumexp(self.logits_0)
        return np.asarray(np.where(held, moved - level, 0.0))

    @property
    def log_ratios(self) -> OverGroup:
        """The same of the traces drawn, [seeds, K]."""
        return np.take_along_axis(self.log_ratio, self.traces, axis=-1)

    @property
    def penalised(self) -> OverGroup:
        """The rewards less beta times the log-ratio, [seeds, K]: the divergence inside the reward (claim I.17b)."""
        return np.asarray(self.rewards - self.beta * self.log_ratios) if self.beta else self.rewards


class Learner(ABC):
    """A rule that turns a step's groups into a change of the policy's logits.

    Learners are immutable; what they remember is passed in and returned.
    """

    learning_rate: float

    def __post_init__(self) -> None:
        """Validate the learning rate."""
        object.__setattr__(self, "learning_rate", as_positive(self.learning_rate, "learning_rate"))

    def start(self, n_seeds: int) -> Memory:
        """Return the memory before the first step, [seeds, 1]; most learners have none."""
        return np.zeros((n_seeds, 1))

    @abstractmethod
    def advantages(self, groups: Groups, memory: Memory) -> tuple[OverGroup, Memory]:
        """Weigh each trace of a step, [seeds, K], and return the memory for the next."""

    def learn(self, groups: Groups, advantages: OverGroup) -> OverTraces:
        """Take a step of the policy gradient.

        Math:
            logits(y) += learning_rate / K * sum_i A_i (1{y_i = y} - pi(y)).

        Args:
            groups: The step's groups.
            advantages: Weights of traces, [seeds, K].

        Returns:
            The new logits, [seeds, Y].
        """
        step = self.learning_rate / advantages.shape[-1]
        logits: OverTraces = groups.logits - step * advantages.sum(axis=-1, keepdims=True) * groups.pi
        for row, chosen, advantage in zip(logits, groups.traces, advantages, strict=True):
            np.add.at(row, chosen, step * advantage)
        return logits


def rewards_by_answer(groups: Groups, n_answers: int) -> OverAnswers:
    """Estimate what each answer is worth: the mean reward of its traces, and the group's mean where it has none.

    Args:
        groups: The step's groups.
        n_answers: Number of answers |Z|.

    Returns:
        Rewards, [seeds, Z], in R-units.
    """
    given = groups.answers[..., None] == np.arange(n_answers)
    number = given.sum(axis=1)
    total = (given * groups.rewards[..., None]).sum(axis=1)
    mean = groups.rewards.mean(axis=-1, keepdims=True)
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), mean))
