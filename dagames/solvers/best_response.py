"""Alternating best responses of target and policy, with or without damping."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.path import solve_along
from dagames.solvers.solution import Iterate, Solution

Damping = float | Literal["auto"]


@with_default_errors
def best_response_path(
    game: AlignmentGame, log_nu: OverAnswers | None = None, *, damping: Damping = 1.0
) -> Iterator[Iterate]:
    """Yield the iterates of alternating best response, the initial one first; the iterator does not end.

    Math:
        log nu' = (1 - eta) log nu + eta (log nu_0 - grad R(nu) / beta) + const,   eta the damping.

    With "auto", eta starts at 1 for every prompt. It is halved while the step would raise J; after a step that needed
    no halving it is multiplied by 1.5, up to 1.

    Args:
        game: The game.
        log_nu: Log of the first marginal, [*x, Z]; by default the reference's on the reachable answers.
        damping: Step in (0, 1]; 1 is the undamped iteration, "auto" chooses by the objective.

    Yields:
        Marginals, and the best target against each.

    Raises:
        DomainError: If the damping is neither "auto" nor in (0, 1].

    Source:
        (paper, appendix E); undamped it need not converge, claim I.7

    >>> from dagames.functionals import NegativeEntropy
    >>> game = AlignmentGame([0.8, 0.2], [0, 1], NegativeEntropy(1.0), beta=1.0)
    >>> path = best_response_path(game, damping=0.5)
    >>> [next(path).nu.round(6).tolist() for _ in range(2)]
    [[0.8, 0.2], [0.666667, 0.333333]]
    """
    if damping != "auto" and not (isinstance(damping, (int, float)) and 0 < damping <= 1):
        raise DomainError(f'`damping` must be "auto" or a number in (0, 1], not {damping!r}.')
    log_nu = game.log_reference if log_nu is None else log_nu
    eta = np.full((*game.batch, 1), 1.0 if damping == "auto" else float(damping))
    while True:
        log_q = game.log_best_target(log_nu)
        yield Iterate(log_nu, log_q)
        if damping == "auto":
            log_nu, eta = _descend(game, log_nu, log_q, eta)
        else:
            log_nu = damped_step(game, log_nu, log_q, eta)


def damped_step(game: AlignmentGame, log_nu: OverAnswers, log_q: OverAnswers, eta: np.ndarray) -> OverAnswers:
    """Mix a marginal, in logs, with the policy's best response to a target.

    Args:
        game: The game.
        log_nu: Log of a marginal, [*x, Z].
        log_q: Log of a target, [*x, Z].
        eta: Weight of the response, [*x, 1].

    Returns:
        Log of the next marginal, [*x, Z].
    """
    reachable = game.reachable
    response = np.where(reachable, game.log_nu_0, 0.0) + np.where(reachable, log_q, 0.0)
    mixed = (1 - eta) * np.where(reachable, log_nu, 0.0) + eta * response
    return simplex.log_normalize(np.where(reachable, mixed, -np.inf))


def _descend(
    game: AlignmentGame, log_nu: OverAnswers, log_q: OverAnswers, eta: np.ndarray
) -> tuple[OverAnswers, np.ndarray]:
    """Halve the step of each prompt until the objective does not rise; lengthen it if no halving was needed."""
    now = game.marginal_objective(log_nu)
    slack = _tolerances.DESCENT * np.maximum(1.0, np.abs(now))
    tried = np.minimum(1.5 * eta, 1.0)
    eta = tried
    while True:
        moved = damped_step(game, log_nu, log_q, eta)
        rises = ~(game.marginal_objective(moved) <= now + slack)[..., None] & (eta > _tolerances.LEAST_STEP)
        if not rises.any():
            return moved, eta
        eta = np.where(rises, 0.5 * eta, eta)


@with_default_errors
def solve_best_response(
    game: AlignmentGame,
    *,
    damping: Damping = 1.0,
    tolerance: float = _tolerances.GAP,
    max_iterations: int = 10_000,
) -> Solution:
    """Iterate best responses until the gap certifies the policy.

    Args:
        game: The game.
        damping: Step in (0, 1], or "auto".
        tolerance: Relative duality gap to reach.
        max_iterations: Steps allowed.

    Returns:
        The certified solution. A SolveError that says whether the iteration cycles, diverges or ran out of steps.

    Source:
        (paper, appendix E); claims I.7 and I.8
    """
    smoothness = float(np.max(game.functional.relative_smoothness))
    advice = (
        "Undamped best response is sure to converge only while the functional's relative smoothness "
        f"({smoothness:g}) is below beta ({game.beta:g}), claim I.7; damp the steps."
    )
    path = best_response_path(game, damping=damping)
    return solve_along(game, path, "best_response", tolerance, max_iterations, advice, answered=True)
