"""Half the squared norm, whose Bregman divergence is half the squared Euclidean distance."""

from dataclasses import dataclass

import numpy as np

from dagames import simplex
from dagames._types import OverAnswers
from dagames.bregman.base import Generator


@dataclass(frozen=True)
class Euclidean(Generator):
    """Half the squared Euclidean norm.

    Math:
        phi(p) = p^2 / 2,   phi'(p) = p,   D(p || q) = |p - q|^2 / 2.

    It is not steep: traces of reference probability 0 can get positive mass, and others mass 0.

    Source:
        (slides, solution 1, Euclidean game)

    >>> Euclidean().conjugate_gradient(np.array([1.5, 0.5, 0.0]))
    array([1., 0., 0.])
    """

    def summand(self, p: OverAnswers) -> OverAnswers:
        """Compute p^2 / 2, [*x, n]."""
        return np.asarray(0.5 * p * p)

    def gradient_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute p, [*x, n]."""
        return np.asarray(np.exp(log_p))

    def bend_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute p, [*x, n]."""
        return np.asarray(np.exp(log_p))

    def log_mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute the log of the slope, clipped to [0, 1], [*x, n]."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.clip(slope, 0.0, 1.0)))

    def excess(self, log_p: OverAnswers, log_q: OverAnswers) -> OverAnswers:
        """Compute (p - q)^2 / 2, [*x, n]."""
        return np.asarray(0.5 * (np.exp(log_p) - np.exp(log_q)) ** 2)

    def log_conjugate_gradient(self, theta: OverAnswers) -> OverAnswers:
        """Compute the log of max(theta - c, 0), [*x, n], by sorting."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(simplex.project_euclidean(theta)))
