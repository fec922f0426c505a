"""Newton's method for twice differentiable functionals that are not sums over answers."""

import numpy as np

from dagames import _tolerances, simplex
from dagames._types import OverAnswers
from dagames.functionals import Smooth
from dagames.games.alignment import AlignmentGame

_STEPS = 100
"""Newton steps allowed; each solves one linear system of |Z| unknowns per prompt."""

_LAST = 1e-4
"""Mass that the last step may still move; the error after it is of the order of the square."""


def smooth_equilibrium(game: AlignmentGame, functional: Smooth) -> tuple[OverAnswers, int]:
    """Minimise J over answer marginals by damped Newton steps in log nu and the multiplier of the sum.

    Math:
        (Hess R(nu) diag(nu) + beta I) dt = c - grad R(nu) - beta log(nu / nu_0),   <nu, dt> = 0,   t = log nu.

    The step is the Newton step of J in nu, a direction of descent. It is halved until J falls by a quarter of the
    first-order prediction.

    Args:
        game: The game.
        functional: Its functional.

    Returns:
        Log answer marginals, [*x, Z], and the steps taken. They stop when the predicted
        decrease is below rounding error, or after a hundred steps.
    """
    base = np.where(game.reachable, game.log_reference, 0.0)
    log_nu = game.log_reference
    value = game.marginal_objective(log_nu)
    for step in range(_STEPS):
        direction, decrement = _direction(game, functional, log_nu, base)
        # The divergence is of order 1, and beta multiplies its rounding error.
        slack = _tolerances.DESCENT * np.maximum(np.maximum(1.0, game.beta), np.abs(value))
        moved = _moved(game, log_nu, direction)
        change = np.abs(np.exp(moved) - np.exp(log_nu)).max(axis=-1)
        # An answer of mass 1e-100 contributes nothing to the prediction, even if its optimal mass is large.
        if ((decrement <= slack) & (change <= _LAST) | (change <= np.finfo(np.float64).eps)).all():
            # The last step is quadratically small: it changes the marginal, but not J in float64.
            return moved, step + 1
        eta = np.ones((*game.batch, 1))
        while True:
            moved = _moved(game, log_nu, eta * direction)
            reached = game.marginal_objective(moved)
            fails = ~(reached <= value - 0.25 * eta[..., 0] * decrement + slack) & (eta[..., 0] > 1e-9)
            if not fails.any():
                break
            eta = np.where(fails[..., None], 0.5 * eta, eta)
        log_nu, value = moved, reached
    return log_nu, _STEPS


def _direction(
    game: AlignmentGame, functional: Smooth, log_nu: OverAnswers, base: OverAnswers
) -> tuple[OverAnswers, np.ndarray]:
    """Solve for the Newton step in log nu, and for the decrease of J that it predicts."""
    reachable, nu = game.reachable, np.exp(log_nu)
    t = np.where(reachable, log_nu, 0.0)
    level = np.where(reachable, functional.gradient_at_log(log_nu), 0.0) + game.beta * (t - base)
    # Columns of answers without mass are 0; an infinite curvature there would give 0 times infinity.
    curvature = np.where(nu[..., None, :] > 0, functional.hessian(nu), 0.0) * nu[..., None, :]
    matrix = np.where(reachable[..., None], curvature, 0.0) + game.beta * np.eye(nu.shape[-1])
    sides = np.stack([level, reachable.astype(np.float64)], axis=-1)
    solved = np.linalg.solve(matrix, sides)
    c = (nu * solved[..., 0]).sum(axis=-1) / (nu * solved[..., 1]).sum(axis=-1)
    direction = np.where(reachable, c[..., None] * solved[..., 1] - solved[..., 0], 0.0)
    return direction, np.asarray(-(nu * direction * level).sum(axis=-1))


def _moved(game: AlignmentGame, log_nu: OverAnswers, step: OverAnswers) -> OverAnswers:
    return simplex.log_normalize(np.where(game.reachable, np.where(game.reachable, log_nu, 0.0) + step, -np.inf))
