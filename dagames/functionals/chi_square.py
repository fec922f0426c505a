"""Closeness in the chi-square distance: R(nu) = weight * sum (nu - prior)^2 / prior."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import OverAnswers, PerPrompt, Reachable
from dagames.functionals.conjugates.root_conjugate import RootConjugate
from dagames.functionals.to_prior import ToPrior


@dataclass(frozen=True, eq=False, init=False)
class ChiSquare(ToPrior, RootConjugate):
    """The chi-square divergence of the answers from a prior, times a weight.

    Math:
        R(nu) = weight sum_z (nu(z) - p(z))^2 / p(z).

    R is infinite where an answer of prior 0 has mass. `RootConjugate` computes the conjugate and its gradient.

    Source:
        ours, an instance of (paper, appendix C.2.2, Targeted exploration)

    >>> float(ChiSquare([0.5, 0.5]).value(np.array([1.0, 0.0])))
    1.0
    """

    def summand(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (nu - prior)^2 / prior, [*x, Z]; 0 where both are 0, +inf where only the prior is."""
        difference, positive = nu - self.prior, self.prior > 0
        with np.errstate(over="ignore"):
            # Not the square first: of a mass below 1e-162 it would be 0.
            terms = self.weight[..., None] * difference * (difference / np.where(positive, self.prior, 1.0))
        return np.asarray(np.where(positive, terms, np.where(nu > 0, np.inf, 0.0)))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute 2 weight * (nu / prior - 1), [*x, Z], on the allowed answers."""
        return np.asarray(self.bend_at_log(log_nu) - 2.0 * self.weight[..., None])

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute 2 weight * nu / prior, [*x, Z], on the allowed answers."""
        return np.asarray(2.0 * self.weight[..., None] * np.exp(log_nu) / np.where(self.prior > 0, self.prior, 1.0))

    def mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute prior * (1 + slope / (2 weight)), [*x, Z], or 0 where that is negative."""
        mass = self.prior * np.maximum(1.0 + slope / (2.0 * self.weight[..., None]), 0.0)
        return np.asarray(np.where(self.prior > 0, mass, 0.0))

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return weight * sum (nu - prior)^2 / prior on the allowed answers."""
        positive = self.prior > 0
        prior = self.prior[positive]
        return float(self.weight) * cp.sum_squares((nu[positive] - prior) / np.sqrt(prior))

    @property
    def relative_smoothness(self) -> PerPrompt:
        """Twice the weight over the least allowed prior: the largest nu f''(nu) for nu up to 1."""
        return np.asarray(2.0 * self.weight / np.where(self.prior > 0, self.prior, 1.0).min(axis=-1))

    def allowed(self, reachable: Reachable) -> Reachable:
        """Mark the reachable answers of positive prior, [*x, Z]."""
        return np.asarray(reachable & (self.prior > 0))
