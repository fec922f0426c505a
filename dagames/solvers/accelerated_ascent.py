"""Accelerated gradient ascent on the dual function of the target."""

from collections.abc import Iterator

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers, PerPrompt
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.path import solve_along
from dagames.solvers.solution import Iterate, Solution

_LONGEST = 2.0**20
"""Longest step, in units of beta: enough for policies near a vertex, and 60 halvings come down to `LEAST_STEP`."""


@with_default_errors
def accelerated_ascent_path(game: AlignmentGame) -> Iterator[Iterate]:
    """Yield the iterates of accelerated ascent on the dual, the initial one first; the iterator does not end.

    Math:
        D(u) = -beta log sum_z nu_0(z) exp(-u(z) / beta) - R*(u),   grad D(u) = nu(u) - grad R*(u),
        nu(u) the best response to u. Steps are halved until D rises by half of its first-order prediction; momentum
        (t - 1) / (t + 2), restarted where D falls.

    Args:
        game: A game whose conjugate is differentiable: R strictly convex.

    Yields:
        The policy's best response to each target, and the target.

    Raises:
        SolveError: If none of 60 step lengths raises the dual, as at a kink.

    Source:
        Nesterov, Soviet Mathematics Doklady 27 (1983) 372; restarts as in O'Donoghue and Candes (2015)
    """
    u = _u_of(game, game.log_best_target(game.log_reference))
    before, value = u, _dual(game, u)
    age = np.zeros(game.batch)
    step = np.full(game.batch, game.beta)
    while True:
        log_q = simplex.log_normalize(np.where(game.reachable, -u / game.beta, -np.inf))
        yield Iterate(_response(game, u), log_q)
        ahead = u + (age / (age + 3))[..., None] * (u - before)
        moved, reached, step = _ascend(game, ahead, np.asarray(np.minimum(1.5 * step, _LONGEST * game.beta)))
        # A fall means that the momentum overshot; the prompt starts again from a plain gradient step.
        fell = reached < value
        if fell.any():
            plain, plain_value, plain_step = _ascend(game, u, step)
            moved, reached = np.where(fell[..., None], plain, moved), np.asarray(np.where(fell, plain_value, reached))
            step = np.asarray(np.where(fell, plain_step, step))
        age = np.where(fell, 0.0, age + 1)
        before, u, value = u, moved, reached


def _ascend(game: AlignmentGame, u: OverAnswers, step: np.ndarray) -> tuple[OverAnswers, PerPrompt, np.ndarray]:
    """Take a gradient step from `u`, halved until the dual value rises enough."""
    with_bars = np.where(game.reachable, u, -np.inf)
    slope = np.exp(_response(game, u)) - game.functional.conjugate_gradient(with_bars)
    value, squared_slope = _dual(game, u), (slope * slope).sum(axis=-1)
    slack = _tolerances.DESCENT * np.maximum(1.0, np.abs(value))
    while True:
        moved = u + step[..., None] * slope
        reached = _dual(game, moved)
        fails = ~(reached >= value + 0.5 * step * squared_slope - slack)
        if not fails.any():
            return np.asarray(moved), reached, step
        # From `_LONGEST` this is 60 halvings away.
        if (step[fails] < _tolerances.LEAST_STEP * game.beta).any():
            raise SolveError(
                f"accelerated_ascent is stuck at a kink of the dual: the conjugate of {game.functional.name} is not "
                "differentiable there. Use `solve(game)`, or `solve_cutting_planes`, which is made for kinks.",
                "unsuited",
            )
        step = np.asarray(np.where(fails, 0.5 * step, step))


def _dual(game: AlignmentGame, u: OverAnswers) -> PerPrompt:
    log_factors = np.where(game.reachable, -u / game.beta, -np.inf)
    with_bars = np.where(game.reachable, u, -np.inf)
    return np.asarray(-game.beta * simplex.log_mean(game.log_nu_0, log_factors) - game.functional.conjugate(with_bars))


def _response(game: AlignmentGame, u: OverAnswers) -> OverAnswers:
    return simplex.log_normalize(np.where(game.reachable, game.log_nu_0 - u / game.beta, -np.inf))


def _u_of(game: AlignmentGame, log_q: OverAnswers) -> OverAnswers:
    return np.asarray(np.where(game.reachable, -game.beta * np.where(game.reachable, log_q, 0.0), 0.0))


@with_default_errors
def solve_accelerated_ascent(
    game: AlignmentGame, *, tolerance: float = _tolerances.GAP, max_iterations: int = 10_000
) -> Solution:
    """Run accelerated dual ascent until the gap certifies the policy.

    Args:
        game: A game whose functional is strictly convex.
        tolerance: Relative duality gap to reach.
        max_iterations: Steps allowed, each of at most 120 evaluations of the conjugate.

    Returns:
        The certified solution. A SolveError if the dual has a kink, or if it runs out of steps.

    >>> from dagames.functionals import Gini
    >>> solve_accelerated_ascent(AlignmentGame([0.9, 0.1], [0, 1], Gini(3.0), beta=0.5)).nu.round(4)
    array([0.6364, 0.3636])
    """
    advice = "Allow more `max_iterations`, or use `solve(game)`."
    return solve_along(game, accelerated_ascent_path(game), "accelerated_ascent", tolerance, max_iterations, advice)
