"""The supremum of <nu, u> - S(nu) - N(nu), S smooth and N known by its conjugate, by simplicial decomposition."""

import numpy as np

from dagames import _tolerances
from dagames._types import OverAnswers
from dagames.functionals.base import Functional
from dagames.functionals.conjugates.interior_point import Supremum, interior_point
from dagames.functionals.conjugates.numeric_supremum import curvature

_ROUNDS = 300
_TARGET = 1e-14
_LOG_LEAST = float(np.log(np.finfo(np.float64).tiny))


def composite_supremum(smooth: Functional, rough: Functional, u: OverAnswers) -> Supremum:
    """Maximise <nu, u> - S(nu) - N(nu) where N has no second derivative, or is infinite off a convex set.

    Math:
        sup <nu, u> - S(nu) - N(nu)  <=  <nu, g> - S(nu) + N*(u - g),   g = grad S(nu),

    for every nu, because S lies above its tangent. Each round adds the maximiser of N's conjugate at u - g to
    the points, and maximises over their hull, where N is at most the mean of its values: a smooth problem on a simplex
    of weights. For an indicator of a polytope the points are vertices,
    and the rounds are finitely many.

    Args:
        smooth: The functional S, finite inside the simplex; its conjugate is not called.
        rough: The functional N, whose conjugate and conjugate gradient are called.
        u: Dual variable, [*x, Z]; -inf forbids an answer, not every one of a row.

    Returns:
        The best pair found, with its gap. If N is infinite on the whole face, -inf with gap 0.
    """
    face = np.isfinite(u)
    linear = np.where(face, u, 0.0)

    def left(nu: OverAnswers) -> OverAnswers:
        """Compute u - grad S(nu), with masses of 0 lifted to float64's least, where the slope is finite."""
        with np.errstate(divide="ignore"):
            log_nu = np.maximum(np.log(nu), _LOG_LEAST)
        return np.where(face, linear - np.where(face, smooth.gradient_at_log(log_nu), 0.0), -np.inf)

    dual = left(face / face.sum(axis=-1, keepdims=True))
    infeasible = np.isneginf(rough.conjugate(dual))
    points = rough.conjugate_gradient(dual)[..., None, :]
    best = Supremum(points[..., 0, :], np.full(u.shape[:-1], np.inf), np.full(u.shape[:-1], np.inf))
    idle = 0
    for _ in range(_ROUNDS):
        nu, price = _on_hull(smooth, rough, points, linear)
        dual = left(nu)
        tilt = (nu * np.where(face, dual, 0.0)).sum(axis=-1)
        ceiling = rough.conjugate(dual)
        size = np.abs(tilt) + np.abs(price) + np.abs(smooth.value(nu))
        gap = np.where(infeasible, 0.0, ceiling - tilt + price)
        # If a value exceeds the bound, the conjugate of N is too small, and nothing is certified.
        gap = np.where(gap >= -_tolerances.ROUNDING * np.maximum(size, 1.0), np.maximum(gap, 0.0), np.inf)
        upper = np.where(infeasible, -np.inf, (nu * linear).sum(axis=-1) - tilt - smooth.value(nu) + ceiling)
        idle = idle + 1 if (gap >= 0.9 * best.gap).all() else 0
        best = best.or_better(nu, np.asarray(upper), np.asarray(gap))
        if (best.gap <= _TARGET * size).all() or idle == 5:
            break
        points = np.concatenate([points, rough.conjugate_gradient(dual)[..., None, :]], axis=-2)
    return best


def _on_hull(
    smooth: Functional, rough: Functional, points: np.ndarray, linear: OverAnswers
) -> tuple[OverAnswers, np.ndarray]:
    """Maximise over the hull of `points`, [*x, k, Z]; return the point and the average of N's values at them."""
    prices = np.stack([rough.value(points[..., i, :]) for i in range(points.shape[-2])], axis=-1)

    def mix(weights: np.ndarray) -> OverAnswers:
        return np.asarray((weights[..., None, :] @ points)[..., 0, :])

    found = interior_point(
        lambda w: np.asarray(smooth.value(mix(w)) + (w * prices).sum(axis=-1)),
        lambda w: np.asarray((points @ _finite(smooth.gradient(mix(w)))[..., None])[..., 0] + prices),
        lambda w: np.asarray(points @ _finite(curvature(smooth, mix(w))) @ np.swapaxes(points, -1, -2)),
        np.asarray((points @ linear[..., None])[..., 0]),
    )
    return mix(found.nu), np.asarray((found.nu * prices).sum(axis=-1))


def _finite(slopes: np.ndarray) -> np.ndarray:
    """Replace the infinite slopes of answers that no point uses: they are multiplied by 0."""
    return np.where(np.isfinite(slopes), slopes, 0.0)
