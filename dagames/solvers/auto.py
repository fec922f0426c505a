"""The methods of `solve` for alignment games, and the choice between them."""

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any, SupportsIndex

from dagames import _tolerances
from dagames._choices import as_choice
from dagames._errors import CertificateError, DomainError, SolveError
from dagames.functionals import Functional
from dagames.functionals.convexity import nonconvexity
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.numerics.integers import as_count
from dagames.simplex import as_positive
from dagames.solvers.accelerated_ascent import solve_accelerated_ascent
from dagames.solvers.arguments import check_game
from dagames.solvers.best_response import solve_best_response
from dagames.solvers.blocks import solve_in_blocks
from dagames.solvers.closed_form import has_closed_form, solve_closed_form
from dagames.solvers.constrained import solve_polytope, split
from dagames.solvers.cutting_planes import solve_cutting_planes
from dagames.solvers.extragradient import solve_mirror_prox
from dagames.solvers.methods import Method, with_options
from dagames.solvers.mirror_descent import solve_mirror_descent
from dagames.solvers.newton import solve_newton
from dagames.solvers.no_regret import solve_no_regret
from dagames.solvers.policy_set import solve_polytope_sum
from dagames.solvers.solution import Solution
from dagames.solvers.suited import check_suited, remedy

METHODS: dict[str, str] = {
    "auto": "the first that applies: closed_form; newton, if R has a Hessian; mirror_descent, then cutting_planes",
    "closed_form": "write the equilibrium down (Linear, NegativeEntropy, KLToPrior, Point, LogScore)",
    "newton": "Newton's method on the optimality conditions (functionals with a Hessian), or on multipliers (Polytope)",
    "cutting_planes": "the game of R's tangents, solved exactly, and one tangent more a step (functionals with kinks)",
    "mirror_descent": "best responses with the longest damping that a line search finds safe; projected on a polytope",
    "best_response": "undamped alternation; need not converge",
    "damped_response": "alternation, damped until the objective falls",
    "mirror_prox": "both players look one step ahead",
    "accelerated_ascent": "accelerated gradient ascent on the target's dual (strictly convex functionals)",
    "no_regret": "two learners, whose mean plays converge slowly",
    "conic": "the oracle: an interior-point solver, checked by its optimality conditions",
}
"""Methods of `solve`, each with what it does."""


_LARGEST_SYSTEM = 1000
"""Answers up to which "auto" solves dense linear systems; beyond, mirror descent's steps are the cheaper ones."""

_DEFAULT_GAPS = {"conic": _tolerances.ORACLE_GAP, "no_regret": _tolerances.AVERAGE_GAP}


@with_default_errors
def solve_alignment(
    game: AlignmentGame,
    method: str | Method = "auto",
    *,
    tolerance: float | None = None,
    max_iterations: SupportsIndex = 10_000,
) -> Solution:
    """Solve a game to a certified duality gap.

    Args:
        game: The game.
        method: One of `METHODS`, or an object of `dagames.solvers.methods`. "auto" uses a closed form if there is one,
            Newton's method where the functional has a Hessian, with a `Polytope` beside it or not, and otherwise mirror
            descent, then cutting planes if that is slow, as at a kink.
        tolerance: Relative duality gap to reach, above 0; by default 1e-10, 1e-6 for "conic" and 1e-3 for
            "no_regret".
        max_iterations: Steps allowed to the iterative methods.

    Returns:
        The solution, whose `certificate.worst` is at most `tolerance` and whose `method` names the solver.
        A SolveError if that is not reached.

    Raises:
        CertificateError: If a user's own functional is not convex.
        SolveError: If the method does not suit the functional, before any step and naming methods that do; or if the
            tolerance is not reached.
        DomainError: If `game` is not an `AlignmentGame`, the method is unknown, or a number is out of its domain.

    >>> from dagames.functionals import Linear
    >>> game = AlignmentGame([0.5, 0.25, 0.25], [0, 1, 1], Linear([0.0, 1.0]), beta=1.0)
    >>> solution = solve_alignment(game)
    >>> solution.method, solution.certificate.worst < 1e-10
    ('closed_form', True)
    """
    check_game(game, AlignmentGame)
    name, options = with_options(method)
    name = as_choice(name, "method", METHODS)
    if tolerance is None:
        tolerance = default_tolerance(name)
    if game.functional.foreign and (fault := nonconvexity(game.functional, game.batch, game.n_answers)):
        # A concave R has no supremum to bound, and would be certified wrongly.
        raise CertificateError(fault)
    tolerance, max_iterations = as_positive(tolerance, "tolerance"), as_count(max_iterations, "max_iterations", 0)
    check_suited(game.functional, name)
    try:
        return _solved(game, name, tolerance, max_iterations, options)
    except SolveError as error:
        # Rounding is the same for all methods; where an iteration stopped, another may not.
        if name == "auto" or error.diagnosis == "rounding":
            raise
        advice = remedy(game.functional)
        raise SolveError(f"{error}{'' if advice in str(error) else f' {advice}'}", error.diagnosis) from None


def default_tolerance(method: str) -> float:
    """Return the relative duality gap that `solve` reaches with a method of `METHODS`, if none is given."""
    return _DEFAULT_GAPS.get(method, _tolerances.GAP)


def _solved(
    game: AlignmentGame, method: str, tolerance: float, max_iterations: int, options: dict[str, Any]
) -> Solution:
    """Run a method that suits the functional."""
    polytope, rest = split(game.functional)
    if polytope is not None:
        if options:
            raise DomainError(
                f"{method} has no options beside a {polytope.name}, not {', '.join(options)}; its steps are projected."
            )
        # Not in blocks, which would drop the multipliers.
        return _solve_constrained(game, rest, method, tolerance, max_iterations)
    run = _solver(_choose(game) if method == "auto" else method, tolerance, max_iterations, options)
    return solve_in_blocks(game, run)


def _solve_constrained(
    game: AlignmentGame, rest: Functional | None, method: str, tolerance: float, max_iterations: int
) -> Solution:
    """Solve a game with a `Polytope` by a method that finds its multipliers."""
    if method in {"conic", "cutting_planes"}:
        return _solver(method, tolerance, max_iterations, {})(game)
    direct = rest is None or rest.constant_slope() is not None
    dense = rest is not None and _is_quick_by_newton(rest, game.n_answers)
    if method == "newton" or (method == "auto" and direct):
        return solve_polytope(game, tolerance=tolerance)
    if method == "auto" and dense:
        try:
            return solve_polytope(game, tolerance=tolerance)
        except SolveError:
            # Projections can succeed where float64 does not resolve the inner games of this method.
            pass
    if method == "auto" and rest is not None and rest.as_smooth() is None:
        return _first_order(game, tolerance=tolerance, max_iterations=max_iterations, descend=solve_polytope_sum)
    return solve_polytope_sum(game, tolerance=tolerance, max_iterations=max_iterations)


def _solver(
    method: str, tolerance: float, max_iterations: int, options: dict[str, Any]
) -> Callable[[AlignmentGame], Solution]:
    if method == "conic":
        # cvxpy takes longer to import than everything else together, and most games never need it.
        from dagames.solvers.conic import solve_conic

        return partial(solve_conic, tolerance=tolerance)
    if method in _DIRECT:
        return partial(_DIRECT[method], tolerance=tolerance)
    return partial(_ITERATIVE[method], tolerance=tolerance, max_iterations=max_iterations, **options)


_DIRECT: dict[str, Callable[..., Solution]] = {"closed_form": solve_closed_form, "newton": solve_newton}


def _first_order(
    game: AlignmentGame,
    *,
    tolerance: float,
    max_iterations: int,
    descend: Callable[..., Solution] = solve_mirror_descent,
) -> Solution:
    """Run mirror descent, quick where R is smooth, and cutting planes, quick where it is a maximum of few functions."""
    first: tuple[Callable[[], Solution], ...] = (
        lambda: descend(game, tolerance=tolerance, max_iterations=min(max_iterations, _SMOOTH_STEPS)),
        lambda: solve_cutting_planes(game, tolerance=tolerance, max_iterations=max_iterations),
    )
    for attempt in first if game.n_answers <= _LARGEST_SYSTEM else ():
        with contextlib.suppress(SolveError):
            return attempt()
    return descend(game, tolerance=tolerance, max_iterations=max_iterations)


_SMOOTH_STEPS = 100
"""Steps of mirror descent after which R counts as one with kinks; where it is smooth, tens of steps are usual."""

_ITERATIVE: dict[str, Callable[..., Solution]] = {
    "first_order": _first_order,
    "cutting_planes": solve_cutting_planes,
    "mirror_descent": solve_mirror_descent,
    "best_response": solve_best_response,
    "damped_response": partial(solve_best_response, damping="auto"),
    "mirror_prox": solve_mirror_prox,
    "accelerated_ascent": solve_accelerated_ascent,
    "no_regret": solve_no_regret,
}


def _choose(game: AlignmentGame) -> str:
    if has_closed_form(game.functional):
        return "closed_form"
    if game.functional.as_smooth() is None:
        return "first_order"
    return "newton" if _is_quick_by_newton(game.functional, game.n_answers) else "mirror_descent"


def _is_quick_by_newton(functional: Functional, n_answers: int) -> bool:
    """Say whether Newton's steps are separate equations, or few enough for a dense system."""
    if functional.as_separable() is not None:
        return True
    return functional.as_smooth() is not None and n_answers <= _LARGEST_SYSTEM
