"""Closeness in the Hellinger distance: R(nu) = weight * H^2(nu, prior)."""

from dataclasses import dataclass

import numpy as np

from dagames._types import OverAnswers, Reachable
from dagames.functionals.prior import ToPrior
from dagames.functionals.separable import RootConjugate


@dataclass(frozen=True, eq=False, init=False)
class Hellinger(ToPrior, RootConjugate):
    """The squared Hellinger distance of the answers to a prior, times a weight.

    Math:
        R(nu) = weight (1 - sum_z sqrt(nu(z) p(z))), in [0, weight].

    Source:
        (paper, definition F.1 for two distributions)

    >>> float(Hellinger([1.0, 0.0]).value(np.array([0.0, 1.0])))
    1.0
    """

    def summand(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (prior - sqrt(nu * prior)), [*x, Z]."""
        return np.asarray(self.weight[..., None] * (self.prior - np.sqrt(nu * self.prior)))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute -weight / 2 * sqrt(prior / nu), [*x, Z]; -inf where nu is 0 and the prior is not."""
        return -2.0 * self.bend_at_log(log_nu)

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight / 4 * sqrt(prior / nu), [*x, Z]."""
        root = np.sqrt(self.prior)
        with np.errstate(over="ignore"):
            ratio = np.where(root > 0, root * np.exp(-0.5 * np.where(root > 0, log_nu, 0.0)), 0.0)
            return np.asarray(0.25 * self.weight[..., None] * ratio)

    def mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute prior * (weight / (2 slope))^2, [*x, Z]; +inf for slopes of 0 and above."""
        with np.errstate(over="ignore"):
            ratio = 0.5 * self.weight[..., None] * np.sqrt(self.prior) / np.where(slope < 0, -slope, 1.0)
            return np.asarray(np.where(slope < 0, ratio * ratio, np.inf))

    @property
    def flat(self) -> Reachable:
        """Answers of prior 0."""
        return np.asarray(self.prior == 0)
