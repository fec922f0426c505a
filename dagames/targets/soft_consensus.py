"""The log of the mean frequency over views, minus the log of the view's own frequency."""

from dataclasses import dataclass
from typing import ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.simplex import as_positive
from dagames.targets.base import Target
from dagames.targets.group import AnswerGroup
from dagames.targets.tables import RewardTable, check_table, check_table_fits
from dagames.targets.view_means import By, Mean, as_power, as_smoothing, exact_log_mean, sampled_log_mean, view_shares


@dataclass(frozen=True)
class SoftConsensus(Target):
    """The Target of weight * sum_x w_x KL(nu_x || m), the divergence of the views from their mean.

    Math:
        m(z) = (sum_x w_x nu_x(z)^p)^(1/p);
        r(y) = weight (log m(E(y)) - log nu_x(E(y))) for a trace of view x.

    With the arithmetic mean (p = 1) this is the best response in the coupled game of
    `dagames.games.couplings.SoftCoherence` with shares w. Without the second term (`relative=False`, soft consistency
    in the paper) the reward log m increases with the frequency of the answer, and is not minus the gradient of a convex
    functional. Frequencies nu_x are estimated by counts, with a bias of order 1 / K. A trace without an answer gets the
    least reward of its group.

    Exact rewards take one row of `nu` per view, [*x, M, Z].

    Attributes:
        weight: Weight of the divergence, in R-units per nat.
        mean: "arithmetic" (p = 1), "geometric" (0), "harmonic" (-1), or p.
        smoothing: Pseudo-count that is added to each answer of the group in each view, at least 0; above 0 for p <= 0,
            where an answer that is absent from a view would have the reward -inf.
        by: "view" for equal weights w of the views, "trace" for weights by their numbers of traces (in a group; exact
            rewards use equal weights).
        relative: Whether the log of the view's own frequency is subtracted.
        table: Estimates of log m from the count of an answer among all traces; for relative=False, the arithmetic mean,
            by="trace" and no smoothing, where m is the frequency in the whole group. The certified bias of a table
            does not apply if the views differ, because pooled counts are then not binomial.

    Source:
        (paper, section 4.2 and appendix F.2, Soft Consistency); (slides, solution 2) for tables; claims I.14 and I.33

    >>> group = AnswerGroup(("a", "b", "a", "a"), (0, 0, 1, 1))
    >>> SoftConsensus().rewards(group).round(4)
    array([ 0.4055, -0.6931, -0.2877, -0.2877])
    """

    recipe_name: ClassVar[str] = "soft_consensus"
    weight: float = 1.0
    mean: Mean | float = "arithmetic"
    smoothing: float | None = None
    by: By = "view"
    relative: bool = True
    table: RewardTable | None = None

    def __post_init__(self) -> None:
        """Validate the rules."""
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))
        power = as_power(self.mean)
        if self.smoothing is None:
            object.__setattr__(self, "smoothing", 0.0 if power > 0 else 0.5)
        object.__setattr__(self, "smoothing", as_smoothing(self.smoothing))
        if power <= 0 and not self.smoothing:
            raise DomainError(
                f"`smoothing` is 0, but with mean={self.mean!r} an answer that is absent from a view would have the "
                "reward -inf. Use a pseudo-count above 0, such as 0.5."
            )
        as_choice(self.by, "by", get_args(By))
        if not isinstance(self.relative, bool):
            raise DomainError(f"`relative` must be True or False, not {self.relative!r}.")
        if self.table is not None:
            check_table(self.table)
            if self.relative or power != 1 or self.by != "trace" or self.smoothing:
                raise DomainError(
                    "`table` estimates the log of an answer's frequency in the group, which is the mean only with "
                    f'relative=False, mean="arithmetic", by="trace" and smoothing=0, not relative={self.relative}, '
                    f"mean={self.mean!r}, by={self.by!r}, smoothing={self.smoothing:g}. Set these, or omit `table`."
                )

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (log m - log nu_x) for each view, [*x, M, Z]; infinite where a mass is 0."""
        log_mean = exact_log_mean(nu, self.mean, "SoftConsensus")[..., None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            rewards = self.weight * (log_mean - (np.log(nu) if self.relative else 0.0))
        return np.asarray(np.where(np.isnan(rewards), -np.inf, np.broadcast_to(rewards, nu.shape)))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute weight * (log m - log nu_x) at the group's frequencies for each trace, [K]."""
        if not group.totals.size:
            return np.zeros(len(group))
        if self.table is not None:
            check_table_fits(self.table, len(group))
            looked_up = self.weight * self.table.coefficients[group.totals]
            return group.by_answer(looked_up, float(looked_up.min()))
        shares = view_shares(group, self.smoothing or 0.0)
        rewards = sampled_log_mean(group, shares, self.mean, self.by)[group.codes]
        if self.relative:
            view_share = shares[group.view_codes, group.codes]
            rewards = rewards - np.log(np.where(group.parsed, view_share, 1.0))
        rewards = self.weight * rewards
        return np.where(group.parsed, rewards, rewards[group.parsed].min())
