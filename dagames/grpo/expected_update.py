"""The exact expected update of a group of K traces, by enumeration of counts or in closed form."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from dagames._choices import as_choice
from dagames._errors import DomainError, ShapeError
from dagames._types import GroupCounts, GroupRewards, Numbers, OverAnswers, PerAnswer
from dagames.estimators import RewardTable
from dagames.estimators.reward_table import as_group_size
from dagames.grpo.decoupled import baselines_without
from dagames.grpo.enumeration import (
    LARGEST_STORED,
    Rule,
    advantages_of,
    check_rule,
    number_of_groups,
    parts_of_groups,
    probabilities,
)
from dagames.grpo.group_rewards import ByAnswer, ByCount, GroupReward, as_group_reward, rewards_of
from dagames.grpo.moments import effective_reward, effective_scale
from dagames.numerics.arrays import read_real
from dagames.numerics.float_errors import with_default_errors
from dagames.numerics.integers import as_count
from dagames.simplex import as_distribution, as_real
from dagames.targets import Target

Route = Literal["auto", "enumeration", "moments"]

WEIGHTS = 2**22
"""Maximum number of group probabilities in one temporary array."""


@with_default_errors
def expected_update(
    nu: Numbers,
    reward: RewardTable | Target | GroupReward | Numbers,
    group_size: int,
    normalise: Rule = "center",
    *,
    route: Route = "auto",
) -> OverAnswers:
    """Compute the expected policy-gradient step of a group, in the logits of the answers.

    Math:
        E[1/K sum_i A_i (e_{z_i} - nu)],   z_1..z_K independent from nu,   A_i the advantages of the group's rewards.

    Args:
        nu: Answer probabilities, [*x, Z].
        reward: A reward table, a Target, rewards by answer [Z], or a function from counts to rewards.
        group_size: Number of traces K.
        normalise: "center", "standardise", "leave-one-out", "decoupled" or "none".
        route: "enumeration" sums over all counts of a group; "moments" uses the closed form, for rewards by answer or
            by count and every rule but "standardise"; "auto" uses moments where possible.

    Returns:
        The expected step, [*x, Z], in R-units per logit; it sums to 0. Exact to rounding.

    Source:
        (paper, eq. 5 and 8); claims I.17, I.19, B.1 to B.3

    >>> from dagames.targets import GiniDiversity
    >>> expected_update([0.75, 0.25], GiniDiversity(), 4)
    array([-0.03515625,  0.03515625])
    >>> true_update([0.75, 0.25], GiniDiversity().exact_rewards) * (3 * 2 / 4**2)
    array([-0.03515625,  0.03515625])
    """
    nu = as_distribution(nu, "nu")
    return ExpectedUpdate(reward, group_size, nu.shape[-1], normalise, route).at(nu)


@with_default_errors
def true_update(nu: Numbers, reward: Callable[[OverAnswers], OverAnswers] | Numbers) -> OverAnswers:
    """Compute the policy gradient of an exact reward, in the logits of the answers.

    Math:
        nu_z (g_z - sum_w nu_w g_w);   the gradient of -R for g = -grad R(nu).

    Args:
        nu: Answer probabilities, [*x, Z].
        reward: Rewards of answers, [*x, Z], or a function of `nu` that returns them, such as `Target.exact_rewards`;
            rewards of answers without mass are ignored.

    Returns:
        The step, [*x, Z], in R-units per logit; 0 where nu is 0.

    Raises:
        ShapeError: If there is not one reward per answer.
        DomainError: If the reward of an answer with mass is not a finite number.

    >>> true_update([0.5, 0.25, 0.25], [1.0, 0.0, 0.0])
    array([ 0.25 , -0.125, -0.125])
    """
    nu = as_distribution(nu, "nu")
    by_answer = read_real(reward(nu) if callable(reward) else reward, "reward").array
    if by_answer.shape[-1:] != nu.shape[-1:]:
        raise ShapeError(
            f"`reward` has shape {by_answer.shape}; it must have one reward for each of {nu.shape[-1]} answers."
        )
    rewards = as_real(np.where(nu > 0, by_answer, 0.0), "reward")
    return np.asarray(nu * (rewards - (nu * rewards).sum(axis=-1, keepdims=True)))


@dataclass(frozen=True, eq=False)
class ExpectedUpdate:
    """The expected update as a function of nu; terms that do not depend on nu are computed once.

    Attributes:
        reward: A reward table, a Target, rewards by answer [Z], or a function from counts to rewards.
        group_size: Number of traces K.
        n_answers: Number of answers |Z|.
        normalise: "center", "standardise", "leave-one-out", "decoupled" or "none".
        route: "auto", "enumeration" or "moments".

    >>> from dagames.targets import MajorityVote
    >>> vote = ExpectedUpdate(MajorityVote(), 3, 2)
    >>> vote.at([[0.5, 0.5], [0.75, 0.25]]).round(4) + 0.0
    array([[ 0.    ,  0.    ],
           [ 0.0625, -0.0625]])
    """

    reward: RewardTable | Target | GroupReward | Numbers
    group_size: int
    n_answers: int
    normalise: Rule = "center"
    route: Route = "auto"

    def __post_init__(self) -> None:
        """Validate the settings."""
        object.__setattr__(self, "group_size", as_group_size(self.group_size))
        object.__setattr__(self, "n_answers", as_count(self.n_answers, "n_answers"))
        check_rule(self.normalise)
        as_choice(self.route, "route", get_args(Route))
        reward = self._reward
        if isinstance(reward, ByAnswer) and reward.rewards.size != self.n_answers:
            raise ShapeError(f"`reward` has {reward.rewards.size} entries for {self.n_answers} answers.")
        needed = self.group_size + 1
        if isinstance(reward, ByCount) and reward.rewards.size != needed:
            raise ShapeError(
                f"`reward` has {reward.rewards.size} entries by count; it must have {needed} for K = {needed - 1}."
            )
        if self.route == "moments" and not isinstance(reward, ByAnswer | ByCount):
            raise DomainError(
                "`route` is 'moments', but the reward depends on more than the count of the trace's own answer. "
                "Use route='enumeration'."
            )

    def at(self, nu: Numbers, bonus: Numbers | None = None) -> OverAnswers:
        """Compute the expected update at `nu`.

        Args:
            nu: Answer probabilities, [*x, Z].
            bonus: Number added to the reward of each trace, by its answer, [*x, Z], such as the penalty
                -beta log(nu / nu_0); 0 by default.

        Returns:
            The expected step, [*x, Z], in R-units per logit.

        Raises:
            ShapeError: If `nu` has another number of answers, or the bonus another shape than `nu`.
        """
        nu = as_distribution(nu, "nu")
        if nu.shape[-1] != self.n_answers:
            raise ShapeError(f"`nu` has shape {nu.shape}; this update is for {self.n_answers} answers.")
        extra = np.zeros(nu.shape) if bonus is None else as_real(bonus, "bonus")
        if extra.shape != nu.shape:
            raise ShapeError(f"`bonus` has shape {extra.shape}; `nu` has {nu.shape}.")
        group_reward = self._reward
        if self._by_moments and isinstance(group_reward, ByAnswer | ByCount):
            reward = effective_reward(nu, group_reward, self.group_size, self.normalise)
            return np.asarray(effective_scale(self.group_size, self.normalise) * true_update(nu, reward + extra))
        rows, extras = nu.reshape(-1, self.n_answers), extra.reshape(-1, self.n_answers)
        return self._by_enumeration(rows, extras).reshape(nu.shape)

    @cached_property
    def _reward(self) -> GroupReward:
        return as_group_reward(self.reward, self.group_size)

    @property
    def _by_moments(self) -> bool:
        if self.route == "auto":
            return isinstance(self._reward, ByAnswer | ByCount) and self.normalise != "standardise"
        return self.route == "moments"

    def _parts(self) -> Iterator[tuple[GroupCounts, GroupRewards]]:
        for counts in parts_of_groups(self.n_answers, self.group_size):
            yield counts, rewards_of(self._reward, counts)

    @cached_property
    def _stored_parts(self) -> list[tuple[GroupCounts, GroupRewards]]:
        return list(self._parts())

    def _by_enumeration(self, nu: OverAnswers, extra: OverAnswers) -> OverAnswers:
        """Sum the steps of all counts times their probabilities, for nu [X, Z]."""
        few = number_of_groups(self.n_answers, self.group_size) <= LARGEST_STORED
        pull = np.zeros(nu.shape)
        for counts, rewards in self._stored_parts if few else self._parts():
            at_once = max(1, WEIGHTS // len(counts)) if not extra.any() else 1
            for start in range(0, len(nu), at_once):
                rows = slice(start, start + at_once)
                share = counts * self._advantages(counts, rewards, extra[start]) / self.group_size
                pull[rows] += probabilities(counts, nu[rows]) @ share
        return np.asarray(pull - nu * pull.sum(axis=-1, keepdims=True))

    def _advantages(self, counts: GroupCounts, rewards: GroupRewards, extra: PerAnswer) -> GroupRewards:
        if self.normalise == "decoupled":
            # The bonuses of the other traces are independent of the trace: a baseline without them is unbiased too.
            return np.asarray(rewards + extra - baselines_without(self._reward, counts))
        return advantages_of(counts, rewards + extra, self.normalise)
