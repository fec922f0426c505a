"""Majority vote: a reward for the most frequent answer of the group."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.targets.base import Target
from dagames.targets.combined import as_finite, as_share
from dagames.targets.group import AnswerGroup

Ties = Literal["split", "first", "none"]


@dataclass(frozen=True)
class MajorityVote(Target):
    """Reward 1 for the most frequent answer of the group, all views together.

    Math:
        r(y) = 1 if E(y) is the mode z*, else `against`;   q(z) proportional to exp((1 - against) 1{z = z*} / beta),
        which tends to the point mass on z* as beta tends to 0.

    Traces without an answer do not vote, and get the reward `against`. If there is no decision (no trace has an answer,
    the mode is below the threshold, or a tie with ties="none"), every trace gets 0.

    Attributes:
        ties: Reward of m equally frequent modes: "split" gives 1/m to each, which does not depend on the order of the
            traces and is less than the reward of a consensus; "first" gives 1 to the first in the group; "none" gives 0
            to all.
        leave_one_out: Whether a trace is compared with the vote of the other traces only, without its own.
        threshold: Least fraction of the traces, those without an answer included, that the mode must have.
        against: Reward of a trace that differs from the decision, at most 0. With -1 and a threshold of at least 1/2,
            the rewards are 1 for agreement and -1 for disagreement, and 0 for all if there is no consensus.

    Source:
        (paper, section 4.3, Algorithm 1), with the defaults; the other options are common practice

    >>> MajorityVote().rewards(AnswerGroup(("11", "11", None, "12")))
    array([1., 1., 0., 0.])
    >>> MajorityVote(threshold=0.5, against=-1.0).rewards(AnswerGroup(("11", "11", None, "12")))
    array([ 1.,  1., -1., -1.])
    >>> MajorityVote(leave_one_out=True).rewards(AnswerGroup(("11", "11", "12", "12", "12")))  # one 11, three 12
    array([0. , 0. , 0.5, 0.5, 0.5])
    """

    recipe_name: ClassVar[str] = "majority_vote"
    ties: Ties = "split"
    leave_one_out: bool = False
    threshold: float = 0.0
    against: float = 0.0

    def __post_init__(self) -> None:
        """Validate the rules."""
        as_choice(self.ties, "ties", get_args(Ties))
        if not isinstance(self.leave_one_out, bool):
            raise DomainError(f"`leave_one_out` must be True or False, not {self.leave_one_out!r}.")
        object.__setattr__(self, "threshold", as_share(self.threshold, "threshold"))
        object.__setattr__(self, "against", as_finite(self.against, "against"))
        if self.against > 0:
            raise DomainError(f"`against` must be at most 0, not {self.against}.")

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute the reward of each answer, [*x, Z]; only equal masses are tied."""
        return self._rewards_from_votes(nu, 1)

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute the reward of each trace, [K], from `against` to 1."""
        votes, K = group.totals, len(group)
        if not self.leave_one_out:
            # The last entry, without votes, is for traces without an answer.
            return self._rewards_from_votes(np.append(votes, 0), K)[group.codes]
        others = np.vstack([votes - np.eye(votes.size, dtype=np.int64), votes])
        by_voter = self._rewards_from_votes(np.hstack([others, np.zeros((votes.size + 1, 1), dtype=np.int64)]), K - 1)
        return np.asarray(np.diagonal(by_voter)[group.codes])

    def _rewards_from_votes(self, votes: NDArray[np.int64] | OverAnswers, total: int) -> OverAnswers:
        """Compute the reward of each answer from the votes for it, [*x, n], of `total` traces."""
        most = votes.max(axis=-1, keepdims=True)
        shares = shares_of_modes((votes == most) & (votes > 0), self.ties)
        decided = shares.any(axis=-1, keepdims=True) & (most >= self.threshold * total * _BELOW)
        return np.asarray(np.where(decided, np.where(shares > 0, shares, self.against), 0.0))


_BELOW = 1 - 4 * float(np.finfo(np.float64).eps)
"""Factor for the threshold, so that rounding does not exclude a share of exactly the threshold."""


def shares_of_modes(modes: NDArray[np.bool_], ties: Ties) -> OverAnswers:
    """Return the share of a reward of 1 for each answer, [*x, n], by the rule of `MajorityVote` for tied `modes`."""
    number = modes.sum(axis=-1, keepdims=True)
    if ties == "split":
        return np.asarray(modes / np.maximum(number, 1))
    if ties == "none":
        return np.asarray(modes & (number == 1), dtype=np.float64)
    return np.asarray(modes & (np.cumsum(modes, axis=-1) == 1), dtype=np.float64)
