"""Games whose equilibrium can be written down."""

from collections.abc import Callable

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers
from dagames.functionals import Functional, Linear, NegativeEntropy
from dagames.game import AlignmentGame
from dagames.solvers.path import as_solution, check_solved
from dagames.solvers.solution import Solution


def has_closed_form(functional: Functional) -> bool:
    """Say whether the equilibrium of games with this functional can be written down.

    Args:
        functional: The functional R.

    Returns:
        True for `Linear` and `NegativeEntropy`.
    """
    return type(functional) in _FORMULAS


def solve_closed_form(game: AlignmentGame, *, tolerance: float = _tolerances.GAP) -> Solution:
    """Write down the equilibrium and certify it.

    Math:
        Linear: nu* proportional to nu_0 exp(r / beta).
        NegativeEntropy: nu* proportional to nu_0^(beta / (beta + weight)).

    Args:
        game: A game whose functional has a closed form.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution. A SolveError if rounding keeps the gap above the tolerance.

    Raises:
        SolveError: If there is no closed form.

    Source:
        (paper, section 2.4); claims I.10 and I.12

    >>> from dagames.functionals import NegativeEntropy
    >>> game = AlignmentGame([0.8, 0.2], [0, 1], NegativeEntropy(1.0), beta=1.0)
    >>> solve_closed_form(game).nu.round(6)
    array([0.666667, 0.333333])
    """
    if not has_closed_form(game.functional):
        raise SolveError(
            f"{type(game.functional).__name__} has no closed form here; use `solve(game)` or `solve_mirror_descent`."
        )
    log_nu = simplex.log_normalize(_FORMULAS[type(game.functional)](game))
    return check_solved(
        as_solution(game, log_nu, "closed_form"),
        tolerance,
        "ask for a larger `tolerance` or bring reward differences and beta to a common scale.",
    )


def _linear(game: AlignmentGame) -> OverAnswers:
    return game.log_nu_0 - game.functional.gradient(game.nu_0) / game.beta


def _negative_entropy(game: AlignmentGame) -> OverAnswers:
    weight = game.functional.relative_smoothness[..., None]
    return np.asarray(game.log_nu_0 * (game.beta / (game.beta + weight)))


_FORMULAS: dict[type[Functional], Callable[[AlignmentGame], OverAnswers]] = {
    Linear: _linear,
    NegativeEntropy: _negative_entropy,
}
