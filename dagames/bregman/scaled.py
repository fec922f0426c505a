"""A generator times a positive number."""

from dataclasses import dataclass

import numpy as np

from dagames._types import OverAnswers, PerPrompt
from dagames.bregman.base import Generator


@dataclass(frozen=True, eq=False)
class Scaled(Generator):
    """A generator times a weight.

    Math:
        (w F)(p) = w F(p),   D_{w F}(p || q) = w D_F(p || q).

    Attributes:
        generator: The generator F.
        weight: The factor w, above 0, [] or one per prompt, [*x].

    Source:
        ours

    >>> from dagames.bregman import Euclidean
    >>> float(Scaled(Euclidean(), np.asarray(3.0)).divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    3.0
    """

    generator: Generator
    weight: PerPrompt

    @property
    def name(self) -> str:
        """The name of F."""
        return self.generator.name

    @property
    def foreign(self) -> bool:
        """Whether a user's code computes F."""
        return self.generator.foreign

    @property
    def steep(self) -> bool:
        """Whether F is steep."""
        return self.generator.steep

    def summand(self, p: OverAnswers) -> OverAnswers:
        """Compute weight * phi(p), [*x, n]."""
        return np.asarray(self.weight[..., None] * self.generator.summand(p))

    def gradient_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute weight * phi'(p), [*x, n]."""
        with np.errstate(over="ignore"):
            return np.asarray(self.weight[..., None] * self.generator.gradient_at_log(log_p))

    def bend_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute weight * p phi''(p), [*x, n]."""
        with np.errstate(over="ignore"):
            return np.asarray(self.weight[..., None] * self.generator.bend_at_log(log_p))

    def log_mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Find the mass at which F has the slope divided by the weight, [*x, n]."""
        return self.generator.log_mass_at_slope(slope / self.weight[..., None])

    def excess(self, log_p: OverAnswers, log_q: OverAnswers) -> OverAnswers:
        """Compute the weight times the excess of F, [*x, n]."""
        with np.errstate(over="ignore"):
            return np.asarray(self.weight[..., None] * self.generator.excess(log_p, log_q))

    def log_conjugate_gradient(self, theta: OverAnswers) -> OverAnswers:
        """Project theta / weight by F, [*x, n]."""
        return self.generator.log_conjugate_gradient(theta / self.weight[..., None])
