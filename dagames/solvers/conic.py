"""The oracle: the game stated for a general conic solver, one prompt after the other. Slow, and obviously right."""

from functools import singledispatch
from typing import Any

import cvxpy as cp
import numpy as np

from dagames import _tolerances
from dagames._errors import SolveError
from dagames._types import OverAnswers, PerConstraint
from dagames.functionals import (
    ChiSquare,
    Functional,
    Gini,
    Hellinger,
    KLFromPrior,
    KLToPrior,
    Linear,
    LogScore,
    NegativeEntropy,
    Point,
    Polytope,
    Quadratic,
    SquaredDistance,
    Tsallis,
)
from dagames.functionals.scaled import Scaled
from dagames.functionals.sums import Sum
from dagames.games.alignment import AlignmentGame
from dagames.numerics.conic import solve_problem
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.constrained import priced_solution, split
from dagames.solvers.path import as_solution, check_solved
from dagames.solvers.solution import Solution


@singledispatch
def as_expression(functional: Functional, nu: Any, prompt: tuple[int, ...]) -> Any:  # noqa: ARG001 - the interface
    """State R(nu) as a convex cvxpy expression; register an implementation for a functional of your own.

    Args:
        functional: The functional R.
        nu: A cvxpy variable over answers, [Z].
        prompt: Index of the prompt, () for a game of one.

    Raises:
        SolveError: If nobody has stated this functional.
    """
    raise SolveError(
        f"{type(functional).__name__} has no conic form; register one with "
        "`dagames.solvers.conic.as_expression.register`."
    )


def without_form(functional: Functional) -> str | None:
    """Name the part of a functional that nobody has stated for cvxpy, or return None.

    Args:
        functional: The functional R.

    Returns:
        The name.
    """
    for part in functional.terms():
        stated = part.functional if isinstance(part, Scaled) else part
        if as_expression.dispatch(type(stated)) is as_expression.dispatch(object):
            return stated.name
    return None


@singledispatch
def as_constraints(functional: Functional, nu: Any, prompt: tuple[int, ...]) -> list[Any]:  # noqa: ARG001 - as above
    """State where R(nu) is finite as cvxpy constraints, inequalities before equalities; none by default.

    Args:
        functional: The functional R.
        nu: A cvxpy variable over answers, [Z].
        prompt: Index of the prompt, () for a game of one.

    Returns:
        The constraints. Register an implementation for an indicator of your own.
    """
    return []


@as_constraints.register
def _polytope_rows(functional: Polytope, nu: Any, prompt: tuple[int, ...]) -> list[Any]:
    rows = functional.rows(prompt)
    rows = rows.anchored(np.ones((1, rows.costs.shape[-1]), dtype=bool))
    left, right, equal = rows.costs[0] @ nu, rows.budgets, rows.equal
    kept = np.flatnonzero(~equal), np.flatnonzero(equal)
    return [left[kept[0]] <= right[kept[0]]] * (kept[0].size > 0) + [left[kept[1]] == right[kept[1]]] * (
        kept[1].size > 0
    )


@as_expression.register
def _polytope(functional: Polytope, nu: Any, prompt: tuple[int, ...]) -> Any:  # noqa: ARG001 - the interface
    return 0.0 * nu[0]


@as_expression.register
def _linear(functional: Linear, nu: Any, prompt: tuple[int, ...]) -> Any:
    return -_row(functional.rewards, prompt) @ nu


@as_expression.register
def _negative_entropy(functional: NegativeEntropy, nu: Any, prompt: tuple[int, ...]) -> Any:
    return -_number(functional.weight, prompt) * cp.sum(cp.entr(nu))


@as_expression.register
def _gini(functional: Gini, nu: Any, prompt: tuple[int, ...]) -> Any:
    return 0.5 * _number(functional.weight, prompt) * cp.sum_squares(nu)


@as_expression.register
def _tsallis(functional: Tsallis, nu: Any, prompt: tuple[int, ...]) -> Any:
    power = cp.sum(cp.power(nu, functional.order, approx=False))
    return _number(functional.weight, prompt) * (power - 1) / (functional.order - 1)


@as_expression.register
def _kl_to_prior(functional: KLToPrior, nu: Any, prompt: tuple[int, ...]) -> Any:
    prior = _row(functional.prior, prompt)
    return _number(functional.weight, prompt) * cp.sum(cp.kl_div(nu[prior > 0], prior[prior > 0]))


@as_expression.register
def _kl_from_prior(functional: KLFromPrior, nu: Any, prompt: tuple[int, ...]) -> Any:
    prior = _row(functional.prior, prompt)
    held = prior > 0
    return _number(functional.weight, prompt) * (prior[held] @ (np.log(prior[held]) - cp.log(nu[held])))


@as_expression.register
def _hellinger(functional: Hellinger, nu: Any, prompt: tuple[int, ...]) -> Any:
    return _number(functional.weight, prompt) * (
        1 - np.sqrt(_row(functional.prior, prompt)) @ cp.power(nu, 0.5, approx=False)
    )


@as_expression.register
def _chi_square(functional: ChiSquare, nu: Any, prompt: tuple[int, ...]) -> Any:
    prior = _row(functional.prior, prompt)
    held = prior > 0
    return _number(functional.weight, prompt) * cp.sum_squares((nu[held] - prior[held]) / np.sqrt(prior[held]))


@as_expression.register
def _squared_distance(functional: SquaredDistance, nu: Any, prompt: tuple[int, ...]) -> Any:
    return 0.5 * _number(functional.weight, prompt) * cp.sum_squares(nu - _row(functional.prior, prompt))


@as_expression.register
def _log_score(functional: LogScore, nu: Any, prompt: tuple[int, ...]) -> Any:
    return -_number(functional.weight, prompt) * cp.log(nu[int(_number(functional.answer, prompt))])


@as_expression.register
def _point(functional: Point, nu: Any, prompt: tuple[int, ...]) -> Any:
    return 0.0 * nu[int(_number(functional.answer, prompt))]


@as_expression.register
def _quadratic(functional: Quadratic, nu: Any, prompt: tuple[int, ...]) -> Any:
    values, vectors = np.linalg.eigh(_part(functional.hessian(np.zeros(functional.matrix.shape[:-1])), prompt, 2))
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    # On the simplex Q differs from its projection on sum 0 by a linear function.
    matrix = _part(functional.matrix, prompt, 2)
    row = matrix.mean(axis=0) - matrix.mean() / 2
    return 0.5 * cp.sum_squares(root @ nu) + (row + _row(functional.linear, prompt)) @ nu


@as_constraints.register
def _scaled_rows(functional: Scaled, nu: Any, prompt: tuple[int, ...]) -> list[Any]:
    return as_constraints(functional.functional, nu, prompt)


@as_constraints.register
def _sum_rows(functional: Sum, nu: Any, prompt: tuple[int, ...]) -> list[Any]:
    return [limit for part in functional.parts for limit in as_constraints(part, nu, prompt)]


@as_expression.register
def _scaled(functional: Scaled, nu: Any, prompt: tuple[int, ...]) -> Any:
    return _number(functional.weight, prompt) * as_expression(functional.functional, nu, prompt)


@as_expression.register
def _sum(functional: Sum, nu: Any, prompt: tuple[int, ...]) -> Any:
    return sum(as_expression(part, nu, prompt) for part in functional.parts)


@with_default_errors
@np.errstate(under="ignore", over="ignore")
def solve_conic(game: AlignmentGame, *, tolerance: float = _tolerances.ORACLE_GAP) -> Solution:
    """Solve each prompt's reduced game by an interior-point method on exponential cones.

    Args:
        game: The game; reference masses should lie above 1e-8.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution. A SolveError if the gap stays above the tolerance, or if the solver's answer breaks the
        KKT conditions.
    """
    found = [_solve_prompt(game, prompt) for prompt in np.ndindex(game.batch)]
    log_nu = np.stack([log_nu for log_nu, _ in found]).reshape(game.log_nu_0.shape)
    if split(game.functional)[0] is None:
        solution = as_solution(game, log_nu, "conic")
    else:
        # An indicator's slope says nothing; the prices of its constraints make the target.
        solution = priced_solution(game, log_nu, np.stack([prices for _, prices in found]), "conic")
    return check_solved(
        solution, tolerance, "interior points lose tiny masses: ask for a larger `tolerance` or use `solve(game)`."
    )


def _solve_prompt(game: AlignmentGame, prompt: tuple[int, ...]) -> tuple[OverAnswers, PerConstraint]:
    """Solve one prompt: the log-marginal, and the prices [d] of the constraints of a `Polytope`."""
    reachable, log_nu_0 = game.reachable[prompt], game.log_nu_0[prompt]
    nu = cp.Variable(game.n_answers)
    divergence = cp.sum(cp.kl_div(nu[reachable], np.exp(log_nu_0[reachable])))
    constraints = [cp.sum(nu) == 1, nu[~reachable] == 0] if (~reachable).any() else [cp.sum(nu) == 1]
    limits = as_constraints(game.functional, nu, prompt)
    objective = as_expression(game.functional, nu, prompt) + game.beta * divergence
    solve_problem(cp.Problem(cp.Minimize(objective), [*constraints, *limits]))
    # Interior points are positive; a mass that the solver returns as 0 or below is rounding, not an answer.
    mass = np.where(reachable, np.maximum(np.asarray(nu.value), np.finfo(np.float64).tiny), 0.0)
    prices = np.zeros(0)
    polytope, _ = split(game.functional)
    if polytope is not None:
        rows, face = polytope.rows(prompt), polytope.face(reachable, prompt)
        # The solver breaks constraints by its own tolerance: the certificate needs a point that does not.
        mass = face.inside((mass / mass.sum())[None], share=1.0)[0]
        prices = np.zeros(rows.equal.size)
        for kind, limit in zip([e for e in (False, True) if (rows.equal == e).any()], limits, strict=True):
            prices[rows.equal == kind] = limit.dual_value
        prices = prices / rows.unit(np.ones((1, mass.size), dtype=bool))
    with np.errstate(divide="ignore"):
        log_nu = np.log(mass)
    return np.asarray(log_nu - np.log(mass.sum())), np.asarray(prices)


def _number(values: np.ndarray, prompt: tuple[int, ...]) -> float:
    """Pick the prompt's own parameter, or the one that all share."""
    return float(values if values.ndim == 0 else values[prompt])


def _row(values: np.ndarray, prompt: tuple[int, ...]) -> np.ndarray:
    """Pick the prompt's own row of a parameter over answers, or the one that all share."""
    return _part(values, prompt, 1)


def _part(values: np.ndarray, prompt: tuple[int, ...], rank: int) -> np.ndarray:
    """Pick the prompt's own array of that rank, or the one that all share."""
    return np.asarray(values if values.ndim == rank else values[prompt])
