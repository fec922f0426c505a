"""Follow a sequence of plays until one of them, or their mean, is certified; if none is, say what happened."""

from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

from dagames import _tolerances
from dagames._errors import DomainError, SolveError
from dagames._types import OverAnswers
from dagames.game import AlignmentGame
from dagames.solvers.solution import CertifiedIterate, Iterate, Solution

S = TypeVar("S", bound=Solution)


def refuse_constraints(game: AlignmentGame, method: str) -> None:
    """Raise if the game's functional holds linear constraints, whose prices no slope contains.

    Args:
        game: The game.
        method: Name of the solver that cannot take them.

    Raises:
        SolveError: If it does.
    """
    held = game.functional.constraint_set()
    if held is not None:
        raise SolveError(
            f"{method} does not take the constraints of a {type(held).__name__}: the functional's slope does not "
            'contain their prices. Use "auto", "newton", "mirror_descent" (projected) or "conic" of `solve(game)`.'
        )


def as_solution(game: AlignmentGame, log_nu: OverAnswers, method: str, iterations: int = 0) -> Solution:
    """Answer an answer marginal with its best target, and certify the pair.

    Args:
        game: The game.
        log_nu: Log of an answer marginal, [*x, Z].
        method: Name of the solver.
        iterations: Steps taken.

    Returns:
        The solution; its certificate says how good it is.
    """
    log_q = game.log_best_target(log_nu)
    return Solution(log_nu, log_q, game.certify_marginal(log_nu, log_q), game, iterations, method)


def check_solved(solution: S, tolerance: float, remedy: str) -> S:
    """Return the solution of a direct method, or raise.

    Args:
        solution: The solution.
        tolerance: Relative duality gap asked for.
        remedy: What the user can do if it was not reached.

    Returns:
        The same solution.

    Raises:
        SolveError: If the gap is above the tolerance.
    """
    gap = solution.certificate.worst
    if not gap <= tolerance:
        message = f"{solution.method} reached gap {gap:.1e} > {tolerance:.1e}, the rounding of float64 on this game; "
        raise SolveError(message + remedy, "rounding")
    return solution


def solve_along(
    game: AlignmentGame,
    path: Iterator[Iterate],
    method: str,
    tolerance: float,
    max_iterations: int,
    advice: str,
    *,
    averaging: bool = False,
) -> Solution:
    """Take plays from `path` until the gap of the last one, or of their mean, is at most `tolerance`.

    Args:
        game: The game.
        path: Plays, the start first.
        method: Name of the solver.
        tolerance: Relative duality gap to reach, above 0.
        max_iterations: Steps allowed, at least 0.
        advice: What to try if the path does not get there.
        averaging: Whether to certify the running mean after every step, and not only at the end.

    Returns:
        The certified solution, with last and mean iterate.

    Raises:
        SolveError: If the path cycles, diverges or runs out of steps.
        DomainError: If `max_iterations` is negative.
    """
    if max_iterations < 0:
        raise DomainError(f"`max_iterations` must be at least 0, not {max_iterations}.")
    refuse_constraints(game, method)
    watch, mean = _Watch(game, method, advice), _Mean(game)
    history: list[float] = []
    averages: list[float] = []
    for play in islice(_plays(path, method, advice), max_iterations + 1):
        watch.see(play)
        mean.add(play)
        certificate = game.certify_marginal(play.log_nu, play.log_q)
        history.append(certificate.worst)
        if averaging:
            averages.append(mean.certified().certificate.worst)
        if min([history[-1], *averages[-1:]]) <= tolerance:
            last, average = CertifiedIterate(play.log_nu, play.log_q, certificate), mean.certified()
            best = last if history[-1] <= tolerance else average
            return Solution(
                log_nu=best.log_nu,
                log_q=best.log_q,
                certificate=best.certificate,
                game=game,
                iterations=len(history) - 1,
                method=method,
                history=tuple(history),
                last=last,
                average=average,
                average_history=tuple(averages),
            )
    reached = min([history[-1], *averages[-1:]])
    raise SolveError(
        f"{method} stopped after {len(history) - 1} steps with gap {reached:.1e} > {tolerance:.1e}. {advice}", "steps"
    )


def _plays(path: Iterator[Iterate], method: str, advice: str) -> Iterator[Iterate]:
    """Yield the plays; where a mass has underflowed that R cannot do without, say so as what it is."""
    steps = 0
    while True:
        try:
            play = next(path)
        except DomainError as error:
            if steps == 0:  # the user's options, not the path
                raise
            raise SolveError(f"{method} ran into a vertex after {steps} steps: {error} {advice}", "vertex") from None
        yield play
        steps += 1


class _Mean:
    """The running mean of plays: of marginals, and of dual variables, which one knows up to a constant a prompt."""

    def __init__(self, game: AlignmentGame) -> None:
        self._game = game
        self._number = 0
        self._nu = np.zeros(game.log_nu_0.shape)
        self._log_q = np.zeros(game.log_nu_0.shape)

    def add(self, play: Iterate) -> None:
        """Count one more play."""
        self._number += 1
        self._nu += play.nu
        log_q = np.where(self._game.reachable, play.log_q, 0.0)
        self._log_q += (log_q - self._log_q) / self._number

    def certified(self) -> CertifiedIterate:
        """Certify the mean of the plays so far; the sum of the marginals is theirs, normalised."""
        with np.errstate(divide="ignore"):
            log_nu = np.log(self._nu / self._nu.sum(axis=-1, keepdims=True))
        log_q = np.where(self._game.reachable, self._log_q, -np.inf)
        return CertifiedIterate(log_nu, log_q, self._game.certify_marginal(log_nu, log_q))


class _Watch:
    """Looks for paths that do not converge: two alternating points, a vertex of the simplex, a target at infinity."""

    def __init__(self, game: AlignmentGame, method: str, advice: str) -> None:
        self._game, self._method, self._advice = game, method, advice
        self._before: list[np.ndarray] = []
        self._repeats = self._steps = 0

    def see(self, play: Iterate) -> None:
        """Look at the next iterate.

        Args:
            play: Its marginal and target.

        Raises:
            SolveError: If the iterates cycle or diverge.
        """
        if not self._spread(play.log_nu) < _tolerances.DIVERGED:
            message = f"{self._method} ran into a vertex of the simplex after {self._steps} steps. "
            raise SolveError(message + self._advice, "vertex")
        if not self._spread(play.log_q) < _tolerances.DIVERGED:
            message = f"{self._method} let the target's dual variable grow without bound for {self._steps} steps. "
            raise SolveError(message + self._advice, "unbounded dual")
        nu = play.nu
        if len(self._before) == 2:
            old, last = self._before
            back = np.abs(nu - old).max(axis=-1) <= _tolerances.CYCLE_RETURN
            moved = np.abs(nu - last).max(axis=-1) >= _tolerances.CYCLE_STEP
            self._repeats = self._repeats + 1 if (back & moved).any() else 0
            if self._repeats == 3:
                prompt = tuple(int(i) for i in np.argwhere(back & moved)[0])
                raise SolveError(self._cycle(last[prompt], nu[prompt]), "cycle")
        self._before = [*self._before[-1:], nu]
        self._steps += 1

    def _spread(self, logs: OverAnswers) -> float:
        """Measure the largest range of logarithms over the reachable answers of a prompt."""
        return float(np.ptp(np.where(self._game.reachable, logs, logs.max(axis=-1, keepdims=True)), axis=-1).max())

    def _cycle(self, one: np.ndarray, other: np.ndarray) -> str:
        z = int(np.abs(one - other).argmax())
        kind = "two vertices" if min(one.max(), other.max()) > 1 - _tolerances.CYCLE_STEP else "two points"
        return (
            f"{self._method} alternates between {kind} of the simplex (answer {z} has mass {one[z]:.6g} and "
            f"{other[z]:.6g} in turn) after {self._steps} steps. {self._advice}"
        )
