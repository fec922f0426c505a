"""Games whose prompts share budgets and equalities: Newton's method on the multipliers."""

from dataclasses import replace

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers, PerConstraint
from dagames.games.certificate import Certificate, certify
from dagames.games.coupled import CoupledGame
from dagames.games.couplings import LinearCoupling
from dagames.numerics.constraints import LinearConstraints
from dagames.numerics.faces import Face
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.multipliers import ConstrainedDual, best_multipliers
from dagames.solvers.path import check_solved
from dagames.solvers.prices import is_infinite, reported, signed
from dagames.solvers.solution import Solution

_REMEDY = "ask for a larger `tolerance`, or loosen budgets that leave almost no room."


@with_default_errors
@np.errstate(under="ignore", over="ignore")
def solve_budgets(game: CoupledGame, *, tolerance: float = _tolerances.GAP) -> Solution:
    """Solve a game with linear constraints on all prompts together, by Newton's method on their multipliers.

    Args:
        game: A game with `Budgets`, `Equalities`, `EqualRates`, or `AllOf` of them.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution; its constraints hold up to `_tolerances.FEASIBILITY`. A SolveError if the coupling is of
        another kind, or if rounding keeps the gap above the tolerance.

    Source:
        (paper, appendix D); claim I.13

    >>> from dagames import AlignmentGame
    >>> from dagames.games.couplings import Budgets
    >>> from dagames.functionals import Linear
    >>> prompts = AlignmentGame([[0.5, 0.5], [0.9, 0.1]], [0, 1], Linear([0.0, 0.0]), beta=1.0)
    >>> solution = solve_budgets(CoupledGame(prompts, Budgets([0.0, 1.0], 0.2)))
    >>> solution.nu.round(4), float(solution.nu[:, 1].mean().round(9))
    (array([[0.6552, 0.3448],
           [0.9448, 0.0552]]), 0.2)
    """
    face = face_of(game)
    rows = face.rows
    dual = ConstrainedDual(game.tilted[None], rows.costs[None], rows.budgets[None], game.shares[None], face.equal[None])
    found, steps = best_multipliers(dual)
    nats = signed(found[0], face, rows.equal)
    return check_solved(at_multipliers(game, nats, "newton", steps, ()), tolerance, _REMEDY)


def rows_of(game: CoupledGame) -> LinearConstraints:
    """Read the constraints off a game with a linear coupling.

    Args:
        game: The game.

    Returns:
        The constraints; a SolveError if the coupling is of another kind.
    """
    return _coupling_of(game).rows(game.shares)


def face_of(game: CoupledGame) -> Face:
    """Return the face of the feasible marginals of a game with a linear coupling.

    Args:
        game: The game.

    Returns:
        The face; a SolveError if the coupling is of another kind.
    """
    return _coupling_of(game).face(game.prompts.reachable, game.shares)


def _coupling_of(game: CoupledGame) -> LinearCoupling:
    if not isinstance(game.coupling, LinearCoupling):
        raise SolveError(
            f"{type(game.coupling).__name__} is not a linear coupling without multipliers; use `solve(game)`."
        )
    return game.coupling


def log_target(game: CoupledGame, nats: PerConstraint) -> OverAnswers:
    """Compute the log of the target q_x proportional to exp(-<multipliers, c_x> / beta).

    Args:
        game: A game with a linear coupling.
        nats: Multipliers of the face's rows, divided by beta, [d].

    Returns:
        Log-target, [X, Z]; -inf where unreachable.
    """
    weights = -np.einsum("d,xdz->xz", nats, face_of(game).rows.costs)
    return simplex.log_normalize(np.where(game.reachable, weights, -np.inf))


@np.errstate(under="ignore", over="ignore")
def at_multipliers(
    game: CoupledGame, nats: PerConstraint, method: str, steps: int, history: tuple[float, ...]
) -> Solution:
    """Compute the target and the policy of given multipliers, and certify the pair.

    Args:
        game: A game with a linear coupling.
        nats: Multipliers of the face's rows, divided by beta, [d].
        method: Name of the solver.
        steps: Steps taken.
        history: Its residuals.

    Returns:
        The solution; its certificate says how good it is.
    """
    face = face_of(game)
    log_q = log_target(game, nats)
    # With multipliers of 1e4 nats the first sum is 1 up to 1e-12 only.
    log_nu = simplex.log_normalize(game.log_best_marginal(log_q))
    return Solution(
        log_nu=log_nu,
        log_q=log_q,
        certificate=_certify_coupled(game, face, log_nu, nats),
        game=game,
        iterations=steps,
        method=method,
        history=history,
        multipliers=reported(nats * game.prompts.beta, face),
        slack=rows_of(game).slack(np.exp(log_nu)) * ~is_infinite(face),
    )


def _certify_coupled(game: CoupledGame, face: Face, log_nu: OverAnswers, nats: PerConstraint) -> Certificate:
    """Bound the suboptimality as `_certify` does, for all prompts together."""
    nu, beta, shares, rows = np.exp(log_nu), game.prompts.beta, game.shares, face.rows
    value = float(shares @ game.prompts.functional.value(nu))
    cost = beta * float(shares @ simplex.kl_from_logs(log_nu, game.prompts.log_nu_0))
    tilt = np.where(game.reachable, game.tilted - np.einsum("d,xdz->xz", nats, rows.costs), -np.inf)
    log_mass = beta * float(shares @ simplex.log_sum(tilt))
    paid = beta * float(nats @ rows.budgets)
    off = nats * (rows.expected(nu) - rows.budgets)
    gained = beta * float(off[off > 0].sum())
    certificate = certify(
        value=np.asarray(value + game.coupling.value(nu, shares)),
        divergence=np.asarray(cost),
        dual=np.asarray(-log_mass - paid),
        rounded=np.asarray(max(abs(log_mass), abs(paid), beta) + gained / _tolerances.ROUNDING),
        of=game.coupling,
    )
    return replace(certificate, residuals=game.coupling.residuals(nu, shares))
