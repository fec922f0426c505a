"""The mean field of training: the exact expected update, iterated."""

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np

from dagames import simplex
from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._types import Numbers, OverAnswers
from dagames.estimators import RewardTable
from dagames.grpo.enumeration import Rule
from dagames.grpo.expected_update import ExpectedUpdate
from dagames.grpo.group_rewards import GroupReward
from dagames.numerics.arrays import as_number
from dagames.numerics.float_errors import with_default_errors
from dagames.targets import Target

Geometry = Literal["logits", "natural"]


@with_default_errors
def mean_field_path(
    nu_0: Numbers,
    reward: RewardTable | Target | GroupReward | Numbers,
    *,
    group_size: int,
    learning_rate: float,
    beta: float = 0.0,
    normalise: Rule = "center",
    geometry: Geometry = "logits",
) -> Iterator[OverAnswers]:
    """Generate the answer marginals of training by expected steps, starting with the reference, without end.

    Math:
        theta' = theta + learning_rate u(nu),   nu = softmax(theta),   u(nu) = E[1/K sum_i A_i (e_{z_i} - nu)],
        A_i the advantages of the rewards r_i - beta log(nu(z_i) / nu_0(z_i)).

    The policy has one logit per answer. A policy with m equally likely traces per answer, trained with the learning
    rate m * learning_rate, follows the same path, because each trace logit gets 1/m of the step. The divergence enters
    through the reward; for whole traces this estimate has the right gradient (claim I.17b). With
    geometry="natural" the step is u(nu) / nu, the gradient in the Fisher metric, which is not small where nu is small.

    Sampled runs converge to this path as the learning rate tends to 0. The difference of their mean is of the order of
    the learning rate: below the noise for rewards with one attractor (diversity), but not for a vote, where runs end at
    different answers.

    Args:
        nu_0: Answer marginal of the reference, [*x, Z], where training starts.
        reward: A reward table, a Target, rewards by answer [Z], or a function from counts to rewards.
        group_size: Number of traces K.
        learning_rate: Step in logits per unit of advantage, above 0.
        beta: Weight of the divergence to the reference, at least 0, in R-units per nat.
        normalise: "center", "standardise", "leave-one-out", "decoupled" or "none".
        geometry: "logits" for plain gradient steps, "natural" for the Fisher metric.

    Returns:
        An iterator over log answer marginals, [*x, Z]; -inf where the reference has no mass.

    Raises:
        DomainError: If a number is out of its domain, or `geometry` is not one of these.

    Source:
        claim B.5

    >>> from itertools import islice
    >>> from dagames.targets import MajorityVote
    >>> path = mean_field_path([0.4, 0.6], MajorityVote(), group_size=5, learning_rate=1.0)
    >>> [float(np.exp(log_nu[0]).round(3)) for log_nu in islice(path, 0, 100, 33)]
    [0.4, 0.023, 0.01, 0.007]
    """
    reference = simplex.as_distribution(nu_0, "nu_0")
    learning_rate = simplex.as_positive(learning_rate, "learning_rate")
    beta = as_number(beta, "beta", "a number of at least 0")
    if not 0 <= beta < np.inf:
        raise DomainError(f"`beta` must be a finite number of at least 0, not {beta}.")
    as_choice(geometry, "geometry", get_args(Geometry))
    update = ExpectedUpdate(reward, group_size, reference.shape[-1], normalise)
    return _path(update, reference, learning_rate, beta, geometry)


def _path(
    update: ExpectedUpdate, reference: OverAnswers, learning_rate: float, beta: float, geometry: Geometry
) -> Iterator[OverAnswers]:
    support = reference > 0
    log_nu_0 = np.log(reference, out=np.full(reference.shape, -np.inf), where=support)
    log_nu = log_nu_0
    while True:
        yield log_nu
        nu = np.exp(log_nu)
        penalty = beta * np.subtract(log_nu, log_nu_0, out=np.zeros_like(nu), where=support)
        step = update.at(nu, -penalty)
        if geometry == "natural":
            step = np.divide(step, nu, out=np.zeros_like(nu), where=nu > 0)
        log_nu = simplex.log_normalize(log_nu + learning_rate * step)
