"""Games whose equilibrium has a formula."""

from functools import singledispatch

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers
from dagames.functionals import Functional, KLToPrior, Linear, LogScore, NegativeEntropy, Point
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.numerics.roots import increasing_root
from dagames.solvers.path import as_solution, check_solved, refuse_constraints
from dagames.solvers.solution import Solution


@with_default_errors
def has_closed_form(functional: Functional) -> bool:
    """Return whether the equilibrium of games with this functional has a formula.

    Args:
        functional: The functional R.

    Returns:
        True for `Linear`, `NegativeEntropy`, `KLToPrior`, `Point` and `LogScore`.
    """
    # A subclass may compute something else.
    return type(functional) in _log_equilibrium.registry


@with_default_errors
def solve_closed_form(game: AlignmentGame, *, tolerance: float = _tolerances.GAP) -> Solution:
    """Compute the equilibrium by its formula and certify it.

    Math:
        Linear: nu* proportional to nu_0 exp(r / beta).
        NegativeEntropy: nu* proportional to nu_0^(beta / (beta + weight)).
        KLToPrior: nu* proportional to (prior^weight nu_0^beta)^(1 / (beta + weight)).
        Point: nu* the point mass.
        LogScore: nu* = nu_0, with the odds of the answer multiplied by exp(weight / (beta nu*(answer))), a
        one-dimensional root.

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
    refuse_constraints(game, "closed_form")
    if not has_closed_form(game.functional):
        raise SolveError(f"{game.functional.name} has no closed form here; use `solve(game)`.")
    log_nu = simplex.log_normalize(_log_equilibrium(game.functional, game))
    return check_solved(
        as_solution(game, log_nu, "closed_form"),
        tolerance,
        "ask for a larger `tolerance` or bring reward differences and beta to a common scale.",
    )


@singledispatch
def _log_equilibrium(functional: Functional, game: AlignmentGame) -> OverAnswers:
    """Compute the log of the equilibrium's marginal, [*x, Z], up to a constant, by the class of the functional."""
    raise NotImplementedError(type(functional).__name__, game)


@_log_equilibrium.register
def _linear(functional: Linear, game: AlignmentGame) -> OverAnswers:
    return game.log_nu_0 - functional.gradient(game.nu_0) / game.beta


@_log_equilibrium.register
def _negative_entropy(functional: NegativeEntropy, game: AlignmentGame) -> OverAnswers:
    weight = functional.weight[..., None]
    return np.asarray(game.log_nu_0 * (game.beta / (game.beta + weight)))


@_log_equilibrium.register
def _kl_to_prior(functional: KLToPrior, game: AlignmentGame) -> OverAnswers:
    weight = functional.weight[..., None]
    prior = np.log(np.where(game.reachable, functional.prior, 1.0))
    mixed = weight * prior + game.beta * np.where(game.reachable, game.log_nu_0, 0.0)
    return np.where(game.reachable, mixed / (weight + game.beta), -np.inf)


@_log_equilibrium.register
def _point(functional: Point, game: AlignmentGame) -> OverAnswers:  # noqa: ARG001 - the interface
    return np.where(game.reachable, 0.0, -np.inf)


@_log_equilibrium.register
def _log_score(functional: LogScore, game: AlignmentGame) -> OverAnswers:
    """Find the log-odds s of the answer with beta (s - s_0) = weight (1 + exp(-s))."""
    chosen = np.arange(game.n_answers) == functional.answer[..., None]
    log_chosen = simplex.log_sum(np.where(chosen, game.log_reference, -np.inf))[..., None]
    other = simplex.log_sum(np.where(chosen, -np.inf, game.log_reference))[..., None]
    alone = np.isneginf(other)
    start = log_chosen - np.where(alone, 0.0, other)
    ratio = functional.weight[..., None] / game.beta

    def excess(s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore"):
            odds = np.exp(-s)
        return s - start - ratio * (1.0 + odds), 1.0 + ratio * odds

    # Above log-odds 0 the right side is at most 2 weight, which bounds the root.
    s = increasing_root(excess, start, np.maximum(start, 0.0) + 2.0 * ratio)
    right, wrong = -np.logaddexp(0.0, -s), -np.logaddexp(0.0, s)
    spread = game.log_reference - np.where(alone, 0.0, other) + wrong
    return np.where(chosen, np.where(alone, 0.0, right), spread)
