"""Newton's method on the optimality conditions of a game, which are separate equations for a sum over answers."""

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._roots import increasing_root
from dagames._types import OverAnswers
from dagames.functionals import Separable, Smooth
from dagames.game import AlignmentGame
from dagames.solvers.newton_smooth import smooth_equilibrium
from dagames.solvers.path import as_solution, check_solved
from dagames.solvers.solution import Solution

_STEPS = 40
"""Joint steps allowed; quadratic convergence takes under ten, and where it does not come the nested roots take over."""

_STEP = 1e-8
"""Length of the last joint step in log-masses: the error after it is of the order of its square."""


_REMEDY = "ask for a larger `tolerance`, or bring the functional and beta to a common scale."


def solve_newton(game: AlignmentGame, *, tolerance: float = _tolerances.GAP) -> Solution:
    """Solve a game whose functional is twice differentiable.

    Math:
        At the equilibrium f_z'(nu(z)) + beta log(nu(z) / nu_0(z)) = c for every reachable answer, and sum_z nu(z) = 1.
        Newton steps in (log nu, c) jointly cost one pass over the answers each. Prompts where they do not converge are
        solved by two nested safeguarded roots: for given c each log nu(z), and c outside.

    Args:
        game: A game whose functional is `Smooth`; if it is `Separable`, a step costs |Z| and not |Z|^3.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution. A SolveError if rounding keeps the gap above the tolerance.

    Raises:
        SolveError: If the functional has no Hessian.

    >>> from dagames.functionals import Gini
    >>> solve_newton(AlignmentGame([0.9, 0.1], [0, 1], Gini(3.0), beta=0.5)).nu.round(6)
    array([0.63644, 0.36356])
    """
    functional = game.functional
    if not isinstance(functional, Smooth):
        raise SolveError(f"{type(functional).__name__} has no Hessian; use `solve(game)` or `solve_mirror_descent`.")
    if not isinstance(functional, Separable):
        log_nu, steps = smooth_equilibrium(game, functional)
        return check_solved(as_solution(game, log_nu, "newton", steps), tolerance, _REMEDY)
    log_nu, steps, converged = _joint(game, functional)
    if converged:
        solution = as_solution(game, log_nu, "newton", steps)
        if solution.certificate.worst <= tolerance:
            return solution
    solution = as_solution(game, _nested(game, functional), "newton", steps)
    return check_solved(solution, tolerance, _REMEDY)


def _joint(game: AlignmentGame, functional: Separable) -> tuple[OverAnswers, int, bool]:
    """Take Newton steps in log nu and the multiplier c together.

    Args:
        game: The game.
        functional: Its functional.

    Returns:
        Log answer marginals, the steps taken, and whether the last one was small for every prompt.
    """
    reachable, beta = game.reachable, game.beta
    full, ones = bool(reachable.all()), np.ones(game.n_answers)
    t = game.log_reference if full else np.where(reachable, game.log_reference, 0.0)
    scaled = beta * t
    steps, largest = 0, np.inf
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        while steps < _STEPS and not largest <= _STEP**2:
            nu = np.exp(t)
            if not full:
                nu *= reachable
            slope, bend = functional.slope_and_bend(t, nu)
            bend = bend + beta
            level = beta * t
            level -= scaled
            level += slope
            weight = nu / bend
            # The multiplier that makes the linearised masses sum to 1; the old one cancels.
            c = (1.0 - nu @ ones + np.einsum("...z,...z->...", weight, level)) / (weight @ ones)
            step = np.subtract(c[..., None], level, out=level)
            step /= bend
            if not full:
                step *= reachable
            largest = float(np.max(np.einsum("...z,...z->...", step, step)))
            # No mass exceeds 1; from there the steps come down monotonically where f'(exp t) is convex.
            t = np.minimum(np.add(t, step, out=step), 0.0, out=step)
            steps += 1
            if np.isnan(largest):
                break
    log_nu = simplex.log_normalize(t if full else np.where(reachable, t, -np.inf))
    return log_nu, steps, largest <= _STEP**2


def _nested(game: AlignmentGame, functional: Separable) -> OverAnswers:
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
        total = simplex.log_sum(t)[..., None]
        share = np.exp(t - total) / (functional.bend_at_log(np.where(reachable, t, 0.0)) + beta)
        return total, np.where(reachable, share, 0.0).sum(axis=-1, keepdims=True)

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
