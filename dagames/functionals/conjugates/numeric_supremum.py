"""The supremum of <nu, u> - R(nu) for any R that is finite inside the simplex, kinks allowed."""

import numpy as np

from dagames._types import Hessian, OverAnswers
from dagames.functionals.base import Functional
from dagames.functionals.conjugates.cutting_planes import cutting_planes
from dagames.functionals.conjugates.interior_point import Supremum, interior_point


def numeric_supremum(functional: Functional, u: OverAnswers, tolerance: float) -> Supremum:
    """Maximise <nu, u> - R(nu) by an interior-point method, and by cutting planes for the prompts where that fails.

    Args:
        functional: The functional R, finite where every allowed answer has mass; its conjugate is not called.
        u: Dual variable, [*x, Z]; -inf forbids an answer, not every one of a row.
        tolerance: Gap that cutting planes should reach, relative to max(1, |R|, |<nu, u>|) with max u = 0.

    Returns:
        The better pair of both methods, with its gap.
    """
    found = interior_point(functional.value, functional.gradient, lambda nu: curvature(functional, nu), u)
    against = np.where(found.nu > 0, found.nu * np.where(found.nu > 0, u - u.max(axis=-1, keepdims=True), 0.0), 0.0)
    size = np.maximum(1.0, np.maximum(np.abs(against.sum(axis=-1)), np.abs(functional.value(found.nu))))
    nu, upper, gap = found.nu.copy(), found.upper.copy(), found.gap.copy()
    for place in map(tuple, np.argwhere(~(found.gap <= tolerance * size))):

        def value(point: np.ndarray, place: tuple[int, ...] = place) -> float:
            return float(functional.value(np.broadcast_to(point, u.shape).copy())[place])

        def gradient(point: np.ndarray, place: tuple[int, ...] = place) -> np.ndarray:
            # The parameters may vary with the prompts, so all prompts are evaluated and one is used.
            return np.asarray(functional.gradient(np.broadcast_to(point, u.shape).copy())[place])

        cut = cutting_planes(value, gradient, u[place], found.nu[place], tolerance)
        if cut.gap < gap[place]:
            nu[place], upper[place], gap[place] = cut.nu, cut.upper, cut.gap
    return Supremum(nu, upper, gap)


def curvature(functional: Functional, nu: OverAnswers) -> Hessian:
    """Compute the second derivative of R, or estimate it by central differences of the gradient, [*x, Z, Z].

    Math:
        G = H (I - nu 1'), column by column towards the vertices, and then (I - 1 nu') G, which is H for v of sum 0.

    An estimate affects only the steps of the interior-point method; no bound depends on it.

    Args:
        functional: The functional R.
        nu: Distributions, [*x, Z].

    Returns:
        A symmetric matrix; entries that are not finite are replaced by 0.
    """
    if (smooth := functional.as_smooth()) is not None:
        return smooth.hessian(nu)
    columns = []
    for vertex in np.eye(nu.shape[-1]):
        h = 1e-3 * np.minimum((nu * vertex).sum(axis=-1, keepdims=True), 0.1)
        used = h > 0
        ends = [functional.gradient(np.where(used, nu + s * (vertex - nu), nu)) for s in (h, -h)]
        with np.errstate(invalid="ignore"):
            columns.append(np.where(used, (ends[0] - ends[1]) / np.where(used, 2 * h, 1.0), 0.0))
    G = np.stack(columns, axis=-1)
    G = np.where(np.isfinite(G), G, 0.0)
    H = G - nu[..., None, :] @ G
    return np.asarray(0.5 * (H + np.swapaxes(H, -1, -2)))
