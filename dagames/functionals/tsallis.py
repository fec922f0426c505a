"""Diversity by Tsallis entropy of any order: between the entropy (order 1) and the collision probability (order 2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._errors import DomainError
from dagames._types import Numbers, OverAnswers, PerPrompt
from dagames.functionals.base import as_weight
from dagames.functionals.conjugates.root_conjugate import RootConjugate
from dagames.simplex import as_positive


@dataclass(frozen=True, eq=False, init=False)
class Tsallis(RootConjugate):
    """Minus the Tsallis entropy of the answers, times a weight.

    Math:
        R(nu) = weight (sum_z nu(z)^a - 1) / (a - 1), which tends to weight sum nu log nu as the order a goes to 1.

    `RootConjugate` computes the conjugate and its gradient.

    Source:
        ours, between the two diversity rows of (paper, appendix C)

    >>> float(Tsallis(2.0).value(np.array([0.5, 0.5])))
    -0.5
    """

    per_prompt = ("weight",)
    order: float
    weight: PerPrompt

    def __init__(self, order: float, weight: Numbers = 1.0) -> None:
        """Validate order and weight.

        Args:
            order: The order a, above 0 and not 1 (that is `NegativeEntropy`).
            weight: The functional's weight lambda, above 0, or one per prompt, [*x].

        Raises:
            DomainError: If the order is not above 0, or is 1.
        """
        object.__setattr__(self, "order", as_positive(order, "order"))
        if self.order == 1.0:
            raise DomainError("`order` must not be 1; `NegativeEntropy` is the limit there.")
        object.__setattr__(self, "weight", as_weight(weight))

    def summand(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (nu^order - nu) / (order - 1), [*x, Z], whose sum is R on the simplex."""
        with np.errstate(divide="ignore"):
            log_nu = np.log(nu)
        return np.asarray(self.weight[..., None] * np.where(nu > 0, nu * self._log(np.where(nu > 0, log_nu, 0.0)), 0.0))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight * (order * nu^(order - 1) - 1) / (order - 1), [*x, Z]; -inf at nu = 0 for orders below 1."""
        with np.errstate(over="ignore"):
            return np.asarray(self.weight[..., None] * (self.order * self._log(log_nu) + 1.0))

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight * order * nu^(order - 1), [*x, Z]."""
        with np.errstate(over="ignore"):
            return np.asarray(self.weight[..., None] * self.order * np.exp((self.order - 1.0) * log_nu))

    def mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Find the mass with this slope, [*x, Z]; slopes that no mass has give 0 for orders above 1, +inf below."""
        step = self.order - 1.0
        shifted = np.maximum(step * (slope / self.weight[..., None] - 1.0) / self.order, -1.0)
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(np.exp(np.log1p(shifted) / step))

    def _log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute (nu^(order - 1) - 1) / (order - 1), which tends to log nu, without cancellation near order 1."""
        with np.errstate(over="ignore"):
            return np.asarray(np.expm1((self.order - 1.0) * log_nu) / (self.order - 1.0))

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return weight * (sum nu^order - 1) / (order - 1)."""
        power = cp.sum(cp.power(nu, self.order, approx=False))
        return float(self.weight) * (power - 1) / (self.order - 1)

    @property
    def relative_smoothness(self) -> PerPrompt:
        """Weight times order, which is the largest nu f''(nu), attained at nu = 1; +inf for orders below 1."""
        return np.asarray(self.weight * self.order if self.order > 1 else np.full(self.weight.shape, np.inf))
