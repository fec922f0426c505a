"""Mirror descent on J with the KL divergence: best response with a damping that ensures descent."""

from collections.abc import Iterator

import numpy as np

from dagames import _tolerances, simplex
from dagames._types import OverAnswers, PerPrompt
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.best_response import damped_step
from dagames.solvers.path import solve_along
from dagames.solvers.solution import Iterate, Solution


@with_default_errors
def mirror_descent_path(
    game: AlignmentGame, log_nu: OverAnswers | None = None, *, line_search: bool = True
) -> Iterator[Iterate]:
    """Yield the iterates of mirror descent on J, the initial one first; the iterator does not end.

    Math:
        log nu' = (1 - eta) log nu + eta (log nu_0 - grad R(nu) / beta) + const,   eta = beta / (beta + L),

    with L the smoothness of R relative to the negative entropy, or, with a line search, the least L of a doubling
    sequence for which R(nu') <= R(nu) + <grad R(nu), nu' - nu> + L KL(nu' || nu).

    Args:
        game: The game.
        log_nu: Log of the first marginal, [*x, Z]; by default the reference's on the reachable answers.
        line_search: Whether to search for L at each step, which gives steps at least as long as `relative_smoothness`
            does; without a finite `relative_smoothness` L is always searched.

    Yields:
        Marginals, and the best target against each.

    Source:
        claim I.8
    """
    known = np.broadcast_to(np.asarray(game.functional.relative_smoothness), game.batch)
    search = line_search or not np.isfinite(known).all()
    L = np.where(np.isfinite(known), known, game.beta)[..., None]
    log_nu = game.log_reference if log_nu is None else log_nu
    while True:
        log_q = game.log_best_target(log_nu)
        yield Iterate(log_nu, log_q)
        if search:
            log_nu, L = _search(game, log_nu, log_q, L, known)
        else:
            log_nu = damped_step(game, log_nu, log_q, game.beta / (game.beta + L))


def _search(
    game: AlignmentGame, log_nu: OverAnswers, log_q: OverAnswers, L: np.ndarray, known: PerPrompt
) -> tuple[OverAnswers, np.ndarray]:
    """Halve each prompt's L once, then double it until the bound holds at the point it leads to."""
    nu = np.exp(log_nu)
    value, slope = np.asarray(game.functional.value(nu)), np.where(nu > 0, game.functional.gradient_at_log(log_nu), 0.0)
    L = 0.5 * L
    while True:
        moved = damped_step(game, log_nu, log_q, game.beta / (game.beta + L))
        step = np.exp(moved) - nu
        bound = value + (slope * step).sum(axis=-1) + L[..., 0] * simplex.kl_from_logs(moved, log_nu)
        slack = _tolerances.DESCENT * np.maximum(1.0, np.abs(value))
        fails = ~(game.functional.value(np.exp(moved)) <= bound + slack)
        fails &= (L[..., 0] < known) & (L[..., 0] < game.beta / _tolerances.LEAST_STEP)
        if not fails.any():
            return moved, L
        L = np.where(fails[..., None], 2.0 * L, L)


@with_default_errors
def solve_mirror_descent(
    game: AlignmentGame,
    *,
    line_search: bool = True,
    tolerance: float = _tolerances.GAP,
    max_iterations: int = 10_000,
) -> Solution:
    """Run mirror descent until the gap certifies the policy.

    With L = `relative_smoothness`, KL(nu* || nu_t) shrinks by at least the factor L / (beta + L) in each step.

    Args:
        game: The game.
        line_search: Whether to search for L, or to use `relative_smoothness`.
        tolerance: Relative duality gap to reach.
        max_iterations: Steps allowed.

    Returns:
        The certified solution. A SolveError if it runs out of steps.

    Source:
        claim I.8
    """
    smoothness = float(np.max(game.functional.relative_smoothness))
    rate = f"The error shrinks by the factor {smoothness / (game.beta + smoothness):.6g} a step. "
    advice = (rate if np.isfinite(smoothness) else "") + "Allow more `max_iterations` or ask for a larger `tolerance`."
    path = mirror_descent_path(game, line_search=line_search)
    return solve_along(game, path, "mirror_descent", tolerance, max_iterations, advice, answered=True)
