"""The interface of generators of Bregman divergences."""

from abc import ABC, abstractmethod

import numpy as np

from dagames import simplex
from dagames._errors import Named
from dagames._types import OverAnswers, PerPrompt
from dagames.numerics.float_errors import with_default_errors_in
from dagames.numerics.roots import increasing_root

_WIDTH = 8 * np.finfo(np.float64).eps
"""Relative distance of a computed root from the float64 at which the function changes sign."""


class Generator(Named, ABC):
    """A strictly convex function F(p) = sum_i phi(p_i) of distributions, over traces or over answers.

    Math:
        D(p || q) = F(p) - F(q) - <grad F(q), p - q>.

    Laws (tested over every subclass): D(p || q) >= 0, and 0 only at p = q; D(p || r) = D(p || q) + D(q || r)
    + <grad F(q) - grad F(r), p - q>; gradient is the gradient of value and increasing in every entry;
    p* = conjugate_gradient(theta) minimises F(p) - <theta, p> over the simplex, which for theta = grad F(w) is
    D(p || w) up to a constant, and D(p || w) >= D(p || p*) + D(p* || w).

    A method that has the name of a method of `Functional` computes the same quantity.

    Conventions: masses may be 0. If phi'(0) = -inf (`steep`), D(p || q) is +inf where p > 0 = q; otherwise it is
    finite. Masses that may be below 1e-308 are passed as logarithms. Affine terms of phi do not change divergences or
    projections.

    To add a generator, implement the five abstract methods, and `log_conjugate_gradient` if it has a formula.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        with_default_errors_in(cls)

    @abstractmethod
    def summand(self, p: OverAnswers) -> OverAnswers:
        """Compute phi(p), entry by entry, [*x, n]."""

    @abstractmethod
    def gradient_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute phi'(p) at p = exp(log_p), [*x, n]; -inf at p = 0 if the generator is steep."""

    @abstractmethod
    def bend_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute d phi'(p) / d log p = p phi''(p), at least 0, [*x, n]."""

    @abstractmethod
    def log_mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Compute the log of the p in [0, 1] with phi'(p) = slope, [*x, n]; of the nearer end if there is none."""

    @abstractmethod
    def excess(self, log_p: OverAnswers, log_q: OverAnswers) -> OverAnswers:
        """Compute phi(p) - phi(q) - phi'(q) (p - q), at least 0, entry by entry, [*x, n]."""

    @property
    def steep(self) -> bool:
        """Whether phi'(0) = -inf, so that all entries of a projection are positive."""
        return bool(np.isneginf(self.gradient_at_log(np.array([-np.inf])))[0])

    def value(self, p: OverAnswers) -> PerPrompt:
        """Compute F(p), [*x].

        Args:
            p: Probabilities, [*x, n].

        Returns:
            F(p), [*x].
        """
        return np.asarray(self.summand(p).sum(axis=-1))

    def gradient(self, p: OverAnswers) -> OverAnswers:
        """Compute the mirror map phi'(p), entry by entry.

        Args:
            p: Masses in [0, 1], [*x, n].

        Returns:
            Slopes, [*x, n]; -inf at p = 0 if the generator is steep.
        """
        with np.errstate(divide="ignore"):
            return self.gradient_at_log(np.log(p))

    def divergence(self, p: OverAnswers, q: OverAnswers) -> PerPrompt:
        """Compute D(p || q).

        Args:
            p: Probabilities, [*x, n].
            q: Probabilities, [*x, n].

        Returns:
            Divergences, [*x]; +inf where p > 0 = q if the generator is steep.
        """
        with np.errstate(divide="ignore"):
            return self.divergence_from_logs(np.log(p), np.log(q))

    def divergence_from_logs(self, log_p: OverAnswers, log_q: OverAnswers) -> PerPrompt:
        """Compute D(p || q) from log-probabilities, so that masses may be below 1e-308.

        Args:
            log_p: Log-probabilities, [*x, n].
            log_q: Log-probabilities, [*x, n].

        Returns:
            Divergences, [*x].
        """
        return np.asarray(self.excess(log_p, log_q).sum(axis=-1))

    def conjugate_gradient(self, theta: OverAnswers) -> OverAnswers:
        """Compute the Bregman projection on the simplex of the point with gradient theta.

        Math:
            argmin over p in the simplex of F(p) - <theta, p>: phi'(p) = theta - c where p > 0, and theta - c <= phi'(0)
            where p = 0, with c fixed by the sum.

        Args:
            theta: A dual point, [*x, n]; entries at -inf get mass 0, and each row has a finite entry.

        Returns:
            Probabilities, [*x, n].
        """
        return np.asarray(np.exp(self.log_conjugate_gradient(theta)))

    def log_conjugate_gradient(self, theta: OverAnswers) -> OverAnswers:
        """Compute the log of the projection of theta, [*x, n]; -inf for mass 0.

        The slope phi' at the largest entry, whose mass is in [1 / n, 1], is the root of (sum of all masses) - 1.

        Args:
            theta: A dual point, [*x, n]; entries at -inf get mass 0, and each row has a finite entry.

        Returns:
            Log-probabilities, [*x, n].
        """
        # Only the differences to the largest entry matter, and they are exact where theta itself is large.
        below = theta - theta.max(axis=-1, keepdims=True)
        shape = (*theta.shape[:-1], 1)
        at_share, at_one = (self.gradient_at_log(np.full(shape, end)) for end in (-np.log(theta.shape[-1]), 0.0))

        def surplus(slope: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
            log_p = self.log_mass_at_slope(below + slope)
            total = np.exp(log_p).sum(axis=-1, keepdims=True)
            return total - 1.0, self.growth(log_p, log_p).sum(axis=-1, keepdims=True)

        slope = increasing_root(surplus, at_share, at_one)
        width = _WIDTH * np.maximum(np.abs(slope), np.maximum(np.abs(at_share), np.abs(at_one)))
        beside = (self.log_mass_at_slope(below + moved) for moved in (slope - width, slope + width))
        return mix_to_one(*beside)

    def growth(self, log_p: OverAnswers, log_weight: OverAnswers) -> OverAnswers:
        """Compute exp(log_weight) d log p / d slope = exp(log_weight) / (p phi''(p)), and 0 where p = 0.

        Args:
            log_p: Log-masses, [*x, n].
            log_weight: Log-weights, [*x, n]; `log_p` itself for d p / d slope.

        Returns:
            Rates, [*x, n]; +inf where phi'' vanishes at a positive mass.
        """
        positive = np.isfinite(log_p)
        bend = self.bend_at_log(np.where(positive, log_p, 0.0))
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return np.asarray(np.where(positive, np.exp(np.where(positive, log_weight, 0.0)) / bend, 0.0))


def mix_to_one(log_low: OverAnswers, log_high: OverAnswers) -> OverAnswers:
    """Interpolate between masses that sum to at most 1 and masses that sum to at least 1, so that they sum to 1.

    Where phi'' vanishes at 0, neighbouring float64 multipliers give masses 1e-6 apart. Scaling all masses would move
    this error to the large ones; interpolating leaves it on the masses that are ill-conditioned anyway.

    Returns:
        Log-probabilities, [*x, n], from the logs of both.

    >>> np.exp(mix_to_one(np.log([0.5, 0.1]), np.log([0.5, 0.7])))
    array([0.5, 0.5])
    """
    least, most = (np.exp(logs).sum(axis=-1, keepdims=True) for logs in (log_low, log_high))
    spread = most - least
    share = np.clip(np.where(spread > 0, (1.0 - least) / np.where(spread > 0, spread, 1.0), 0.5), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        return simplex.log_normalize(np.logaddexp(log_low + np.log1p(-share), log_high + np.log(share)))
