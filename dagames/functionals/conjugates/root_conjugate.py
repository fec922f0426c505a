"""The conjugate of separable functionals without a formula for it, such as Tsallis entropies: one root per prompt."""

from abc import abstractmethod

import numpy as np

from dagames._types import OverAnswers, PerPrompt, Reachable
from dagames.functionals.base import Separable
from dagames.numerics.roots import increasing_root


class RootConjugate(Separable):
    """A separable functional whose conjugate is computed by a root finder, because no formula is known.

    Math:
        R*(u) = min over c of c + sum_z f_z*(u(z) - c),

    with f_z* the conjugate over masses of at least 0. Every c gives an upper bound, so the error of the root can make
    a certificate larger, but not smaller.
    """

    @abstractmethod
    def summand(self, nu: OverAnswers) -> OverAnswers:
        """Compute f_z(nu(z)), [*x, Z], in R-units."""

    @abstractmethod
    def mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Find the mass with f_z'(mass) = slope, [*x, Z]: 0 below the slope at 0, +inf above the slope at infinity."""

    @property
    def flat(self) -> Reachable:
        """Answers whose f_z is linear, [Z] or scalar: the mass is not a function of the slope."""
        return np.asarray(False)

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute R(nu), [*x]."""
        return np.asarray(self.summand(nu).sum(axis=-1))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute f_z'(nu(z)), [*x, Z]; infinite where R has no finite slope."""
        with np.errstate(divide="ignore"):
            return self.gradient_at_log(np.log(nu))

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute R*(u), [*x], from above; -inf where every allowed answer is forbidden."""
        u = self._on_allowed(u)
        open_ = np.isfinite(u).any(axis=-1)
        u = np.where(open_[..., None], u, 0.0)
        c = self._multiplier(u)
        slope, nu = u - c, self._masses(u, c)
        gain = np.where(nu > 0, np.where(nu > 0, slope, 0.0) * nu - self.summand(nu), -self.summand(np.zeros_like(nu)))
        return np.asarray(np.where(open_, c[..., 0] + gain.sum(axis=-1), -np.inf))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Find the distribution that attains R*(u), [*x, Z]."""
        u = self._on_allowed(u)
        nu = np.minimum(self._masses(u, self._multiplier(u)), 1.0)
        # The rest is the mass of a linear f_z, or rounding. The largest u - f'(1) belongs to an optimal answer for it.
        receiver = (u - self._slope_at(u, 0.0)).argmax(axis=-1)
        rest = np.maximum(1.0 - nu.sum(axis=-1, keepdims=True), 0.0)
        nu = nu + np.where(np.arange(u.shape[-1]) == receiver[..., None], rest, 0.0)
        return np.asarray(nu / nu.sum(axis=-1, keepdims=True))

    def _on_allowed(self, u: OverAnswers) -> OverAnswers:
        return np.asarray(np.where(self.allowed(np.ones(u.shape, dtype=bool)), u, -np.inf))

    def _slope_at(self, u: OverAnswers, log_mass: float) -> OverAnswers:
        """Compute f_z' at one mass for all answers, [*x, Z]."""
        return self.gradient_at_log(np.full(u.shape, log_mass))

    def _masses(self, u: OverAnswers, c: np.ndarray) -> OverAnswers:
        """Find the masses with f_z'(mass) = u - c, [*x, Z]; 0 for linear answers."""
        return np.asarray(np.where(self.flat, 0.0, self.mass_at_slope(u - c)))

    def _multiplier(self, u: OverAnswers) -> np.ndarray:
        """Find c, [*x, 1], with sum of mass_at_slope(u - c) = 1, or the largest u - f' of a linear answer if larger."""
        at_one, at_share = (u - self._slope_at(u, log_mass) for log_mass in (0.0, -np.log(u.shape[-1])))
        low, high = (ends.max(axis=-1, keepdims=True) for ends in (at_one, at_share))
        floor = np.where(self.flat, at_one, -np.inf).max(axis=-1, keepdims=True)

        def missing(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            nu = self._masses(u, c)
            positive = nu > 0
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                bend = self.bend_at_log(np.log(np.where(positive, nu, 1.0)))
                slope = np.where(positive, nu / bend, 0.0).sum(axis=-1, keepdims=True)
                return 1.0 - nu.sum(axis=-1, keepdims=True), slope

        c = np.maximum(increasing_root(missing, low, np.maximum(low, high)), floor)
        # If f_z' has a limit at infinity, c may round to the point where a mass is infinite. A slightly larger c gives
        # the same bound up to rounding.
        step = 4.0 * np.finfo(np.float64).eps
        while not np.isfinite(masses := self._masses(u, c)).all():
            size = np.abs(c) + np.where(np.isfinite(masses), 0.0, np.abs(u - c)).max(axis=-1, keepdims=True)
            c, step = c + np.where(np.isfinite(masses).all(axis=-1, keepdims=True), 0.0, step * size), 2.0 * step
        return np.asarray(c)
