"""What a tabular policy is trained on: traces, their answers, and what a group of answers is worth."""

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
        """Logits of the reference, where training starts, [Y]; -inf for a trace that it excludes."""
        ...

    @property
    def beta(self) -> float:
        """Weight of the divergence to the reference, in R-units per nat."""
        ...

    @property
    def right(self) -> int:
        """The answer whose mass is called accuracy."""
        ...

    def rewards(self, answers: NDArray[np.int64], rngs: Generators) -> OverGroup:
        """Reward one group per seed: from answers, [seeds, K], to rewards, [seeds, K]."""
        ...


@dataclass(frozen=True)
class ManyToOne:
    """Many traces to each answer, one right answer, and a bias that is added to every reward of a step.

    Attributes:
        n_traces: Number of traces |Y|; trace y gives answer y modulo `n_answers`.
        n_answers: Number of answers |Z|; answer 0 is right.
        signal: Reward of the right answer, above the bias.
        biases: Bias of a step, drawn from these with equal chances.
        right: The right answer.
        beta: Weight of the divergence to the reference: none.

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
        """Draw each seed's bias of the step and add the signal, [seeds, K]."""
        bias = np.array([[rng.choice(self.biases)] for rng in rngs])
        return np.asarray(bias + self.signal * (answers == self.right))


@dataclass(frozen=True, eq=False)
class GroupTask:
    """A game's reference and beta, and rewards that are read off each group's answers.

    Attributes:
        game: Where the reference over traces, the extraction and beta come from; one prompt. Its functional is not
            read: what is optimised is what `reward` estimates.
        reward: A reward table, a Target, rewards by answer [Z], or a function from counts to rewards.
        right: The answer whose mass is called accuracy.

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
        """Validate the game, and copy rewards by answer.

        Raises:
            DomainError: If `game` is no game.
            ShapeError: If it is a batch of prompts.
        """
        if not isinstance(self.game, AlignmentGame):
            raise DomainError(f"`game` must be an AlignmentGame, not {type(self.game).__name__}.")
        if self.game.batch:
            raise ShapeError(f"`game` has prompts of shape {self.game.batch}; a task is one prompt.")
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
        """Count each seed's answers and look its rewards up, [seeds, K]."""
        counts = (answers[..., None] == np.arange(self.n_answers)).sum(axis=1)
        rewards = rewards_of(as_group_reward(self.reward, answers.shape[-1]), counts)
        return np.take_along_axis(rewards, answers, axis=-1)
