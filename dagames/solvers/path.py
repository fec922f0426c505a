"""Follow a sequence of answer marginals until one of them is certified."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from dagames import _tolerances
from dagames._errors import DomainError, SolveError
from dagames._types import OverAnswers
from dagames.game import AlignmentGame
from dagames.solvers.solution import Solution


def as_solution(
    game: AlignmentGame, log_nu: OverAnswers, method: str, history: tuple[float, ...], *, iterations: int | None = None
) -> Solution:
    """Answer an answer marginal with its best target, and certify the pair.

    Args:
        game: The game.
        log_nu: Log of an answer marginal, [*x, Z].
        method: Name of the solver.
        history: Worst relative gaps of the iterates so far.
        iterations: Steps taken; by default one less than the history's length.

    Returns:
        The solution; its certificate says how good it is.
    """
    log_q = game.log_best_target(log_nu)
    certificate = game.certify_marginal(log_nu, log_q)
    steps = max(len(history) - 1, 0) if iterations is None else iterations
    return Solution(game, log_q, log_nu, certificate, steps, history, method)


def solve_along(
    game: AlignmentGame, path: Iterator[OverAnswers], method: str, tolerance: float, max_iterations: int, advice: str
) -> Solution:
    """Take marginals from `path` until the gap is at most `tolerance`.

    Args:
        game: The game.
        path: Log answer marginals, [*x, Z] each, the start first.
        method: Name of the solver.
        tolerance: Relative duality gap to reach, above 0.
        max_iterations: Steps allowed, at least 0.
        advice: What to try if the path does not get there.

    Returns:
        The certified solution.

    Raises:
        SolveError: If the path diverges or runs out of steps.
        DomainError: If `max_iterations` is negative.
    """
    if max_iterations < 0:
        raise DomainError(f"`max_iterations` must be at least 0, not {max_iterations}.")
    history: list[float] = []
    for log_nu in islice(path, max_iterations + 1):
        spread = np.ptp(np.where(game.reachable, log_nu, log_nu.max(axis=-1, keepdims=True)), axis=-1)
        if not (spread < _tolerances.DIVERGED).all():
            raise SolveError(f"{method} ran into a vertex of the simplex after {len(history)} steps. {advice}")
        history.append(game.certify_marginal(log_nu, game.log_best_target(log_nu)).worst)
        if history[-1] <= tolerance:
            return as_solution(game, log_nu, method, tuple(history))
    raise SolveError(
        f"{method} stopped after {len(history) - 1} steps with gap {history[-1]:.1e} > {tolerance:.1e}. {advice}"
    )
