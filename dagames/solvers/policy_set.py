"""Games whose policies are restricted to a convex set, given by linear constraints on the traces."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError, InfeasibleError, SolveError
from dagames._types import Numbers, OverAnswers, OverTraces, PerPrompt
from dagames.functionals import Linear, from_convex
from dagames.functionals.base import ConstraintSet
from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate, certify
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.constrained import solve_polytope, split
from dagames.solvers.cutting_planes import solve_cutting_planes
from dagames.solvers.solution import Solution

_MANY = 1000
"""Traces up to which a functional with kinks is solved by tangents, each step of which is a dense system."""


@with_default_errors
@np.errstate(under="ignore", over="ignore")
def best_restricted_policy(game: AlignmentGame, q: Numbers, policies: ConstraintSet) -> OverTraces:
    """Find the best policy of a convex set against a target: the KL projection of pi_0 q(E) on it.

    Args:
        game: The game.
        q: Target probabilities of answers, [*x, Z], positive on every reachable answer.
        policies: The set, a `Polytope` whose costs are those of *traces*, [d, Y] or [*x, d, Y].

    Returns:
        Probabilities of traces, [*x, Y]. An InfeasibleError if the set is empty on the reference's support.

    Source:
        claim I.4

    >>> from dagames.functionals import Linear, Polytope
    >>> game = AlignmentGame([0.5, 0.25, 0.25], [0, 1, 1], Linear([0.0, 0.0]), beta=1.0)
    >>> best_restricted_policy(game, [0.5, 0.5], Polytope([0.0, 0.0, 1.0], 0.1)).round(6)
    array([0.6, 0.3, 0.1])
    """
    log_q = simplex.as_log_target(q, game.reachable)
    return np.asarray(np.exp(_project(game, game.log_best_policy(log_q), policies).log_nu))


@with_default_errors
def restricted_path(game: AlignmentGame, policies: ConstraintSet) -> Iterator[tuple[OverTraces, OverAnswers]]:
    """Yield policies of a convex set and their best targets, by projected mirror descent; the iterator does not end.

    Math:
        pi' = argmin over Pi of KL(pi || p),   p proportional to pi_t^(1 - eta) (pi_0 q_t(E))^eta,
        q_t the best target to pi_t, eta = beta / (beta + L) with L found by a line search as in `mirror_descent_path`.

    Args:
        game: The game.
        policies: The set, a `Polytope` over traces.

    Yields:
        Log-policies, [*x, Y], the projection of the reference first, and log-targets, [*x, Z].
    """
    log_pi = _project(game, game.log_pi_0, policies).log_nu
    known = np.broadcast_to(np.asarray(game.functional.relative_smoothness), game.batch)
    L = np.where(np.isfinite(known), known, game.beta)[..., None]
    while True:
        log_nu = simplex.pushforward(log_pi, game.E, game.n_answers)
        log_q = game.log_best_target(log_nu)
        yield log_pi, log_q
        response = game.log_best_policy(log_q)
        slope = np.where(game.reachable, -game.beta * np.where(game.reachable, log_q, 0.0), 0.0)
        L = 0.5 * L
        while True:
            moved = _project(game, _mixed(log_pi, response, game.beta / (game.beta + L)), policies).log_nu
            fails = ~_is_safe(game, log_pi, moved, log_nu, slope, L[..., 0]) & (L[..., 0] < known)
            fails &= L[..., 0] < game.beta / _tolerances.LEAST_STEP
            if not fails.any():
                break
            L = np.where(fails[..., None], 2.0 * L, L)
        log_pi = moved


@with_default_errors
@np.errstate(under="ignore", over="ignore")
def solve_restricted(
    game: AlignmentGame, policies: ConstraintSet, *, tolerance: float = _tolerances.GAP, max_iterations: int = 1000
) -> Solution:
    """Solve a game over a convex set of policies, to a certified gap.

    Math:
        min over Pi of J is at least min over Pi of (beta KL(pi || pi_0) + <nu_pi, u>) - R*(u) for every u, and the
        minimum on the right is the certified dual value of a projection.

    Args:
        game: The game.
        policies: The set, a `Polytope` whose costs are those of *traces*, [d, Y] or [*x, d, Y].
        tolerance: Relative duality gap to reach.
        max_iterations: Steps allowed.

    Returns:
        The certified solution. An InfeasibleError if the set is empty on the reference's support.

    Raises:
        DomainError: If `policies` is not a Polytope.
        SolveError: If the functional contains constraints, or `max_iterations` steps do not suffice.

    Source:
        claims I.4 and I.8

    >>> from dagames.functionals import Gini, Polytope
    >>> game = AlignmentGame([0.5, 0.25, 0.25], [0, 1, 1], Gini(1.0), beta=0.5)
    >>> solve_restricted(game, Polytope([1.0, 0.0, 0.0], 0.4)).pi.round(6)
    array([0.4, 0.3, 0.3])
    """
    if not isinstance(policies, ConstraintSet):
        raise DomainError(f"`policies` must be a Polytope over the traces, not {type(policies).__name__}.")
    if (limits := game.functional.constraint_set()) is not None:
        raise SolveError(
            f"solve_restricted does not support the constraints of a {limits.name} in the functional, because the "
            "gradient does not contain their multipliers: put them into `policies`, with the cost of each trace, "
            "`costs[:, E]`."
        )
    log_pi_0 = game.log_pi_0
    policies.check_fits(game.batch, log_pi_0.shape[-1])
    log_left = np.where(policies.allowed(np.isfinite(log_pi_0)), log_pi_0, -np.inf)
    lost = game.reachable & np.isneginf(simplex.pushforward(log_left, game.E, game.n_answers))
    if lost.any():
        return _without_traces(game, policies, log_left, tolerance, max_iterations)
    return _solve(game, policies, tolerance, max_iterations)


def _without_traces(
    game: AlignmentGame, policies: ConstraintSet, log_left: OverTraces, tolerance: float, max_iterations: int
) -> Solution:
    """Solve the game without the traces that have mass 0 in every policy of the set, `log_left` -inf at them.

    Answers of these traces alone have mass 0, where the slope of R may be infinite. KL(pi || pi_0) is the divergence to
    pi_0 given the other traces, minus the log of their mass.

    Returns:
        The solution, in the terms of `game`.

    Raises:
        InfeasibleError: If R is infinite without these answers.
    """
    traces = np.isfinite(game.log_pi_0)
    try:
        left = AlignmentGame.from_log(
            simplex.log_normalize(log_left), game.E, game.functional, game.beta, n_answers=game.n_answers
        )
    except InfeasibleError as error:
        raise InfeasibleError(
            "the objective of every policy in `policies` is infinite, because the constraints forbid all traces of an "
            f"answer: {error} Loosen the budgets."
        ) from None
    found = _solve(left, policies, tolerance, max_iterations)
    constant = game.beta * (simplex.log_sum(game.log_pi_0) - simplex.log_sum(log_left))
    certificate = replace(
        found.certificate,
        primal=np.asarray(found.certificate.primal + constant),
        dual=np.asarray(found.certificate.dual + constant),
    )
    infinite = np.array([policies.face(traces[prompt], prompt).infinite for prompt in np.ndindex(game.batch)])
    infinite = infinite.reshape(found.multipliers.shape)
    return replace(
        found,
        game=game,
        certificate=certificate,
        multipliers=np.where(infinite == 0, found.multipliers, np.copysign(np.inf, infinite)),
        slack=np.where(infinite == 0, found.slack, 0.0),
    )


def _solve(game: AlignmentGame, policies: ConstraintSet, tolerance: float, max_iterations: int) -> Solution:
    """Solve by tangents if R has kinks, and by projections otherwise."""
    everywhere = bool((game.reachable | ~np.isfinite(game.log_nu_0)).all())
    if game.functional.as_smooth() is None and everywhere and game.log_pi_0.shape[-1] <= _MANY:
        # Projected mirror descent converges slowly at a kink.
        with contextlib.suppress(SolveError):
            return _by_tangents(game, policies, tolerance, max_iterations)
    return _by_projections(game, policies, tolerance, max_iterations)


def _by_projections(game: AlignmentGame, policies: ConstraintSet, tolerance: float, max_iterations: int) -> Solution:
    """Follow projected mirror descent until the gap certifies a policy."""
    history: list[float] = []
    for (log_pi, log_q), _ in zip(_attained(restricted_path(game, policies)), range(max_iterations + 1), strict=False):
        certificate, nearest = _certify(game, policies, log_pi, log_q)
        history.append(certificate.worst)
        if history[-1] <= tolerance:
            # The projection of the certificate has the multipliers of the dual bound.
            return Solution(
                log_nu=simplex.pushforward(log_pi, game.E, game.n_answers),
                log_q=log_q,
                certificate=certificate,
                game=game,
                iterations=len(history) - 1,
                method="restricted",
                history=tuple(history),
                multipliers=nearest.multipliers,
                slack=nearest.slack,
                log_policy=log_pi,
            )
    raise SolveError(
        f"restricted stopped after {len(history) - 1} steps with gap {history[-1]:.1e} > {tolerance:.1e}; allow more "
        "`max_iterations` or ask for a larger `tolerance`.",
        "steps",
    )


def _attained(path: Iterator[tuple[OverTraces, OverAnswers]]) -> Iterator[tuple[OverTraces, OverAnswers]]:
    """Yield the steps of a path, and raise a SolveError where a mass underflows at which the slope is infinite."""
    try:
        yield from path
    except DomainError as error:
        raise SolveError(
            f"restricted reached a policy against which {error} Here the constraints of `policies` leave that answer "
            "almost no mass: loosen its budget, or set it to the least cost that can be reached, which forbids it.",
            "vertex",
        ) from None


@with_default_errors
@np.errstate(under="ignore", over="ignore")
def solve_polytope_sum(
    game: AlignmentGame, *, tolerance: float = _tolerances.GAP, max_iterations: int = 1000
) -> Solution:
    """Solve a game whose functional is a sum with a `Polytope`, as a game over the marginals in the polytope.

    Math:
        q* proportional to nu* / nu_0, which is exp(-(grad R(nu*) + <multipliers, costs>) / beta).

    Args:
        game: A game whose functional is a `Sum` with a `Polytope`, such as a reward under budgets.
        tolerance: Relative duality gap to reach.
        max_iterations: Steps of projected mirror descent allowed.

    Returns:
        The solution, with the certificate and multipliers of the restricted game, whose objective is the same.

    Raises:
        SolveError: If the functional does not contain a `Polytope`.

    >>> from dagames.functionals import Linear, Polytope
    >>> R = Linear([0.0, 1.0]) + Polytope([0.0, 1.0], 0.25)
    >>> solve_polytope_sum(AlignmentGame([0.5, 0.5], [0, 1], R, beta=1.0)).nu.round(9)
    array([0.75, 0.25])
    """
    polytope, rest = split(game.functional)
    if polytope is None:
        raise SolveError(f"{type(game.functional).__name__} contains no Polytope; use `solve(game)`.")
    rest = Linear(np.zeros(game.n_answers)) if rest is None else rest
    inner = AlignmentGame.from_log(game.log_nu_0, np.arange(game.n_answers), rest, game.beta)
    found = _by_projections(inner, polytope, tolerance, max_iterations)
    log_nu = np.where(game.reachable, found.log_nu, -np.inf)
    log_q = simplex.log_normalize(game.log_ratio(log_nu))
    return Solution(
        log_nu=log_nu,
        log_q=log_q,
        certificate=found.certificate,
        game=game,
        iterations=found.iterations,
        method="restricted",
        history=found.history,
        multipliers=found.multipliers,
        slack=found.slack,
    )


def _by_tangents(game: AlignmentGame, policies: ConstraintSet, tolerance: float, max_iterations: int) -> Solution:
    """Solve the game whose answers are the traces, for the functional of their marginal and the set."""
    functional, shape = game.functional, game.log_pi_0.shape
    E = np.broadcast_to(game.E, shape)
    is_of = E[..., None] == np.arange(game.n_answers)

    def marginal(pi: OverTraces) -> OverAnswers:
        return np.asarray((pi[..., None, :] @ is_of)[..., 0, :])

    of_traces = from_convex(
        lambda pi: functional.value(marginal(pi)),
        lambda pi: np.take_along_axis(functional.gradient(marginal(pi)), E, axis=-1),
        name=functional.name,
    )
    traces = AlignmentGame.from_log(game.log_pi_0, np.arange(shape[-1]), of_traces + policies, game.beta)
    found = solve_cutting_planes(traces, tolerance=tolerance, max_iterations=max_iterations)
    # Without the multipliers of the set, the target is equal for all traces of an answer.
    finite = np.where(np.isfinite(found.multipliers), found.multipliers, 0.0)
    left = np.where(traces.reachable, found.log_q, 0.0) + (finite[..., None, :] @ policies.costs)[..., 0, :] / game.beta
    number = marginal(traces.reachable * 1.0)
    log_q = marginal(left * traces.reachable) / np.maximum(number, 1.0)
    return Solution(
        log_nu=simplex.pushforward(found.log_nu, game.E, game.n_answers),
        log_q=simplex.log_normalize(np.where(game.reachable, log_q, -np.inf)),
        certificate=found.certificate,
        game=game,
        iterations=found.iterations,
        method="restricted",
        history=found.history,
        multipliers=found.multipliers,
        slack=found.slack,
        log_policy=found.log_nu,
    )


def _project(game: AlignmentGame, log_weights: OverTraces, policies: ConstraintSet) -> Solution:
    """Find the policy of the set nearest to normalised weights, with a lower bound on beta times its divergence."""
    log_p = simplex.log_normalize(log_weights)
    traces = AlignmentGame.from_log(log_p, np.arange(log_p.shape[-1]), policies, game.beta)
    return solve_polytope(traces)


def _certify(
    game: AlignmentGame, policies: ConstraintSet, log_pi: OverTraces, log_q: OverAnswers
) -> tuple[Certificate, Solution]:
    nu = np.exp(simplex.pushforward(log_pi, game.E, game.n_answers))
    value = np.asarray(game.functional.value(nu))
    divergence = game.beta * simplex.kl_from_logs(log_pi, game.log_pi_0)
    finite_log_q = np.where(game.reachable, log_q, 0.0)
    log_mass = simplex.log_mean(game.log_nu_0, np.where(game.reachable, log_q, -np.inf))
    nearest = _project(game, game.log_best_policy(log_q), policies)
    potential = np.asarray(game.functional.conjugate(np.where(game.reachable, -game.beta * finite_log_q, -np.inf)))
    certificate = certify(
        value=value,
        divergence=np.asarray(divergence),
        dual=np.asarray(nearest.certificate.dual - game.beta * log_mass - potential),
        rounded=np.asarray(np.maximum(np.abs(potential), np.abs(game.beta * log_mass))),
        of=game.functional,
    )
    return certificate, nearest


def _mixed(log_pi: OverTraces, response: OverTraces, eta: np.ndarray) -> OverTraces:
    used = np.isfinite(response) & np.isfinite(log_pi)
    mixed = (1 - eta) * np.where(used, log_pi, 0.0) + eta * np.where(used, response, 0.0)
    return np.where(used, mixed, -np.inf)


def _is_safe(
    game: AlignmentGame,
    log_pi: OverTraces,
    moved: OverTraces,
    log_nu: OverAnswers,
    slope: OverAnswers,
    L: PerPrompt,
) -> np.ndarray:
    """Check R(nu') <= R(nu) + <grad R(nu), nu' - nu> + L KL(pi' || pi), prompt by prompt."""
    nu, reached = np.exp(log_nu), np.exp(simplex.pushforward(moved, game.E, game.n_answers))
    value = np.asarray(game.functional.value(nu))
    bound = value + (slope * (reached - nu)).sum(axis=-1) + L * simplex.kl_from_logs(moved, log_pi)
    slack = _tolerances.DESCENT * np.maximum(1.0, np.abs(value))
    return np.asarray(game.functional.value(reached) <= bound + slack)
