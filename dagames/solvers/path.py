"""Follow a sequence of iterates until one of them, or their mean, is certified; otherwise diagnose the failure."""

from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError, SolveError
from dagames._types import OverAnswers
from dagames.functionals.convexity import nonconvexity
from dagames.functionals.slopes import finite_slope
from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate
from dagames.solvers.solution import CertifiedIterate, Iterate, Solution

S = TypeVar("S", bound=Solution)

_ROUNDED = 1e-6
"""Largest gap that rounding can explain: beyond it a direct method has not found the equilibrium."""


def refuse_constraints(game: AlignmentGame, method: str) -> None:
    """Raise if the game's functional contains linear constraints, whose multipliers no gradient contains.

    Args:
        game: The game.
        method: Name of the solver that does not support them.

    Raises:
        SolveError: If it contains linear constraints.
    """
    limits = game.functional.constraint_set()
    if limits is not None:
        raise SolveError(
            f"{method} does not support the constraints of a {limits.name}, because the gradient of the functional "
            'does not contain their multipliers. Use "auto" of `solve(game)`.'
        )


def as_solution(game: AlignmentGame, log_nu: OverAnswers, method: str, iterations: int = 0) -> Solution:
    """Compute the best target against a marginal, and certify the pair.

    Args:
        game: The game.
        log_nu: Log of an answer marginal, [*x, Z].
        method: Name of the solver.
        iterations: Steps taken.

    Returns:
        The solution; its certificate says how good it is.
    """
    # Not normalised before the certificate: for large beta, the rounding of log q would exceed -slope / beta.
    log_q = -finite_slope(game.functional, log_nu, game.reachable, np.inf) / game.beta
    certificate = game.certify_marginal(log_nu, log_q)
    if not certificate.worst <= _tolerances.GAP:
        log_q, certificate = _with_ratio(game, log_nu, log_q, certificate)
    log_q = simplex.log_normalize(log_q)
    return Solution(
        log_nu=log_nu, log_q=log_q, certificate=certificate, game=game, iterations=iterations, method=method
    )


def _with_ratio(
    game: AlignmentGame, log_nu: OverAnswers, log_q: OverAnswers, certificate: Certificate
) -> tuple[OverAnswers, Certificate]:
    """Replace the target by nu / nu_0 for the prompts where that gives the smaller gap.

    Both are equal at the equilibrium. The best target is inaccurate where the slope of R changes fast, and nu / nu_0
    where nu_0 has masses near 0.

    Args:
        game: The game.
        log_nu: Log of an answer marginal, [*x, Z].
        log_q: Log of its best target, not normalised, [*x, Z].
        certificate: Their certificate.

    Returns:
        The log-target, not normalised, [*x, Z], and its certificate.
    """
    ratio = np.where(game.reachable, game.log_ratio(log_nu), -np.inf)
    usable = np.isfinite(ratio) | ~game.reachable
    other = game.certify_marginal(log_nu, np.where(usable, ratio, log_q))
    better = other.gap < certificate.gap
    dual = np.where(better, other.dual, certificate.dual)
    gap = np.where(better, other.gap, certificate.gap)
    merged = Certificate(certificate.primal, np.asarray(dual), np.asarray(gap))
    return np.where(better[..., None] & usable, ratio, log_q), merged


def check_solved(solution: S, tolerance: float, remedy: str) -> S:
    """Return the solution of a direct method, or raise.

    Args:
        solution: The solution.
        tolerance: Relative duality gap asked for.
        remedy: Advice for the error message.

    Returns:
        The same solution.

    Raises:
        SolveError: If the gap is above the tolerance.
    """
    gap = solution.certificate.worst
    if not gap <= tolerance:
        message = f"{solution.method} reached gap {gap:.1e} > {tolerance:.1e}, "
        if gap <= _ROUNDED:
            raise SolveError(message + "the rounding of float64 on this game; " + remedy, "rounding")
        raise SolveError(f"{message}and does not suit this game; {remedy}", "unsuited")
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
    answered: bool = False,
) -> Solution:
    """Take iterates from `path` until the gap of the last one, or of their mean, is at most `tolerance`.

    Args:
        game: The game.
        path: Iterates, the initial one first.
        method: Name of the solver.
        tolerance: Relative duality gap to reach, above 0.
        max_iterations: Steps allowed, at least 0.
        advice: Advice for the error message.
        averaging: Whether to certify the running mean after every step, and not only at the end.
        answered: Whether each target is the best one against its marginal. Then `response_gap` is the gap, and the
            conjugate, which may be slow, is evaluated for the last iterate only.

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
        if answered and (early := response_gap(game, play)) > tolerance:
            history.append(early)
            continue
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
    count = "1 step" if len(history) == 2 else f"{len(history) - 1} steps"
    raise SolveError(
        f"{method} stopped after {count} with gap {reached:.1e} > {tolerance:.1e}. "
        f"{fault_of(game, play if answered else None, reached, tolerance) or advice}",
        "steps",
    )


def response_gap(game: AlignmentGame, play: Iterate) -> float:
    """Compute the gap of a marginal and its best target, without a conjugate.

    Math:
        J(nu) - min over policies of G(., q) = beta KL(nu || nu_0 q / sum nu_0 q)   for u = -beta log q = grad R(nu),
        because R*(u) = <nu, u> - R(nu) there.

    Args:
        game: The game.
        play: A marginal, and a best target against it.

    Returns:
        The largest gap over the prompts, relative to max(1, |R|, beta KL).
    """
    finite_log_q = np.where(game.reachable, play.log_q, 0.0)
    response = simplex.log_normalize(np.where(game.reachable, game.log_nu_0 + finite_log_q, -np.inf))
    value = np.abs(np.asarray(game.functional.value(play.nu)))
    size = np.maximum(1.0, np.maximum(value, game.beta * simplex.kl_from_logs(play.log_nu, game.log_nu_0)))
    return float((game.beta * simplex.kl_from_logs(play.log_nu, response) / size).max())


def fault_of(game: AlignmentGame, answered: Iterate | None, reached: float, tolerance: float) -> str | None:
    """Look for an error in a user's functional that keeps a solver from its tolerance.

    Args:
        game: The game.
        answered: A marginal with its best target; None if the target is not the best one.
        reached: Its relative gap.
        tolerance: Relative duality gap asked for.

    Returns:
        The error and the way to examine it; None if none was found or the functional belongs to this package.
    """
    if not game.functional.foreign:
        return None
    if fault := nonconvexity(game.functional, game.batch, game.n_answers):
        return fault
    if answered is not None and response_gap(game, answered) <= tolerance < reached:
        return (
            f"The policy is a best response to its own target, so the gap is that of the `conjugate` of "
            f"{game.functional.name}, which is too large; `broken_laws` says where."
        )
    return None


def _plays(path: Iterator[Iterate], method: str, advice: str) -> Iterator[Iterate]:
    """Yield the iterates; raise SolveError(diagnosis="vertex") if a mass that R needs has underflowed."""
    steps = 0
    while True:
        try:
            play = next(path)
        except DomainError as error:
            if steps == 0:  # the user's options, not the path
                raise
            raise SolveError(f"{method} reached a vertex after {steps} steps: {error} {advice}", "vertex") from None
        yield play
        steps += 1


class _Mean:
    """The running mean of iterates: of marginals, and of dual variables, which are defined up to constants."""

    def __init__(self, game: AlignmentGame) -> None:
        self._game = game
        self._number = 0
        self._nu = np.zeros(game.log_nu_0.shape)
        self._log_q = np.zeros(game.log_nu_0.shape)

    def add(self, play: Iterate) -> None:
        """Add one iterate."""
        self._number += 1
        self._nu += play.nu
        log_q = np.where(self._game.reachable, play.log_q, 0.0)
        self._log_q += (log_q - self._log_q) / self._number

    def certified(self) -> CertifiedIterate:
        """Certify the mean of the iterates so far."""
        with np.errstate(divide="ignore"):
            log_nu = np.log(self._nu / self._nu.sum(axis=-1, keepdims=True))
        log_q = np.where(self._game.reachable, self._log_q, -np.inf)
        return CertifiedIterate(log_nu, log_q, self._game.certify_marginal(log_nu, log_q))


class _Watch:
    """Detects paths that do not converge: two alternating points, a vertex of the simplex, a target at infinity."""

    def __init__(self, game: AlignmentGame, method: str, advice: str) -> None:
        self._game, self._method, self._advice = game, method, advice
        self._before: list[np.ndarray] = []
        self._repeats = self._steps = 0

    def see(self, play: Iterate) -> None:
        """Examine the next iterate.

        Args:
            play: Its marginal and target.

        Raises:
            SolveError: If the iterates cycle or diverge.
        """
        if not self._spread(play.log_nu) < _tolerances.DIVERGED:
            message = f"{self._method} ran into a vertex of the simplex after {self._steps} steps. "
            raise SolveError(message + self._advice, "vertex")
        if not self._spread(play.log_q) < _tolerances.DIVERGED:
            message = f"{self._method} increased the target's dual variable in each of {self._steps} steps. "
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
        moved = np.abs(one - other)
        # On two answers both masses change equally, up to rounding: the first is named.
        z = int((moved >= moved.max() - _tolerances.CYCLE_RETURN).argmax())
        kind = "two vertices" if min(one.max(), other.max()) > 1 - _tolerances.CYCLE_STEP else "two points"
        return (
            f"{self._method} alternates between {kind} of the simplex (answer {z} has mass {one[z]:.6g} and "
            f"{other[z]:.6g} in turn) after {self._steps} steps. {self._advice}"
        )
