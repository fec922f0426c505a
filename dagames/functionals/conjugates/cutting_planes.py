"""The supremum of <nu, u> - R(nu) for a convex R with kinks, by cutting planes."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dagames import _tolerances
from dagames.functionals.conjugates.interior_point import Supremum

Vector = NDArray[np.float64]

_CUTS = 400


def cutting_planes(
    value: Callable[[Vector], float],
    gradient: Callable[[Vector], Vector],
    u: Vector,
    start: Vector,
    tolerance: float,
) -> Supremum:
    """Maximise <nu, u> - R(nu) over the face of the simplex on which u is finite, for one prompt.

    Math:
        R(nu) >= max_i R(nu_i) + <g_i, nu - nu_i>, so for any weights w_i of sum 1
        sup <nu, u> - R(nu)  <=  max_z (u - sum_i w_i g_i)(z) - sum_i w_i (R(nu_i) - <g_i, nu_i>).

    Each round is a linear program over nu and the height of the cuts; its multipliers are the weights, and the bound
    is computed from them. Where R is a maximum of linear functions the rounds are finitely many; a
    curved R of many answers needs too many, and is left to `interior_point`.

    Args:
        value: Computes R at one distribution.
        gradient: Computes a subgradient of R there.
        u: Dual variable, [Z]; -inf forbids an answer, not all of them.
        start: The first distribution, [Z], positive on the face.
        tolerance: Gap at which to stop, relative to max(1, |R|, |<nu, u>|) with max u = 0.

    Returns:
        The best pair found, with its gap.
    """
    face = np.isfinite(u)
    top = u[face].max()
    tilt = u[face] - top
    slopes: list[Vector] = []
    heights: list[float] = []
    best, attained, upper, size = start, -np.inf, np.inf, 1.0
    point = start
    for _ in range(_CUTS):
        cost, slope = value(point), gradient(point)[face]
        gain = float(point[face] @ tilt)
        if gain - cost > attained:
            best, attained, size = point, gain - cost, max(1.0, abs(cost), abs(gain))
        if upper - attained <= tolerance * size:
            break
        slopes.append(tilt - slope)
        heights.append(cost - float(slope @ point[face]))
        mass, weights = _master(np.array(slopes), np.array(heights))
        upper = min(upper, float((weights @ np.array(slopes)).max() - weights @ np.array(heights)))
        point = np.zeros(u.shape)
        point[face] = mass
    gap = upper - attained
    # If a value exceeds the bound, some cut is not a tangent, and nothing is certified.
    gap = max(gap, 0.0) if gap >= -_tolerances.ROUNDING * size else np.inf
    return Supremum(best, np.asarray(upper + top), np.asarray(gap))


def _master(slopes: Vector, heights: Vector) -> tuple[Vector, Vector]:
    """Maximise the height t with t <= slopes nu - heights over the simplex; return nu and the cuts' multipliers."""
    # Imported late: SciPy's optimisation takes half a second, and few functionals have kinks.
    from scipy.optimize import linprog

    rows, n = slopes.shape
    scale = max(1.0, float(np.abs(slopes).max()))
    found = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.column_stack([-slopes / scale, np.ones(rows)]),
        b_ub=-heights / scale,
        A_eq=np.append(np.ones(n), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0.0, 1.0)] * n + [(None, None)],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if found.x is None:
        # If the linear program fails, the last cut alone gives a bound.
        return np.full(n, 1.0 / n), np.eye(rows)[-1]
    mass = np.maximum(found.x[:n], 0.0)
    weights = np.maximum(-found.ineqlin.marginals, 0.0)
    if weights.sum() == 0:
        weights = np.eye(rows)[-1]
    return mass / mass.sum(), weights / weights.sum()
