"""Budgets and equalities: Newton's method on the multipliers, for one prompt at a time or for a batch together."""

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers, PerConstraint
from dagames.constraints import Face, LinearConstraints
from dagames.coupled_game import CoupledGame
from dagames.couplings import LinearCoupling
from dagames.functionals import Polytope
from dagames.game import AlignmentGame
from dagames.solvers.multipliers import ConstrainedDual, best_multipliers
from dagames.solvers.path import check_solved
from dagames.solvers.solution import ConstrainedSolution

_REMEDY = "ask for a larger `tolerance`, or loosen budgets that leave almost no room."


def solve_polytope(game: AlignmentGame, *, tolerance: float = _tolerances.GAP) -> ConstrainedSolution:
    """Solve a game whose functional is a `Polytope`: each prompt has its own multipliers.

    Math:
        q* proportional to exp(-<multipliers, costs> / beta),   nu* proportional to nu_0 q*.

    Args:
        game: The game.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution. Its policy meets the constraints up to `_tolerances.FEASIBILITY`.

    Raises:
        SolveError: If the functional is another.

    Source:
        (paper, appendix D); claim I.13

    >>> game = AlignmentGame([0.5, 0.5], [0, 1], Polytope([0.0, 1.0], 0.25), beta=1.0)
    >>> solution = solve_polytope(game)
    >>> solution.nu.round(9), solution.multipliers.round(9)  # log 3
    (array([0.75, 0.25]), array([1.09861229]))
    """
    polytope = game.functional
    if not isinstance(polytope, Polytope):
        raise SolveError(f"{type(polytope).__name__} is not a Polytope; use `solve(game)`.")
    prompts = list(np.ndindex(game.batch))
    faces = [polytope.face(game.reachable[prompt], prompt) for prompt in prompts]
    d, n = polytope.equal.size, len(prompts)
    costs = np.broadcast_to(polytope.costs, (*game.batch, d, game.n_answers)).reshape(n, 1, d, game.n_answers)
    budgets = np.broadcast_to(polytope.budgets, (*game.batch, d)).reshape(n, d)
    dual = ConstrainedDual(
        np.where(game.reachable, game.log_nu_0, -np.inf).reshape(n, 1, game.n_answers),
        costs / game.beta,
        budgets / game.beta,
        np.ones((n, 1)),
        np.stack([face.equal for face in faces]),
    )
    found, steps = best_multipliers(dual)
    multipliers = np.stack([signed(m, face, polytope.equal) for m, face in zip(found, faces, strict=True)])
    log_q = -np.einsum("bd,bdz->bz", multipliers, costs[:, 0]).reshape(game.log_nu_0.shape) / game.beta
    log_q = simplex.log_normalize(np.where(game.reachable, log_q, -np.inf))
    log_nu = simplex.log_normalize(np.where(game.reachable, game.log_nu_0 + log_q, -np.inf))
    certificate = game.certify_marginal(log_nu, log_q)
    slack = budgets - np.einsum("bdz,bz->bd", costs[:, 0], np.exp(log_nu).reshape(n, -1))
    shape = (*game.batch, d)
    solution = ConstrainedSolution(
        log_nu=log_nu,
        log_q=log_q,
        certificate=certificate,
        game=game,
        iterations=steps,
        method="newton",
        multipliers=multipliers.reshape(shape),
        slack=slack.reshape(shape),
    )
    return check_solved(solution, tolerance, _REMEDY)


def solve_budgets(game: CoupledGame, *, tolerance: float = _tolerances.GAP) -> ConstrainedSolution:
    """Solve a game whose prompts meet linear constraints together, by Newton's method on the shared multipliers.

    Args:
        game: A game with `Budgets`, `Equalities`, `EqualRates`, or `AllOf` of them.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution; its constraints hold up to `_tolerances.FEASIBILITY`. A SolveError if the coupling is of
        another kind, or if rounding keeps the gap above the tolerance.

    Source:
        (paper, appendix D); claim I.13

    >>> from dagames.couplings import Budgets
    >>> from dagames.functionals import Linear
    >>> prompts = AlignmentGame([[0.5, 0.5], [0.9, 0.1]], [0, 1], Linear([0.0, 0.0]), beta=1.0)
    >>> solution = solve_budgets(CoupledGame(prompts, Budgets([0.0, 1.0], 0.2)))
    >>> solution.nu.round(4), float(solution.nu[:, 1].mean().round(9))
    (array([[0.6552, 0.3448],
           [0.9448, 0.0552]]), 0.2)
    """
    rows = rows_of(game)
    face = linear_coupling(game).face(game.reachable, game.shares)
    found, steps = best_multipliers(dual_of(game, face))
    multipliers = signed(found[0], face, rows.equal)
    return check_solved(at_multipliers(game, multipliers, "newton", steps, ()), tolerance, _REMEDY)


def rows_of(game: CoupledGame) -> LinearConstraints:
    """Read the constraints off a game with a linear coupling.

    Args:
        game: The game.

    Returns:
        The constraints; a SolveError if the coupling is of another kind.
    """
    return linear_coupling(game).rows(game.shares)


def linear_coupling(game: CoupledGame) -> LinearCoupling:
    """Return the coupling of a game, if it is a linear one.

    Args:
        game: The game.

    Returns:
        The coupling.

    Raises:
        SolveError: If it is of another kind.
    """
    if not isinstance(game.coupling, LinearCoupling):
        raise SolveError(
            f"{type(game.coupling).__name__} is no linear coupling and has no multipliers; use `solve_coupled(game)`."
        )
    return game.coupling


def dual_of(game: CoupledGame, face: Face) -> ConstrainedDual:
    """State the dual of a game with a linear coupling, in nats.

    Args:
        game: The game.
        face: The face of its feasible marginals.

    Returns:
        One problem over all prompts; its multipliers are in R-units, because costs and budgets are divided by beta.
    """
    rows = rows_of(game)
    beta = game.prompts.beta
    return ConstrainedDual(
        game.tilted[None], rows.costs[None] / beta, rows.budgets[None] / beta, game.shares[None], face.equal[None]
    )


def log_target(game: CoupledGame, multipliers: PerConstraint) -> OverAnswers:
    """Compute the log of the target q_x proportional to exp(-<multipliers, c_x> / beta).

    Args:
        game: A game with a linear coupling.
        multipliers: Prices, [d].

    Returns:
        Log-target, [X, Z]; -inf where unreachable.
    """
    costs = rows_of(game).costs
    weights = -np.einsum("d,xdz->xz", multipliers, costs) / game.prompts.beta
    return simplex.log_normalize(np.where(game.reachable, weights, -np.inf))


def at_multipliers(
    game: CoupledGame, multipliers: PerConstraint, method: str, steps: int, history: tuple[float, ...]
) -> ConstrainedSolution:
    """Answer multipliers by their target and policy, and certify the pair.

    Args:
        game: A game with a linear coupling.
        multipliers: Prices, [d].
        method: Name of the solver.
        steps: Steps taken.
        history: Its residuals.

    Returns:
        The solution; its certificate says how good it is.
    """
    rows = rows_of(game)
    log_q = log_target(game, multipliers)
    log_nu = game.log_best_marginal(log_q)
    slack = rows.budgets - rows.expected(np.exp(log_nu))
    certificate = game.certify_marginal(log_nu, log_q)
    return ConstrainedSolution(
        log_nu=log_nu,
        log_q=log_q,
        certificate=certificate,
        game=game,
        iterations=steps,
        method=method,
        history=history,
        multipliers=multipliers,
        slack=slack,
    )


def signed(multipliers: PerConstraint, face: Face, equal: np.ndarray) -> PerConstraint:
    """Make the multipliers of budgets at least 0 where they hold with equality on the whole face.

    On the face the costs are constant under each of its prices, so that adding these changes no target.

    Args:
        multipliers: Prices on the face, [d].
        face: The face.
        equal: Rows that ask for equality by themselves, bool [d].

    Returns:
        Multipliers, [d].
    """
    for prices in reversed(face.prices):
        binding = ~equal & (prices > 0)
        ratio = np.divide(-multipliers, prices, out=np.zeros_like(prices), where=binding)
        multipliers = multipliers + max(float(ratio.max(initial=0.0)), 0.0) * prices
    return np.asarray(np.where(equal, multipliers, np.maximum(multipliers, 0.0)))
