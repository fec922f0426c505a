"""The least objective within a budget of bias, by exchange: solve at some points, cut where the solution is worst."""

from typing import NamedTuple

import numpy as np
from flint import arb, ctx

from dagames._errors import SolveError
from dagames.estimators.bernstein import as_rationals, raise_degree
from dagames.estimators.best_polynomial import best_exactly
from dagames.estimators.cuts import Cuts
from dagames.estimators.dual_bound import Measures
from dagames.estimators.estimand import Estimand, Vector, weighted_bias
from dagames.estimators.interior_point import Saddle, Start, interior_point
from dagames.estimators.program import Balls, Objective, balls

_ROUNDS = 40
_DROPS = 8
"""Rounds after which no point is dropped any more, so that nothing can go round in circles."""

_LOSS = 1e-7
"""Share of the objective given away for the bias between the points, and again for the objective there."""

_COARSEST, _FINEST = 1e-4, 1e-9
"""Accuracies asked of the interior-point method, at first and at last: points that will move need no exact solution."""

_NEAR = 1e-2
"""Distance of a solution from the next, as a share of the value, from which its multipliers help to find that."""

_LIKELY = 0.5
"""Share of the largest error of rounding that is expected where the bias is largest; more is taken if it is more."""

_WELL_WITHIN = 0.9
"""Share of the budget that the polynomial to begin with may use."""


class Solved(NamedTuple):
    """The best coefficients found within a budget, and multipliers that bound what any can do.

    Attributes:
        coefficients: c_0..c_n in float64, [n + 1].
        measures: The multipliers.
    """

    coefficients: Vector
    measures: Measures


def solve_within(
    n: int, budget: float, optimum: float, reward: Estimand, objective: Objective, *, stored: bool = True
) -> Solved:
    """Minimise the worst second moment, or the worst excess, within a budget of bias.

    A margin is taken off the budget, so that the error between the points and the rounding to float64 fit in: as much
    as costs 10^-7 of the objective, whose price is the mass of the multipliers; and more if rounding takes more.

    Args:
        n: Degree, at least 0.
        budget: Largest weighted bias, above `optimum`.
        optimum: The least bias possible, or a little more.
        reward: g.
        objective: "second_moment" or "variance".
        stored: Whether the coefficients must be certified as stored; otherwise only the multipliers are of use.

    Returns:
        The coefficients, of certified bias at most the budget, and the multipliers.

    Raises:
        SolveError: If no coefficients could be certified, because float64 does not hold them.
    """
    with ctx.workprec(160 + 3 * n):
        cuts, start = Cuts(n, reward, objective), Start(_start(n, budget, reward))
        price, rounding, accuracy = np.inf, 0.0, _COARSEST
        for turn in range(_ROUNDS):
            spare = 0.5 * (budget - optimum)
            inner = budget - min(min(_LOSS / price, 1e-3 * budget) + rounding, spare)
            stated = cuts.program()
            saddle = interior_point(stated, arb(inner), start, accuracy)
            look, coefficients = cuts.look(saddle), _rounded(saddle.c)
            lost = cuts.worst(balls(coefficients) - saddle.c) if stored else 0.0
            # Fewer points and a rough solution have smaller entries: what is lost here is lost by the solution too.
            if lost > budget - optimum:
                raise SolveError(_not_held(n, budget, optimum, reward), "rounding")
            rounding = max(rounding, _LIKELY * lost)
            met = look.bias <= budget and look.excess <= _LOSS
            if met and accuracy == _FINEST:
                measures = Measures(cuts.moments, saddle.mu, cuts.errors, saddle.weights)
                bias = weighted_bias(as_rationals(coefficients), reward).upper
                if bias <= budget or not stored:
                    return Solved(coefficients, measures)
                if rounding >= spare:
                    raise SolveError(_not_held(n, budget, optimum, reward), "rounding")
                rounding += 1.5 * (bias - budget)
            over = max(look.bias / inner - 1.0, look.excess)
            accuracy = _FINEST if met else min(accuracy, max(1e-3 * over, _FINEST))
            price = float(np.abs(saddle.weights).sum()) / look.size
            points = cuts.moments, cuts.errors
            cuts.renew(stated, saddle, inner, look, drop=turn < _DROPS)
            start = _again(saddle, points, cuts, max(over * max(1.0, price * budget), accuracy))
    raise SolveError(
        f"the exchange of points for degree {n}, the reward {reward.name!r} and a bias of {budget:.6g} did not settle "
        f"in {_ROUNDS} rounds. Change the budget a little.",
        "steps",
    )


def _not_held(n: int, budget: float, optimum: float, reward: Estimand) -> str:
    return (
        f"no table of degree {n} for the reward {reward.name!r} could be certified within a bias of {budget:.6g}, "
        f"{budget / optimum:.6g} times the optimum {optimum:.6g}: float64 does not hold its coefficients. Ask for a "
        "larger budget."
    )


def _again(saddle: Saddle, points: tuple[list[float], list[float]], cuts: Cuts, distance: float) -> Start:
    """Begin where the last program ended, if that is near; new points have no weight yet."""
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
    """Round to float64 so that errors of neighbours cancel: P is a mean over neighbours, and smooths them away.

    The error of one entry and the change of errors before it are taken from the next, so that the errors are second
    differences of rounding; at K = 32 and the least bias the loss is a sixth of that of rounding each by itself.

    Returns:
        The coefficients, [n + 1].
    """
    stored, error, before = np.empty(c.size), arb(0), arb(0)
    for k in reversed(range(c.size)):
        wanted = (c[k] + 2 * error - before).mid()
        stored[k] = float(wanted)
        error, before = (wanted - arb(stored[k])).mid(), error
    return stored


def _start(n: int, budget: float, reward: Estimand) -> Balls:
    """Begin with the best polynomial of the least degree, roughly, that is within the budget: its entries are small."""
    _, exact = best_exactly(n, reward)
    m = n
    while m > 0:
        m = int(0.8 * m)
        level, found = best_exactly(m, reward)
        if float(level.upper()) > _WELL_WITHIN * budget:
            break
        exact = found
    return balls(raise_degree(exact, n))
