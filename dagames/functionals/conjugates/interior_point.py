"""The supremum of <nu, u> - R(nu) over the simplex by an interior-point method, many prompts at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_STEPS = 120
_TARGET = 1e-15
"""Gap to aim for, relative to |<nu, u>| + |R(nu)| with max u = 0, and to the spread of the slopes up to 1 (certificates
are relative to at least 1): below it there is only rounding."""


@dataclass(frozen=True, eq=False)
class Supremum:
    """A distribution that almost attains sup <nu, u> - R(nu), and an upper bound on it, for each prompt.

    Attributes:
        nu: The distribution, [*x, Z].
        upper: A value that the supremum does not exceed, up to rounding, [*x].
        gap: `upper` minus what `nu` attains, [*x].
    """

    nu: Array
    upper: Array
    gap: Array

    def or_better(self, nu: Array, upper: Array, gap: Array) -> "Supremum":
        """Replace the prompts' pairs where the new gap is smaller."""
        better = gap < self.gap
        return Supremum(
            np.where(better[..., None], nu, self.nu),
            np.asarray(np.where(better, upper, self.upper)),
            np.asarray(np.where(better, gap, self.gap)),
        )


def interior_point(
    value: Callable[[Array], Array],
    gradient: Callable[[Array], Array],
    hessian: Callable[[Array], Array],
    u: Array,
) -> Supremum:
    """Maximise <nu, u> - R(nu) over the face of the simplex on which u is finite.

    Math:
        sup <nu, u> - R(nu)  <=  <nu, u> - R(nu) + max_z (u - g)(z) - <nu, u - g>,   g a subgradient of R at nu,

    for every nu, because R(mu) >= R(nu) + <g, mu - nu>. The bound holds for any steps. These are Newton
    steps on R(nu) - <nu, u> - m sum log nu with the barrier's curvature m / nu^2 replaced by s / nu, s the dual slack,
    and m is lowered as they succeed. In the variables scaled by sqrt(nu / s) the system is the identity plus a
    positive semidefinite matrix, so that masses near 0 cost no accuracy.

    Args:
        value: Computes R, [*x, Z] to [*x]; finite inside the face.
        gradient: Computes a subgradient of R, [*x, Z].
        hessian: Computes, or guesses, the second derivative, [*x, Z, Z].
        u: Dual variable, [*x, Z]; -inf forbids an answer, not every one of a row.

    Returns:
        The best pair found, with its gap.
    """
    face = np.isfinite(u)
    top = u.max(axis=-1)
    u = np.where(face, u - top[..., None], 0.0)
    n = face.sum(axis=-1)
    nu = np.where(face, 1.0 / n[..., None], 0.0)

    cost, gain, grad = value(nu), (nu * u).sum(axis=-1), _slope(gradient, nu, u, face)
    spread = np.asarray(_largest(grad, face) + _largest(-grad, face))
    barrier = np.where(spread > 0, spread, 1.0) / n
    slack = np.where(face, barrier[..., None] / np.where(face, nu, 1.0), 1.0)
    best = Supremum(nu, np.full(top.shape, np.inf), np.full(top.shape, np.inf))
    idle = np.zeros(top.shape)
    for _ in range(_STEPS):
        gap = (nu * grad).sum(axis=-1) + _largest(-grad, face)
        idle = np.where(gap < 0.9 * best.gap, 0, idle + 1)
        best = best.or_better(nu, np.asarray(gain - cost + gap + top), np.asarray(np.maximum(gap, 0.0)))
        target = _TARGET * (np.abs(gain) + np.abs(cost) + np.minimum(spread, 1.0))
        floor = 0.1 * target / n
        busy = np.asarray((best.gap > target) & (idle < np.where(barrier <= 2 * floor, 3, 15)))
        if not busy.any():
            break
        # The barrier is lowered when its optimum is near, by a factor that grows as it shrinks.
        tau = (nu * grad).sum(axis=-1) - n * barrier
        error = np.abs(np.where(face, nu * (grad - tau[..., None]) - barrier[..., None], 0.0)).max(axis=-1)
        lower = barrier * np.minimum(0.2, np.sqrt(barrier / np.where(spread > 0, spread, 1.0)))
        barrier = np.where(busy & (error <= 10 * barrier), np.maximum(lower, np.minimum(floor, barrier)), barrier)
        # A constant in the slope changes no step; subtracting it avoids cancellation.
        step = _direction(hessian(nu), grad - tau[..., None], nu, slack, barrier, face)
        nu, slack = _move(value, u, nu, slack, step, grad, barrier, busy, face)
        cost, gain, grad = value(nu), (nu * u).sum(axis=-1), _slope(gradient, nu, u, face)
    return best


def _slope(gradient: Callable[[Array], Array], nu: Array, u: Array, face: Mask) -> Array:
    return np.asarray(np.where(face, gradient(nu) - u, 0.0))


def _merit(value: Callable[[Array], Array], u: Array, nu: Array, barrier: Array, face: Mask) -> tuple[Array, Array]:
    """Compute the barrier function, and the size of its terms."""
    terms = [value(nu), -(nu * u).sum(axis=-1), -barrier * np.log(np.where(face, nu, 1.0)).sum(axis=-1)]
    return np.asarray(sum(terms)), np.asarray(sum(np.abs(term) for term in terms))


def _largest(values: Array, face: Mask) -> Array:
    return np.asarray(np.where(face, values, -np.inf).max(axis=-1))


def _direction(H: Array, grad: Array, nu: Array, slack: Array, barrier: Array, face: Mask) -> Array:
    """Solve (H + diag(s / nu)) d = m / nu - grad + tau 1 with sum d = 0, for the step d (and the number tau)."""
    scale = np.where(face, np.sqrt(nu / slack), 0.0)
    inside = face[..., :, None] & face[..., None, :]
    scaled = scale[..., :, None] * np.where(inside, H, 0.0) * scale[..., None, :]
    push = np.where(face, barrier[..., None] / np.where(face, nu, 1.0) - grad, 0.0)
    # Rounding next to a large curvature can remove the identity; the ridge restores it.
    ridge = 1.0 + 1e-15 * np.abs(scaled).max(axis=(-2, -1))
    found = (
        _solve(scaled + ridge[..., None, None] * np.eye(nu.shape[-1]), np.stack([scale * push, scale], axis=-1))
        * scale[..., None]
    )
    tau = -found[..., 0].sum(axis=-1) / found[..., 1].sum(axis=-1)
    return np.asarray(found[..., 0] + tau[..., None] * found[..., 1])


def _solve(matrix: Array, right: Array) -> Array:
    """Solve for the identity plus a semidefinite matrix; smaller eigenvalues of an estimated matrix are raised to 1."""
    try:
        np.linalg.cholesky(matrix)
        return np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        # `solve` can find a zero pivot where `cholesky` does not, if the curvature is very large.
        values, vectors = np.linalg.eigh(matrix)
        return np.asarray(vectors @ ((np.swapaxes(vectors, -1, -2) @ right) / np.maximum(values, 1.0)[..., None]))


def _move(
    value: Callable[[Array], Array],
    u: Array,
    nu: Array,
    slack: Array,
    step: Array,
    slope: Array,
    barrier: Array,
    busy: Mask,
    face: Mask,
) -> tuple[Array, Array]:
    """Step by at most 99 % of the way to the boundary, and until the barrier function falls."""
    mass = np.where(face, nu, 1.0)

    length = np.where(busy, np.minimum(1.0, 0.99 / np.maximum((-step / mass).max(axis=-1), 1e-300)), 0.0)
    fall = (step * np.where(face, slope - barrier[..., None] / mass, 0.0)).sum(axis=-1)
    before, size = _merit(value, u, nu, barrier, face)
    for _ in range(40):
        moved = nu + length[..., None] * step
        after, _ = _merit(value, u, moved, barrier, face)
        # Near the optimum the decrease is below rounding error; the Newton step is then accepted.
        bad = ~(after <= before + 1e-4 * length * fall + 1e-14 * size) & (-fall > 1e-3 * barrier)
        if not bad.any():
            break
        length = np.where(bad, 0.5 * length, length)
    change = np.where(face, barrier[..., None] / mass - slack - slack / mass * step, 0.0)
    reach = np.minimum(1.0, 0.99 / np.maximum((-change / slack).max(axis=-1), 1e-300))
    slack = slack + np.where(busy, reach, 0.0)[..., None] * change
    centred = np.where(face, barrier[..., None] / np.where(face, moved, 1.0), 1.0)
    bounded = np.clip(slack, 1e-10 * centred, 1e10 * centred)
    moved = moved / moved.sum(axis=-1, keepdims=True)
    return np.where(busy[..., None], moved, nu), np.where(face & busy[..., None], bounded, slack)
