"""Diversity by collisions: R(nu) = weight / 2 * |nu|^2."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import Numbers, OverAnswers, PerPrompt
from dagames.functionals.base import Separable, as_weight
from dagames.simplex import project_euclidean


@dataclass(frozen=True, eq=False, init=False)
class Gini(Separable):
    """Half the probability that two answers collide, times a weight; minimising it spreads the answers.

    Math:
        R(nu) = (weight / 2) sum_z nu(z)^2,   R*(u) = min over c of c + sum_z max(u(z) - c, 0)^2 / (2 weight).

    Source:
        (paper, appendix C.2.2, Gini diversity, there with the opposite sign and without the half)

    >>> float(Gini(1.0).value(np.array([0.5, 0.5])))
    0.25
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
        """Compute weight / 2 * |nu|^2, [*x]."""
        return np.asarray(0.5 * self.weight * (nu * nu).sum(axis=-1))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * nu, [*x, Z]."""
        return np.asarray(self.weight[..., None] * nu)

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight * nu, [*x, Z]."""
        return np.asarray(self.weight[..., None] * np.exp(log_nu))

    def slope_and_bend(self, log_nu: OverAnswers, nu: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
        """Compute weight * nu, which is both, [*x, Z] each."""
        slope = self.gradient(nu)
        return slope, slope

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute R*(u), [*x], from above: with the multiplier c of the projection, as any c gives."""
        # <p, u> - R(p) at the projection p would bound it from below, and 10^6 roundings in the sum of p would show.
        p = self.conjugate_gradient(u)
        slope = np.where(p > 0, np.where(p > 0, u, 0.0) - self.weight[..., None] * p, 0.0)
        c = slope.sum(axis=-1) / (p > 0).sum(axis=-1)
        excess = np.maximum(u - c[..., None], 0.0)
        return np.asarray(c + (excess * excess).sum(axis=-1) / (2 * self.weight))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Project u / weight on the simplex, [*x, Z]."""
        return project_euclidean(u / self.weight[..., None])

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return weight / 2 * |nu|^2."""
        return 0.5 * float(self.weight) * cp.sum_squares(nu)

    @property
    def relative_smoothness(self) -> PerPrompt:
        """Half the weight.

        For a difference v of two distributions |v|_2^2 <= |v|_1^2 / 2, and Pinsker bounds |v|_1^2 / 2 by KL.
        """
        return np.asarray(0.5 * self.weight)
