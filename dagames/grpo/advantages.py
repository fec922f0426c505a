"""Advantages: weights of the traces of a group in the policy gradient, computed from their rewards."""

from typing import Literal, get_args

import numpy as np

from dagames import _tolerances
from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._types import Numbers, OverGroup, PerPrompt
from dagames.numerics.float_errors import with_default_errors
from dagames.simplex import as_real

Normalise = Literal["center", "standardise", "standardise-batch", "leave-one-out", "none"]


@with_default_errors
def group_advantages(rewards: Numbers, normalise: Normalise = "center") -> OverGroup:
    """Compute the advantages of the traces of each group.

    Math:
        none: A_i = r_i;   center: A_i = r_i - mean(r);   leave-one-out: A_i = r_i - mean of the other K - 1 rewards;
        standardise: A_i = (r_i - mean(r)) / (std(r) + 1e-4);
        standardise-batch: A_i = (r_i - mean(r)) / (std(rewards of all groups) + 1e-4).

    Leave-one-out equals K / (K - 1) times centring. Centring multiplies the expected update by a constant; dividing by
    the standard deviation of the group changes its direction (claim I.17), so it is not the default. Standard
    deviations are Bessel-corrected, as in TRL. A baseline that is independent of the trace needs the answers of the
    group: see `decoupled_advantages`.

    Args:
        rewards: Rewards of traces, [*x, K], in R-units.
        normalise: "center", "standardise", "standardise-batch", "leave-one-out" or "none".

    Returns:
        Advantages, [*x, K]; all 0 where a group's rewards are equal, unless `normalise` is "none".

    Raises:
        DomainError: If `normalise` is not one of these, a reward is not finite, or leave-one-out has a single trace.

    Source:
        (paper, eq. 5); claim B.2

    >>> group_advantages([1.0, 0.0, 0.0, 1.0])
    array([ 0.5, -0.5, -0.5,  0.5])
    >>> group_advantages([1.0, 0.0, 0.0], "leave-one-out")
    array([ 1. , -0.5, -0.5])
    """
    as_choice(normalise, "normalise", get_args(Normalise))
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
    """Return the Bessel-corrected standard deviation of `number` rewards, from their summed squared deviations."""
    return np.asarray(np.sqrt(squares / max(number - 1, 1)))


def check_others(group_size: int) -> None:
    """Raise unless a group has the two traces that a baseline from the other traces needs."""
    if group_size < 2:
        raise DomainError(
            "a baseline from the other traces needs a group of at least 2, not 1. Use normalise='none', or larger "
            "groups."
        )
