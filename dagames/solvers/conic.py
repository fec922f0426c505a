"""The oracle: the game as a conic program through cvxpy, one prompt after the other. It is slow and simple."""

from typing import Any

import cvxpy as cp
import numpy as np

from dagames import _tolerances
from dagames._errors import SolveError
from dagames._types import OverAnswers, PerConstraint, PerPrompt
from dagames.games.alignment import AlignmentGame
from dagames.numerics.conic import solve_problem
from dagames.numerics.constraints import LinearConstraints
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.constrained import priced_solution
from dagames.solvers.path import as_solution, check_solved
from dagames.solvers.solution import Solution
from dagames.solvers.suited import check_suited, remedy

_DIFFERENT = 1e-5
"""Relative difference of a conic form and its functional that the accuracy of the conic solver does not explain."""


@with_default_errors
@np.errstate(under="ignore", over="ignore")
def solve_conic(game: AlignmentGame, *, tolerance: float = _tolerances.ORACLE_GAP) -> Solution:
    """Solve each prompt's reduced game by an interior-point method on exponential cones.

    Args:
        game: The game; reference masses should lie above 1e-8.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution. A SolveError if the functional has no conic form, if the gap stays above the tolerance,
        or if the solver's answer breaks the KKT conditions.
    """
    check_suited(game.functional, "conic")
    _check_batch(game)
    found = [_solve_prompt(game, prompt) for prompt in np.ndindex(game.batch)]
    log_nu = np.stack([log_nu for log_nu, _, _ in found]).reshape(game.log_nu_0.shape)
    if game.functional.constraint_set() is None:
        solution = as_solution(game, log_nu, "conic")
    else:
        # An indicator's slope says nothing; the prices of its constraints make the target.
        solution = priced_solution(game, log_nu, np.stack([prices for _, prices, _ in found]), "conic")
    forms = np.array([form for _, _, form in found]).reshape(game.batch)
    return check_solved(solution, tolerance, _likely_cause(game, log_nu, forms))


def _likely_cause(game: AlignmentGame, log_nu: OverAnswers, forms: PerPrompt) -> str:
    """Return the advice for a gap that is too large: compare the values of the conic forms, [*x], with those of R."""
    value = np.asarray(game.functional.value(np.exp(log_nu)))
    off = np.abs(forms - value) / np.maximum(1.0, np.abs(value))
    if np.isfinite(off).all() and off.max() > _DIFFERENT:
        place = np.unravel_index(int(off.argmax()), off.shape)
        return (
            f"the `conic_form` of {game.functional.name} has the value {forms[place]:.6g} at the solution, and its "
            f"`value` is {value[place]:.6g}: correct the one that is wrong."
        )
    return "ask for a larger `tolerance`, because interior points lose tiny masses."


def _solve_prompt(game: AlignmentGame, prompt: tuple[int, ...]) -> tuple[OverAnswers, PerConstraint, float]:
    """Solve one prompt: the log-marginal, the prices [d] of the constraints of a `Polytope`, and the form's value."""
    reachable, log_nu_0 = game.reachable[prompt], game.log_nu_0[prompt]
    nu = cp.Variable(game.n_answers)
    divergence = cp.sum(cp.kl_div(nu[reachable], np.exp(log_nu_0[reachable])))
    constraints = [cp.sum(nu) == 1, nu[~reachable] == 0] if (~reachable).any() else [cp.sum(nu) == 1]
    polytope = game.functional.constraint_set()
    limits = [] if polytope is None else _limits(polytope.rows(prompt), nu)
    form = game.functional.at_prompts(prompt).conic_form(nu, cp)
    if form is None:
        raise SolveError(f"`conic_form` of {game.functional.name} returned None. {remedy(game.functional)}")
    solve_problem(cp.Problem(cp.Minimize(form + game.beta * divergence), [*constraints, *limits]))
    # Interior points are positive; a mass that the solver returns as 0 or below is rounding, not an answer.
    mass = np.where(reachable, np.maximum(np.asarray(nu.value), np.finfo(np.float64).tiny), 0.0)
    prices = np.zeros(0)
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
    nu.value = mass / mass.sum()
    value = float(form.value) if hasattr(form, "value") else float(form)
    return np.asarray(log_nu - np.log(mass.sum())), np.asarray(prices), value


def _check_batch(game: AlignmentGame) -> None:
    """Raise a SolveError if the functional of a batch does not list the parameters that may vary by prompt."""
    if game.batch and not game.functional.is_divisible:
        raise SolveError(
            f"conic solves the prompts of a batch one by one, but {game.functional.name} does not list all its arrays "
            f"in `per_prompt`. {remedy(game.functional)}"
        )


def _limits(rows: LinearConstraints, nu: Any) -> list[Any]:
    """State linear constraints as cvxpy constraints, inequalities before equalities."""
    rows = rows.anchored(np.ones((1, rows.costs.shape[-1]), dtype=bool))
    left, right, equal = rows.costs[0] @ nu, rows.budgets, rows.equal
    below = [left[~equal] <= right[~equal]] if not equal.all() else []
    return below + ([left[equal] == right[equal]] if equal.any() else [])
