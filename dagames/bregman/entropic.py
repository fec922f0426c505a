"""The negative entropy, whose Bregman divergence is the Kullback-Leibler divergence."""

from dataclasses import dataclass
from math import factorial

import numpy as np

from dagames import simplex
from dagames._types import OverAnswers
from dagames.bregman.base import Generator

_NEAR = 0.05
_SERIES = np.array([0.0, 0.0] + [(k - 1) / factorial(k) for k in range(2, 12)])


@dataclass(frozen=True)
class Entropic(Generator):
    """The negative Shannon entropy in nats.

    Math:
        phi(p) = p log p,   phi'(p) = log p + 1,   D(p || q) = KL(p || q) on the simplex.

    It is steep: D(p || q) is +inf where p > 0 = q. Its projection is the softmax.

    Source:
        (paper, section 2, where it is the only geometry)

    >>> Entropic().conjugate_gradient(np.log([0.5, 0.5]) + np.array([0.0, np.log(3.0)]))
    array([0.25, 0.75])
    """

    def summand(self, p: OverAnswers) -> OverAnswers:
        """Compute p log p, [*x, n], with 0 log 0 = 0."""
        from scipy.special import xlogy

        return np.asarray(xlogy(p, p))

    def gradient_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute log p + 1, [*x, n]."""
        return np.asarray(log_p + 1.0)

    def bend_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Return 1, [*x, n]."""
        return np.ones_like(log_p)

    def log_mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute slope - 1, at most log 1, [*x, n]."""
        return np.asarray(np.minimum(slope - 1.0, 0.0))

    def excess(self, log_p: OverAnswers, log_q: OverAnswers) -> OverAnswers:
        """Compute p log(p / q) - p + q, [*x, n]; +inf where p > 0 = q."""
        p, q = np.exp(log_p), np.exp(log_q)
        positive = np.isfinite(log_p) & np.isfinite(log_q)
        ratio = np.where(positive, log_p, 0.0) - np.where(positive, log_q, 0.0)
        # Terms of size |p - q| cancel to their square, so for close masses the series of the square is summed.
        near = q * np.polynomial.polynomial.polyval(np.clip(ratio, -_NEAR, _NEAR), _SERIES)
        far = np.maximum(p * ratio - (p - q), 0.0)
        inside = np.where(np.abs(ratio) < _NEAR, near, far)
        return np.asarray(np.where(positive, inside, np.where(np.isfinite(log_p), np.inf, q)))

    def log_conjugate_gradient(self, theta: OverAnswers) -> OverAnswers:
        """Normalise the exponentials of theta, [*x, n]."""
        # A theta of 1e7 would cause an error of 1e-9 in the sum; differences of its entries are exact.
        return simplex.log_normalize(theta - theta.max(axis=-1, keepdims=True))
