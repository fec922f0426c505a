"""Proximal mirror descent in the geometry of F, with a line search, for functionals that are not sums over answers."""

from collections.abc import Iterator

import numpy as np

from dagames._errors import SolveError
from dagames._types import OverAnswers, OverTraces
from dagames.games.bregman import BregmanGame
from dagames.simplex import at_answer, pushforward

_DOUBLINGS = 60
_SLACK = 1e-15


def descent_path(game: BregmanGame) -> Iterator[tuple[OverTraces, OverAnswers, OverAnswers]]:
    """Yield policy, marginal and slope of proximal mirror descent on J_F, the start first, without end.

    Math:
        pi' = argmin over pi of <nu_pi, grad R(nu)> + beta D_F(pi || pi_0) + L D_F(pi || pi_k),
        with L the least power of 2 found for which R(nu') <= R(nu) + <nu' - nu, grad R(nu)> + L D_F(pi' || pi_k).

    D_F(pi* || pi_k) shrinks by the factor L / (beta + L) in each step.

    Args:
        game: The game.

    Yields:
        Log-policy [*x, Y], log-marginal [*x, Z], and slope of R there [*x, Z].

    Raises:
        SolveError: If no L is large enough.
    """
    F, functional, beta = game.generator, game.functional, game.beta
    traces = game.reachable_traces
    slope_0 = np.where(traces, F.gradient_at_log(np.where(traces, game.log_pi_0, 0.0)), -np.inf)
    log_pi = F.log_conjugate_gradient(slope_0)
    smoothness = np.full((*game.batch, 1), beta)
    while True:
        log_nu = pushforward(log_pi, game.E, game.n_answers)
        u = game.best_dual_variable(log_nu)
        yield log_pi, log_nu, u
        nu, price = np.exp(log_nu), at_answer(np.where(game.reachable, u, 0.0), game.E, game.batch)
        value = np.asarray(functional.value(nu))
        here = np.where(traces, F.gradient_at_log(np.where(traces, log_pi, 0.0)), 0.0)
        for _ in range(_DOUBLINGS):
            target = (beta * np.where(traces, slope_0, 0.0) + smoothness * here - price) / (beta + smoothness)
            trial = F.log_conjugate_gradient(np.where(traces, target, -np.inf))
            moved = np.exp(pushforward(trial, game.E, game.n_answers))
            model = value + ((moved - nu) * np.where(game.reachable, u, 0.0)).sum(axis=-1)
            bound = model + smoothness[..., 0] * F.divergence_from_logs(trial, log_pi)
            with np.errstate(invalid="ignore"):
                short = ~(functional.value(moved) <= bound + _SLACK * np.maximum(1.0, np.abs(value)))
            if not short.any():
                break
            smoothness = np.where(short[..., None], 2.0 * smoothness, smoothness)
        else:
            raise SolveError(
                f"{type(functional).__name__} is not smooth relative to {F.name}: no step of mirror descent "
                "is safe. Use a steep generator, or a functional of finite slope at 0."
            )
        log_pi, smoothness = trial, 0.5 * smoothness
