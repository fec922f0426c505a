"""The supremum of <nu, u> - R(nu) over the simplex for a separable R, by two nested roots."""

import numpy as np

from dagames._types import OverAnswers
from dagames.functionals.base import Separable
from dagames.functionals.conjugates.interior_point import Supremum
from dagames.numerics.roots import increasing_root

_LEVELLINGS = 20
"""Steps of the masses at most, after c is found to float64; one or two are usual."""

_LOG_LEAST = float(np.log(np.finfo(np.float64).tiny))


def separable_supremum(functional: Separable, u: OverAnswers) -> Supremum:
    """Maximise <nu, u> - R(nu) over the face of the simplex on which u is finite.

    Math:
        f_z'(nu(z)) = u(z) - c where nu(z) > 0, and f_z'(0) >= u(z) - c elsewhere, with c fixed by sum nu = 1.

    For given c the log mass of each answer is a root, and c is the root of the missing mass, as in the game itself
    (where the divergence to the reference adds beta log nu to f'). An answer without curvature takes any mass at the
    one c at which its slope is u(z) - c. The bound is that of `interior_point`, which any nu gives.

    Args:
        functional: The functional R.
        u: Dual variable, [*x, Z]; -inf forbids an answer, not every one of a row.

    Returns:
        The distribution, the bound and its gap.
    """
    masses = _Masses(functional, u)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        log_nu = masses.log_maximiser()
        slope = functional.gradient_at_log(np.maximum(log_nu, _LOG_LEAST))
    nu = np.exp(log_nu)
    excess = np.where(masses.face, masses.u - np.where(masses.face, slope, 0.0), -np.inf)
    top = excess.max(axis=-1)
    # Summed as nu times differences, so that a large constant in u does not cancel.
    gap = np.where(nu > 0, nu * (top[..., None] - np.where(nu > 0, excess, 0.0)), 0.0).sum(axis=-1)
    gain = (nu * masses.u).sum(axis=-1)
    return Supremum(nu, np.asarray(gain - functional.value(nu) + gap), np.asarray(gap))


class _Masses:
    """The masses at which every answer has the same slope but for its u, as functions of the common slope c."""

    def __init__(self, functional: Separable, u: OverAnswers) -> None:
        self.functional = functional
        self.face = np.isfinite(u)
        self.u = np.where(self.face, u, 0.0)
        zeros = np.zeros(u.shape)
        self.at_one = np.where(self.face, functional.gradient_at_log(zeros), 0.0)
        self.flat = self.face & (functional.bend_at_log(zeros) == 0)
        self.curved = self.face & ~self.flat
        self.share = zeros - np.log(u.shape[-1])
        self.guess = self.share

    def log_maximiser(self) -> OverAnswers:
        """Find the log of the maximiser, [*x, Z]."""
        at_share = np.where(self.face, self.functional.gradient_at_log(self.share), 0.0)
        low = self._largest(self.u - self.at_one, self.face)
        high = np.maximum(self._largest(self.u - at_share, self.face), low)
        floor = self._largest(self.u - self.at_one, self.flat)
        log_nu = self.at(np.maximum(increasing_root(self.missing, low, high), floor))
        # Where a slope is 1e9 the rounding of a log mass moves it by 1e-6: too far above u - c, that would ruin the
        # bound, below it costs only mass times that. So log masses are rounded up, and one answer takes the rest.
        log_nu = np.minimum(log_nu * (1.0 - 8.0 * np.finfo(np.float64).eps), 0.0)
        for _ in range(_LEVELLINGS):
            log_nu, give, missing = self._levelled(log_nu)
            if (np.abs(missing) <= 4.0 * np.finfo(np.float64).eps).all():
                break
        free = np.where(self.flat, self.u - self.at_one, -np.inf)
        taker = np.where(self.flat.any(axis=-1, keepdims=True), free, give).argmax(axis=-1)
        taken = np.arange(self.u.shape[-1]) == taker[..., None]
        rest = 1.0 - np.where(taken, 0.0, np.exp(log_nu)).sum(axis=-1, keepdims=True)
        return np.asarray(np.where(taken, np.log(np.maximum(rest, 0.0)), log_nu))

    def _levelled(self, log_nu: OverAnswers) -> tuple[OverAnswers, OverAnswers, np.ndarray]:
        """Move all slopes by one number, so that the masses sum to 1: a step in c shorter than float64 holds.

        Where slopes hardly change with the mass, as nu^3 near 0, neighbouring numbers c have very different masses.

        Args:
            log_nu: Log masses, [*x, Z].

        Returns:
            The new log masses and how much each mass changes for a change of its slope, [*x, Z]; what was missing to a
            sum of 1, or 0 where a linear answer takes that, [*x, 1].
        """
        tiny, nu = np.finfo(np.float64).tiny, np.exp(log_nu)
        bend = self.functional.bend_at_log(np.where(self.curved, log_nu, 0.0))
        give = np.where(self.curved, nu / np.maximum(bend, tiny), 0.0)
        share = give / np.maximum(give.sum(axis=-1, keepdims=True), tiny)
        taken = self.flat.any(axis=-1, keepdims=True)
        missing = np.where(taken, 0.0, 1.0 - nu.sum(axis=-1, keepdims=True))
        moved = np.maximum(nu + missing * share, 0.1 * nu)
        large = self.curved & (np.abs(moved - nu) > np.finfo(np.float64).eps)
        return np.where(large, np.log(np.where(large, moved, 1.0)), log_nu), give, missing

    def at(self, c: np.ndarray) -> OverAnswers:
        """Find the log masses for c, [*x, 1], at most log 1; -inf where flat or forbidden."""
        self.guess = increasing_root(
            lambda t: (
                np.where(self.curved, self.functional.gradient_at_log(t) + c - self.u, 0.0),
                np.where(self.curved, self.functional.bend_at_log(t), 1.0),
            ),
            np.full(self.u.shape, _LOG_LEAST),
            np.zeros(self.u.shape),
            self.guess,
        )
        return np.asarray(np.where(self.curved, self.guess, -np.inf))

    def missing(self, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute 1 - sum nu at c and its slope, [*x, 1] each."""
        log_nu = self.at(c)
        nu = np.exp(log_nu)
        moving = self.curved & (log_nu > _LOG_LEAST)
        bend = self.functional.bend_at_log(np.where(moving, log_nu, 0.0))
        slope = np.where(moving, nu / bend, 0.0).sum(axis=-1, keepdims=True)
        return 1.0 - nu.sum(axis=-1, keepdims=True), slope

    def _largest(self, values: OverAnswers, among: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(among, values, -np.inf).max(axis=-1, keepdims=True))
