"""Targeted exploration: R(nu) = weight * KL(nu || prior)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import OverAnswers, PerPrompt, Reachable
from dagames.functionals.to_prior import ToPrior
from dagames.simplex import kl_terms


@dataclass(frozen=True, eq=False, init=False)
class KLToPrior(ToPrior):
    """The divergence of the answers from a prior, times a weight.

    Math:
        R(nu) = weight sum_z nu(z) log(nu(z) / p(z)),   R*(u) = weight log sum_z p(z) exp(u(z) / weight).

    R is infinite where an answer of prior 0 has mass.

    Source:
        (paper, appendix C.2.2, Targeted exploration)

    >>> float(KLToPrior([0.5, 0.5]).value(np.array([1.0, 0.0]))).__round__(6)
    0.693147
    """

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute weight * KL(nu || prior), [*x]."""
        return np.asarray(self.weight * kl_terms(nu, self.prior).sum(axis=-1))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * log(nu / prior), [*x, Z]; -inf where nu is 0."""
        with np.errstate(divide="ignore"):
            return self.gradient_at_log(np.log(nu))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight * (log_nu - log prior), [*x, Z], on the allowed answers."""
        log_prior = np.log(np.where(self.prior > 0, self.prior, 1.0))
        return np.asarray(self.weight[..., None] * (log_nu - log_prior))

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Return the weight, [*x, Z]."""
        return np.broadcast_to(self.weight[..., None], log_nu.shape).copy()

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute weight * log sum prior exp(u / weight), [*x]; -inf where every allowed answer is forbidden."""
        from scipy.special import logsumexp

        u = np.where(self.prior > 0, u, -np.inf)
        top = u.max(axis=-1)
        top = np.where(np.isfinite(top), top, 0.0)
        rest = (u - top[..., None]) / self.weight[..., None]
        # If u is small relative to the weight, the sum is near 1, and the weight would multiply its rounding error.
        excess = (self.prior * np.expm1(rest)).sum(axis=-1)
        near = excess > -0.5
        far = logsumexp(self._log_weights(u - top[..., None]), axis=-1)
        return np.asarray(top + self.weight * np.where(near, np.log1p(np.where(near, excess, 0.0)), far))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Compute softmax(u / weight + log prior), [*x, Z]."""
        from scipy.special import softmax

        return np.asarray(softmax(self._log_weights(u), axis=-1))

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return weight * KL(nu || prior) on the allowed answers."""
        positive = self.prior > 0
        return float(self.weight) * cp.sum(cp.kl_div(nu[positive], self.prior[positive]))

    @property
    def relative_smoothness(self) -> PerPrompt:
        """The weight itself: up to a linear term the functional is the negative entropy, scaled."""
        return self.weight

    def allowed(self, reachable: Reachable) -> Reachable:
        """Mark the reachable answers of positive prior, [*x, Z]."""
        return np.asarray(reachable & (self.prior > 0))

    def _log_weights(self, u: OverAnswers) -> OverAnswers:
        with np.errstate(divide="ignore"):
            return np.asarray(u / self.weight[..., None] + np.log(self.prior))
