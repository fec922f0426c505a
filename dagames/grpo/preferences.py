"""Comparisons of traces by the Bradley-Terry model of a reward."""

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from dagames import simplex
from dagames._errors import ShapeError
from dagames._types import Numbers
from dagames.numerics.float_errors import with_default_errors

Wins = Float[np.ndarray, "Y Y"]
"""Number or weight of the comparisons that the first trace won against the second."""


@with_default_errors
def bradley_terry(rewards: Numbers) -> Wins:
    """Compute the Bradley-Terry probability that each trace is preferred to each other.

    Math:
        P(y > y') = sigmoid(r(y) - r(y')).

    Args:
        rewards: Rewards of traces, [Y], in nats.

    Returns:
        Probabilities, [Y, Y], with the winner on the first axis; accurate also where P or 1 - P is small.

    Raises:
        ShapeError: If the rewards are not one-dimensional.

    >>> bradley_terry([0.0, np.log(3.0)]).round(4)
    array([[0.5 , 0.25],
           [0.75, 0.5 ]])
    """
    r = simplex.as_real(rewards, "rewards")
    if r.ndim != 1:
        raise ShapeError(f"`rewards` has shape {r.shape}; it must have one reward per trace, (Y,).")
    return np.asarray(expit(r[:, None] - r[None, :]))
