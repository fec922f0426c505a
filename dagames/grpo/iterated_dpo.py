"""Iterated DPO: in each round, preferences follow from the reward -grad R at the current policy."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError, ShapeError, SolveError
from dagames.games.alignment import AlignmentGame
from dagames.grpo.dpo import fit_scores
from dagames.grpo.preferences import bradley_terry
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers import Iterate, Solution
from dagames.solvers.arguments import check_game
from dagames.solvers.path import solve_along

Damping = float | Literal["auto"]


@with_default_errors
def iterated_dpo_path(game: AlignmentGame, damping: Damping = "auto") -> Iterator[Iterate]:
    """Generate the rounds of iterated DPO, starting with the reference, without end.

    Math:
        round t: P(z > z') = sigmoid(r_t(z) - r_t(z')),   r_t = -grad R(nu_t);
        nu_{t+1} minimises the DPO loss of P with reference nu_t^(1 - eta) nu_0^eta and weight beta / eta.

    The new policy is proportional to nu_t^(1 - eta) (nu_0 exp(r_t / beta))^eta. With eta = 1 this is DPO against the
    reference, and the rounds are alternating best response (paper, appendix E); smaller eta damp it. The rounds
    converge to the equilibrium exactly where alternating best response does: not always for eta = 1 (claim I.7),
    always for eta = beta / (beta + L) (claim I.8).

    Args:
        game: One prompt; the functional needs finite slopes on the reachable answers.
        damping: The weight eta of the new policy, in (0, 1]; "auto" for beta / (beta + L).

    Yields:
        Marginals, [Z], and the targets of their rewards. Raises a SolveError if rewards of a round are more than about
        12 nats apart.

    Raises:
        ShapeError: If the game is a batch of prompts.

    Source:
        (paper, section 3.1, Implication for DPO); claim I.16

    >>> from itertools import islice
    >>> from dagames.functionals import NegativeEntropy
    >>> game = AlignmentGame([0.8, 0.2], [0, 1], NegativeEntropy(1.0), beta=1.0)
    >>> [float(play.nu[0].round(4)) for play in islice(iterated_dpo_path(game, 1.0), 4)]
    [0.8, 0.5, 0.8, 0.5]
    >>> [float(play.nu[0].round(4)) for play in islice(iterated_dpo_path(game), 4)]
    [0.8, 0.6667, 0.6667, 0.6667]
    """
    check_game(game, AlignmentGame)
    if game.batch:
        raise ShapeError(f"`game` has prompts of shape {game.batch}; iterated DPO takes one prompt.")
    eta = _as_damping(game, damping)
    log_nu = game.log_reference
    reachable = game.reachable
    while True:
        log_q = game.log_best_target(log_nu)
        yield Iterate(log_nu, log_q)
        # The best target is exp(-grad R / beta) up to a constant, and preferences do not depend on constants.
        rewards = game.beta * np.where(reachable, log_q, 0.0)
        mixed = (1 - eta) * np.where(reachable, log_nu, 0.0) + eta * np.where(reachable, game.log_reference, 0.0)
        comparisons = bradley_terry(rewards[reachable])
        np.fill_diagonal(comparisons, 0.0)
        scores = np.zeros(reachable.shape)
        scores[reachable] = fit_scores(comparisons)[0]
        # The policy that `solve_dpo` returns for this reference, in log space because masses may underflow.
        log_nu = simplex.log_normalize(np.where(reachable, mixed + scores * eta / game.beta, -np.inf))


@with_default_errors
def solve_iterated_dpo(
    game: AlignmentGame,
    damping: Damping = "auto",
    *,
    tolerance: float = _tolerances.GAP,
    max_iterations: int = 10_000,
) -> Solution:
    """Run iterated DPO until the duality gap of the game is below the tolerance.

    Args:
        game: One prompt; the functional needs finite slopes on the reachable answers.
        damping: The weight eta of the new policy, in (0, 1]; "auto" for beta / (beta + L).
        tolerance: Relative duality gap to reach.
        max_iterations: Maximum number of rounds.

    Returns:
        The certified solution. Raises a SolveError if the rounds cycle or do not reach the tolerance.

    Source:
        (paper, section 3.1, Implication for DPO); claim I.16

    >>> from dagames.functionals import Gini
    >>> solution = solve_iterated_dpo(AlignmentGame([0.9, 0.1], [0, 1], Gini(3.0), beta=0.5))
    >>> solution.nu.round(6)
    array([0.636442, 0.363558])
    """
    advice = "Undamped rounds are alternating best response, which may cycle (claim I.7); use damping='auto'."
    return solve_along(game, iterated_dpo_path(game, damping), "iterated_dpo", tolerance, max_iterations, advice)


def _as_damping(game: AlignmentGame, damping: Damping) -> float:
    if damping != "auto":
        eta = simplex.as_positive(damping, "damping")
        if eta > 1:
            raise DomainError(f"`damping` must be a number in (0, 1], the weight of the new policy, not {eta:g}.")
        return eta
    smoothness = float(np.max(game.functional.relative_smoothness))
    if not np.isfinite(smoothness):
        raise SolveError(
            f"{type(game.functional).__name__} is not smooth relative to the negative entropy, so damping='auto' "
            "is not defined; pass a number as `damping`."
        )
    return game.beta / (game.beta + smoothness)
