"""Newton's method on the optimality conditions of a game, which are separate equations for a sum over answers."""

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers
from dagames.functionals import Separable
from dagames.functionals.conjugates.nested_roots import nested_roots
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.newton_smooth import smooth_equilibrium
from dagames.solvers.path import as_solution, check_solved, refuse_constraints
from dagames.solvers.solution import Solution

_STEPS = 40
"""Joint steps allowed. Quadratic convergence takes fewer than ten; nested roots solve the other games."""

_STEP = 1e-8
"""Length of the last joint step in log-masses: the error after it is of the order of its square."""

_REMEDY = "ask for a larger `tolerance`, or bring the functional and beta to a common scale."


@with_default_errors
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
    refuse_constraints(game, "solve_newton")
    functional, separable = game.functional.as_smooth(), game.functional.as_separable()
    if functional is None:
        raise SolveError(f"{game.functional.name} has no Hessian; use `solve(game)`.")
    if separable is None:
        log_nu, steps = smooth_equilibrium(game, functional)
        return check_solved(as_solution(game, log_nu, "newton", steps), tolerance, _REMEDY)
    log_nu, steps, converged = joint_steps(game, separable)
    if converged:
        solution = as_solution(game, log_nu, "newton", steps)
        if solution.certificate.worst <= tolerance:
            return solution
    tilt = np.where(game.reachable, game.beta * game.log_reference, -np.inf)
    return check_solved(
        as_solution(game, nested_roots(separable, tilt, game.beta), "newton", steps), tolerance, _REMEDY
    )


def joint_steps(game: AlignmentGame, functional: Separable) -> tuple[OverAnswers, int, bool]:
    """Take Newton steps in log nu and the multiplier c together.

    Args:
        game: The game.
        functional: Its functional.

    Returns:
        Log answer marginals, [*x, Z], the steps taken, and whether the last one was small for every prompt.
    """
    everywhere = bool(game.reachable.all())
    base = game.log_reference if everywhere else np.where(game.reachable, game.log_reference, 0.0)
    t, ones = base.copy(), np.ones(game.n_answers)
    steps, largest = 0, np.inf
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        while steps < _STEPS and not largest <= _STEP**2:
            nu = np.exp(t)
            if not everywhere:
                nu *= game.reachable
            slope, bend = functional.slope_and_bend(t, nu)
            # f'(nu) + beta log(nu / nu_0) up to a constant, and its derivative in log nu.
            level = t - base
            level *= game.beta
            level += slope
            bend = bend + game.beta
            weight = nu / bend
            pull = np.einsum("...z,...z->...", weight, level)
            # The multiplier that makes the linearised masses sum to 1; the multiplier of the last step cancels.
            c = (1.0 - nu @ ones + pull) / (weight @ ones)
            step = np.subtract(c[..., None], level, out=level)
            step /= bend
            if not everywhere:
                step *= game.reachable
            largest = float(np.max(np.einsum("...z,...z->...", step, step)))
            # No mass exceeds 1; from there the steps come down monotonically where f'(exp t) is convex.
            np.minimum(np.add(t, step, out=step), 0.0, out=t)
            steps += 1
            if np.isnan(largest):
                break
    log_nu = t if everywhere else np.where(game.reachable, t, -np.inf)
    return simplex.log_normalize(log_nu), steps, largest <= _STEP**2
