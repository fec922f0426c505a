"""Large batches are solved a block of prompts at a time, so that temporary arrays fit in the processor's cache."""

from collections.abc import Callable, Iterator

import numpy as np

from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate
from dagames.solvers.solution import Solution

CELLS = 2**16
"""Answers of all prompts in one block: half a megabyte for each array of float64."""


def solve_in_blocks(game: AlignmentGame, solve: Callable[[AlignmentGame], Solution]) -> Solution:
    """Solve the prompts of a batch block by block; prompts do not interact, so the blocks are the batch.

    Args:
        game: The game.
        solve: A solver.

    Returns:
        The solution of all prompts: certificates side by side, the largest number of steps, the worst gaps.
    """
    if len(game.batch) != 1 or game.log_nu_0.size <= CELLS or not game.functional.is_divisible:
        return solve(game)
    iterations, method = 0, ""
    histories: list[tuple[float, ...]] = []
    averages: list[tuple[float, ...]] = []
    log_nu, log_q = np.empty_like(game.log_nu_0), np.empty_like(game.log_nu_0)
    certificate = Certificate(np.empty(game.batch), np.empty(game.batch), np.empty(game.batch))
    for rows in _blocks(game):
        part = solve(game.at_prompts(rows))
        log_nu[rows], log_q[rows] = part.log_nu, part.log_q
        for name in ("primal", "dual", "gap"):
            getattr(certificate, name)[rows] = getattr(part.certificate, name)
        # Only the numbers are kept: the iterates of all blocks would be as large as the batch once more.
        iterations, method = max(iterations, part.iterations), part.method
        histories.append(part.history)
        averages.append(part.average_history)
    return Solution(
        log_nu=log_nu,
        log_q=log_q,
        certificate=certificate,
        game=game,
        iterations=iterations,
        method=method,
        history=_worst(histories),
        average_history=_worst(averages),
    )


def _worst(histories: list[tuple[float, ...]]) -> tuple[float, ...]:
    """Take the worst gap of all blocks at each step; a block that has finished keeps its last gap."""
    known = [history for history in histories if history]
    return tuple(max(h[min(i, len(h) - 1)] for h in known) for i in range(max(map(len, known), default=0)))


def _blocks(game: AlignmentGame) -> Iterator[slice]:
    height = max(1, CELLS // game.n_answers)
    return (slice(row, row + height) for row in range(0, game.batch[0], height))
