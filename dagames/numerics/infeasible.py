"""Constraints that cannot be met: which, why, and the nearest that can."""

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
"""Times that the rounding of the nearest budgets is doubled until they are feasible."""


def infeasibility(
    rows: LinearConstraints, reachable: Reachable, place: str, is_feasible: Callable[[LinearConstraints], bool]
) -> InfeasibleError:
    """Describe why constraints cannot be met.

    Args:
        rows: The constraints.
        reachable: Answers with a trace, bool [X, Z].
        place: What the message puts before "no policy".
        is_feasible: Whether given constraints can be met.

    Returns:
        The error, which names the nearest feasible budgets.
    """
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
            wished, end = _apart(budget, float(rows.shares @ low[:, j]))
            reason = f"the least reachable value is {end}{where}"
        elif rows.equal[j] and above[j] < anchored.budgets[j] - slack[j]:
            wished, end = _apart(budget, float(rows.shares @ high[:, j]))
            reason = f"the largest reachable value is {end}"
        else:
            continue
        return InfeasibleError(f"{place}no policy satisfies {name} {sign} {wished}; {reason}. {remedy}", nearest)
    listed = ", ".join(
        f"{n} {'=' if e else '<='} {b:.6g}" for n, e, b in zip(rows.names, rows.equal, rows.budgets, strict=True)
    )
    message = f"{place}the constraints contradict each other: each of {listed} can be met, but not all together."
    return InfeasibleError(f"{message} {remedy}", nearest)


def nearest_budgets(
    rows: LinearConstraints, reachable: Reachable, is_feasible: Callable[[LinearConstraints], bool]
) -> PerConstraint:
    """Find feasible budgets of least total relaxation, sum_j |b'_j - b_j|.

    Args:
        rows: The constraints.
        reachable: Answers with a trace, bool [X, Z].
        is_feasible: Whether given constraints can be met.

    Returns:
        Budgets b', [d], at least b where the row is a budget; b itself if that is feasible. They are feasible as
        float64 numbers, rounded away from b where they must be.

    Raises:
        SolveError: If HiGHS finds no relaxation, which always exists.
    """
    n, d = int(reachable.sum()), rows.budgets.size
    unit = rows.unit(reachable)
    anchored = rows.anchored(reachable, unit)
    weighted, wanted = anchored.rows_over(reachable, np.ones(d, dtype=bool))
    dense = weighted.toarray()
    matrix = np.vstack([dense, -dense[rows.equal]])
    relax = np.vstack([np.eye(d), np.eye(d)[rows.equal]])
    above = scipy.sparse.csr_array(np.hstack([matrix, -relax])), np.append(wanted, -wanted[rows.equal])
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
    """Write two numbers with as many digits as tell them apart."""
    short = f"{budget:.6g}", f"{end:.6g}"
    return short if short[0] != short[1] else (repr(budget), repr(end))


def _about_rounding(rows: LinearConstraints, reachable: Reachable) -> str:
    """Explain that numbers so far from 0 are not exact enough for their row's spread, if that is so."""
    sizes = np.maximum(np.abs(rows.budgets), np.abs(np.where(reachable[:, None], rows.costs, 0.0)).max(axis=(0, 2)))
    rounded = np.spacing(sizes) > _tolerances.FEASIBILITY * rows.unit(reachable)
    if not rounded.any():
        return ""
    j = int(rounded.argmax())
    return (
        f" Numbers as large as {sizes[j]:.1g} in {rows.names[j]} are float64 only to {np.spacing(sizes[j]):.0e}, which "
        "its budget may miss: subtract a constant from the costs and the budget."
    )
