"""Plain alternating best response: the policy answers the target that answered the policy before."""

from collections.abc import Iterator

import numpy as np

from dagames import _tolerances, simplex
from dagames._types import OverAnswers
from dagames.game import AlignmentGame
from dagames.solvers.path import solve_along
from dagames.solvers.solution import Solution


def best_response_path(game: AlignmentGame, log_nu: OverAnswers | None = None) -> Iterator[OverAnswers]:
    """Yield the marginals of alternating best response, the start first, without end.

    Math:
        nu' proportional to nu_0 exp(-grad R(nu) / beta).

    Args:
        game: The game.
        log_nu: Log of the first marginal, [*x, Z]; by default the reference's on the reachable answers.

    Yields:
        Log answer marginals, [*x, Z].

    Source:
        (paper, appendix E); it need not converge, claim I.7
    """
    log_nu = game.log_reference if log_nu is None else log_nu
    while True:
        yield log_nu
        log_nu = simplex.log_normalize(np.where(game.reachable, game.log_nu_0 + game.log_best_target(log_nu), -np.inf))


def solve_best_response(
    game: AlignmentGame, *, tolerance: float = _tolerances.GAP, max_iterations: int = 10_000
) -> Solution:
    """Iterate undamped best responses until the gap certifies the policy.

    Args:
        game: The game.
        tolerance: Relative duality gap to reach.
        max_iterations: Steps allowed.

    Returns:
        The certified solution. A SolveError if the iteration cycles, diverges or runs out of steps.

    Source:
        (paper, appendix E); claim I.7
    """
    smoothness = float(np.max(game.functional.relative_smoothness))
    advice = (
        "Undamped best response is sure to converge only while the functional's relative smoothness "
        f"({smoothness:g}) is below beta ({game.beta:g}), claim I.7; use `solve(game)` or `solve_mirror_descent`."
    )
    return solve_along(game, best_response_path(game), "best_response", tolerance, max_iterations, advice)
