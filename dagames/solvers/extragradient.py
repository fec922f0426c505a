"""Mirror-prox: each player moves against the other's extrapolated point."""

from collections.abc import Iterator

import numpy as np

from dagames import _tolerances, simplex
from dagames._types import OverAnswers, PerPrompt
from dagames.functionals import Functional
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.best_response import damped_step
from dagames.solvers.path import solve_along
from dagames.solvers.solution import Iterate, Solution

_LONGEST = 4.0
"""Longest step tried: it moves a player four fifths of the way, and keeps m within five times of its last masses."""


@with_default_errors
def mirror_prox_path(game: AlignmentGame) -> Iterator[Iterate]:
    """Yield the iterates of mirror-prox, the initial one first; the iterator does not end.

    Math:
        The target is represented as u = grad R(m), m a distribution. With step tau each player moves from (nu, m)
        towards its best response: nu by log nu+ = (log nu + tau log(nu_0 q)) / (1 + tau), m by
        m+ = (m + tau nu) / (1 + tau), the proximal steps of the divergences KL and D_{R*}. First to (nu', m') against
        (nu, m), then, from (nu, m) again, against (nu', m').

    Where |<a, u - u'>| is at most the geometric mean of L KL and D_{R*}, the step tau = sqrt(beta / L) is safe and the
    distance to equilibrium shrinks by 1 / (1 + tau). The step is halved where the inequality that the proof
    needs fails, and lengthened by a tenth where it holds.

    Args:
        game: The game.

    Yields:
        Marginals and targets.

    Source:
        Nemirovski, SIAM Journal on Optimization 15 (2004) 229, with one divergence for each player
    """
    known = np.asarray(game.functional.relative_smoothness)
    ratio = np.where(np.isfinite(known) & (known > 0), game.beta / np.where(known > 0, known, 1.0), 1.0)
    tau = np.broadcast_to(np.sqrt(np.minimum(ratio, 1.0))[..., None], (*game.batch, 1))
    log_nu = log_m = game.log_reference
    while True:
        log_q = game.log_best_target(log_m)
        yield Iterate(log_nu, log_q)
        while True:
            ahead = _move(game, log_nu, log_m, log_q, log_nu, tau)
            response = game.log_best_target(ahead[1])
            moved = _move(game, log_nu, log_m, response, ahead[0], tau)
            fails = ~_is_safe(game, (log_nu, log_m), ahead, moved, tau) & (tau[..., 0] > _tolerances.LEAST_STEP)
            if not fails.any():
                break
            tau = np.where(fails[..., None], 0.5 * tau, tau)
        log_nu, log_m = moved
        tau = np.minimum(1.1 * tau, _LONGEST)


def _move(
    game: AlignmentGame, log_nu: OverAnswers, log_m: OverAnswers, log_q: OverAnswers, seen: OverAnswers, tau: np.ndarray
) -> tuple[OverAnswers, OverAnswers]:
    """Take the proximal steps of both players against target `log_q` and marginal `seen`."""
    eta = tau / (1 + tau)
    with np.errstate(divide="ignore"):
        mixed = np.logaddexp(np.log1p(-eta) + log_m, np.log(eta) + seen)
    return damped_step(game, log_nu, log_q, eta), simplex.log_normalize(mixed)


def _is_safe(
    game: AlignmentGame,
    start: tuple[OverAnswers, OverAnswers],
    ahead: tuple[OverAnswers, OverAnswers],
    moved: tuple[OverAnswers, OverAnswers],
    tau: np.ndarray,
) -> np.ndarray:
    """Check <F(ahead) - F(start), ahead - moved> <= (D(ahead, start) + D(moved, ahead)) / tau, prompt by prompt."""
    R = game.functional
    (nu, m), (nu_a, m_a), (nu_b, m_b) = start, ahead, moved
    u, u_a, u_b = (np.where(game.reachable, R.gradient_at_log(point), 0.0) for point in (m, m_a, m_b))
    policy = ((u_a - u) * (np.exp(nu_a) - np.exp(nu_b))).sum(axis=-1)
    target = ((np.exp(nu) - np.exp(nu_a)) * (u_a - u_b)).sum(axis=-1)
    divergence = game.beta * (simplex.kl_from_logs(nu_a, nu) + simplex.kl_from_logs(nu_b, nu_a))
    divergence = divergence + _bregman(R, m, m_a, u_a) + _bregman(R, m_a, m_b, u_b)
    slack = _tolerances.DESCENT * np.maximum(1.0, np.abs(R.value(np.exp(m_a))))
    return np.asarray(tau[..., 0] * (policy + target) <= divergence + slack)


def _bregman(R: Functional, log_p: OverAnswers, log_m: OverAnswers, u: OverAnswers) -> PerPrompt:
    """Compute D_R(p, m) = R(p) - R(m) - <u, p - m>, u = grad R(m), which is D_{R*}(grad R(m), grad R(p))."""
    p, m = np.exp(log_p), np.exp(log_m)
    return np.asarray(R.value(p) - R.value(m) - (u * (p - m)).sum(axis=-1))


@with_default_errors
def solve_mirror_prox(
    game: AlignmentGame, *, tolerance: float = _tolerances.GAP, max_iterations: int = 10_000
) -> Solution:
    """Run mirror-prox until the gap certifies the last iterate.

    Args:
        game: The game.
        tolerance: Relative duality gap to reach.
        max_iterations: Steps allowed.

    Returns:
        The certified solution. A SolveError if it runs out of steps.

    >>> from dagames.functionals import Gini
    >>> solve_mirror_prox(AlignmentGame([0.9, 0.1], [0, 1], Gini(3.0), beta=0.5)).nu.round(4)
    array([0.6364, 0.3636])
    """
    advice = "Allow more `max_iterations`, or use `solve(game)`."
    return solve_along(game, mirror_prox_path(game), "mirror_prox", tolerance, max_iterations, advice)
