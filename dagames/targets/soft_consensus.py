"""Coherence across views at a price: the log of the mean share, against the log of the view's own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.simplex import as_positive
from dagames.targets.base import Target
from dagames.targets.functional_target import check_table, check_table_fits
from dagames.targets.group import AnswerGroup
from dagames.targets.view_means import (
    By,
    Mean,
    as_power,
    as_smoothing,
    check_by,
    check_view_axis,
    log_power_mean,
    view_shares,
    view_weights,
)

if TYPE_CHECKING:
    from dagames.estimators import RewardTable
else:
    # Tables load python-flint, which a run without them does not need.
    RewardTable: TypeAlias = Any


@dataclass(frozen=True)
class SoftConsensus(Target):
    """The Target of the views' divergence from their mean, weight * sum_x w_x KL(nu_x || m): `SoftCoherence`.

    Math:
        m(z) = (sum_x w_x nu_x(z)^p)^(1/p);
        r(y) = weight (log m(E(y)) - log nu_x(E(y))) for a trace of view x.

    With the arithmetic mean (p = 1) this is the best response of the coupled game of
    `dagames.games.couplings.SoftCoherence` for shares w. The second term is what makes it a divergence: log m
    alone, which the paper calls soft consistency (`relative=False`), rewards the answer that is most frequent
    already and is the slope of no convex functional. Shares are estimated by counts, with a bias of order 1 / K. A
    trace without an answer gets the least reward of its group.

    The exact view takes a row of `nu` for each view, [*x, M, Z].

    Attributes:
        weight: Price of disagreement, in R-units per nat.
        mean: "arithmetic" (p = 1), "geometric" (0), "harmonic" (-1), or p.
        smoothing: Pseudo-count that is added to each answer of the group in each view, at least 0, and above 0 for
            p <= 0, where an answer that a view never gives would be worth minus infinity.
        by: "view" for equal weights w of the views, "trace" for weights by their numbers of traces (in a group; the
            exact view has equal ones).
        relative: Whether the log of the view's own share is subtracted.
        table: Estimate of log m from the count of an answer among all traces, in place of the log of its share; for
            relative=False, the arithmetic mean, by="trace" and no smoothing, where m is the share in the whole group.
            A count pooled over views that differ is not binomial, and a table's proof of its bias is for binomial ones.

    Source:
        (paper, section 4.2 and appendix F.2, Soft Consistency); (slides, solution 2) for tables; claims I.14 and I.33

    >>> group = AnswerGroup(("a", "b", "a", "a"), (0, 0, 1, 1))
    >>> SoftConsensus().rewards(group).round(4)
    array([ 0.4055, -0.6931, -0.2877, -0.2877])
    """

    weight: float = 1.0
    mean: Mean | float = "arithmetic"
    smoothing: float | None = None
    by: By = "view"
    relative: bool = True
    table: RewardTable | None = None

    def __post_init__(self) -> None:
        """Validate the rules.

        Raises:
            DomainError: If there is no smoothing where it is needed, or a table where it does not fit.
        """
        object.__setattr__(self, "weight", as_positive(self.weight, "weight"))
        power = as_power(self.mean)
        if self.smoothing is None:
            object.__setattr__(self, "smoothing", 0.0 if power > 0 else 0.5)
        object.__setattr__(self, "smoothing", as_smoothing(self.smoothing))
        if power <= 0 and not self.smoothing:
            raise DomainError(
                f"`smoothing` is 0, but with mean={self.mean!r} an answer that one view never gives would be worth "
                "minus infinity. Use a pseudo-count above 0, as 0.5."
            )
        check_by(self.by)
        if not isinstance(self.relative, bool):
            raise DomainError(f"`relative` must be True or False, not {self.relative!r}.")
        if self.table is not None:
            check_table(self.table)
            if self.relative or power != 1 or self.by != "trace" or self.smoothing:
                raise DomainError(
                    "`table` estimates the log of an answer's share in the whole group, which is the mean only with "
                    f'relative=False, mean="arithmetic", by="trace" and smoothing=0, not relative={self.relative}, '
                    f"mean={self.mean!r}, by={self.by!r}, smoothing={self.smoothing:g}. Set these, or take no `table`."
                )

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (log m - log nu_x) for each view, [*x, M, Z]; infinite where a mass is 0."""
        check_view_axis(nu, "SoftConsensus")
        weights = np.full(nu.shape[-2], 1.0 / nu.shape[-2])
        log_mean = log_power_mean(nu, as_power(self.mean), weights)[..., None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            rewards = self.weight * (log_mean - (np.log(nu) if self.relative else 0.0))
        return np.asarray(np.where(np.isnan(rewards), -np.inf, np.broadcast_to(rewards, nu.shape)))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute weight * (log m - log nu_x) at the group's shares for each trace, [K]."""
        if not group.totals.size:
            return np.zeros(len(group))
        if self.table is not None:
            check_table_fits(self.table, group)
            looked_up = self.weight * self.table.coefficients[group.totals]
            return group.by_answer(looked_up, float(looked_up.min()))
        shares = view_shares(group, self.smoothing or 0.0)
        log_mean = log_power_mean(shares, as_power(self.mean), view_weights(group.view_sizes, self.by))
        rewards = log_mean[group.codes]
        if self.relative:
            own = shares[group.view_codes, group.codes]
            rewards = rewards - np.log(np.where(group.parsed, own, 1.0))
        rewards = self.weight * rewards
        return np.where(group.parsed, rewards, rewards[group.parsed].min())
