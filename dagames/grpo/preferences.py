"""Comparisons of traces, as Bradley and Terry would have them decided by a reward."""

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from dagames import simplex
from dagames._errors import ShapeError
from dagames._types import Numbers
from dagames.numerics.float_errors import with_default_errors
from dagames.numerics.integers import as_count

Wins = Float[np.ndarray, "Y Y"]
"""How often, or with what weight, the first trace was preferred to the second."""


@with_default_errors
def bradley_terry(rewards: Numbers) -> Wins:
    """Compute the probability that each trace is preferred to each other.

    Math:
        P(y > y') = sigmoid(r(y) - r(y')).

    Args:
        rewards: Rewards of traces, [Y], in nats.

    Returns:
        Probabilities, [Y, Y], the winner first; both P and 1 - P are accurate where they are small.

    Raises:
        ShapeError: If the rewards are not a list.

    >>> bradley_terry([0.0, np.log(3.0)]).round(4)
    array([[0.5 , 0.25],
           [0.75, 0.5 ]])
    """
    r = simplex.as_real(rewards, "rewards")
    if r.ndim != 1:
        raise ShapeError(f"`rewards` has shape {r.shape}; one reward per trace, (Y,), is needed.")
    return np.asarray(expit(r[:, None] - r[None, :]))


@with_default_errors
def sample_preferences(rewards: Numbers, pi_0: Numbers, n_pairs: int, rng: np.random.Generator) -> Wins:
    """Draw pairs of traces from the reference and let Bradley-Terry decide each.

    Args:
        rewards: Rewards of traces, [Y], in nats.
        pi_0: Probabilities of traces, [Y]; both of a pair are drawn from it.
        n_pairs: Number of comparisons.
        rng: Source of randomness.

    Returns:
        How often the first won against the second, [Y, Y]; pairs of a trace with itself are drawn and left out.

    Raises:
        ShapeError: If there is not one reward per trace.
    >>> sample_preferences([0.0, 50.0], [0.5, 0.5], 10, np.random.default_rng(0))
    array([[0., 0.],
           [4., 0.]])
    """
    p = simplex.as_distribution(pi_0, "pi_0")
    chances = bradley_terry(rewards)
    if chances.shape[0] != p.size:
        raise ShapeError(f"`rewards` has {chances.shape[0]} entries; `pi_0` has {p.size}.")
    n_pairs = as_count(n_pairs, "n_pairs")
    first, second = rng.choice(p.size, size=(2, n_pairs), p=p)
    won = rng.random(n_pairs) < chances[first, second]
    wins = np.zeros(chances.shape)
    np.add.at(wins, (np.where(won, first, second), np.where(won, second, first)), 1.0)
    np.fill_diagonal(wins, 0.0)
    return wins
