"""Rewards as functions of the counts of a group: from tables, targets, rewards by answer, and users' functions.

In a group of K traces, n_z have answer z. A group reward maps the counts n to the reward of a trace with answer z, for
every z.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from dagames._errors import DomainError, ShapeError
from dagames._types import AnswerCounts, Numbers, OverAnswers, PerAnswer, PerCount
from dagames.estimators import RewardTable
from dagames.numerics.arrays import read_real
from dagames.numerics.float_errors import with_default_errors
from dagames.simplex import as_real, check_finite
from dagames.targets import AnswerGroup, Target

GroupReward: TypeAlias = Callable[[AnswerCounts], OverAnswers]
"""Maps counts per answer, [*x, Z], to the reward of a trace with that answer, [*x, Z]; values at counts of 0 are
ignored."""


@dataclass(frozen=True, eq=False)
class ByCount:
    """A reward by the number of traces with the same answer, the trace itself included.

    Attributes:
        rewards: Reward at count 0, 1, ..., K, [K + 1], in R-units; the one at count 0 applies to no trace.

    >>> ByCount(np.array([0.0, 1.0, 0.5]))(np.array([2, 0]))
    array([0.5, 0. ])
    """

    rewards: PerCount

    def __post_init__(self) -> None:
        """Copy the rewards."""
        object.__setattr__(self, "rewards", as_real(self.rewards, "rewards"))

    def __call__(self, counts: AnswerCounts) -> OverAnswers:
        """Return the reward at each count, [*x, Z]."""
        return np.asarray(self.rewards[counts])


@dataclass(frozen=True, eq=False)
class ByAnswer:
    """A reward that depends on the answer alone.

    Attributes:
        rewards: Reward of each answer, [Z], in R-units.

    >>> ByAnswer(np.array([1.0, 0.0]))(np.array([[3, 1], [0, 4]]))
    array([[1., 0.],
           [1., 0.]])
    """

    rewards: PerAnswer

    def __post_init__(self) -> None:
        """Copy the rewards."""
        object.__setattr__(self, "rewards", as_real(self.rewards, "rewards"))

    def __call__(self, counts: AnswerCounts) -> OverAnswers:
        """Repeat the rewards for each group, [*x, Z]."""
        return np.broadcast_to(self.rewards, counts.shape).copy()


@dataclass(frozen=True)
class ByTarget:
    """The rewards of a Target for groups with given counts; 0 for answers of count 0.

    Attributes:
        target: The Target; its rewards must not depend on the order of the traces.

    >>> from dagames.targets import MajorityVote
    >>> ByTarget(MajorityVote())(np.array([[2, 1, 0], [1, 1, 1]])).round(2)
    array([[1.  , 0.  , 0.  ],
           [0.33, 0.33, 0.33]])
    """

    target: Target

    def __call__(self, counts: AnswerCounts) -> OverAnswers:
        """Return the rewards of the counts, [*x, Z]; each distinct group is evaluated once."""
        rows, place = np.unique(counts.reshape(-1, counts.shape[-1]), axis=0, return_inverse=True)
        rewards = np.zeros(rows.shape)
        for row, out in zip(rows, rewards, strict=True):
            answers = np.repeat(np.arange(row.size), row)
            rewards_by_trace = self.target.rewards(AnswerGroup(answers.tolist()))
            if not np.array_equal(rewards_by_trace, self.target.rewards(AnswerGroup(answers[::-1].tolist()))[::-1]):
                raise DomainError(
                    f"{self.target!r} gives rewards for the counts {row.tolist()} that depend on the order of the "
                    "traces. Use a rule for ties that does not depend on it, such as ties='split'."
                )
            out[answers] = rewards_by_trace
        return rewards[place.ravel()].reshape(counts.shape)


@with_default_errors
def as_group_reward(reward: RewardTable | Target | GroupReward | Numbers, group_size: int) -> GroupReward:
    """Convert a table, a target or rewards by answer to a function of a group's counts.

    A table for independent counts is applied to the K - 1 other traces, so it must be for groups of K - 1; the rewards
    equal those of the self-inclusive table with the coefficients shifted by one (claim II.4).

    Args:
        reward: A `RewardTable`; a `Target`; rewards by answer, [Z]; or a function from counts [*x, Z] to rewards
            [*x, Z], which is returned unchanged.
        group_size: Number of traces K that are rewarded together.

    Returns:
        The reward of a trace by its answer, as a function of the counts.

    Raises:
        DomainError: If the table is for groups of another size.
        ShapeError: If rewards by answer are not one-dimensional.

    >>> from dagames.targets import GiniDiversity
    >>> as_group_reward(GiniDiversity(), 4).rewards
    array([1.  , 0.75, 0.5 , 0.25, 0.  ])
    """
    if isinstance(reward, RewardTable):
        return _from_table(reward, group_size)
    if isinstance(reward, Target):
        by_count = reward.rewards_by_count(group_size)
        return ByTarget(reward) if by_count is None else ByCount(by_count)
    if callable(reward):
        return reward
    rewards = as_real(reward, "reward")
    if rewards.ndim != 1:
        raise ShapeError(f"`reward` has shape {rewards.shape}; it must have one reward per answer, (Z,).")
    return ByAnswer(rewards)


def rewards_of(reward: GroupReward, counts: AnswerCounts) -> OverAnswers:
    """Evaluate and validate a group reward at counts [*x, Z]; 0 for answers of count 0."""
    rewards = read_real(reward(counts), "reward(counts)").array
    if rewards.shape != counts.shape:
        raise ShapeError(
            f"`reward` returned shape {rewards.shape} for counts of shape {counts.shape}; it must return one reward "
            "per answer of each group."
        )
    rewards = np.where(counts > 0, rewards, 0.0)
    check_finite(rewards, "reward(counts)")
    return rewards


def _from_table(table: RewardTable, group_size: int) -> ByCount:
    n_counted = group_size - 1 if table.counts == "independent" else group_size
    if table.group_size != n_counted:
        raise DomainError(
            f"`reward` is a table for {table.group_size} traces ({table.counts} counts), but {table.counts} counts in "
            f"a group of {group_size} are over {n_counted} traces. Make the table for {n_counted} traces."
        )
    if table.counts != "independent":
        return ByCount(table.coefficients)
    # The count k of a group is the count k - 1 of the others; the entry for 0 is not used.
    return ByCount(np.concatenate([table.coefficients[:1], table.coefficients]))
