"""All possible counts of a group of K traces, their probabilities and advantages."""

from collections.abc import Iterator
from math import comb
from typing import Literal, get_args

import numpy as np
from scipy.special import gammaln

from dagames import _tolerances
from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._types import GroupCounts, GroupRewards, OverAnswers, OverGroups, PartialCounts
from dagames.grpo.advantages import check_others, deviation_of

Rule = Literal["center", "standardise", "leave-one-out", "decoupled", "none"]

LARGEST = 20_000_000
"""Maximum number of group counts that are enumerated, in parts; this takes seconds for one distribution."""

LARGEST_STORED = 1_000_000
"""Maximum number of group counts that are stored between distributions: .2 GB for 8 answers."""

PART = 2**16
"""Least number of group counts in a part, but the last; a part ends with all choices of the last two counts."""

NO_MASS = -1e9
"""Finite substitute for log 0: exp(-1e9 n) is 0 for n > 0, and 0 * NO_MASS is 0 where 0 * -inf would be NaN."""


def check_rule(normalise: str) -> None:
    """Raise unless `normalise` defines advantages from the rewards of one group."""
    if normalise == "standardise-batch":
        raise DomainError(
            "`normalise` is 'standardise-batch', which divides by the deviation over the groups of all prompts, so the "
            "expected update of one group is not defined. For a large batch it is that of 'center' divided by a "
            "constant; use 'center'."
        )
    as_choice(normalise, "normalise", get_args(Rule))


def number_of_groups(n_answers: int, group_size: int) -> int:
    """Return (K + Z - 1 choose Z - 1), the number of counts of a group; raise if there are more than `LARGEST`."""
    number = comb(group_size + n_answers - 1, n_answers - 1)
    if number > LARGEST:
        raise DomainError(
            f"a group of {group_size} traces over {n_answers} answers has {number} different counts, more than the "
            f"{LARGEST} that can be enumerated. For rewards by count and any rule but 'standardise', use "
            "route='moments'; otherwise merge rare answers, or estimate the update with `simulate`."
        )
    return number


def group_counts(n_answers: int, group_size: int) -> GroupCounts:
    """Return all counts of K traces over the answers, [N, Z] with N = (K + Z - 1 choose Z - 1).

    >>> group_counts(2, 2)
    array([[0, 2],
           [1, 1],
           [2, 0]])
    """
    return np.concatenate(list(parts_of_groups(n_answers, group_size)))


def parts_of_groups(n_answers: int, group_size: int) -> Iterator[GroupCounts]:
    """Yield the rows of `group_counts` in parts, so that they need not fit into memory together."""
    number_of_groups(n_answers, group_size)
    partial = np.array([[group_size]])
    for _ in range(n_answers - 2):
        partial = _append_count(partial)
    if n_answers == 1:
        yield partial
        return
    # A row with n traces left is completed in n + 1 ways.
    ends = np.cumsum(partial[:, -1] + 1)
    starts = np.unique(np.searchsorted(ends, np.arange(0, ends[-1], PART), side="right"))
    for rows in np.split(partial, starts[1:]):
        yield _append_count(rows)


def _append_count(partial: PartialCounts) -> PartialCounts:
    """Append the count of the next answer, 0, 1, ..., to each row; the last column is the number of traces left."""
    ways = partial[:, -1] + 1
    row = np.repeat(np.arange(len(partial)), ways)
    count = np.arange(row.size) - np.repeat(np.cumsum(ways) - ways, ways)
    return np.column_stack([partial[row, :-1], count, partial[row, -1] - count])


def probabilities(counts: GroupCounts, nu: OverAnswers) -> OverGroups:
    """Return the probability of each group's counts [N, Z] under K independent answers from nu [*x, Z], as [*x, N].

    Math:
        P(n) = K! prod_z nu_z^n_z / n_z!, with 0^0 = 1.
    """
    log_nu = np.log(nu, out=np.full(nu.shape, NO_MASS), where=nu > 0)
    log_factorial = gammaln(np.arange(1.0, counts[0].sum() + 2.0))
    log_ways = log_factorial[-1] - log_factorial[counts].sum(axis=-1)
    return np.asarray(np.exp(log_nu @ counts.T.astype(np.float64) + log_ways))


def advantages_of(counts: GroupCounts, rewards: GroupRewards, rule: Rule) -> GroupRewards:
    """Return advantages by answer, [N, Z], as `group_advantages` does for the list of the group's traces."""
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
