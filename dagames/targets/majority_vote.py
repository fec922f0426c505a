"""Coherence: reward the traces that give the group's most frequent answer."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.targets.base import Target
from dagames.targets.combined import as_finite, as_share
from dagames.targets.group import AnswerGroup

Ties = Literal["split", "first", "none"]


@dataclass(frozen=True)
class MajorityVote(Target):
    """One vote over all traces of the group, whatever view of the orbit they came from.

    Math:
        r(y) = 1 if E(y) is the mode z*, else `against`;   q(z) proportional to exp((1 - against) 1{z = z*} / beta),
        whose limit for beta to 0 is the point mass on z*.

    Traces without an answer have no vote, and get what a vote against the mode gets. Where there is no decision (no
    trace has an answer, the mode has too small a share, or a tie under ties="none") every trace gets 0.

    Attributes:
        ties: What m equally frequent modes get: "split" gives each 1/m, so that the order of the traces does not
            matter and no tie is rewarded like a consensus; "first" gives 1 to the one that was seen first;
            "none" gives 0, so that a tied group teaches nothing.
        leave_one_out: Whether a trace is compared with the vote of the other traces. A lone vote for an answer then
            decides nothing; the reward of a trace does not count its own vote.
        threshold: The least share of the voting traces, those without an answer included, that a mode needs.
        against: Reward of a trace that differs from the decision, at most 0. With -1 and a threshold of 1/2 or more
            this is strict consensus: agreement is 1, dissent is -1, and a group without a consensus teaches nothing.

    Source:
        (paper, section 4.3, Algorithm 1), with the defaults; the other options are common practice

    >>> MajorityVote().rewards(AnswerGroup(("11", "11", None, "12")))
    array([1., 1., 0., 0.])
    >>> MajorityVote(threshold=0.5, against=-1.0).rewards(AnswerGroup(("11", "11", None, "12")))
    array([ 1.,  1., -1., -1.])
    >>> MajorityVote(leave_one_out=True).rewards(AnswerGroup(("11", "11", "12", "12", "12")))  # an 11 sees 1 against 3
    array([0. , 0. , 0.5, 0.5, 0.5])
    """

    ties: Ties = "split"
    leave_one_out: bool = False
    threshold: float = 0.0
    against: float = 0.0

    def __post_init__(self) -> None:
        """Validate the rules.

        Raises:
            DomainError: If there is no such rule for ties, the threshold is no share, or `against` is above 0.
        """
        check_ties(self.ties)
        if not isinstance(self.leave_one_out, bool):
            raise DomainError(f"`leave_one_out` must be True or False, not {self.leave_one_out!r}.")
        object.__setattr__(self, "threshold", as_share(self.threshold, "threshold"))
        object.__setattr__(self, "against", as_finite(self.against, "against"))
        if self.against > 0:
            raise DomainError(f"`against` is {self.against}; a trace that differs must get 0 or less.")

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute the reward of each answer, [*x, Z]; masses are tied only if equal to the last bit."""
        return self._decided(nu, 1)

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute the reward of each trace, [K], from `against` to 1."""
        votes, K = group.totals, len(group)
        if not self.leave_one_out:
            # One entry more, without votes, stands for the traces without an answer.
            return self._decided(np.append(votes, 0), K)[group.codes]
        others = np.vstack([votes - np.eye(votes.size, dtype=np.int64), votes])
        seen = self._decided(np.hstack([others, np.zeros((votes.size + 1, 1), dtype=np.int64)]), K - 1)
        return np.asarray(np.diagonal(seen)[group.codes])

    def _decided(self, votes: NDArray[np.int64] | OverAnswers, total: int) -> OverAnswers:
        """Compute the reward of each answer from the votes for it, [*x, n], of `total` voting traces."""
        most = votes.max(axis=-1, keepdims=True)
        shares = shares_of_modes((votes == most) & (votes > 0), self.ties)
        decided = shares.any(axis=-1, keepdims=True) & (most >= self.threshold * total * _BELOW)
        return np.asarray(np.where(decided, np.where(shares > 0, shares, self.against), 0.0))


_BELOW = 1 - 4 * float(np.finfo(np.float64).eps)
"""A share of exactly the threshold passes, whatever its product with the total was rounded to."""


def check_ties(ties: str) -> None:
    """Raise unless there is such a rule for ties.

    Args:
        ties: The rule.

    Raises:
        DomainError: If there is none.
    """
    if ties not in get_args(Ties):
        raise DomainError(f"`ties` must be one of {', '.join(get_args(Ties))}, not {ties!r}.")


def shares_of_modes(modes: NDArray[np.bool_], ties: Ties) -> OverAnswers:
    """Divide a reward of 1 among equally frequent answers.

    Args:
        modes: Which answers are modes, [*x, n].
        ties: The rule, as of `MajorityVote`.

    Returns:
        The share of each answer, [*x, n]; 0 where there is no mode.

    >>> shares_of_modes(np.array([True, False, True]), "split")
    array([0.5, 0. , 0.5])
    """
    number = modes.sum(axis=-1, keepdims=True)
    if ties == "split":
        return np.asarray(modes / np.maximum(number, 1))
    if ties == "none":
        return np.asarray(modes & (number == 1), dtype=np.float64)
    return np.asarray(modes & (np.cumsum(modes, axis=-1) == 1), dtype=np.float64)
