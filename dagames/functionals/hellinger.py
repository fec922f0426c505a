"""Closeness in the Hellinger distance: R(nu) = weight * H^2(nu, prior)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import OverAnswers, Reachable
from dagames.functionals.conjugates.root_conjugate import RootConjugate
from dagames.functionals.to_prior import ToPrior


@dataclass(frozen=True, eq=False, init=False)
class Hellinger(ToPrior, RootConjugate):
    """The squared Hellinger distance of the answers to a prior, times a weight.

    Math:
        R(nu) = weight (1 - sum_z sqrt(nu(z) p(z))) = weight / 2 sum_z (sqrt(nu(z)) - sqrt(p(z)))^2, in [0, weight].

    `RootConjugate` computes the conjugate and its gradient.

    Source:
        (paper, definition F.1 for two distributions)

    >>> float(Hellinger([1.0, 0.0]).value(np.array([0.0, 1.0])))
    1.0
    """

    def summand(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight / 2 * (sqrt(nu) - sqrt(prior))^2, [*x, Z]."""
        difference = np.sqrt(nu) - np.sqrt(self.prior)
        return np.asarray(0.5 * self.weight[..., None] * difference * difference)

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight / 2 * (1 - sqrt(prior / nu)), [*x, Z]; -inf where nu is 0 and the prior is not."""
        with np.errstate(over="ignore"):
            return np.asarray(-0.5 * self.weight[..., None] * np.expm1(self._log_ratio(log_nu)))

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight / 4 * sqrt(prior / nu), [*x, Z]."""
        with np.errstate(over="ignore"):
            return np.asarray(0.25 * self.weight[..., None] * np.exp(self._log_ratio(log_nu)))

    def mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute prior / (1 - 2 slope / weight)^2, [*x, Z]; +inf for slopes of half the weight and above."""
        rest = 1.0 - 2.0 * slope / self.weight[..., None]
        with np.errstate(over="ignore"):
            root = np.sqrt(self.prior) / np.where(rest > 0, rest, 1.0)
            return np.asarray(np.where(rest > 0, root * root, np.inf))

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return weight * (1 - sum sqrt(prior nu))."""
        return float(self.weight) * (1 - np.sqrt(self.prior) @ cp.power(nu, 0.5, approx=False))

    def _log_ratio(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute log sqrt(prior / nu), [*x, Z]; -inf where the prior is 0."""
        positive = self.prior > 0
        log_prior = np.log(np.where(positive, self.prior, 1.0))
        return np.asarray(np.where(positive, 0.5 * (log_prior - np.where(positive, log_nu, 0.0)), -np.inf))

    @property
    def flat(self) -> Reachable:
        """Answers of prior 0."""
        return np.asarray(self.prior == 0)
