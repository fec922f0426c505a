"""Games with a `Polytope`, alone or in a sum: Newton's method on the multipliers of each prompt."""

from dataclasses import dataclass

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers, PerConstraint
from dagames.functionals import Functional
from dagames.functionals.base import ConstraintSet
from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate, certify
from dagames.numerics.faces import Face
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.multipliers import ConstrainedDual, best_multipliers, minimise_dual
from dagames.solvers.path import check_solved
from dagames.solvers.prices import is_infinite, reported, signed
from dagames.solvers.solution import Solution
from dagames.solvers.tilted_dual import TiltedDual

_REMEDY = "ask for a larger `tolerance`, or loosen budgets that leave almost no room."


@dataclass(frozen=True, eq=False)
class _Constrained:
    """The parts of a game with a `Polytope`, for B prompts.

    Attributes:
        game: The game.
        polytope: Its constraints.
        rest: The other terms of its functional, or None.
        faces: The face of each prompt.
    """

    game: AlignmentGame
    polytope: ConstraintSet
    rest: Functional | None
    faces: tuple[Face, ...]

    @property
    def costs(self) -> np.ndarray:
        """Anchored costs, [B, d, Z]."""
        return np.concatenate([face.rows.costs for face in self.faces])

    @property
    def budgets(self) -> np.ndarray:
        """Anchored budgets, [B, d]."""
        return np.stack([face.rows.budgets for face in self.faces])

    @property
    def equal(self) -> np.ndarray:
        """Rows that hold with equality, [B, d]."""
        return np.stack([face.equal for face in self.faces])

    def log_tilt(self, nats: np.ndarray) -> OverAnswers:
        """Compute -<l, c'>, [*x, Z], of multipliers [B, d] in nats and the units of the faces."""
        return np.asarray(-np.einsum("bd,bdz->bz", nats, self.costs).reshape(self.game.log_nu_0.shape))


def split(functional: Functional) -> tuple[ConstraintSet | None, Functional | None]:
    """Split a functional into its linear constraints and its other terms.

    Args:
        functional: Any functional.

    Returns:
        The polytope and the other terms; None for a part that is missing.
    """
    return functional.constraint_set(), functional.without_constraints()


@with_default_errors
@np.errstate(under="ignore", over="ignore")
def solve_polytope(game: AlignmentGame, *, tolerance: float = _tolerances.GAP) -> Solution:
    """Solve a game whose functional is a `Polytope` or a sum that contains one, with multipliers for each prompt.

    Math:
        q* proportional to exp(-(grad R(nu*) + <multipliers, costs>) / beta),   nu* proportional to nu_0 q*,

    with R the other terms. If R is linear, the marginal of given multipliers has a formula; otherwise it is found by
    an inner Newton's method.

    Args:
        game: A game with a `Polytope`, whose other parts are `Smooth`.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution. Its policy meets the constraints up to `_tolerances.FEASIBILITY`.

    Raises:
        SolveError: If the functional does not contain a `Polytope`.

    Source:
        (paper, appendix D); claim I.13

    >>> from dagames.functionals import Linear, Polytope
    >>> R = Linear([0.0, 1.0]) + Polytope([0.0, 1.0], 0.25)
    >>> solution = solve_polytope(AlignmentGame([0.5, 0.5], [0, 1], R, beta=1.0))
    >>> solution.nu.round(9), solution.multipliers.round(9)  # 1 + log 3
    (array([0.75, 0.25]), array([2.09861229]))
    """
    polytope, rest = split(game.functional)
    if polytope is None:
        raise SolveError(f"{game.functional.name} is not a Polytope and contains none; use `solve(game)`.")
    smooth = None if rest is None else rest.as_smooth()
    if rest is not None and smooth is None:
        raise SolveError(f"{rest.name}, beside a Polytope, has no Hessian; use `solve(game)`.")
    faces = find_faces(game, polytope, rest)
    parts = _Constrained(game, polytope, rest, faces)
    if smooth is None or smooth.constant_slope() is not None:
        slope = np.zeros(game.log_nu_0.shape) if smooth is None else smooth.gradient(game.nu_0)
        log_base = np.where(game.reachable, game.log_nu_0 - slope / game.beta, -np.inf)
        shape = (len(faces), 1, game.n_answers)
        dual = ConstrainedDual(
            log_base.reshape(shape), parts.costs[:, None], parts.budgets, np.ones((len(faces), 1)), parts.equal
        )
        found, steps = best_multipliers(dual)
        nats = np.stack([signed(m, face, polytope.equal) for m, face in zip(found, faces, strict=True)])
        log_nu = simplex.log_normalize(np.where(game.reachable, log_base + parts.log_tilt(nats), -np.inf))
        # With multipliers of 1e4 nats the first sum is 1 up to 1e-12 only.
        log_nu = simplex.log_normalize(log_nu)
    else:
        tilted = TiltedDual(game, smooth, parts.costs, parts.budgets, parts.equal)
        found, steps = minimise_dual(tilted)
        log_nu = tilted.log_marginals(found)
        nats = np.stack([signed(m, face, polytope.equal) for m, face in zip(found, faces, strict=True)])
        slope = np.where(game.reachable, smooth.gradient_at_log(log_nu), 0.0)
    return check_solved(_certified(parts, log_nu, slope, nats, steps, "newton"), tolerance, _REMEDY)


def find_faces(game: AlignmentGame, polytope: ConstraintSet, rest: Functional | None) -> tuple[Face, ...]:
    """Find the face of each prompt among the answers that the reference reaches and the other terms allow."""
    reached = np.isfinite(game.log_nu_0)
    reached = reached if rest is None else rest.allowed(reached)
    faces = []
    for prompt in np.ndindex(game.batch):
        face = polytope.face(reached[prompt], prompt)
        # Constraints and other terms can forbid answers in turn, so both are applied to what the other leaves.
        same = (face.allowed[0] == game.reachable[prompt]).all()
        faces.append(face if same else polytope.face(game.reachable[prompt], prompt))
    return tuple(faces)


def priced_solution(game: AlignmentGame, log_nu: OverAnswers, multipliers: PerConstraint, method: str) -> Solution:
    """Certify a marginal of a game with a `Polytope` by given multipliers.

    Args:
        game: A game with a `Polytope`.
        log_nu: Log of an answer marginal, [*x, Z].
        multipliers: Finite multipliers, in R-units per unit of cost, [*x, d].
        method: Name of the solver that found both.

    Returns:
        The solution; its certificate says how good it is.

    Raises:
        SolveError: If the functional does not contain a `Polytope`.
    """
    polytope, rest = split(game.functional)
    if polytope is None:
        raise SolveError(f"{game.functional.name} is not a Polytope and contains none; use `solve(game)`.")
    faces = find_faces(game, polytope, rest)
    parts = _Constrained(game, polytope, rest, faces)
    unit = np.stack([face.unit for face in faces])
    nats = multipliers.reshape(unit.shape) * unit / game.beta
    slope = np.zeros(log_nu.shape)
    if rest is not None:
        slope = np.where(game.reachable, rest.gradient_at_log(log_nu), 0.0)
    return _certified(parts, log_nu, slope, np.where(polytope.equal, nats, np.maximum(nats, 0.0)), 0, method)


def _certified(
    parts: _Constrained, log_nu: OverAnswers, slope: OverAnswers, nats: np.ndarray, steps: int, method: str
) -> Solution:
    game, shape = parts.game, (*parts.game.batch, parts.polytope.equal.size)
    log_q = simplex.log_normalize(np.where(game.reachable, parts.log_tilt(nats) - slope / game.beta, -np.inf))
    slack = [
        parts.polytope.rows(prompt).slack(np.exp(log_nu[prompt])[None]) * ~is_infinite(face)
        for prompt, face in zip(np.ndindex(game.batch), parts.faces, strict=True)
    ]
    return Solution(
        log_nu=log_nu,
        log_q=log_q,
        certificate=_certify(parts, log_nu, slope, nats),
        game=game,
        iterations=steps,
        method=method,
        multipliers=np.stack([
            reported(m * game.beta, face) for m, face in zip(nats, parts.faces, strict=True)
        ]).reshape(shape),
        slack=np.stack(slack).reshape(shape),
    )


def _certify(parts: _Constrained, log_nu: OverAnswers, slope: OverAnswers, nats: np.ndarray) -> Certificate:
    """Bound the suboptimality by weak duality at multipliers l and a dual variable u of the rest R.

    Math:
        J(pi)  >=  -beta log sum_z nu_0(z) exp(-(u + <l, c>)(z) / beta) - R*(u) - <l, b>   for every u and l >= 0,

    the dual bound of q proportional to exp(-(u + <l, c>) / beta), because (R + Polytope)*(u + <l, c>) is at most
    R*(u) + <l, b>. Unlike a linear program on -beta log q, it has no cancellation of large terms.

    Args:
        parts: The game.
        log_nu: Log of an answer marginal, [*x, Z].
        slope: The dual variable u, [*x, Z].
        nats: Multipliers, [B, d], in nats and the units of the faces.

    Returns:
        The certificate.
    """
    game, rest, nu = parts.game, parts.rest, np.exp(log_nu)
    value = np.zeros(game.batch) if rest is None else np.asarray(rest.value(nu))
    divergence = game.beta * simplex.kl_from_logs(log_nu, game.log_nu_0)
    weights = np.where(game.reachable, parts.log_tilt(nats) - slope / game.beta, -np.inf)
    log_mass = game.beta * simplex.log_mean(game.log_nu_0, weights)
    conjugate = np.zeros(game.batch)
    if rest is not None:
        conjugate = np.asarray(rest.conjugate(np.where(game.reachable, slope, -np.inf)))
    paid = game.beta * (nats * parts.budgets).sum(axis=-1).reshape(game.batch)
    expected = np.einsum("bdz,bz->bd", parts.costs, nu.reshape(len(nats), -1))
    # The rounding of the constraints times the multipliers bounds the gain of the policy by it.
    off = np.where(nats * (expected - parts.budgets) > 0, np.abs(nats * (expected - parts.budgets)), 0.0)
    gained = game.beta * off.sum(axis=-1).reshape(game.batch)
    # The divergence and the mass are numbers of order 1 at least, whose rounding beta multiplies.
    size = np.max([np.abs(conjugate), np.abs(paid), np.abs(log_mass), np.full(game.batch, game.beta)], axis=0)
    return certify(
        value=np.asarray(value + parts.polytope.value(nu)),
        divergence=np.asarray(divergence),
        dual=np.asarray(-log_mass - conjugate - paid),
        rounded=np.asarray(size + gained / _tolerances.ROUNDING),
        of=game.functional,
    )
