"""Powers of any order: the limit at order 1 is the negative entropy, and order 2 is half the squared norm."""

from dataclasses import dataclass
from math import factorial

import numpy as np

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.bregman.base import Generator
from dagames.simplex import as_positive

_NEAR = 0.05
_TERMS = 14


@dataclass(frozen=True, init=False)
class Power(Generator):
    """Minus the Tsallis entropy, scaled so that phi''(p) = p^(order - 2).

    Math:
        phi(p) = (p^a - k a p) / (a (a - 1)),   phi'(p) = (p^(a - 1) - k) / (a - 1).

    The constant k does not change divergences. It is 1 for orders below 1.5, so that phi' tends to log p as a tends to
    1, and 0 otherwise, so that phi'(0) is exactly 0. The generator is steep if the order is below 1. Order 2 is
    `Euclidean`.

    Attributes:
        order: The order a, above 0 and not 1.

    Source:
        (slides, solution 1: a polynomial reward of degree d is order d + 1)

    >>> float(Power(2.0).divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    1.0
    """

    order: float

    def __init__(self, order: float) -> None:
        """Make the generator.

        Args:
            order: The order a, above 0 and not 1 (that is `Entropic`).

        Raises:
            DomainError: If the order is not above 0, or is 1.
        """
        object.__setattr__(self, "order", as_positive(order, "order"))
        if self.order == 1.0:
            raise DomainError("`order` must not be 1; use `Entropic`, the limit at 1.")

    @property
    def _shift(self) -> float:
        return 1.0 if self.order < 1.5 else 0.0

    def summand(self, p: OverAnswers) -> OverAnswers:
        """Compute (p^a - k a p) / (a (a - 1)), [*x, n], as p (phi'(p) - k) / a."""
        slope = self.gradient_at_log(np.log(np.where(p > 0, p, 1.0)))
        return np.asarray(p * (slope - self._shift) / self.order)

    def gradient_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute (p^(a - 1) - k) / (a - 1), [*x, n]; -inf at p = 0 for orders below 1."""
        step = self.order - 1.0
        with np.errstate(over="ignore"):
            return np.asarray((np.expm1(step * log_p) if self._shift else np.exp(step * log_p)) / step)

    def bend_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute p^(a - 1), [*x, n]."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp((self.order - 1.0) * log_p))

    def log_mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute log(k + (a - 1) slope) / (a - 1), clipped to masses in [0, 1], [*x, n]."""
        step = self.order - 1.0
        with np.errstate(divide="ignore", over="ignore"):
            log = np.log1p(np.maximum(step * slope, -1.0)) if self._shift else np.log(np.maximum(step * slope, 0.0))
            return np.asarray(np.minimum(log / step, 0.0))

    def excess(self, log_p: OverAnswers, log_q: OverAnswers) -> OverAnswers:
        """Compute (p (phi'(p) - phi'(q)) - (p - q) q^(a - 1)) / a, [*x, n], which has no pole at a = 1."""
        a = self.order
        p, q = np.exp(log_p), np.exp(log_q)
        both = np.isfinite(log_p) & np.isfinite(log_q)
        log_p_inside, log_q_inside = np.where(both, log_p, 0.0), np.where(both, log_q, 0.0)
        ratio = log_p_inside - log_q_inside
        # As for the entropy, close masses need the series of the square.
        reach = _NEAR / max(1.0, a)
        series = np.array([0.0, 0.0] + [sum(a**j for j in range(k - 1)) / factorial(k) for k in range(2, _TERMS)])
        with np.errstate(over="ignore", invalid="ignore"):
            near = np.exp(a * log_q_inside) * np.polynomial.polynomial.polyval(np.clip(ratio, -reach, reach), series)
            gain = p * (self.gradient_at_log(log_p_inside) - self.gradient_at_log(log_q_inside))
            far = np.maximum((gain - (p - q) * self.bend_at_log(log_q_inside)) / a, 0.0)
            empty_p = np.exp(a * log_q) / a
            empty_q = np.exp(a * log_p) / (a * (a - 1.0)) if a > 1 else np.where(np.isfinite(log_p), np.inf, 0.0)
        inside = np.where(np.abs(ratio) < reach, near, far)
        # For orders below 1 q^(a - 1) may overflow; the divergence of positive mass is then above float64's range.
        inside = np.where(np.isnan(inside), np.inf, inside)
        return np.asarray(np.where(both, inside, np.where(np.isfinite(log_q), empty_p, empty_q)))
