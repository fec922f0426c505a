"""Large batches, solved a block of prompts at a time: temporary arrays stay in the processor's cache, and small."""

from collections.abc import Callable, Iterator

import numpy as np

from dagames.certificates import Certificate
from dagames.functionals import is_divisible
from dagames.game import AlignmentGame
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
    if len(game.batch) != 1 or game.log_nu_0.size <= CELLS or not is_divisible(game.functional):
        return solve(game)
    log_nu, log_q = np.empty_like(game.log_nu_0), np.empty_like(game.log_nu_0)
    certificate = Certificate(np.empty(game.batch), np.empty(game.batch), np.empty(game.batch))
    histories: list[tuple[float, ...]] = []
    iterations, method = 0, ""
    for rows in _blocks(game):
        part = solve(game.at_prompts(rows))
        log_nu[rows], log_q[rows] = part.log_nu, part.log_q
        for name in ("primal", "dual", "gap"):
            getattr(certificate, name)[rows] = getattr(part.certificate, name)
        iterations, method = max(iterations, part.iterations), part.method
        histories.append(part.history)
    length = max(map(len, histories))
    history = tuple(max(h[min(i, len(h) - 1)] for h in histories if h) for i in range(length))
    return Solution(game, log_q, log_nu, certificate, iterations, history, method)


def _blocks(game: AlignmentGame) -> Iterator[slice]:
    height = max(1, CELLS // game.n_answers)
    return (slice(row, row + height) for row in range(0, game.batch[0], height))
