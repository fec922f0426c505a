"""Advantages whose baseline is independent of the trace: the others' mean reward in the group without it."""

import numpy as np

from dagames._errors import DomainError, ShapeError
from dagames._types import GroupCounts, GroupRewards, Numbers, OverGroup
from dagames.estimators import RewardTable
from dagames.grpo.advantages import check_others
from dagames.grpo.group_rewards import ByAnswer, GroupReward, as_group_reward, rewards_of
from dagames.numerics.float_errors import with_default_errors
from dagames.numerics.integers import as_indices, check_cells
from dagames.targets import Target


@with_default_errors
def decoupled_advantages(answers: Numbers, reward: RewardTable | Target | GroupReward | Numbers) -> OverGroup:
    """Subtract from each trace's reward the mean reward of the others in the group without this trace.

    Math:
        A_i = r_i(n) - 1/(K-1) sum over j != i of r_j(n - e_{z_i}),   n the counts of the group.

    The rewards of the other traces in the full group depend on trace i through the counts, so that their mean biases
    the step at order 1/K (claim B.1). Computed from the counts without trace i they are independent of it, and the
    expected step equals that without a baseline, for every reward (claim B.2).

    Args:
        answers: Answer of each trace, an index 0, 1, 2, ..., [*x, K] with K at least 2.
        reward: A reward table, a Target, rewards by answer [Z], or a function from counts to rewards, which
            is evaluated for groups of K and of K - 1 traces.

    Returns:
        Advantages, [*x, K], in R-units. Their mean over a group is not 0.

    Raises:
        DomainError: If an answer is not an index, or too large for a table over answers, or a group has one trace.
        ShapeError: If there is no trace.

    Source:
        claims B.1, B.2

    >>> from dagames.targets import GiniDiversity
    >>> decoupled_advantages([0, 0, 1], GiniDiversity()).round(4)
    array([-0.3333, -0.3333,  0.3333])
    """
    codes = as_indices(answers, "answers").array.astype(np.int64, copy=False)
    if codes.ndim == 0 or codes.size == 0:
        raise ShapeError(f"`answers` has shape {codes.shape}; it must have at least one trace along the last axis.")
    group_size = codes.shape[-1]
    check_others(group_size)
    group_reward = as_group_reward(reward, group_size)
    groups = codes.reshape(-1, group_size)
    n_answers = group_reward.rewards.size if isinstance(group_reward, ByAnswer) else int(codes.max()) + 1
    if codes.max() >= n_answers:
        raise DomainError(f"`answers` has the index {codes.max()}, but `reward` is for {n_answers} answers.")
    check_cells(len(groups), n_answers, "answers")
    counts = np.stack([np.bincount(group, minlength=n_answers) for group in groups])
    by_answer = rewards_of(group_reward, counts) - baselines_without(group_reward, counts)
    return np.take_along_axis(by_answer, groups, axis=-1).reshape(codes.shape)


def baselines_without(reward: GroupReward, counts: GroupCounts) -> GroupRewards:
    """Compute the others' mean reward in the group without one trace, from counts [N, Z] that sum to the same K.

    Math:
        b_z = 1/(K-1) sum_w m_w r_w(m),   m = n - e_z.

    Returns:
        The baseline of a trace with answer z, [N, Z]; 0 where the group has none.
    """
    group_size = int(counts[0].sum())
    check_others(group_size)
    baselines = np.zeros(counts.shape)
    for z in range(counts.shape[-1]):
        holders = counts[:, z] > 0
        if holders.any():
            others = counts[holders]
            others[:, z] -= 1
            rewards = rewards_of(reward, others)
            baselines[holders, z] = (others * rewards).sum(axis=-1) / (group_size - 1)
    return baselines
