"""A vote on a power mean of the views' answer frequencies."""

from dataclasses import dataclass
from typing import ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from dagames._choices import as_choice
from dagames._types import OverAnswers
from dagames.targets.base import Target
from dagames.targets.group import AnswerGroup
from dagames.targets.majority_vote import Ties, shares_of_modes
from dagames.targets.view_means import By, Mean, as_power, as_smoothing, exact_log_mean, sampled_log_mean, view_shares


@dataclass(frozen=True)
class ConsensusVote(Target):
    """Reward 1 for the answer of largest mean frequency over the views.

    Math:
        m(z) = (sum_x w_x nu_x(z)^p)^(1/p);   r(y) = 1 if E(y) maximises m, else 0.

    With the arithmetic mean and views of equal size this is the pooled majority. With the geometric or harmonic mean,
    m = 0 for an answer that is absent from a view, unless `smoothing` is above 0. If m = 0 for all answers, every trace
    gets 0.

    Exact rewards take one row of `nu` per view, [*x, M, Z], and are the same for all views.

    Attributes:
        mean: "arithmetic" (p = 1), "geometric" (0), "harmonic" (-1), or p.
        smoothing: Pseudo-count that is added to each answer of the group in each view, at least 0; not used in exact
            rewards.
        by: "view" for equal weights w of the views, "trace" for weights by their numbers of traces (in a group; exact
            rewards use equal weights).
        ties: Rewards of several maximisers, as for `MajorityVote`; means that differ by rounding only are tied.

    Source:
        (paper, section 4.2 and appendix F); claims I.14 and I.33

    >>> group = AnswerGroup(("a", "a", "a", "b", "b", "c", "c", "c"), (0, 0, 0, 0, 1, 1, 1, 1))
    >>> ConsensusVote().rewards(group)
    array([0.5, 0.5, 0.5, 0. , 0. , 0.5, 0.5, 0.5])
    >>> ConsensusVote(mean="geometric").rewards(group)  # only b is in both views
    array([0., 0., 0., 1., 1., 0., 0., 0.])
    """

    recipe_name: ClassVar[str] = "consensus_vote"
    mean: Mean | float = "arithmetic"
    smoothing: float = 0.0
    by: By = "view"
    ties: Ties = "split"

    def __post_init__(self) -> None:
        """Validate the rules."""
        as_power(self.mean)
        object.__setattr__(self, "smoothing", as_smoothing(self.smoothing))
        as_choice(self.by, "by", get_args(By))
        as_choice(self.ties, "ties", get_args(Ties))

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute the reward of each answer, [*x, M, Z], the same for each view."""
        rewards = self._winners(exact_log_mean(nu, self.mean, "ConsensusVote"))
        return np.broadcast_to(rewards[..., None, :], nu.shape).copy()

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute the reward of each trace, [K], in [0, 1]."""
        if not group.totals.size:
            return np.zeros(len(group))
        log_mean = sampled_log_mean(group, view_shares(group, self.smoothing), self.mean, self.by)
        return group.by_answer(self._winners(log_mean), 0.0)

    def _winners(self, log_mean: OverAnswers) -> OverAnswers:
        top = log_mean.max(axis=-1, keepdims=True)
        return shares_of_modes((log_mean >= top - _TIED) & np.isfinite(log_mean), self.ties)


_TIED = 1e-12
"""Difference of two log-means that counts as rounding; unequal ones of K traces differ by at least about 1 / K^2."""
