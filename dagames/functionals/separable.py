"""Functionals that are a sum of one convex function per answer."""

from abc import abstractmethod

import numpy as np

from dagames._roots import increasing_root
from dagames._types import Hessian, OverAnswers, PerPrompt, Reachable
from dagames.functionals.smooth import Smooth


class Separable(Smooth):
    """A functional R(nu) = sum_z f_z(nu(z)); the equilibrium of its games is a one-dimensional root per prompt.

    `value` is that sum and nothing else, so that the values of parts of the answers add up: a prompt of very many is
    solved in pieces (`at_answers`).
    """

    @abstractmethod
    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute d f'(nu) / d log nu = nu f''(nu) at nu = exp(log_nu), at least 0, [*x, Z]."""

    def slope_and_bend(self, log_nu: OverAnswers, nu: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
        """Compute gradient and bend together; override where nu = exp(log_nu), at hand already, is all they need."""
        return self.gradient_at_log(log_nu), self.bend_at_log(log_nu)

    def hessian(self, nu: OverAnswers) -> Hessian:
        """Compute the diagonal matrix of f_z''(nu(z)), [*x, Z, Z]."""
        mass = np.maximum(nu, np.finfo(np.float64).tiny)
        with np.errstate(over="ignore"):
            curvature = self.bend_at_log(np.log(mass)) / mass
        return np.asarray(np.where(np.eye(nu.shape[-1], dtype=bool), curvature[..., None], 0.0))


class RootConjugate(Separable):
    """A separable functional whose conjugate is found by a root, because no formula is known.

    Math:
        R*(u) = min over c of c + sum_z f_z*(u(z) - c),

    with f_z* the conjugate over masses of at least 0. Every c gives an upper bound, so an inexact root makes a
    certificate larger, never smaller.
    """

    @abstractmethod
    def summand(self, nu: OverAnswers) -> OverAnswers:
        """Compute f_z(nu(z)), [*x, Z], in R-units."""

    @abstractmethod
    def mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Find the mass with f_z'(mass) = slope, [*x, Z]: 0 below the slope at 0, +inf above the slope at infinity."""

    @property
    def flat(self) -> Reachable:
        """Answers whose f_z is 0 everywhere, [Z] or scalar; mass on them is free."""
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
        slope = u - c
        nu = np.where(self.flat, 0.0, self.mass_at_slope(slope))
        gain = np.where(nu > 0, np.where(nu > 0, slope, 0.0) * nu - self.summand(nu), -self.summand(np.zeros_like(nu)))
        return np.asarray(np.where(open_, c[..., 0] + gain.sum(axis=-1), -np.inf))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Find the distribution that attains R*(u), [*x, Z]."""
        u = self._on_allowed(u)
        nu = np.where(self.flat, 0.0, self.mass_at_slope(u - self._multiplier(u)))
        nu = np.minimum(nu, 1.0)
        flat = np.where(self.flat, u, -np.inf)
        best = np.arange(u.shape[-1]) == flat.argmax(axis=-1)[..., None]
        # What the curved answers do not take goes to the best flat one; without any, what is missing is rounding.
        rest = np.maximum(1.0 - nu.sum(axis=-1, keepdims=True), 0.0)
        nu = nu + np.where(best & np.isfinite(flat), rest, 0.0)
        return np.asarray(nu / nu.sum(axis=-1, keepdims=True))

    def _on_allowed(self, u: OverAnswers) -> OverAnswers:
        return np.asarray(np.where(self.allowed(u.shape[-1]), u, -np.inf))

    def _multiplier(self, u: OverAnswers) -> np.ndarray:
        """Find c with sum of mass_at_slope(u - c) = 1, or the largest flat u if that is more.

        At c = max(u - f'(1)) some answer has mass 1; at c = max(u - f'(1/n)) none has more than 1/n.

        Args:
            u: Dual variable, [*x, Z].

        Returns:
            c, [*x, 1].
        """
        n = u.shape[-1]
        ends = [
            np.where(self.flat, u, u - self.gradient_at_log(np.full(u.shape, log_mass))).max(axis=-1, keepdims=True)
            for log_mass in (0.0, -np.log(n))
        ]
        floor = np.where(self.flat, u, -np.inf).max(axis=-1, keepdims=True)

        def missing(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            nu = np.where(self.flat, 0.0, self.mass_at_slope(u - c))
            positive = nu > 0
            with np.errstate(divide="ignore"):
                bend = self.bend_at_log(np.log(np.where(positive, nu, 1.0)))
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                slope = np.where(positive, nu / bend, 0.0).sum(axis=-1, keepdims=True)
                return 1.0 - nu.sum(axis=-1, keepdims=True), slope

        return np.asarray(np.maximum(increasing_root(missing, ends[0], np.maximum(ends[0], ends[1])), floor))
