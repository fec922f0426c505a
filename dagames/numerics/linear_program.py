"""Linear programs by HiGHS; vertices are returned with dual values, by which the caller can check them."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from dagames._errors import SolveError

Vector = NDArray[np.float64]

_MAGNIFICATION = 1e6
"""Factor by which the violations of a vertex are multiplied in the program that corrects it."""

_ROUNDING = 1e-14
"""Violation of a row or a bound that needs no correction, for numbers of size about 1."""

_OPTIONS: Any = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True, eq=False)
class Vertex:
    """An optimal vertex and its dual values.

    Attributes:
        point: The variables, [n].
        above: Dual values of the rows A x <= b, at least 0, [m].
        level: Dual values of the rows A x = b, of any sign, [k].
        bound: Reduced costs of the lower bounds, at least 0, [n].
    """

    point: Vector
    above: Vector
    level: Vector
    bound: Vector


def maximise(
    objective: Vector,
    above: tuple["scipy.sparse.csr_array", Vector],
    level: tuple["scipy.sparse.csr_array", Vector],
    bounds: NDArray[np.float64],
) -> Vertex | None:
    """Maximise <objective, x> over A x <= b, A' x = b', low <= x <= high.

    Args:
        objective: Coefficients, [n]; of size about 1.
        above: The matrix [m, n] and right-hand side [m] of the inequalities.
        level: Those of the equalities, [k, n] and [k].
        bounds: Lower and upper bounds, [n, 2].

    Returns:
        The vertex, or None if no point is feasible.

    Raises:
        SolveError: If HiGHS does not solve the program.

    >>> none = (scipy.sparse.csr_array((0, 2)), np.zeros(0))
    >>> sum_to_one = (scipy.sparse.csr_array(np.ones((1, 2))), np.ones(1))
    >>> maximise(np.array([1.0, 2.0]), none, sum_to_one, np.array([[0.0, 1.0], [0.0, 1.0]])).point
    array([0., 1.])
    """
    vertex = _solved(objective, above, level, bounds)
    if vertex is None:
        return None
    with np.errstate(all="ignore"):
        return _refined(vertex, objective, above, level, bounds)


def _solved(
    objective: Vector,
    above: tuple["scipy.sparse.csr_array", Vector],
    level: tuple["scipy.sparse.csr_array", Vector],
    bounds: NDArray[np.float64],
) -> Vertex | None:
    """Solve to the tolerances of HiGHS."""
    from scipy.optimize import linprog

    rows: dict[str, Any] = {"A_ub": above[0], "b_ub": above[1], "A_eq": level[0], "b_eq": level[1]}
    methods: tuple[Literal["highs", "highs-ds"], ...] = ("highs", "highs-ds")
    for method in methods:
        with np.errstate(all="ignore"):
            result: Any = linprog(-objective, bounds=bounds.tolist(), method=method, options=_OPTIONS, **rows)
        if result.status == 0:
            return Vertex(
                np.asarray(result.x),
                np.maximum(-np.asarray(result.ineqlin.marginals), 0.0),
                -np.asarray(result.eqlin.marginals),
                np.maximum(np.asarray(result.lower.marginals), 0.0),
            )
        if result.status == 2:
            return None
    raise SolveError(f"HiGHS did not solve the linear program: {result.message} Bring costs to a common scale.")


def _refined(
    vertex: Vertex,
    objective: Vector,
    above: tuple["scipy.sparse.csr_array", Vector],
    level: tuple["scipy.sparse.csr_array", Vector],
    bounds: NDArray[np.float64],
) -> Vertex:
    """Return the vertex with violations of rows reduced to rounding, or the same one if that is not needed or fails.

    HiGHS allows violations up to its tolerance, 1e-10. The correction solves the program of the violations times
    `_MAGNIFICATION`, to the same tolerance. The other arguments are those of `maximise`.
    """
    slack, residual = above[1] - above[0] @ vertex.point, level[1] - level[0] @ vertex.point
    low, high = bounds[:, 0] - vertex.point, bounds[:, 1] - vertex.point
    broken = max(
        (-slack).max(initial=0.0), np.abs(residual).max(initial=0.0), low.max(initial=0.0), (-high).max(initial=0.0)
    )
    if broken <= _ROUNDING:
        return vertex
    m = _MAGNIFICATION
    try:
        step = _solved(objective, (above[0], m * slack), (level[0], m * residual), m * np.column_stack([low, high]))
    except SolveError:
        return vertex
    return vertex if step is None else replace(step, point=vertex.point + step.point / m)
