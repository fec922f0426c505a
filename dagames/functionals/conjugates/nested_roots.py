"""The maximiser of <nu, u> - R(nu) - beta sum nu log nu over the simplex for a separable R, by two nested roots.

Conjugates have beta = 0. Games have u = beta log nu_0, because their divergence is beta sum nu log(nu / nu_0).
"""

import numpy as np

from dagames import simplex
from dagames._types import OverAnswers
from dagames.functionals.base import Separable
from dagames.functionals.conjugates.interior_point import Supremum
from dagames.numerics.roots import increasing_root

_CORRECTIONS = 20
"""Largest number of corrections of the masses after c has converged; one or two are usual."""

_RECEIVER = 1e-8
"""Least ratio to the largest mass of the mass that is computed as 1 minus the sum of the others."""

_LOG_LEAST = float(np.log(np.finfo(np.float64).tiny))


def nested_roots(functional: Separable, u: OverAnswers, beta: float = 0.0) -> OverAnswers:
    """Maximise <nu, u> - R(nu) - beta sum nu log nu over the face of the simplex on which u is finite.

    Math:
        f_z'(nu(z)) + beta log nu(z) = u(z) - c where nu(z) > 0, with c fixed by sum nu = 1;
        if beta = 0, f_z'(0) >= u(z) - c where nu(z) = 0.

    For given c the log mass of each answer is a root, and c is the root of log sum nu. If beta = 0, an answer without
    curvature may have any mass at the one c at which its slope is u(z) - c.

    Args:
        functional: The functional R.
        u: Linear term, [*x, Z]; -inf forbids an answer. Each row has a finite entry.
        beta: Weight of the entropy, at least 0, in R-units.

    Returns:
        Log of the maximiser, [*x, Z].
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return _Masses(functional, u, beta).log_maximiser()


def separable_supremum(functional: Separable, u: OverAnswers) -> Supremum:
    """Maximise <nu, u> - R(nu) over the face of the simplex on which u is finite, with a bound.

    Args:
        functional: The functional R.
        u: Dual variable, [*x, Z]; -inf forbids an answer. Each row has a finite entry.

    Returns:
        The distribution, the bound of `interior_point`, which any nu gives, and its gap.
    """
    log_nu, face = nested_roots(functional, u), np.isfinite(u)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        slope = functional.gradient_at_log(np.maximum(log_nu, _LOG_LEAST))
    nu, shift = np.exp(log_nu), u.max(axis=-1)
    u = np.where(face, u - shift[..., None], 0.0)
    excess = np.where(face, u - np.where(face, slope, 0.0), -np.inf)
    top = excess.max(axis=-1)
    # Summed as nu times differences, so that a large constant in u does not cancel.
    gap = np.where(nu > 0, nu * (top[..., None] - np.where(nu > 0, excess, 0.0)), 0.0).sum(axis=-1)
    gain = (nu * u).sum(axis=-1)
    return Supremum(nu, np.asarray(gain - functional.value(nu) + gap + shift), np.asarray(gap))


class _Masses:
    """Log masses as functions of the multiplier c; each evaluation starts from the masses of the last one."""

    def __init__(self, functional: Separable, u: OverAnswers, beta: float) -> None:
        self.functional, self.beta = functional, beta
        self.face = np.isfinite(u)
        # A constant in u changes only c; without it, large numbers do not cancel.
        self.u = np.where(self.face, u - u.max(axis=-1, keepdims=True), 0.0)
        zeros = np.zeros(u.shape)
        self.at_one = np.where(self.face, functional.gradient_at_log(zeros), 0.0)
        self.flat = self.face & (functional.bend_at_log(zeros) + beta == 0)
        self.curved = self.face & ~self.flat
        self.share = zeros - np.log(self.face.sum(axis=-1, keepdims=True))
        self.guess = self.share

    def log_maximiser(self) -> OverAnswers:
        """Find the log of the maximiser, [*x, Z]."""
        at_share = np.where(self.face, self.functional.gradient_at_log(self.share) + self.beta * self.share, 0.0)
        # At the first c some answer has mass 1; at the second one none has more than the mean mass.
        low = self._largest(self.u - self.at_one, self.face)
        high = np.maximum(self._largest(self.u - at_share, self.face), low)
        c = increasing_root(self._missing, low, high)
        if self.beta > 0:
            return simplex.log_normalize(self._at(c))
        return self._summing_to_one(self._at(np.maximum(c, self._largest(self.u - self.at_one, self.flat))))

    def _at(self, c: np.ndarray) -> OverAnswers:
        """Find the log masses for c, [*x, 1], at most log 1; -inf where flat or forbidden."""
        # f' is at most f'(1) up to mass 1, which bounds the log mass from below if beta > 0.
        bound = (self.u - c - self.at_one) / self.beta if self.beta > 0 else np.full(self.u.shape, _LOG_LEAST)
        self.guess = increasing_root(
            lambda t: (
                np.where(self.curved, self.functional.gradient_at_log(t) + self.beta * t + c - self.u, 0.0),
                np.where(self.curved, self.functional.bend_at_log(t) + self.beta, 1.0),
            ),
            np.minimum(bound, 0.0),
            np.zeros(self.u.shape),
            self.guess,
        )
        return np.asarray(np.where(self.curved, self.guess, -np.inf))

    def _missing(self, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute -log sum nu at c and its slope, [*x, 1] each."""
        log_nu = self._at(c)
        log_sum = simplex.log_sum(log_nu)[..., None]
        moving = self.curved if self.beta > 0 else self.curved & (log_nu > _LOG_LEAST)
        bend = self.functional.bend_at_log(np.where(moving, log_nu, 0.0)) + self.beta
        slope = np.where(moving, np.exp(log_nu - log_sum) / bend, 0.0).sum(axis=-1, keepdims=True)
        return -log_sum, slope

    def _summing_to_one(self, log_nu: OverAnswers) -> OverAnswers:
        """Correct masses, [*x, Z], whose sum differs from 1 by the rounding of c or by the mass of a flat answer."""
        # Where a slope is 1e9, the rounding of a log mass changes it by 1e-6. A mass that is too small makes u - slope
        # of its answer the maximum in the bound, which costs 1e-6; one that is too large costs that times the mass.
        # Therefore log masses are rounded up, and one answer gets 1 minus the sum of the others.
        log_nu = np.minimum(log_nu * (1.0 - 8.0 * np.finfo(np.float64).eps), 0.0)
        for _ in range(_CORRECTIONS):
            log_nu, gain, missing = self._corrected(log_nu)
            if (np.abs(missing) <= 4.0 * np.finfo(np.float64).eps).all():
                break
        free = np.where(self.flat, self.u - self.at_one, -np.inf)
        # The rest of a mass near the rounding of 1 could be 0.
        gain = np.where(log_nu >= log_nu.max(axis=-1, keepdims=True) + np.log(_RECEIVER), gain, -np.inf)
        receiver = np.where(self.flat.any(axis=-1, keepdims=True), free, gain).argmax(axis=-1)
        receives = np.arange(self.u.shape[-1]) == receiver[..., None]
        rest = 1.0 - np.where(receives, 0.0, np.exp(log_nu)).sum(axis=-1, keepdims=True)
        return np.asarray(np.where(receives, np.log(np.maximum(rest, 0.0)), log_nu))

    def _corrected(self, log_nu: OverAnswers) -> tuple[OverAnswers, OverAnswers, np.ndarray]:
        """Change all slopes by one number, shorter than the spacing of float64 near c, so that the masses sum to 1.

        Where slopes hardly change with the mass, as nu^3 near 0, neighbouring numbers c have very different masses.

        Args:
            log_nu: Log masses, [*x, Z].

        Returns:
            The new log masses, and the derivative of each mass in its slope, [*x, Z]; the mass that was missing to a
            sum of 1, or 0 where a flat answer gets it, [*x, 1].
        """
        tiny, nu = np.finfo(np.float64).tiny, np.exp(log_nu)
        bend = self.functional.bend_at_log(np.where(self.curved, log_nu, 0.0))
        gain = np.where(self.curved, nu / np.maximum(bend, tiny), 0.0)
        share = gain / np.maximum(gain.sum(axis=-1, keepdims=True), tiny)
        has_flat = self.flat.any(axis=-1, keepdims=True)
        missing = np.where(has_flat, 0.0, 1.0 - nu.sum(axis=-1, keepdims=True))
        moved = np.maximum(nu + missing * share, 0.1 * nu)
        large = self.curved & (np.abs(moved - nu) > np.finfo(np.float64).eps)
        return np.where(large, np.log(np.where(large, moved, 1.0)), log_nu), gain, missing

    def _largest(self, values: OverAnswers, among: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(among, values, -np.inf).max(axis=-1, keepdims=True))
