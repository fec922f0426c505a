"""From the rewards of a group to the weights of its traces in the policy gradient."""

from typing import Literal, get_args

import numpy as np

from dagames import _tolerances
from dagames._errors import DomainError
from dagames._types import Numbers, OverGroup
from dagames.simplex import as_real

Normalise = Literal["center", "standardise", "none"]


def group_advantages(rewards: Numbers, normalise: Normalise = "center") -> OverGroup:
    """Turn the rewards of each group into advantages.

    Math:
        center: A_i = r_i - mean(r);   standardise: A_i = (r_i - mean(r)) / (std(r) + 1e-4);   none: A_i = r_i.

    Centring rescales the expected update; dividing by the group's standard deviation changes its direction (claim
    I.17), so it is not the default. The deviation is Bessel-corrected, as TRL's is.

    Args:
        rewards: Rewards of traces, [*x, K].
        normalise: "center", "standardise" or "none".

    Returns:
        Advantages, [*x, K]; all 0 where a group's rewards are equal, unless `normalise` is "none".

    Raises:
        DomainError: If there is no such rule, or a reward is not a finite number.

    Source:
        (paper, eq. 5)

    >>> group_advantages([1.0, 0.0, 0.0, 1.0])
    array([ 0.5, -0.5, -0.5,  0.5])
    """
    if normalise not in get_args(Normalise):
        raise DomainError(f"`normalise` must be one of {', '.join(get_args(Normalise))}, not {normalise!r}.")
    rewards = as_real(rewards, "rewards")
    if normalise == "none":
        return rewards
    centred = np.asarray(rewards - rewards.mean(axis=-1, keepdims=True))
    if normalise == "center":
        return centred
    degrees = max(rewards.shape[-1] - 1, 1)
    deviation = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / degrees)
    return np.asarray(centred / (deviation + _tolerances.STANDARD_DEVIATION))
