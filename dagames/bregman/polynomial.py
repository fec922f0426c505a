"""Convex polynomials, whose rewards have unbiased estimates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import comb
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.bregman.base import Generator
from dagames.numerics.arrays import read
from dagames.numerics.polynomial_roots import negative_point
from dagames.numerics.roots import increasing_root

_GRID = np.linspace(0.0, 1.0, 257)


@dataclass(frozen=True, init=False)
class Polynomial(Generator):
    """A polynomial that is convex on [0, 1]; the constructor proves it.

    Math:
        phi(p) = sum_k c_k p^k,   phi'' >= 0 on [0, 1] and not 0 everywhere.

    It is not steep. A reward phi'(q) of degree d in q has an unbiased estimate from d samples (claim II.2).

    Attributes:
        coefficients: The coefficients c_0, c_1, ..., as exact rationals.

    Source:
        (slides, solution 1)

    >>> Polynomial([0, 0, 0.5]).gradient(np.array([0.25, 0.75]))
    array([0.25, 0.75])
    """

    coefficients: tuple[Fraction, ...]
    _derivatives: tuple[NDArray[np.float64], ...] = field(repr=False, compare=False)
    _slopes: NDArray[np.float64] = field(repr=False, compare=False)

    def __init__(self, coefficients: Sequence[int | float | Fraction]) -> None:
        """Prove convexity in rational arithmetic; a float is converted exactly.

        Args:
            coefficients: c_0, c_1, ..., c_d, lowest degree first, d at least 2; integers, floats or fractions.

        Raises:
            DomainError: If a coefficient is not a finite number, or if the polynomial is not strictly convex on [0, 1].
        """
        # Validates the type; the numbers are then converted exactly.
        read(cast("Any", coefficients), "coefficients")
        exact = tuple(_as_fraction(c, k) for k, c in enumerate(coefficients))
        _check_convex(exact)
        object.__setattr__(self, "coefficients", exact)
        # The k-th entry is phi^(k) / k!, so that a divergence is a Taylor sum without cancellation at p = q.
        derivatives = tuple(
            np.array([float(comb(i, k) * exact[i]) for i in range(k, len(exact))]) for k in range(len(exact))
        )
        object.__setattr__(self, "_derivatives", derivatives)
        object.__setattr__(self, "_slopes", np.maximum.accumulate(_evaluate(derivatives[1], _GRID)))

    def summand(self, p: OverAnswers) -> OverAnswers:
        """Compute sum_k c_k p^k, [*x, n]."""
        return _evaluate(self._derivatives[0], p)

    def gradient_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute phi'(p), [*x, n]."""
        return _evaluate(self._derivatives[1], np.exp(log_p))

    def bend_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute p phi''(p), [*x, n]."""
        p = np.exp(log_p)
        return np.asarray(2.0 * p * np.maximum(_evaluate(self._derivatives[2], p), 0.0))

    def log_mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute the log of the p in [0, 1] with phi'(p) = slope, [*x, n], or of the nearer end."""
        shape = slope.shape

        def miss(p: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
            return _evaluate(self._derivatives[1], p) - slope, 2.0 * _evaluate(self._derivatives[2], p)

        start = np.interp(slope, self._slopes, _GRID)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(increasing_root(miss, np.zeros(shape), np.ones(shape), start)))

    def excess(self, log_p: OverAnswers, log_q: OverAnswers) -> OverAnswers:
        """Compute the Taylor sum of phi at q from the second order on, [*x, n]."""
        q = np.exp(log_q)
        step = np.exp(log_p) - q
        terms = [_evaluate(self._derivatives[k], q) * step**k for k in range(2, len(self.coefficients))]
        return np.asarray(np.maximum(np.sum(terms, axis=0), 0.0))


def _evaluate(coefficients: NDArray[np.float64], x: OverAnswers) -> OverAnswers:
    return np.asarray(np.polynomial.polynomial.polyval(x, coefficients), dtype=np.float64)


def _as_fraction(value: int | float | Fraction, place: int) -> Fraction:
    try:
        return value if isinstance(value, Fraction) else Fraction(float(value) if not isinstance(value, int) else value)
    except (TypeError, ValueError, OverflowError):
        raise DomainError(f"`coefficients[{place}]` is {value!r}; coefficients must be finite numbers.") from None


def _check_convex(coefficients: tuple[Fraction, ...]) -> None:
    second = [i * (i - 1) * c for i, c in enumerate(coefficients)][2:]
    if not any(second):
        raise DomainError(
            "`coefficients` give a polynomial of degree below 2, whose divergence is 0 between all distributions. Pass "
            "c_0, c_1, c_2, ..., lowest degree first, with some c_k other than 0 for k >= 2."
        )
    point = negative_point(second)
    if point is not None:
        # The second derivative may be smaller at an end, where more must be added.
        bend, point = min((sum(c * p**i for i, c in enumerate(second)), p) for p in (point, Fraction(0), Fraction(1)))
        raise DomainError(
            f"`coefficients` give a polynomial that is not convex on [0, 1]: its second derivative is "
            f"{float(bend):.6g} at {float(point):.6g}. Coefficients run from the lowest degree up; raise c_2 by "
            f"at least {float(-bend / 2):.3g}, or pass exact `fractions.Fraction`s if rounding is the cause."
        )
