"""Environments of the tabular simulator: traces, their answers, the reference, and rewards of groups."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError, ShapeError
from dagames._types import Extraction, Numbers, OverGroup
from dagames.estimators import RewardTable
from dagames.games.alignment import AlignmentGame
from dagames.grpo.group_rewards import GroupReward, as_group_reward, rewards_of
from dagames.numerics.integers import as_count
from dagames.simplex import as_real
from dagames.targets import Target

Generators = list[np.random.Generator]


@runtime_checkable
class Environment(Protocol):
    """A reference policy over traces, and the rewards of groups."""

    @property
    def E(self) -> Extraction:
        """Answer of each trace, [Y]."""
        ...

    @property
    def n_answers(self) -> int:
        """Number of answers |Z|."""
        ...

    @property
    def logits(self) -> NDArray[np.float64]:
        """Logits of the reference, where training starts, [Y]; -inf for a trace of probability 0."""
        ...

    @property
    def beta(self) -> float:
        """Weight of the divergence to the reference, in R-units per nat."""
        ...

    @property
    def right(self) -> int:
        """The correct answer, whose probability is the accuracy."""
        ...

    def rewards(self, answers: NDArray[np.int64], rngs: Generators) -> OverGroup:
        """Return the rewards of one group per seed, [seeds, K], from its answers, [seeds, K]."""
        ...


@dataclass(frozen=True)
class ManyToOne:
    """Many traces per answer, one right answer, and a random bias that is added to all rewards of a step.

    Attributes:
        n_traces: Number of traces |Y|; trace y gives answer y modulo `n_answers`.
        n_answers: Number of answers |Z|; answer 0 is right.
        signal: Reward of the right answer, above the bias.
        biases: Possible biases of a step, drawn with equal probabilities.
        right: The right answer.
        beta: Weight of the divergence to the reference; 0 by default.

    Source:
        (paper, section 5, synthetic study); claim I.29
    """

    n_traces: int = 10_000
    n_answers: int = 10
    signal: float = 1.0
    biases: tuple[float, ...] = (8.0, 0.0)
    right: int = 0
    beta: float = 0.0

    def __post_init__(self) -> None:
        """Validate the numbers of traces and answers."""
        object.__setattr__(self, "n_traces", as_count(self.n_traces, "n_traces"))
        object.__setattr__(self, "n_answers", as_count(self.n_answers, "n_answers"))

    @property
    def E(self) -> Extraction:
        """Answer of each trace, [Y]."""
        return np.arange(self.n_traces) % self.n_answers

    @property
    def logits(self) -> NDArray[np.float64]:
        """Logits of the uniform reference, [Y]."""
        return np.zeros(self.n_traces)

    def rewards(self, answers: NDArray[np.int64], rngs: Generators) -> OverGroup:
        """Draw one bias per seed and add the signal of right answers, [seeds, K]."""
        bias = np.array([[rng.choice(self.biases)] for rng in rngs])
        return np.asarray(bias + self.signal * (answers == self.right))


@dataclass(frozen=True, eq=False)
class GroupTask:
    """A game's reference and beta, with rewards that are a function of the counts of each group.

    Attributes:
        game: Reference over traces, answers and beta; one prompt. Its functional is not used: training follows
            `reward`.
        reward: A reward table, a Target, rewards by answer [Z], or a function from counts to rewards.
        right: The correct answer, whose probability is the accuracy.

    >>> from dagames.functionals import Gini
    >>> from dagames.targets import GiniDiversity
    >>> task = GroupTask(AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), 0.1), GiniDiversity())
    >>> task.rewards(np.array([[0, 0, 1, 0]]), [])
    array([[0.25, 0.25, 0.75, 0.25]])
    """

    game: AlignmentGame
    reward: RewardTable | Target | GroupReward | Numbers
    right: int = 0

    def __post_init__(self) -> None:
        """Validate the game, and copy rewards by answer."""
        if not isinstance(self.game, AlignmentGame):
            raise DomainError(f"`game` must be an AlignmentGame, not {type(self.game).__name__}.")
        if self.game.batch:
            raise ShapeError(f"`game` has prompts of shape {self.game.batch}; a task takes one prompt.")
        if not isinstance(self.reward, RewardTable | Target) and not callable(self.reward):
            object.__setattr__(self, "reward", as_real(self.reward, "reward"))

    @property
    def E(self) -> Extraction:
        """Answer of each trace, [Y]."""
        return self.game.E

    @property
    def n_answers(self) -> int:
        """Number of answers |Z|."""
        return self.game.n_answers

    @property
    def logits(self) -> NDArray[np.float64]:
        """Log of the reference, [Y]."""
        return self.game.log_pi_0

    @property
    def beta(self) -> float:
        """Weight of the divergence to the reference."""
        return self.game.beta

    def rewards(self, answers: NDArray[np.int64], rngs: Generators) -> OverGroup:
        """Return the rewards of each seed's answers, [seeds, K], from their counts."""
        counts = (answers[..., None] == np.arange(self.n_answers)).sum(axis=1)
        rewards = rewards_of(as_group_reward(self.reward, answers.shape[-1]), counts)
        return np.take_along_axis(rewards, answers, axis=-1)
