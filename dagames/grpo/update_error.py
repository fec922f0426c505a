"""The error of the expected step of a group as an estimate of the gradient, in size and in direction."""

from typing import NamedTuple

import numpy as np

from dagames._types import Numbers, OverAnswers, PerPrompt
from dagames.estimators import RewardTable
from dagames.grpo.enumeration import Rule
from dagames.grpo.expected_update import ExpectedUpdate, true_update
from dagames.numerics.float_errors import with_default_errors
from dagames.simplex import as_distribution


class UpdateError(NamedTuple):
    """Distances between the expected step E and the true one T, in the logits of the answers.

    Attributes:
        raw: |E - T|, Euclidean, [*x], in R-units per logit.
        relative: |E - T| / |T|, [*x]; 0 where both are 0, infinite where only T is 0.
        direction: |E/|E| - T/|T||, [*x], which does not depend on the scale. It is about the angle if small, and above
            sqrt 2 if <E, T> < 0. A step of 0 counts as direction 0, at distance 1 from any other.
    """

    raw: PerPrompt
    relative: PerPrompt
    direction: PerPrompt


@with_default_errors
def update_error(nu: Numbers, table: RewardTable, group_size: int, normalise: Rule = "center") -> UpdateError:
    """Compare the expected step of a group with rewards from a table with the gradient of the estimated reward.

    Args:
        nu: Answer probabilities, [*x, Z].
        table: The table, for groups of this size.
        group_size: Number of traces K.
        normalise: "center", "standardise", "leave-one-out", "decoupled" or "none".

    Returns:
        The errors, exact to rounding.

    Raises:
        DomainError: If the table is for another group size, or "standardise" has too many counts to enumerate.

    Source:
        claims I.17, B.1 to B.3

    >>> from dagames.estimators import plugin_table, recommended_table
    >>> nu = [0.6, 0.3, 0.1]
    >>> [float(update_error(nu, table(16), 16).direction.round(4)) for table in (plugin_table, recommended_table)]
    [0.0541, 0.0211]
    """
    nu = as_distribution(nu, "nu")
    step = ExpectedUpdate(table, group_size, nu.shape[-1], normalise).at(nu)
    inside = np.where(nu > 0, nu, 1.0)
    truth = true_update(nu, table.estimand(inside))
    raw = np.linalg.norm(step - truth, axis=-1)
    size = np.linalg.norm(truth, axis=-1)
    relative = np.divide(raw, size, out=np.where(raw > 0, np.inf, 0.0), where=size > 0)
    return UpdateError(raw, relative, np.linalg.norm(_unit(step) - _unit(truth), axis=-1))


def _unit(step: OverAnswers) -> OverAnswers:
    size = np.linalg.norm(step, axis=-1, keepdims=True)
    return np.asarray(np.divide(step, size, out=np.zeros_like(step), where=size > 0))
