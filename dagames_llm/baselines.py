"""Baselines that TRL does not have, subtracted in the reward function; the mean that TRL then subtracts is 0."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dagames.targets import AnswerGroup, Target
from dagames_llm._errors import RecipeError

Baseline = Literal["group", "leave_one_out", "decoupled"]
Over = Literal["orbit", "view"]


def checked_rewards(target: Target, group: AnswerGroup) -> NDArray[np.float64]:
    """Return a target's rewards of a group, or raise unless they are one finite number per trace.

    Args:
        target: The target, perhaps of a user's class.
        group: The K traces.

    Returns:
        The rewards, [K].

    Raises:
        RecipeError: If the rewards are not such numbers. (TRL excludes traces with a reward of NaN from the sum.)
    """
    rewards = np.asarray(target.rewards(group), np.float64)
    if rewards.shape != (len(group),) or not np.isfinite(rewards).all():
        raise RecipeError(
            f"{type(target).__name__}.rewards returned {rewards.tolist()!r:.80} for a group of {len(group)}; it must "
            "return one finite number for each trace, 0 for a trace without an answer."
        )
    return rewards


def baseline_rewards(
    target: Target, group: AnswerGroup, rewards: NDArray[np.float64], baseline: Baseline, over: Over
) -> NDArray[np.float64]:
    """Subtract a baseline from the rewards of one group.

    Math:
        group:          A_i = r_i - mean of r over the traces of i's set;
        leave_one_out:  A_i = r_i - mean of the other rewards of its set, n / (n - 1) times the line above;
        decoupled:      A_i = r_i - mean of the others' rewards in the group without i (claim B.2),

    where the set of i is the n traces of the whole orbit, or of the view of i. The baseline "group" over the orbit is
    TRL's, so that the rewards are returned unchanged. The mean of "leave_one_out" over the group is 0, so that TRL's
    subtraction has no effect.

    Args:
        target: The target.
        group: The K traces.
        rewards: The target's rewards, [K].
        baseline: The name of the baseline.
        over: The traces in the mean, "orbit" or "view".

    Returns:
        The rewards minus the baseline, [K]; 0 if a trace is alone in its set and the baseline needs others.
    """
    if baseline == "group" and over == "orbit":
        return rewards
    sets = np.zeros(len(group), np.int64) if over == "orbit" else np.unique(group.views, return_inverse=True)[1]
    sizes = np.bincount(sets)[sets]
    if baseline == "decoupled":
        others = np.array([_mean_without(target, group, sets, i) for i in range(len(group))])
        return np.where(sizes > 1, rewards - others, 0.0)
    centred = rewards - (np.bincount(sets, rewards) / np.bincount(sets))[sets]
    if baseline == "group":
        return np.asarray(centred)
    return np.where(sizes > 1, centred * sizes / np.maximum(sizes - 1, 1), 0.0)


def _mean_without(target: Target, group: AnswerGroup, sets: NDArray[np.int64], i: int) -> float:
    """Return the mean reward of the others of trace i's set, in the group without trace i; 0 if it is alone."""
    others = (sets == sets[i]) & (np.arange(len(group)) != i)
    return float(checked_rewards(target, group.without(i))[others].mean()) if others.any() else 0.0
