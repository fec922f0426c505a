"""Closeness in the Euclidean distance: R(nu) = weight / 2 * |nu - prior|^2."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import OverAnswers, PerPrompt
from dagames.functionals.to_prior import ToPrior
from dagames.simplex import project_euclidean


@dataclass(frozen=True, eq=False, init=False)
class SquaredDistance(ToPrior):
    """Half the squared Euclidean distance of the answers to a prior, times a weight.

    Math:
        R(nu) = (weight / 2) |nu - p|^2, maximised against u at the projection of p + u / weight on the simplex.

    Source:
        (paper, section 4.2, whose arithmetic mean minimises the mean of these)

    >>> float(SquaredDistance([1.0, 0.0]).value(np.array([0.0, 1.0])))
    1.0
    """

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute weight / 2 * |nu - prior|^2, [*x]."""
        return np.asarray(0.5 * self.weight * ((nu - self.prior) ** 2).sum(axis=-1))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight * (nu - prior), [*x, Z]."""
        return np.asarray(self.weight[..., None] * (nu - self.prior))

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight * nu, [*x, Z]."""
        return np.asarray(self.weight[..., None] * np.exp(log_nu))

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute R*(u), [*x], from above: c + sum_z f_z*(u - c) with the maximiser's multiplier c, as any c gives."""
        weight = self.weight[..., None]
        p = self.conjugate_gradient(u)
        slope = np.where(p > 0, np.where(p > 0, u, 0.0) - weight * (p - self.prior), 0.0)
        c = slope.sum(axis=-1) / (p > 0).sum(axis=-1)
        s = u - c[..., None]
        inside = s > -weight * self.prior
        s = np.where(inside, s, 0.0)
        gain = np.where(inside, self.prior * s + s * s / (2 * weight), -0.5 * weight * self.prior**2)
        return np.asarray(c + gain.sum(axis=-1))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Project prior + u / weight on the simplex, [*x, Z]."""
        return project_euclidean(self.prior + u / self.weight[..., None])

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return weight / 2 * |nu - prior|^2."""
        return 0.5 * float(self.weight) * cp.sum_squares(nu - self.prior)

    @property
    def relative_smoothness(self) -> PerPrompt:
        """Half the weight, by Pinsker's inequality, as for `Gini`."""
        return np.asarray(0.5 * self.weight)
