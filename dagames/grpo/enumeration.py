"""All counts that a group of K traces can show, their probabilities, and the advantages they lead to."""

from itertools import combinations
from math import comb
from typing import Literal, get_args

import numpy as np
from scipy.special import gammaln

from dagames import _tolerances
from dagames._errors import DomainError
from dagames._types import GroupCounts, GroupRewards, PerAnswer, PerGroup
from dagames.grpo.advantages import check_others, deviation_of

Rule = Literal["center", "standardise", "leave-one-out", "decoupled", "none"]

LARGEST = 1_000_000
"""Most group counts that are listed: with 8 answers, and the half dozen arrays of that size a step needs, 0.4 GB."""

NO_MASS = -1e9
"""Stands for log 0: a group that holds the answer gets probability exp(-1e9) = 0, and 0 counts of it cost nothing."""


def check_rule(normalise: str) -> None:
    """Raise unless `normalise` turns one group's rewards into advantages.

    Args:
        normalise: The rule's name.

    Raises:
        DomainError: If there is no such rule, or if it needs the other groups of a batch.
    """
    if normalise == "standardise-batch":
        raise DomainError(
            "`normalise` is 'standardise-batch', which divides by a deviation over other prompts' groups, so one group "
            "has no expected update of its own. For a large batch it is that of 'center' over a constant; use 'center'."
        )
    if normalise not in get_args(Rule):
        raise DomainError(f"`normalise` must be one of {', '.join(get_args(Rule))}, not {normalise!r}.")


def group_counts(n_answers: int, group_size: int) -> GroupCounts:
    """List all ways to give K traces to the answers.

    Args:
        n_answers: Number of answers |Z|.
        group_size: Number of traces K.

    Returns:
        Counts, [N, Z] with N = (K + Z - 1 choose Z - 1), each row summing to K.

    Raises:
        DomainError: If there are more than `LARGEST` of them.

    >>> group_counts(2, 2)
    array([[0, 2],
           [1, 1],
           [2, 0]])
    """
    number = comb(group_size + n_answers - 1, n_answers - 1)
    if number > LARGEST:
        raise DomainError(
            f"a group of {group_size} traces over {n_answers} answers has {number} different counts, more than the "
            f"{LARGEST} that can be listed. For rewards by count and any rule but 'standardise', route='moments' needs "
            "no list; otherwise merge rare answers, or estimate the update with `simulate`."
        )
    places = list(combinations(range(group_size + n_answers - 1), n_answers - 1))
    # Stars and bars: the walls between answers stand at these places among the traces.
    walls = np.array(places, dtype=np.int64).reshape(number, n_answers - 1)
    edges = np.concatenate([np.full((number, 1), -1), walls, np.full((number, 1), group_size + n_answers - 1)], axis=1)
    return np.asarray(np.diff(edges, axis=1) - 1)


def probabilities(counts: GroupCounts, nu: PerAnswer) -> PerGroup:
    """Compute the probability of each group's counts under K independent answers.

    Math:
        P(n) = K! prod_z nu_z^n_z / n_z!, with 0^0 = 1.

    Args:
        counts: Counts, [N, Z], each row summing to K.
        nu: Answer probabilities, [Z].

    Returns:
        Probabilities, [N].

    >>> probabilities(group_counts(2, 2), np.array([0.25, 0.75])).round(4)
    array([0.5625, 0.375 , 0.0625])
    """
    log_nu = np.log(nu, out=np.full(nu.shape, NO_MASS), where=nu > 0)
    log_ways = gammaln(counts.sum(axis=-1) + 1.0) - gammaln(counts + 1.0).sum(axis=-1)
    return np.asarray(np.exp(log_ways + counts @ log_nu))


def advantages_of(counts: GroupCounts, rewards: GroupRewards, rule: Rule) -> GroupRewards:
    """Turn the rewards of every group into advantages, by answer.

    The same as `group_advantages` on the group written out trace by trace.

    Args:
        counts: Counts, [N, Z], each row summing to the same K.
        rewards: Reward of a trace by its answer, [N, Z].
        rule: "center", "standardise", "leave-one-out" or "none".

    Returns:
        Advantage of a trace by its answer, [N, Z].
    """
    if rule == "none":
        return rewards
    group_size = int(counts[0].sum())
    centred = rewards - (counts * rewards).sum(axis=-1, keepdims=True) / group_size
    if rule == "leave-one-out":
        check_others(group_size)
        return np.asarray(centred * (group_size / (group_size - 1)))
    if rule == "standardise":
        deviation = deviation_of((counts * centred**2).sum(axis=-1, keepdims=True), group_size)
        return np.asarray(centred / (deviation + _tolerances.STANDARD_DEVIATION))
    return np.asarray(centred)
