"""Equilibria of orbits whose views have equal marginals, or a penalty on their differences."""

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers, PerPrompt
from dagames.games.coupled import CoupledGame
from dagames.games.couplings import Coherence, SoftCoherence
from dagames.numerics.float_errors import with_default_errors
from dagames.orbits.consensus import log_geometric_mean
from dagames.solvers.path import check_solved
from dagames.solvers.solution import Solution

_STEPS = 200

_FARTHEST = 20.0
"""Longest step of a level, a logarithm."""


@with_default_errors
def solve_coherent(game: CoupledGame, *, tolerance: float = _tolerances.GAP) -> Solution:
    """Compute the equilibrium of a game whose views have equal marginals, by its formula.

    Math:
        nu* proportional to prod_x (nu_0x exp(r_x / beta))^(s_x), the same for all views;
        q_x* proportional to nu* / (nu_0x exp(r_x / beta)).

    Args:
        game: A game with `Coherence`.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution.

    Raises:
        SolveError: If the game has another coupling.

    Source:
        (paper, section 4.1); claim I.14

    >>> from dagames import AlignmentGame
    >>> from dagames.functionals import Linear
    >>> views = AlignmentGame([[0.8, 0.2], [0.2, 0.8]], [0, 1], Linear([0.0, 0.0]), beta=1.0)
    >>> solve_coherent(CoupledGame(views, Coherence())).nu
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    if not isinstance(game.coupling, Coherence):
        raise SolveError(f"the coupling is {type(game.coupling).__name__}, not Coherence; use `solve_coupled(game)`.")
    tilted = game.tilted
    log_nu = np.broadcast_to(log_geometric_mean(tilted, game.shares), tilted.shape)
    log_q = np.where(game.reachable, log_nu - np.where(game.reachable, tilted, 0.0), -np.inf)
    return _certified(game, np.array(log_nu), simplex.log_normalize(log_q), "closed_form", 0, tolerance)


@with_default_errors
def solve_soft_coherent(game: CoupledGame, *, tolerance: float = _tolerances.GAP) -> Solution:
    """Solve a game with a penalty on the differences of views, by Newton's method on one number per view.

    Math:
        With a = beta / (beta + weight) and t_x = nu_0x exp(r_x / beta), the views' marginals are proportional to
        t_x^a m^(1 - a) with normalisers exp(l_x), and m^a = sum_x s_x t_x^a exp(-l_x). The l minimise the convex
        function a log sum_z m_z(l) + <s, l>.

    Args:
        game: A game with `SoftCoherence`.
        tolerance: Relative duality gap to reach.

    Returns:
        The certified solution.

    Raises:
        SolveError: If the game has another coupling.

    >>> from dagames import AlignmentGame
    >>> from dagames.functionals import Linear
    >>> views = AlignmentGame([[0.8, 0.2], [0.2, 0.8]], [0, 1], Linear([0.0, 0.0]), beta=1.0)
    >>> solve_soft_coherent(CoupledGame(views, SoftCoherence(1.0))).nu.round(4)
    array([[0.6667, 0.3333],
           [0.3333, 0.6667]])
    """
    from scipy.special import logsumexp

    if not isinstance(game.coupling, SoftCoherence):
        raise SolveError(
            f"the coupling is {type(game.coupling).__name__}, not SoftCoherence; use `solve_coupled(game)`."
        )
    beta, weight = game.prompts.beta, game.coupling.weight
    a = beta / (beta + weight)
    used = game.reachable.any(axis=0)
    base = np.where(game.reachable, a * np.where(game.reachable, game.tilted, 0.0), -np.inf)[:, used]
    levels, steps = _levels(base, game.shares, a)
    log_m = np.full(used.size, -np.inf)
    log_m[used] = logsumexp(np.log(game.shares)[:, None] + base - levels[:, None], axis=0) / a
    log_m = simplex.log_normalize(log_m)
    tilted = np.where(game.reachable, game.tilted, 0.0)
    mean = np.where(used, log_m, 0.0)
    log_nu = simplex.log_normalize(np.where(game.reachable, a * tilted + (1 - a) * mean, -np.inf))
    # q = (m / nu)^(weight / beta) with nu put in, so that no difference of nearly equal logarithms is multiplied.
    log_q = np.where(game.reachable, (1 - a) * (mean - tilted), -np.inf)
    return _certified(game, log_nu, simplex.log_normalize(log_q), "newton", steps, tolerance)


def _levels(base: OverAnswers, shares: PerPrompt, a: float) -> tuple[PerPrompt, int]:
    """Minimise a logsumexp_z(logsumexp_x(log s_x + base_xz - l_x) / a) + <s, l> by Newton's method.

    Args:
        base: a log t, [X, Z]; -inf where unreachable.
        shares: Weights of the views, [X].
        a: Weight of the reference, in (0, 1).

    Returns:
        The levels l, [X], of mean 0, and the number of steps.
    """
    from scipy.special import logsumexp, softmax

    log_shares = np.log(shares)[:, None]
    levels = logsumexp(base, axis=-1)

    def value(at: PerPrompt) -> float:
        inner = logsumexp(log_shares + base - at[:, None], axis=0)
        return float(a * logsumexp(inner / a) + shares @ at)

    best, step = value(levels), 0
    while step < _STEPS:
        step += 1
        weights = log_shares + base - levels[:, None]
        mean, share = softmax(logsumexp(weights, axis=0) / a), softmax(weights, axis=0)
        won = share @ mean
        gradient = shares - won
        if np.abs(gradient).max() <= 2 * np.finfo(np.float64).eps:
            break
        within = np.diag(won) - (share * mean) @ share.T
        between = (share * mean) @ share.T - np.outer(won, won)
        # A constant added to all levels changes nothing; ones on that direction make the matrix regular.
        direction = -np.linalg.lstsq(within + between / a + np.ones_like(within), gradient, rcond=None)[0]
        # Views with almost disjoint answers have curvature near 0, so that the Newton step is limited.
        direction *= min(1.0, _FARTHEST / max(float(np.abs(direction).max()), 1e-300))
        length = 1.0
        while value(levels + length * direction) > best + 1e-4 * length * float(gradient @ direction) and length > 1e-9:
            length /= 2
        moved = levels + length * direction
        moved -= moved.mean()
        new = value(moved)
        if length <= 1e-9 or np.abs(moved - levels + levels.mean()).max() <= 1e-16 * np.abs(levels).max(initial=1.0):
            break
        levels, best = moved, new
    return levels, step


def _certified(
    game: CoupledGame, log_nu: OverAnswers, log_q: OverAnswers, method: str, steps: int, tolerance: float
) -> Solution:
    return check_solved(
        Solution(
            log_nu=log_nu,
            log_q=log_q,
            certificate=game.certify_marginal(log_nu, log_q),
            game=game,
            iterations=steps,
            method=method,
        ),
        tolerance,
        "ask for a larger `tolerance`, or bring rewards, weight and beta to a common scale.",
    )
