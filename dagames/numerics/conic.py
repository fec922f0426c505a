"""Conic programs by Clarabel through cvxpy, with a check of the KKT conditions."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from dagames import _tolerances
from dagames._errors import InfeasibleError, SolveError

Vector = NDArray[np.float64]
Violation = Callable[[Vector], float]


@dataclass(frozen=True)
class KKT:
    """Relative residuals of the conic optimality conditions at a primal-dual point.

    Attributes:
        primal: |A x + s - b| relative to the data.
        dual: |P x + A' z + c| relative to the data.
        gap: |x' P x + c' x + b' z| relative to the objective's terms.
        cone: Distance of s to the cone and of z to its dual, relative to their size.
    """

    primal: float
    dual: float
    gap: float
    cone: float

    @property
    def worst(self) -> float:
        """The largest residual."""
        return max(self.primal, self.dual, self.gap, self.cone)


def solve_problem(problem: cp.Problem) -> KKT:
    """Solve a cvxpy problem with Clarabel and check the optimality conditions.

    Args:
        problem: A convex problem with linear, quadratic, second-order, exponential and power cones; its variables get
            their values.

    Returns:
        The residuals, each at most `_tolerances.CONIC_RESIDUAL`.

    Raises:
        InfeasibleError: If the solver finds no feasible point.
        SolveError: If the solver fails, or a residual is larger.
    """
    options = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    data, chain, inverse = problem.get_problem_data(cp.CLARABEL, solver_opts=options)
    raw = chain.solve_via_data(problem, data, warm_start=False, verbose=False, solver_opts=options)
    status = str(raw.status)
    if "PrimalInfeasible" in status:
        raise InfeasibleError("the conic problem has no feasible point.")
    if "Solved" not in status:
        raise SolveError(f"the conic solver stopped with status {status}; rescale the problem.")
    # cvxpy evaluates the objective at variables that rounding may have made negative; only the residuals are used.
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        # cvxpy warns about "almost solved" problems; the residuals decide whether they are accurate.
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        problem.unpack_results(raw, chain, inverse)
    residuals = kkt_residuals(data, np.asarray(raw.x), np.asarray(raw.z), np.asarray(raw.s))
    if not residuals.worst <= _tolerances.CONIC_RESIDUAL:
        raise SolveError(
            f"the conic solver returned status {status}, but the optimality conditions have the residuals "
            f"{residuals}; rescale the problem."
        )
    return residuals


def kkt_residuals(data: dict[str, Any], x: Vector, z: Vector, s: Vector) -> KKT:
    """Evaluate the conditions of min x'Px/2 + c'x over A x + s = b, s in the cone, for Clarabel's data from cvxpy."""
    A, b, c = data["A"], data["b"], data["c"]
    Px = data["P"] @ x if data.get("P") is not None else np.zeros_like(x)
    primal = _relative(A @ x + s - b, A @ x, s, b)
    dual = _relative(Px + A.T @ z + c, Px, A.T @ z, c)
    terms = np.array([x @ Px, c @ x, b @ z])
    gap = float(abs(terms.sum()) / max(1.0, np.abs(terms).max()))
    return KKT(primal, dual, gap, _cone_violation(data["dims"], s, z))


def _relative(residual: Vector, *parts: Vector) -> float:
    size = max(1.0, *(float(np.abs(part).max(initial=0.0)) for part in parts))
    return float(np.abs(residual).max(initial=0.0)) / size


def _cone_violation(dims: Any, s: Vector, z: Vector) -> float:
    """Return the largest distance of s to the cone and of z to its dual, relative to the largest entry."""
    worst, start = 0.0, 0
    size = max(1.0, float(np.abs(s).max(initial=0.0)), float(np.abs(z).max(initial=0.0)))
    blocks: list[tuple[Violation, Violation, int]] = [(_zero, _free, dims.zero), (_nonneg, _nonneg, dims.nonneg)]
    blocks += [(_second_order, _second_order, n) for n in dims.soc]
    blocks += [(_exponential, _dual_exponential, 3)] * dims.exp
    blocks += [(partial(_power, alpha=a), partial(_dual_power, alpha=a), 3) for a in dims.p3d]
    for outside, outside_dual, length in blocks:
        block = slice(start, start + length)
        start += length
        if length:
            worst = max(worst, outside(s[block]), outside_dual(z[block]))
    if start != s.size:
        raise SolveError(
            f"{s.size - start} rows belong to cones of a kind that has no check of the optimality conditions."
        )
    return worst / size


def _zero(v: Vector) -> float:
    return float(np.abs(v).max())


def _free(v: Vector) -> float:  # noqa: ARG001 - the dual of the zero cone is the whole space
    return 0.0


def _nonneg(v: Vector) -> float:
    return max(0.0, float(-v.min()))


def _second_order(v: Vector) -> float:
    return max(0.0, float(np.linalg.norm(v[1:]) - v[0]))


def _exponential(v: Vector) -> float:
    """Violation of the cone y exp(x / y) <= z, y > 0, as the least increase of z that repairs it."""
    x, y, z = (float(a) for a in v)
    if y <= 0:
        return max(-y, x, -z, 0.0)
    return max(0.0, y * float(np.exp(min(x / y, 700.0))) - z)


def _dual_exponential(v: Vector) -> float:
    """Violation of the dual cone -u exp(w / u - 1) <= t, u < 0, with v = (u, w, t)."""
    u, w, t = (float(a) for a in v)
    if u >= 0:
        return max(u, -w, -t, 0.0)
    return max(0.0, -u * float(np.exp(min(w / u - 1.0, 700.0))) - t)


def _power(v: Vector, alpha: float) -> float:
    """Violation of the cone x^alpha y^(1 - alpha) >= |z|, x, y >= 0."""
    x, y, z = (float(a) for a in v)
    bound = float(np.maximum(x, 0.0) ** alpha * np.maximum(y, 0.0) ** (1 - alpha))
    return max(0.0, -x, -y, abs(z) - bound)


def _dual_power(v: Vector, alpha: float) -> float:
    """Violation of the dual cone, which is the power cone after x / alpha and y / (1 - alpha)."""
    return _power(v / np.array([alpha, 1 - alpha, 1.0]), alpha)
