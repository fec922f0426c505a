"""Solve generalised Bregman games, and check their range condition."""

import numpy as np

from dagames import _tolerances
from dagames._choices import as_choice
from dagames._errors import DomainError, SolveError
from dagames._types import OverAnswers, OverTraces
from dagames.bregman import Consistency
from dagames.functionals import Functional, Separable
from dagames.games.bregman import BregmanGame
from dagames.numerics.float_errors import with_default_errors
from dagames.simplex import pushforward
from dagames.solvers.bregman_descent import descent_path
from dagames.solvers.bregman_newton import newton_log_policy
from dagames.solvers.methods import Method, with_options
from dagames.solvers.solution import BregmanSolution

BREGMAN_METHODS = ("auto", "newton", "mirror_descent")


@with_default_errors
def solve_bregman(
    game: BregmanGame,
    method: str | Method = "auto",
    *,
    tolerance: float = _tolerances.GAP,
    max_iterations: int = 10_000,
) -> BregmanSolution:
    """Minimise J_F to a certified duality gap.

    Args:
        game: The game.
        method: One of `BREGMAN_METHODS`. "auto" is "newton" if the functional is a sum over answers.
        tolerance: Relative duality gap to reach, above 0.
        max_iterations: Steps allowed to mirror descent.

    Returns:
        The solution, whose `certificate.worst` is at most `tolerance`. It exists whether or not the game is consistent.

    Raises:
        DomainError: If the method is unknown, or the tolerance or the number of steps is out of range.
        SolveError: If the tolerance is not reached.

    >>> from dagames.bregman import Euclidean
    >>> from dagames.functionals import SquaredDistance
    >>> R = SquaredDistance([0.05, 0.95], weight=2.0)
    >>> game = BregmanGame([0.95, 0.05], [0, 1], R, 0.5, generator=Euclidean(), target_generator=Euclidean(), sign=1.0)
    >>> solution = solve_bregman(game)
    >>> solution.pi.round(12), float(solution.value.round(12)), solution.consistency.consistent
    (array([0.23, 0.77]), 0.324, False)
    """
    name, options = with_options(method)
    method = as_choice(name, "method", BREGMAN_METHODS)
    if options:
        raise DomainError(f"{method} has no options in a Bregman game, not {', '.join(options)}.")
    if not tolerance > 0:
        raise DomainError(f"`tolerance` must be above 0, not {tolerance}.")
    if max_iterations < 0:
        raise DomainError(f"`max_iterations` must be at least 0, not {max_iterations}.")
    functional = game.functional
    if (limits := functional.constraint_set()) is not None:
        raise SolveError(
            f"{limits.name} is an indicator, whose slope does not contain the multipliers of its constraints; state "
            "them in an `AlignmentGame`, whose divergence is KL, and use `solve(game)`."
        )
    separable = functional.as_separable()
    if method == "newton" and separable is None:
        raise SolveError(f"{functional.name} is not separable; use method 'mirror_descent'.{_else(functional)}")
    if method != "mirror_descent" and separable is not None:
        return _by_newton(game, separable, tolerance)
    return _by_descent(game, tolerance, max_iterations)


@with_default_errors
def check_consistent(game: BregmanGame, *, tolerance: float = _tolerances.GAP) -> Consistency:
    """Raise unless a target over answers attains the value of the game: max over q of min over pi of G_F = min J_F.

    Args:
        game: The game; it is solved first, because the condition concerns its equilibrium.
        tolerance: Relative duality gap of that solution.

    Returns:
        The result, with the target `q` that attains the value.

    Raises:
        DomainError: If no target does; the message contains the least sufficient |s| beta.

    Source:
        claim II.10
    """
    condition = solve_bregman(game, tolerance=tolerance).consistency
    if not condition.consistent:
        place = tuple(int(i) for i in np.argwhere(~condition.by_prompt)[0])
        where = f" of prompt {place}" if place else ""
        raise DomainError(
            f"the game{where} is not consistent (claim II.10): to express its best dual variable, "
            f"{game.target_generator.name} needs |s| beta of at least {condition.required[place]:.6g}, and "
            f"the game has {condition.available:.6g}. Increase |sign|, or use a steep "
            "`target_generator` such as `Entropic()`."
        )
    return condition


def _as_solution(
    game: BregmanGame, log_pi: OverTraces, u: OverAnswers, method: str, history: tuple[float, ...]
) -> BregmanSolution:
    log_nu = pushforward(log_pi, game.E, game.n_answers)
    certificate = game.certify(log_pi, u)
    history = (*history, certificate.worst)
    condition = game.consistency(log_pi, u)
    return BregmanSolution(
        log_nu=log_nu,
        log_q=condition.log_q,
        certificate=certificate,
        game=game,
        iterations=len(history) - 1,
        method=method,
        history=history,
        log_policy=log_pi,
        u=u,
        consistency=condition,
    )


def _by_newton(game: BregmanGame, functional: Separable, tolerance: float) -> BregmanSolution:
    log_pi = newton_log_policy(game, functional)
    u = game.best_dual_variable(pushforward(log_pi, game.E, game.n_answers))
    solution = _as_solution(game, log_pi, u, "newton", ())
    if not solution.certificate.worst <= tolerance:
        raise SolveError(
            f"newton reached gap {solution.certificate.worst:.1e} > {tolerance:.1e}, the rounding of float64 on this "
            "game; pass a larger `tolerance`, or bring the functional and beta to a common scale."
        )
    return solution


def _by_descent(game: BregmanGame, tolerance: float, max_iterations: int) -> BregmanSolution:
    history: list[float] = []
    for log_pi, _, u in descent_path(game):
        gap = game.certify(log_pi, u).worst
        if gap <= tolerance:
            return _as_solution(game, log_pi, u, "mirror_descent", tuple(history))
        history.append(gap)
        if len(history) > max_iterations:
            break
    raise SolveError(
        f"mirror_descent stopped after {max_iterations} steps with gap {history[-1]:.1e} > {tolerance:.1e}. Allow more "
        f"`max_iterations` or pass a larger `tolerance`.{_else(game.functional)}",
        "steps",
    )


def _else(functional: Functional) -> str:
    """Return the sentence that names another method, or for a functional with kinks another game."""
    if functional.as_separable() is not None:
        return " Or use method 'newton', which solves sums over answers."
    if functional.as_smooth() is not None:
        return ""
    return (
        " At a kink it does not converge: state the functional in an `AlignmentGame`, whose divergence is KL, and use "
        "`solve(game)`."
    )
