"""All counts that a group of K traces can show, their probabilities, and the advantages they lead to."""

from collections.abc import Iterator
from math import comb
from typing import Literal, get_args

import numpy as np
from scipy.special import gammaln

from dagames import _tolerances
from dagames._errors import DomainError
from dagames._types import GroupCounts, GroupRewards, OverAnswers, OverGroups, PartialCounts
from dagames.grpo.advantages import check_others, deviation_of

Rule = Literal["center", "standardise", "leave-one-out", "decoupled", "none"]

LARGEST = 20_000_000
"""Most group counts that are listed, a part at a time: some seconds for one distribution."""

KEPT = 1_000_000
"""Most group counts that are kept from one distribution to the next: with 8 answers .2 GB."""

PART = 2**16
"""Group counts of a part, at least; at most as many again as one choice of all counts but the last two leaves."""

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


def number_of_groups(n_answers: int, group_size: int) -> int:
    """Count the ways to give K traces to the answers.

    Args:
        n_answers: Number of answers |Z|.
        group_size: Number of traces K.

    Returns:
        (K + Z - 1 choose Z - 1).

    Raises:
        DomainError: If there are more than `LARGEST` of them.

    >>> number_of_groups(6, 64)
    11238513
    """
    number = comb(group_size + n_answers - 1, n_answers - 1)
    if number > LARGEST:
        raise DomainError(
            f"a group of {group_size} traces over {n_answers} answers has {number} different counts, more than the "
            f"{LARGEST} that can be listed. For rewards by count and any rule but 'standardise', route='moments' needs "
            "no list; otherwise merge rare answers, or estimate the update with `simulate`."
        )
    return number


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
    return np.concatenate(list(parts_of_groups(n_answers, group_size)))


def parts_of_groups(n_answers: int, group_size: int) -> Iterator[GroupCounts]:
    """List all ways to give K traces to the answers in parts, so that they need not fit into memory together.

    Args:
        n_answers: Number of answers |Z|.
        group_size: Number of traces K.

    Yields:
        Counts, [N, Z]; all parts together are `group_counts`.

    Raises:
        DomainError: If there are more than `LARGEST` of them.
    """
    number_of_groups(n_answers, group_size)
    partial = np.array([[group_size]])
    for _ in range(n_answers - 2):
        partial = _choose(partial)
    if n_answers == 1:
        yield partial
        return
    # Each row ends in as many groups as its last entry says, plus one.
    ends = np.cumsum(partial[:, -1] + 1)
    starts = np.unique(np.searchsorted(ends, np.arange(0, ends[-1], PART), side="right"))
    for rows in np.split(partial, starts[1:]):
        yield _choose(rows)


def _choose(partial: PartialCounts) -> PartialCounts:
    """Give the next answer 0, 1, ... of the traces that each row has left; its last column says how many are."""
    ways = partial[:, -1] + 1
    row = np.repeat(np.arange(len(partial)), ways)
    count = np.arange(row.size) - np.repeat(np.cumsum(ways) - ways, ways)
    return np.column_stack([partial[row, :-1], count, partial[row, -1] - count])


def probabilities(counts: GroupCounts, nu: OverAnswers) -> OverGroups:
    """Compute the probability of each group's counts under K independent answers.

    Math:
        P(n) = K! prod_z nu_z^n_z / n_z!, with 0^0 = 1.

    Args:
        counts: Counts, [N, Z], each row summing to K.
        nu: Answer probabilities, [*x, Z].

    Returns:
        Probabilities, [*x, N].

    >>> probabilities(group_counts(2, 2), np.array([0.25, 0.75])).round(4)
    array([0.5625, 0.375 , 0.0625])
    """
    log_nu = np.log(nu, out=np.full(nu.shape, NO_MASS), where=nu > 0)
    log_factorial = gammaln(np.arange(1.0, counts[0].sum() + 2.0))
    log_ways = log_factorial[-1] - log_factorial[counts].sum(axis=-1)
    return np.asarray(np.exp(log_nu @ counts.T.astype(np.float64) + log_ways))


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
