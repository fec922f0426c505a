"""From the rewards of a group to the weights of its traces in the policy gradient."""

from typing import Literal, get_args

import numpy as np

from dagames import _tolerances
from dagames._errors import DomainError
from dagames._types import Numbers, OverGroup, PerPrompt
from dagames.numerics.float_errors import with_default_errors
from dagames.simplex import as_real

Normalise = Literal["center", "standardise", "standardise-batch", "leave-one-out", "none"]


@with_default_errors
def group_advantages(rewards: Numbers, normalise: Normalise = "center") -> OverGroup:
    """Turn the rewards of each group into advantages.

    Math:
        none: A_i = r_i;   center: A_i = r_i - mean(r);   leave-one-out: A_i = r_i - mean of the other K - 1 rewards;
        standardise: A_i = (r_i - mean(r)) / (std(r) + 1e-4);
        standardise-batch: the same with the deviation of all rewards of all groups.

    Leave-one-out is K / (K - 1) times centring. Centring rescales the expected update; dividing by the group's own
    deviation changes its direction (claim I.17), so it is not the default. Deviations are Bessel-corrected, and that of
    the batch is about the batch's mean, as TRL's are. A baseline that does not depend on the trace at all needs the
    group's answers: see `decoupled_advantages`.

    Args:
        rewards: Rewards of traces, [*x, K], in R-units.
        normalise: "center", "standardise", "standardise-batch", "leave-one-out" or "none".

    Returns:
        Advantages, [*x, K]; all 0 where a group's rewards are equal, unless `normalise` is "none".

    Raises:
        DomainError: If there is no such rule, a reward is not a finite number, or a single trace leaves no others.

    Source:
        (paper, eq. 5); claim B.2

    >>> group_advantages([1.0, 0.0, 0.0, 1.0])
    array([ 0.5, -0.5, -0.5,  0.5])
    >>> group_advantages([1.0, 0.0, 0.0], "leave-one-out")
    array([ 1. , -0.5, -0.5])
    """
    if normalise not in get_args(Normalise):
        raise DomainError(f"`normalise` must be one of {', '.join(get_args(Normalise))}, not {normalise!r}.")
    rewards = as_real(rewards, "rewards")
    group_size = rewards.shape[-1]
    if normalise == "none":
        return rewards.copy()
    centred = np.asarray(rewards - rewards.mean(axis=-1, keepdims=True))
    if normalise == "leave-one-out":
        check_others(group_size)
        return np.asarray(centred * (group_size / (group_size - 1)))
    if normalise == "standardise":
        deviation = deviation_of((centred**2).sum(axis=-1, keepdims=True), group_size)
        return np.asarray(centred / (deviation + _tolerances.STANDARD_DEVIATION))
    if normalise == "standardise-batch":
        deviation = deviation_of(np.asarray(((rewards - rewards.mean()) ** 2).sum()), rewards.size)
        return np.asarray(centred / (deviation + _tolerances.STANDARD_DEVIATION))
    return centred


def deviation_of(squares: PerPrompt, number: int) -> PerPrompt:
    """Compute the Bessel-corrected standard deviation of `number` rewards; 0 for a single one.

    Args:
        squares: Sum of the squared distances from their mean, any shape.
        number: How many rewards.

    Returns:
        The deviation, of the same shape, in reward units.
    """
    return np.asarray(np.sqrt(squares / max(number - 1, 1)))


def check_others(group_size: int) -> None:
    """Raise unless a trace has others to be compared with.

    Args:
        group_size: Number of traces K.

    Raises:
        DomainError: If the trace is alone.
    """
    if group_size < 2:
        raise DomainError(
            "a baseline from the other traces needs a group of at least 2, not 1: no trace is left to average. "
            "Use normalise='none', or larger groups."
        )
