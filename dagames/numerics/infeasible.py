"""Messages for infeasible constraints, with the nearest feasible budgets."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy

from dagames import _tolerances
from dagames._errors import InfeasibleError, SolveError
from dagames._types import PerConstraint, Reachable
from dagames.numerics.constraints import LinearConstraints, spread_out, sums_over
from dagames.numerics.linear_program import maximise

_TRIES = 60
"""Maximum number of doublings of the step that makes the nearest budgets feasible in float64."""


def infeasibility(
    rows: LinearConstraints, reachable: Reachable, place: str, is_feasible: Callable[[LinearConstraints], bool]
) -> InfeasibleError:
    """Return the error for infeasible constraints: which row cannot hold and why, and the nearest feasible budgets."""
    nearest = nearest_budgets(rows, reachable, is_feasible)
    shown = np.array2string(nearest, separator=", ", floatmode="unique", max_line_width=10_000, threshold=10_000)
    remedy = f"The nearest feasible budgets are {shown}.{_about_rounding(rows, reachable)}"
    low, high = rows.ends(reachable)
    anchored = rows.anchored(reachable)
    below, above = (anchored.shares @ end for end in anchored.ends(reachable))
    slack = _tolerances.FEASIBILITY + rows.rounding(reachable, rows.unit(reachable))
    for j, name in enumerate(rows.names):
        budget, sign = float(rows.budgets[j]), "=" if rows.equal[j] else "<="
        if below[j] > anchored.budgets[j] + slack[j]:
            where = f" (answer {_cheapest(rows, reachable, j)})" if len(rows.shares) == 1 else ""
            required, end = _apart(budget, float(rows.shares @ low[:, j]))
            reason = f"the least reachable value is {end}{where}"
        elif rows.equal[j] and above[j] < anchored.budgets[j] - slack[j]:
            required, end = _apart(budget, float(rows.shares @ high[:, j]))
            reason = f"the largest reachable value is {end}"
        else:
            continue
        return InfeasibleError(f"{place}no policy satisfies {name} {sign} {required}; {reason}. {remedy}", nearest)
    listed = ", ".join(
        f"{n} {'=' if e else '<='} {b:.6g}" for n, e, b in zip(rows.names, rows.equal, rows.budgets, strict=True)
    )
    message = f"{place}the constraints contradict each other: each of {listed} is feasible alone, but not all together."
    return InfeasibleError(f"{message} {remedy}", nearest)


def nearest_budgets(
    rows: LinearConstraints, reachable: Reachable, is_feasible: Callable[[LinearConstraints], bool]
) -> PerConstraint:
    """Return feasible budgets of least total relaxation, sum_j |b'_j - b_j|, as float64 numbers.

    They are at least b where the row is a budget, rounded away from b where needed, and b itself if that is feasible.

    Raises:
        SolveError: If HiGHS finds no relaxation, although one always exists.
    """
    n, d = int(reachable.sum()), rows.budgets.size
    unit = rows.unit(reachable)
    anchored = rows.anchored(reachable, unit)
    weighted, right = anchored.rows_over(reachable, np.ones(d, dtype=bool))
    dense = weighted.toarray()
    matrix = np.vstack([dense, -dense[rows.equal]])
    relax = np.vstack([np.eye(d), np.eye(d)[rows.equal]])
    above = scipy.sparse.csr_array(np.hstack([matrix, -relax])), np.append(right, -right[rows.equal])
    sums = scipy.sparse.csr_array(
        scipy.sparse.hstack([sums_over(reachable), scipy.sparse.csr_array((reachable.shape[0], d))])
    )
    bounds = np.vstack([np.tile([0.0, 1.0], (n, 1)), np.tile([0.0, np.inf], (d, 1))])
    objective = np.append(np.zeros(n), -unit / unit.max())
    vertex = maximise(objective, above, (sums, np.ones(reachable.shape[0])), bounds)
    if vertex is None:
        raise SolveError("HiGHS found no relaxation of the budgets; bring costs to a common scale.")
    excess = anchored.expected(spread_out(vertex.point[:n], reachable)) - anchored.budgets
    excess = np.where(rows.equal, excess, np.maximum(excess, 0.0))
    excess = np.where(np.abs(excess) > _tolerances.FEASIBILITY, excess, 0.0)
    nearest = np.asarray(rows.budgets + excess * unit)
    step = np.sign(excess) * np.spacing(np.abs(nearest))
    for _ in range(_TRIES):
        if is_feasible(replace(rows, budgets=nearest)):
            break
        nearest, step = nearest + step, 2.0 * step
    return nearest


def _cheapest(rows: LinearConstraints, reachable: Reachable, j: int) -> int:
    return int(np.where(reachable[0], rows.costs[0, j], np.inf).argmin())


def _apart(budget: float, end: float) -> tuple[str, str]:
    """Format two numbers with 6 digits, or with all digits if they would be equal."""
    rounded = f"{budget:.6g}", f"{end:.6g}"
    return rounded if rounded[0] != rounded[1] else (repr(budget), repr(end))


def _about_rounding(rows: LinearConstraints, reachable: Reachable) -> str:
    """Return a hint if the float64 spacing of a row's numbers is too coarse for the spread of its costs."""
    sizes = np.maximum(np.abs(rows.budgets), np.abs(np.where(reachable[:, None], rows.costs, 0.0)).max(axis=(0, 2)))
    rounded = np.spacing(sizes) > _tolerances.FEASIBILITY * rows.unit(reachable)
    if not rounded.any():
        return ""
    j = int(rounded.argmax())
    return (
        f" Numbers as large as {sizes[j]:.1g} in {rows.names[j]} have a float64 spacing of {np.spacing(sizes[j]):.0e}, "
        "and its budget may be infeasible by rounding alone: subtract a constant from the costs and the budget."
    )
