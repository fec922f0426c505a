"""The least objective within a bias budget, by exchange: solve on points, and add the worst points in between."""

from typing import NamedTuple

import numpy as np
from flint import arb, ctx

from dagames._errors import SolveError
from dagames.estimators.bernstein import as_rationals, raise_degree
from dagames.estimators.best_polynomial import best_exactly
from dagames.estimators.cuts import Cuts
from dagames.estimators.dual_bound import Measures
from dagames.estimators.estimand import Estimand, Vector, certified_bias
from dagames.estimators.interior_point import Saddle, Start, interior_point
from dagames.estimators.program import Balls, Objective, balls

_ROUNDS = 40
_DROPS = 8
"""Rounds after which no point is dropped, so that the exchange cannot cycle."""

_LOSS = 1e-7
"""Relative loss of the objective allowed for the bias between the points, and again for the objective between them."""

_COARSEST, _FINEST = 1e-4, 1e-9
"""First and last tolerance of the interior-point method: while the points still move, a rough solution is enough."""

_NEAR = 1e-2
"""Largest change of the value, relative, at which the next program starts from the multipliers of the last one."""

_LIKELY = 0.5
"""Rounding error expected where the bias is largest, as a share of the largest rounding error; raised if needed."""

_WELL_WITHIN = 0.9
"""Largest bias of the initial polynomial, as a share of the budget."""


class Solved(NamedTuple):
    """The best coefficients found within a budget, and multipliers that bound the optimum from below.

    Attributes:
        coefficients: c_0..c_n in float64, [n + 1].
        measures: The multipliers.
    """

    coefficients: Vector
    measures: Measures


def solve_within(
    n: int, budget: float, optimum: float, reward: Estimand, objective: Objective, *, stored: bool = True
) -> Solved:
    """Minimise the worst second moment, or the worst excess, within a bias budget.

    The program on the points has a smaller budget, with a margin for the error between the points and for the rounding
    to float64. The margin costs 10^-7 of the objective (the sensitivity is the mass of the multipliers), or more if
    rounding needs more.

    Args:
        n: Degree, at least 0.
        budget: Largest weighted bias, above `optimum`.
        optimum: The least bias possible, or a little more.
        reward: g.
        objective: "second_moment" or "variance".
        stored: Whether the rounded coefficients must be certified; otherwise only the multipliers are meant for use.

    Returns:
        The coefficients, of certified bias at most the budget, and the multipliers.

    Raises:
        SolveError: If no coefficients could be certified, because float64 cannot represent them, or if the exchange
            does not converge.
    """
    with ctx.workprec(160 + 3 * n):
        cuts, start = Cuts(n, reward, objective), Start(_start(n, budget, reward))
        price, rounding, accuracy = np.inf, 0.0, _COARSEST
        for turn in range(_ROUNDS):
            spare = 0.5 * (budget - optimum)
            inner = budget - min(min(_LOSS / price, 1e-3 * budget) + rounding, spare)
            program = cuts.program()
            saddle = interior_point(program, arb(inner), start, accuracy)
            look, coefficients = cuts.look(saddle), _rounded(saddle.c)
            lost = cuts.worst(balls(coefficients) - saddle.c) if stored else 0.0
            # Fewer points and a larger tolerance give smaller entries, so the final solution loses at least as much.
            if lost > budget - optimum:
                raise SolveError(_not_held(n, budget, optimum, reward), "rounding")
            rounding = max(rounding, _LIKELY * lost)
            met = look.bias <= budget and look.excess <= _LOSS
            if met and accuracy == _FINEST:
                measures = Measures(cuts.moments, saddle.mu, cuts.errors, saddle.weights)
                bias = certified_bias(as_rationals(coefficients), reward).upper
                if bias <= budget or not stored:
                    return Solved(coefficients, measures)
                if rounding >= spare:
                    raise SolveError(_not_held(n, budget, optimum, reward), "rounding")
                rounding += 1.5 * (bias - budget)
            over = max(look.bias / inner - 1.0, look.excess)
            accuracy = _FINEST if met else min(accuracy, max(1e-3 * over, _FINEST))
            price = float(np.abs(saddle.weights).sum()) / look.size
            points = cuts.moments, cuts.errors
            cuts.renew(program, saddle, inner, look, drop=turn < _DROPS)
            start = _again(saddle, points, cuts, max(over * max(1.0, price * budget), accuracy))
    raise SolveError(
        f"the exchange of points for degree {n}, the reward {reward.name!r} and a bias of {budget:.6g} did not "
        f"converge in {_ROUNDS} rounds. Change the budget a little.",
        "steps",
    )


def _not_held(n: int, budget: float, optimum: float, reward: Estimand) -> str:
    return (
        f"no table of degree {n} for the reward {reward.name!r} could be certified within a bias of {budget:.6g}, "
        f"{budget / optimum:.6g} times the optimum {optimum:.6g}: float64 cannot represent its coefficients. Allow a "
        "larger budget."
    )


def _again(saddle: Saddle, points: tuple[list[float], list[float]], cuts: Cuts, distance: float) -> Start:
    """Start from the last solution, and if it is near, also from its multipliers; those of new points are 0."""
    if distance > _NEAR:
        return Start(saddle.c)
    mu, weights = dict(zip(points[0], saddle.mu, strict=True)), dict(zip(points[1], saddle.weights, strict=True))
    return Start(
        saddle.c,
        distance,
        np.array([mu.get(p, arb(0)) for p in cuts.moments], dtype=object),
        np.array([weights.get(p, arb(0)) for p in cuts.errors], dtype=object),
    )


def _rounded(c: Balls) -> Vector:
    """Round to float64 so that the errors of neighbouring entries cancel in P, a weighted mean of the entries.

    The errors are second differences of rounding errors (second-order noise shaping). At K = 32 and the least bias this
    loses a sixth of what rounding each entry separately loses.

    Returns:
        The coefficients, [n + 1].
    """
    stored, error, before = np.empty(c.size), arb(0), arb(0)
    for k in reversed(range(c.size)):
        shaped = (c[k] + 2 * error - before).mid()
        stored[k] = float(shaped)
        error, before = (shaped - arb(stored[k])).mid(), error
    return stored


def _start(n: int, budget: float, reward: Estimand) -> Balls:
    """Start from the best polynomial of about the least degree within the budget, whose entries are small."""
    _, exact = best_exactly(n, reward)
    m = n
    while m > 0:
        m = int(0.8 * m)
        level, found = best_exactly(m, reward)
        if float(level.upper()) > _WELL_WITHIN * budget:
            break
        exact = found
    return balls(raise_degree(exact, n))
