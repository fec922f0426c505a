"""Newton's method on the optimality conditions of a game, which are separate equations for a sum over answers."""

import numpy as np

from dagames import _tolerances
from dagames._errors import SolveError
from dagames._types import OverAnswers
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.nested_roots import nested_roots
from dagames.solvers.newton_smooth import smooth_equilibrium
from dagames.solvers.path import as_solution, check_solved, refuse_constraints
from dagames.solvers.pieces import Piece, cut, log_total, normalize, solution_of_pieces
from dagames.solvers.solution import Solution

_STEPS = 40
"""Joint steps allowed; quadratic convergence takes under ten, and where it does not come the nested roots take over."""

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
    pieces = cut(game, separable)
    log_nu, steps, converged = _joint(game, pieces)
    if converged:
        solution = _certified(game, pieces, log_nu, steps)
        if solution.certificate.worst <= tolerance:
            return solution
    return check_solved(_certified(game, pieces, nested_roots(game, pieces), steps), tolerance, _REMEDY)


def _certified(game: AlignmentGame, pieces: tuple[Piece, ...], log_nu: OverAnswers, steps: int) -> Solution:
    """Certify with the conjugate, or where that would hold too much at once with the tangent."""
    if len(pieces) == 1:
        return as_solution(game, log_nu, "newton", steps)
    return solution_of_pieces(game, pieces, log_nu, "newton", steps)


def _start(game: AlignmentGame, pieces: tuple[Piece, ...]) -> OverAnswers:
    """Copy the log reference, conditioned on the reachable answers; 0 at the others."""
    t = np.empty_like(game.log_nu_0)
    total = log_total(pieces, game.log_nu_0)[..., None]
    for piece in pieces:
        np.subtract(piece.anchor, total, out=t[..., piece.answers])
        if not piece.full:
            t[..., piece.answers][~piece.reachable] = 0.0
    return t


def _joint(game: AlignmentGame, pieces: tuple[Piece, ...]) -> tuple[OverAnswers, int, bool]:
    """Take Newton steps in log nu and the multiplier c together.

    Args:
        game: The game.
        pieces: Its answers.

    Returns:
        Log answer marginals, the steps taken, and whether the last one was small for every prompt.
    """
    t = _start(game, pieces)
    steps, largest = 0, np.inf
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        while steps < _STEPS and not largest <= _STEP**2:
            mass, pull, give = np.zeros((3, *game.batch))
            kept = None
            for piece in pieces:
                nu, level, bend = kept = _linearise(piece, t[..., piece.answers], game.beta)
                weight = nu / bend
                ones = np.ones(nu.shape[-1])
                mass += nu @ ones
                pull += np.einsum("...z,...z->...", weight, level)
                give += weight @ ones
            # The multiplier that makes the linearised masses sum to 1; the old one cancels.
            c = ((1.0 - mass + pull) / give)[..., None]
            squared = np.zeros(game.batch)
            for piece in pieces:
                own = t[..., piece.answers]
                # With one piece what was computed for the multiplier is still at hand.
                _, level, bend = kept if kept and len(pieces) == 1 else _linearise(piece, own, game.beta)
                squared += _step(piece, own, c, level, bend)
            largest = float(np.max(squared))
            steps += 1
            if np.isnan(largest):
                break
    normalize(pieces, t)
    return t, steps, largest <= _STEP**2


def _linearise(piece: Piece, t: OverAnswers, beta: float) -> tuple[OverAnswers, OverAnswers, OverAnswers]:
    """Compute nu, f'(nu) + beta log(nu / nu_0) up to a constant, and its derivative in log nu, [*x, n] each."""
    nu = np.exp(t)
    if not piece.full:
        nu *= piece.reachable
    slope, bend = piece.functional.slope_and_bend(t, nu)
    level = t - piece.anchor
    level *= beta
    level += slope
    return nu, level, bend + beta


def _step(piece: Piece, t: OverAnswers, c: np.ndarray, level: OverAnswers, bend: OverAnswers) -> np.ndarray:
    """Move the log masses `t` in place, and return the squared length of the step, [*x]."""
    step = np.subtract(c, level, out=level)
    step /= bend
    if not piece.full:
        step *= piece.reachable
    squared = np.einsum("...z,...z->...", step, step)
    # No mass exceeds 1; from there the steps come down monotonically where f'(exp t) is convex.
    np.minimum(np.add(t, step, out=step), 0.0, out=t)
    return np.asarray(squared)
