"""The interface of learners, their input, and the policy-gradient step."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from dagames._types import Extraction, OverAnswers, OverGroup, OverTraces
from dagames.simplex import as_positive

Memory = NDArray[np.float64]
"""The state of a learner between steps, one row per seed."""


@dataclass(frozen=True, eq=False)
class Groups:
    """One group of traces per seed, with the policy, the reference and beta.

    Attributes:
        traces: The traces drawn, [seeds, K].
        answers: Their answers, [seeds, K].
        rewards: Their rewards, [seeds, K], in R-units.
        pi: The policy that the traces were drawn from, [seeds, Y].
        logits: Logits of this policy, [seeds, Y].
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
        """log(pi / pi_0) of every trace, [seeds, Y]; 0 where the reference is 0."""
        support = np.isfinite(self.logits_0)
        moved = np.subtract(self.logits, self.logits_0, out=np.zeros_like(self.logits), where=support)
        level = logsumexp(self.logits, axis=-1, keepdims=True) - logsumexp(self.logits_0)
        return np.asarray(np.where(support, moved - level, 0.0))

    @property
    def log_ratios(self) -> OverGroup:
        """log(pi / pi_0) of the traces drawn, [seeds, K]."""
        return np.take_along_axis(self.log_ratio, self.traces, axis=-1)

    @property
    def penalised(self) -> OverGroup:
        """The rewards minus beta log(pi / pi_0), [seeds, K]: the divergence as part of the reward (claim I.17b)."""
        return np.asarray(self.rewards - self.beta * self.log_ratios) if self.beta else self.rewards


class Learner(ABC):
    """A rule that computes new logits from the groups of a step.

    Learners are immutable; their state is passed in and returned.
    """

    learning_rate: float

    def __post_init__(self) -> None:
        """Validate the learning rate."""
        object.__setattr__(self, "learning_rate", as_positive(self.learning_rate, "learning_rate"))

    def start(self, n_seeds: int) -> Memory:
        """Return the state before the first step, [seeds, 1]; most learners do not use it."""
        return np.zeros((n_seeds, 1))

    @abstractmethod
    def advantages(self, groups: Groups, memory: Memory) -> tuple[OverGroup, Memory]:
        """Return the weight of each trace of a step, [seeds, K], and the state for the next step."""

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
    """Return the mean reward of each answer's traces, [seeds, Z]; the mean of the group for answers without traces."""
    is_answer = groups.answers[..., None] == np.arange(n_answers)
    number = is_answer.sum(axis=1)
    total = (is_answer * groups.rewards[..., None]).sum(axis=1)
    mean = groups.rewards.mean(axis=-1, keepdims=True)
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), mean))
