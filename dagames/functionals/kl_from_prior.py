"""Imitation: R(nu) = weight * KL(prior || nu)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._errors import InfeasibleError
from dagames._types import OverAnswers, Reachable
from dagames.functionals.conjugates.root_conjugate import RootConjugate
from dagames.functionals.to_prior import ToPrior
from dagames.simplex import kl_terms


@dataclass(frozen=True, eq=False, init=False)
class KLFromPrior(ToPrior, RootConjugate):
    """The divergence of a prior from the answers, times a weight: the expected log-loss, up to the prior's entropy.

    Math:
        R(nu) = weight sum_z p(z) log(p(z) / nu(z)).

    R is infinite where an answer of positive prior has no mass. Answers of prior 0 add nothing.
    `RootConjugate` computes the conjugate and its gradient.

    Source:
        (paper, section 2.4, Supervised fine-tuning, there with a point mass for p)

    >>> float(KLFromPrior([0.5, 0.5]).value(np.array([1.0, 0.0])))
    inf
    """

    def summand(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (prior * log(prior / nu) - prior + nu), [*x, Z], whose sum is R on the simplex."""
        return np.asarray(self.weight[..., None] * kl_terms(self.prior, nu))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight * (1 - prior / nu), [*x, Z]; -inf where nu is 0 and the prior is not."""
        with np.errstate(over="ignore"):
            return np.asarray(-self.weight[..., None] * np.expm1(self._log_ratio(log_nu)))

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight * prior / nu, [*x, Z]."""
        with np.errstate(over="ignore"):
            return np.asarray(self.weight[..., None] * np.exp(self._log_ratio(log_nu)))

    def mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute prior / (1 - slope / weight), [*x, Z]; +inf for slopes of the weight and above."""
        rest = 1.0 - slope / self.weight[..., None]
        with np.errstate(over="ignore"):
            return np.asarray(np.where(rest > 0, self.prior / np.where(rest > 0, rest, 1.0), np.inf))

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return weight * KL(prior || nu)."""
        positive = self.prior > 0
        prior = self.prior[positive]
        return float(self.weight) * (prior @ (np.log(prior) - cp.log(nu[positive])))

    def _log_ratio(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute log(prior / nu), [*x, Z]; -inf where the prior is 0."""
        positive = self.prior > 0
        return np.asarray(
            np.where(positive, np.log(np.where(positive, self.prior, 1.0)) - np.where(positive, log_nu, 0.0), -np.inf)
        )

    @property
    def flat(self) -> Reachable:
        """Answers of prior 0."""
        return np.asarray(self.prior == 0)

    def check_reachable(self, reachable: Reachable) -> None:
        """Raise an InfeasibleError if an answer of positive prior has no trace."""
        infinite = ~reachable & (self.prior > 0)
        if infinite.any():
            answer = int(np.argwhere(infinite)[0][-1])
            raise InfeasibleError(
                f"{self.name} is infinite for every policy: answer {answer} has positive prior, but no trace of the "
                "reference gives it."
            )
