"""The face of the simplices that linear constraints allow, and a point in its relative interior."""

from dataclasses import dataclass, field, replace

import numpy as np
import scipy

from dagames import _tolerances
from dagames._errors import InfeasibleError, SolveError
from dagames._types import Flags, OverAnswers, PerConstraint, Reachable
from dagames.numerics.constraints import LinearConstraints, spread_out, sums_over
from dagames.numerics.infeasible import infeasibility
from dagames.numerics.linear_program import Vertex, maximise

_NONE = 1e-15
"""Mass of an answer, and slack of all rows, that count as 0."""

_PRICE = 1e-10
"""Dual value of a linear program above which a constraint counts as binding; the largest is about 1."""

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Face:
    """The face of the simplices that feasible marginals span, and a point in its relative interior.

    Attributes:
        allowed: Answers to which some feasible marginal gives mass, bool [X, Z].
        equal: Rows that hold with equality for every feasible marginal, bool [d].
        centre: A feasible marginal, positive on every allowed answer, [X, Z].
        rows: The constraints on the allowed answers, anchored, in `unit`; budgets that are feasible only up to rounding
            are replaced by the values of the centre.
        unit: Unit of each row, [d]: multipliers of the constraints are those of `rows` divided by it.
        prices: For each round of reduction, multipliers of `rows` [d] under which the costs are constant on the face.
        infinite: Sign of the infinite multiplier of each row that forces answers to mass 0, [d]; 0 for other rows.
    """

    allowed: Reachable
    equal: Flags
    centre: OverAnswers
    rows: LinearConstraints
    unit: PerConstraint
    prices: tuple[PerConstraint, ...] = field(default=())
    infinite: PerConstraint = field(default_factory=lambda: np.zeros(0))

    def inside(self, nu: OverAnswers, share: float = 0.9) -> OverAnswers:
        """Move marginals towards the centre, so that they are feasible.

        Args:
            nu: Marginals, [X, Z], which may violate the constraints.
            share: Fraction of the way from the centre to the marginals, or to the boundary before them; below 1 the
                result is in the relative interior.

        Returns:
            Feasible marginals, [X, Z]; positive on every allowed answer if `share` is below 1.
        """
        mask = self.allowed
        (below, budgets), (level, _) = self.rows.rows_over(mask, ~self.equal), self.rows.rows_over(mask, self.equal)
        centre, fixed = self.centre[mask], scipy.sparse.vstack([level, sums_over(mask)]).toarray()
        with np.errstate(under="ignore", over="ignore"):
            step = nu[mask] - centre
            step = step - np.linalg.lstsq(fixed, fixed @ step, rcond=None)[0]
            growth = np.append(below @ step, -step)
            room = np.append(np.maximum(budgets - below @ centre, 0.0), centre)
            reach = np.divide(room, growth, out=np.full_like(growth, np.inf), where=growth > 0).min(initial=1.0)
            return spread_out(centre + share * reach * step, mask)


def find_face(constraints: LinearConstraints, reachable: Reachable, place: str = "") -> Face:
    """Find the answers that feasible marginals use, and a feasible marginal that is positive on all of them.

    A budget without slack, such as 0, forces answers to mass 0 or holds with equality for every feasible marginal. Both
    are found by linear programs, and the search continues on the remaining answers and rows.

    Args:
        constraints: The constraints.
        reachable: Answers with a trace, bool [X, Z].
        place: Prefix of messages, such as "prompt 3: ".

    Returns:
        The face; an InfeasibleError with the nearest feasible budgets if no marginal is feasible, and a SolveError if
        rounding keeps the face from being found.

    Raises:
        InfeasibleError: If some prompt has no answer at all.

    >>> costs, one = np.array([[[0.0, 0.5, 1.0]]]), np.ones(1)
    >>> rows = LinearConstraints(costs, np.zeros(1), np.array([False]), one, ("costs[0]",))
    >>> find_face(rows, np.ones((1, 3), dtype=bool)).allowed
    array([[ True, False, False]])
    """
    if not reachable.any(axis=-1).all():
        raise InfeasibleError(f"{place}no answer both has a trace and is allowed by the other parts.")
    face = _search(constraints, reachable)
    if face is None:
        error = infeasibility(constraints, reachable, place, lambda rows: _search(rows, reachable) is not None)
        raise error
    return face


def _search(constraints: LinearConstraints, reachable: Reachable) -> Face | None:
    """Remove answers and fix rows until an interior point exists; return None if no marginal is feasible."""
    mask, equal = np.array(reachable), np.array(constraints.equal)
    unit = constraints.unit(mask)
    prices: list[PerConstraint] = []
    infinite = np.zeros(equal.size)
    # Each round makes a row an equality or removes an answer.
    for _ in range(equal.size + mask.size + 1):
        rows, varied = _with_constant_rows_empty(constraints.anchored(mask, unit), mask)
        rounding = constraints.rounding(mask, unit)
        if _missed(rows, mask, rounding):
            return None
        forced = _single(rows, mask, varied, rounding)
        if forced is None:
            centre, forced = _centre(rows, mask, equal, varied)
            if centre is None:
                return None
            if forced is None:
                # Constant costs may exceed their budget by rounding.
                exceeded = (~equal & (rows.expected(centre) > rows.budgets)).any()
                mended = _mended(rows, centre, equal) if prices or exceeded else rows
                return Face(mask, equal, centre, mended, unit, tuple(prices), infinite)
        price, out = forced
        tight = ~equal & (price > _PRICE)
        prices.append(price)
        infinite = np.where(np.abs(price) > _PRICE, np.sign(price), infinite) if out.any() else infinite
        equal, mask = equal | tight, mask & ~out
    raise SolveError("the face of the feasible marginals was not found; bring costs to a common scale.")


def _with_constant_rows_empty(rows: LinearConstraints, mask: Reachable) -> tuple[LinearConstraints, Flags]:
    """Set costs that are constant over the marked answers to 0; return also which rows are not, bool [d]."""
    low, high = rows.ends(mask)
    varied = (high - low).max(axis=0) > _tolerances.FEASIBILITY
    return replace(rows, costs=np.where(varied[:, None], rows.costs, 0.0)), varied


def _missed(rows: LinearConstraints, mask: Reachable, rounding: PerConstraint) -> bool:
    """Return whether some row alone is infeasible."""
    low, high = rows.ends(mask)
    below = rows.shares @ low - rows.budgets
    above = rows.budgets - rows.shares @ high
    return bool((np.maximum(below, np.where(rows.equal, above, below)) > _tolerances.FEASIBILITY + rounding).any())


def _single(
    rows: LinearConstraints, mask: Reachable, varied: Flags, rounding: PerConstraint
) -> tuple[PerConstraint, Reachable] | None:
    """Find a row that alone forces answers to mass 0; return its multiplier, [d], and the answers, bool [X, Z]."""
    for j in np.flatnonzero(varied):
        for sign in (1.0, -1.0) if rows.equal[j] else (1.0,):
            price = np.where(np.arange(varied.size) == j, sign, 0.0)
            out = _forbidden(rows, price, mask, float(rounding[j]), _tolerances.FEASIBILITY)
            if out.any():
                return price, out
    return None


def _forbidden(
    rows: LinearConstraints, price: PerConstraint, mask: Reachable, rounding: float, least: float
) -> Reachable:
    """Return the answers whose mass a weighted sum of the rows bounds by at most `_NONE`, bool [X, Z].

    For every feasible nu, sum_x s_x <p'c_x - min p'c_x, nu_x> is at most p'b - sum_x s_x min_z p'c_x(z), with
    multipliers p = `price`. `rounding` bounds the error of the right side; reduced costs up to `least` count as 0.
    """
    with np.errstate(under="ignore"):
        priced = np.einsum("d,xdz->xz", price, rows.costs)
        low = np.where(mask, priced, np.inf).min(axis=-1)
        reduced = rows.shares[:, None] * (priced - low[:, None])
        room = float(price @ rows.budgets - rows.shares @ low) - rounding
        return np.asarray(mask & (reduced > least) & (room <= _NONE * reduced))


def _centre(
    rows: LinearConstraints, mask: Reachable, equal: Flags, varied: Flags
) -> tuple[OverAnswers | None, tuple[PerConstraint, Reachable] | None]:
    """Return an interior marginal and None, or one and the multipliers of tight rows; None, None if infeasible."""
    if not varied.any():
        return spread_out(np.ones(int(mask.sum())), mask), None
    if varied.sum() == 1 and not equal[varied].any():
        return _toward_the_cheapest(rows, mask, int(varied.argmax())), None
    vertex = _widest(rows, mask, equal, varied)
    if vertex is None or vertex.point[-1] < -_tolerances.FEASIBILITY:
        return None, None
    centre = spread_out(vertex.point[:-1], mask)
    if vertex.point[-1] > 10 * _NONE:
        return centre, None
    price = np.zeros(equal.size)
    price[varied & ~equal] = vertex.above
    price[varied & equal] = vertex.level[: int((varied & equal).sum())]
    out = _forbidden(rows, price, mask, 100 * _EPS, _PRICE)
    tight = ~equal & (price > _PRICE)
    return centre, (price, out) if out.any() or tight.any() else None


def _toward_the_cheapest(rows: LinearConstraints, mask: Reachable, j: int) -> OverAnswers:
    """Mix the uniform marginal with that of the cheapest answers, so that half of row j's slack remains."""
    costs, even = rows.costs[:, j], mask / mask.sum(axis=-1, keepdims=True)
    cheapest = mask & (costs == np.where(mask, costs, np.inf).min(axis=-1, keepdims=True))
    cheap = cheapest / cheapest.sum(axis=-1, keepdims=True)
    with np.errstate(under="ignore"):
        least, mean = (float(rows.shares @ (costs * nu).sum(axis=-1)) for nu in (cheap, even))
        share = min(1.0, max(0.5 * (float(rows.budgets[j]) - least), 0.0) / (mean - least))
        return np.asarray((1 - share) * cheap + share * even)


def _widest(rows: LinearConstraints, mask: Reachable, equal: Flags, varied: Flags) -> Vertex | None:
    """Return the vertex of largest t with every budget's slack at least t units and every mass at least t / n answers.

    The variables are the masses above this bound, and t: this needs no row per answer, so that it is as fast as the
    program of `support`. The point of the vertex is the masses [n], followed by t.
    """
    (below, budgets), (level, values) = rows.rows_over(mask, varied & ~equal), rows.rows_over(mask, varied & equal)
    share = 1.0 / mask.sum(axis=-1)[np.nonzero(mask)[0]]
    keep = scipy.sparse.hstack([below, scipy.sparse.csr_array((below @ share + 1.0)[:, None])])
    fixed = scipy.sparse.vstack([level, sums_over(mask)])
    levels = scipy.sparse.hstack([fixed, scipy.sparse.csr_array((fixed @ share)[:, None])])
    bounds = np.vstack([np.tile([0.0, np.inf], (share.size, 1)), [-1.0, 1.0]])
    vertex = maximise(
        np.append(np.zeros(share.size), 1.0),
        (scipy.sparse.csr_array(keep), budgets),
        (scipy.sparse.csr_array(levels), np.append(values, np.ones(mask.shape[0]))),
        bounds,
    )
    if vertex is None:
        return None
    t = vertex.point[-1]
    return replace(vertex, point=np.append(vertex.point[:-1] + t * share, t))


def _mended(rows: LinearConstraints, centre: OverAnswers, equal: Flags) -> LinearConstraints:
    """Replace budgets that the centre violates by rounding by its expected costs."""
    expected = rows.expected(centre)
    reached = np.where(equal, expected, np.maximum(expected, rows.budgets))
    near = np.abs(reached - rows.budgets) <= 2 * _tolerances.FEASIBILITY
    return replace(rows, budgets=np.asarray(np.where(near, reached, rows.budgets)))
