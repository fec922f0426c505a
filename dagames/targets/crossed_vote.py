"""A vote of one view that is the label of another view."""

from dataclasses import dataclass
from typing import ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from dagames._choices import as_choice
from dagames._types import OverAnswers
from dagames.targets.base import Target
from dagames.targets.group import AnswerGroup
from dagames.targets.majority_vote import Ties, shares_of_modes
from dagames.targets.view_means import check_view_axis


@dataclass(frozen=True)
class CrossedVote(Target):
    """Reward 1 for the majority answer of the next view, so that a view does not label itself.

    Math:
        r(y) = 1 if E(y) is the mode of view x + 1 (mod M), else 0, for a trace of view x.

    Views are ordered by their numbers; two views label each other. Traces get 0 in a group of one view, and if the
    labelling view has no answer.

    Exact rewards take one row of `nu` per view, [*x, M, Z].

    Attributes:
        ties: Rewards of several modes, as for `MajorityVote`; "first" is the first in the order of the group.

    Source:
        Zhang et al., Co-rewarding: Stable self-supervised RL for eliciting reasoning in large language models,
        arXiv:2508.00410

    >>> CrossedVote().rewards(AnswerGroup(("a", "a", "b", "a", "b", "b"), (0, 0, 0, 1, 1, 1)))
    array([0., 0., 1., 1., 0., 0.])
    """

    recipe_name: ClassVar[str] = "crossed_vote"
    ties: Ties = "split"

    def __post_init__(self) -> None:
        """Validate the rule for ties."""
        as_choice(self.ties, "ties", get_args(Ties))

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute the reward of each answer in each view, [*x, M, Z]; only equal masses are tied."""
        check_view_axis(nu, "CrossedVote")
        if nu.shape[-2] == 1:
            return np.zeros(nu.shape)
        return self._labels(nu)

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute the reward of each trace, [K], in [0, 1]."""
        if group.view_sizes.size == 1 or not group.totals.size:
            return np.zeros(len(group))
        labels = self._labels(group.view_totals)
        return np.where(group.parsed, labels[group.view_codes, group.codes], 0.0)

    def _labels(self, votes: NDArray[np.int64] | OverAnswers) -> OverAnswers:
        modes = (votes == votes.max(axis=-1, keepdims=True)) & (votes > 0)
        return np.roll(shares_of_modes(modes, self.ties), -1, axis=-2)
