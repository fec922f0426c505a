"""Newton's method on the dual of a separable game, which is one number per prompt."""

import numpy as np
from scipy.special import logsumexp, softmax

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._roots import increasing_root
from dagames._types import OverAnswers
from dagames.functionals import Separable
from dagames.game import AlignmentGame
from dagames.solvers.path import as_solution
from dagames.solvers.solution import Solution


def solve_newton(game: AlignmentGame, *, tolerance: float = _tolerances.GAP) -> Solution:
    """Solve a game whose functional is a sum over answers, by two nested roots.

    Math:
        At the equilibrium f_z'(nu(z)) + beta log(nu(z) / nu_0(z)) = c for every reachable answer. For given c each
        mass is the root of an increasing function of log nu(z); c is the root of log sum_z nu(z).

    Args:
        game: A game whose functional is `Separable`.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution.

    Raises:
        SolveError: If the functional is not separable, or if rounding keeps the gap above the tolerance.

    >>> from dagames.functionals import Gini
    >>> solve_newton(AlignmentGame([0.9, 0.1], [0, 1], Gini(3.0), beta=0.5)).nu.round(6)
    array([0.63644, 0.36356])
    """
    functional = game.functional
    if not isinstance(functional, Separable):
        raise SolveError(f"{type(functional).__name__} is not separable; use `solve(game)` or `solve_mirror_descent`.")
    solution = as_solution(game, _equilibrium(game, functional), "newton", ())
    if not solution.certificate.worst <= tolerance:
        raise SolveError(
            f"newton reached gap {solution.certificate.worst:.1e} > {tolerance:.1e}, the rounding of float64 on this "
            "game; ask for a larger `tolerance`, or bring the functional and beta to a common scale."
        )
    return solution


def _equilibrium(game: AlignmentGame, functional: Separable) -> OverAnswers:
    reachable, beta = game.reachable, game.beta
    base = np.where(reachable, game.log_reference, 0.0)
    steepest = functional.gradient_at_log(np.zeros_like(base))
    guess = base

    def log_masses(c: np.ndarray) -> OverAnswers:
        """Find each log mass for the multiplier c, at most log 1."""
        nonlocal guess

        def excess(t: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
            return functional.gradient_at_log(t) + beta * (t - base) - c, functional.bend_at_log(t) + beta

        # f' is at most f'(1) up to mass 1, which bounds the root from below.
        low = np.minimum(base + (c - steepest) / beta, 0.0)
        guess = increasing_root(excess, low, np.zeros_like(base), guess)
        return guess

    def surplus(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = np.where(reachable, log_masses(c), -np.inf)
        share = softmax(t, axis=-1) / (functional.bend_at_log(np.where(reachable, t, 0.0)) + beta)
        return logsumexp(t, axis=-1, keepdims=True), np.where(reachable, share, 0.0).sum(axis=-1, keepdims=True)

    c = increasing_root(surplus, *_bracket(game, functional, base))
    return simplex.log_normalize(np.where(reachable, log_masses(c), -np.inf))


def _bracket(game: AlignmentGame, functional: Separable, base: OverAnswers) -> tuple[np.ndarray, np.ndarray]:
    """Bound the multiplier c = f'(nu) + beta log(nu / nu_0), which is the same for all reachable answers, [*x, 1].

    Some answer has nu <= nu_0 and some nu >= nu_0, so c lies between the slopes at nu_0; every nu is at most 1 and some
    nu is at least 1 / |Z|, which gives the second pair of bounds.

    Args:
        game: The game.
        functional: Its functional.
        base: Log reference, [*x, Z], 0 where unreachable.

    Returns:
        Lower and upper bound, [*x, 1] each.
    """
    reachable, beta = game.reachable, game.beta
    log_n = np.log(reachable.sum(axis=-1, keepdims=True))
    at_reference = functional.gradient_at_log(base)
    at_one = functional.gradient_at_log(np.zeros_like(base)) - beta * base
    at_share = functional.gradient_at_log(np.broadcast_to(-log_n, base.shape).copy()) - beta * (base + log_n)

    def least(values: OverAnswers) -> np.ndarray:
        return np.asarray(np.where(reachable, values, np.inf).min(axis=-1, keepdims=True))

    def largest(values: OverAnswers) -> np.ndarray:
        return np.asarray(np.where(reachable, values, -np.inf).max(axis=-1, keepdims=True))

    low = np.maximum(least(at_reference), least(at_share))
    return low, np.maximum(np.minimum(largest(at_reference), least(at_one)), low)
