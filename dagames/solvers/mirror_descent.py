"""Damped best response, which is mirror descent on the objective."""

from collections.abc import Iterator

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers
from dagames.game import AlignmentGame
from dagames.solvers.path import solve_along
from dagames.solvers.solution import Solution


def mirror_descent_path(game: AlignmentGame, log_nu: OverAnswers | None = None) -> Iterator[OverAnswers]:
    """Yield the marginals of mirror descent on J, the start first, without end.

    Math:
        log nu' = (1 - eta) log nu + eta (log nu_0 - grad R(nu) / beta) + const,   eta = beta / (beta + L),
        with L the smoothness of R relative to the negative entropy.

    Args:
        game: A game whose functional is relatively smooth.
        log_nu: Log of the first marginal, [*x, Z]; by default the reference's on the reachable answers.

    Yields:
        Log answer marginals, [*x, Z].

    Raises:
        SolveError: If the functional is not relatively smooth.

    Source:
        claim I.8
    """
    smoothness = np.asarray(game.functional.relative_smoothness)
    if not np.isfinite(smoothness).all():
        raise SolveError(
            f"{type(game.functional).__name__} is not smooth relative to the negative entropy, so mirror descent has "
            "no safe step; use `solve_conic`."
        )
    eta = (game.beta / (game.beta + smoothness))[..., None]
    log_nu = game.log_reference if log_nu is None else log_nu
    held = np.where(game.reachable, game.log_nu_0, 0.0)
    while True:
        yield log_nu
        current = np.where(game.reachable, log_nu, 0.0)
        answer = held + np.where(game.reachable, game.log_best_target(log_nu), 0.0)
        log_nu = simplex.log_normalize(np.where(game.reachable, (1 - eta) * current + eta * answer, -np.inf))


def solve_mirror_descent(
    game: AlignmentGame, *, tolerance: float = _tolerances.GAP, max_iterations: int = 10_000
) -> Solution:
    """Run mirror descent until the gap certifies the policy.

    KL(nu* || nu_t) shrinks by at least the factor L / (beta + L) in each step.

    Args:
        game: A game whose functional is relatively smooth.
        tolerance: Relative duality gap to reach.
        max_iterations: Steps allowed.

    Returns:
        The certified solution. A SolveError if it runs out of steps.

    Source:
        claim I.8
    """
    smoothness = float(np.max(game.functional.relative_smoothness))
    advice = (
        f"The error shrinks by the factor {smoothness / (game.beta + smoothness):.6g} a step; allow more "
        "`max_iterations` or ask for a larger `tolerance`."
    )
    return solve_along(game, mirror_descent_path(game), "mirror_descent", tolerance, max_iterations, advice)
