"""Diversity by entropy: R(nu) = weight * sum nu log nu."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import Numbers, OverAnswers, PerPrompt
from dagames.functionals.base import Separable, as_weight


@dataclass(frozen=True, eq=False, init=False)
class NegativeEntropy(Separable):
    """Minus the Shannon entropy of the answers, in nats, times a weight.

    Math:
        R(nu) = weight sum_z nu(z) log nu(z),   R*(u) = weight log sum_z exp(u(z) / weight).

    Source:
        (paper, section 2.4, Diversity; appendix C)

    >>> NegativeEntropy(1.0).conjugate(np.zeros(4)).round(6)
    np.float64(1.386294)
    """

    per_prompt = ("weight",)
    weight: PerPrompt

    def __init__(self, weight: Numbers = 1.0) -> None:
        """Validate the weight.

        Args:
            weight: The functional's weight lambda, above 0, or one per prompt, [*x].
        """
        object.__setattr__(self, "weight", as_weight(weight))

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute weight * sum nu log nu, [*x]."""
        from scipy.special import xlogy

        return np.asarray(self.weight * xlogy(nu, nu).sum(axis=-1))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (log nu + 1), [*x, Z]; -inf where nu is 0."""
        with np.errstate(divide="ignore"):
            return self.gradient_at_log(np.log(nu))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight * (log_nu + 1), [*x, Z], without leaving log space."""
        return np.asarray(self.weight[..., None] * (log_nu + 1.0))

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Return the weight, [*x, Z]."""
        return np.broadcast_to(self.weight[..., None], log_nu.shape).copy()

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute weight * logsumexp(u / weight), [*x]."""
        from scipy.special import logsumexp

        return np.asarray(self.weight * logsumexp(u / self.weight[..., None], axis=-1))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Compute softmax(u / weight), [*x, Z]."""
        from scipy.special import softmax

        return np.asarray(softmax(u / self.weight[..., None], axis=-1))

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return weight * sum nu log nu."""
        return -float(self.weight) * cp.sum(cp.entr(nu))

    @property
    def relative_smoothness(self) -> PerPrompt:
        """The weight itself: the functional is the negative entropy, scaled."""
        return self.weight
