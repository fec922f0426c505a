"""Imitation: R(nu) = weight * KL(prior || nu)."""

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr

from dagames._types import OverAnswers, PerPrompt, Reachable
from dagames.functionals.prior import ToPrior, check_finite_somewhere
from dagames.functionals.separable import RootConjugate


@dataclass(frozen=True, eq=False, init=False)
class KLFromPrior(ToPrior, RootConjugate):
    """The divergence of a prior from the answers, times a weight: the expected log-loss, up to the prior's entropy.

    Math:
        R(nu) = weight sum_z p(z) log(p(z) / nu(z)).

    R is infinite where an answer of positive prior has no mass, and free of charge on answers of prior 0.

    Source:
        (paper, section 2.4, Supervised fine-tuning, there with a point mass for p)

    >>> float(KLFromPrior([0.5, 0.5]).value(np.array([1.0, 0.0])))
    inf
    """

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute weight * KL(prior || nu), [*x]."""
        return np.asarray(self.weight * rel_entr(self.prior, nu).sum(axis=-1))

    def summand(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * prior * log(prior / nu), [*x, Z]."""
        return np.asarray(self.weight[..., None] * rel_entr(self.prior, nu))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute -weight * prior / nu, [*x, Z]; -inf where nu is 0 and the prior is not."""
        return -self.bend_at_log(log_nu)

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight * prior / nu, [*x, Z]."""
        with np.errstate(over="ignore"):
            ratio = np.where(self.prior > 0, self.prior * np.exp(-np.where(self.prior > 0, log_nu, 0.0)), 0.0)
            return np.asarray(self.weight[..., None] * ratio)

    def mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute -weight * prior / slope, [*x, Z]; +inf for slopes of 0 and above."""
        with np.errstate(over="ignore"):
            mass = self.weight[..., None] * self.prior / np.where(slope < 0, -slope, 1.0)
        return np.asarray(np.where(slope < 0, mass, np.inf))

    @property
    def flat(self) -> Reachable:
        """Answers of prior 0."""
        return np.asarray(self.prior == 0)

    def check_reachable(self, reachable: Reachable) -> None:
        """Raise an InfeasibleError if an answer of positive prior has no trace."""
        why = "has positive prior, but no trace of the reference gives it"
        check_finite_somewhere(~reachable & (self.prior > 0), "KLFromPrior", why)
