"""No-regret dynamics: each player learns from what the other has played, and their mean plays approach equilibrium."""

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np

from dagames import _tolerances, simplex
from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.best_response import damped_step
from dagames.solvers.path import solve_along
from dagames.solvers.solution import Iterate, Solution

Learner = Literal["best_response", "mw", "ftrl", "optimistic"]


@with_default_errors
def no_regret_path(game: AlignmentGame, policy: Learner = "ftrl", target: Learner = "optimistic") -> Iterator[Iterate]:
    """Yield the plays of two learners, the reference and its best target first, without end.

    Math:
        With u = -beta log q, the policy pays <nu, u> + beta KL(nu || nu_0) and the target earns <nu, u> - R*(u).
        ftrl (follow the regularised leader): best response to the mean of the other's plays,
            log nu = log nu_0 - mean(u) / beta,   u = grad R(mean(nu));
        optimistic: the same with the other's last play counted twice;
        mw (multiplicative weights, rate eta_t = 1 / sqrt(t + 1)):
            log nu' = (1 - eta_t) log nu + eta_t (log nu_0 - u / beta),
            log q' = log q - (eta_t s / beta) (nu - grad R*(u)),   s the range of grad R(nu_0) or beta;
        best_response: the best answer to the other's play of the same round.

    Args:
        game: The game.
        policy: The Policy's learner.
        target: The Target's learner; not both players best respond.

    Yields:
        Marginals and targets of each round.

    Raises:
        DomainError: If a learner has another name, or if both players best respond.

    Source:
        (paper, appendix E); claim I.9
    """
    for name, learner in (("policy", policy), ("target", target)):
        as_choice(learner, name, get_args(Learner))
    if policy == target == "best_response":
        raise DomainError('one player must learn while the other best responds; both is `method="best_response"`.')
    log_nu = game.log_reference
    log_q = game.log_best_target(log_nu)
    marginals, targets = _LogMean(log_nu), _LogMean(log_q)
    scale = np.ptp(np.where(game.reachable, log_q, log_q.max(axis=-1, keepdims=True)), axis=-1, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    t = 1
    while True:
        yield Iterate(log_nu, log_q)
        rate = 1 / np.sqrt(t + 1)
        played, said = log_nu, log_q
        if policy != "best_response":
            log_nu = _learn_policy(game, policy, played, said, targets, rate)
        if target != "best_response":
            log_q = _learn_target(game, target, played, said, marginals, rate * scale)
        else:
            log_q = game.log_best_target(log_nu)
        if policy == "best_response":
            log_nu = damped_step(game, played, log_q, np.ones((*game.batch, 1)))
        marginals.add(log_nu)
        targets.add(log_q)
        t += 1


def _learn_policy(
    game: AlignmentGame, learner: Learner, log_nu: OverAnswers, log_q: OverAnswers, targets: "_LogMean", rate: float
) -> OverAnswers:
    """Choose the policy's next play from the targets played so far."""
    if learner == "mw":
        return damped_step(game, log_nu, log_q, np.full((*game.batch, 1), rate))
    leader = targets.geometric(log_q if learner == "optimistic" else None, game.reachable)
    return damped_step(game, log_nu, leader, np.ones((*game.batch, 1)))


def _learn_target(
    game: AlignmentGame,
    learner: Learner,
    log_nu: OverAnswers,
    log_q: OverAnswers,
    marginals: "_LogMean",
    step: np.ndarray,
) -> OverAnswers:
    """Choose the target's next play from the marginals played so far."""
    if learner != "mw":
        return game.log_best_target(marginals.arithmetic(log_nu if learner == "optimistic" else None))
    said = np.where(game.reachable, log_q, 0.0)
    u = np.where(game.reachable, -game.beta * said, -np.inf)
    regret = np.exp(log_nu) - game.functional.conjugate_gradient(u)
    return simplex.log_normalize(np.where(game.reachable, said - step * regret, -np.inf))


class _LogMean:
    """Running means of log-distributions: of the logarithms, and of the masses, which may underflow."""

    def __init__(self, logs: OverAnswers) -> None:
        self._number = 1
        self._sum = np.where(np.isfinite(logs), logs, 0.0)
        self._log_total = logs

    def add(self, logs: OverAnswers) -> None:
        """Count one more."""
        self._number += 1
        self._sum = self._sum + np.where(np.isfinite(logs), logs, 0.0)
        self._log_total = np.logaddexp(self._log_total, logs)

    def geometric(self, again: OverAnswers | None, reachable: np.ndarray) -> OverAnswers:
        """Mean of the logarithms, with one of them counted again."""
        total = self._sum if again is None else self._sum + np.where(reachable, again, 0.0)
        return np.where(reachable, total / (self._number + (again is not None)), -np.inf)

    def arithmetic(self, again: OverAnswers | None) -> OverAnswers:
        """Log of the mean of the masses, with one of them counted again."""
        total = self._log_total if again is None else np.logaddexp(self._log_total, again)
        return simplex.log_normalize(total)


@with_default_errors
def solve_no_regret(
    game: AlignmentGame,
    policy: Learner = "ftrl",
    target: Learner = "optimistic",
    *,
    tolerance: float = _tolerances.AVERAGE_GAP,
    max_iterations: int = 10_000,
) -> Solution:
    """Let two learners play until the last play, or the mean of all plays, is certified.

    Args:
        game: The game.
        policy: The Policy's learner: best_response, mw, ftrl or optimistic.
        target: The Target's learner, of the same names; not both best respond.
        tolerance: Relative duality gap to reach; averages converge like 1 / t at best.
        max_iterations: Rounds allowed.

    Returns:
        The certified solution; `history` has the gaps of the plays, `average_history` those of their means.
        A SolveError if neither reaches the tolerance.

    Source:
        (paper, appendix E); claim I.9

    >>> from dagames.functionals import Gini
    >>> solution = solve_no_regret(AlignmentGame([0.9, 0.1], [0, 1], Gini(3.0), beta=0.5))
    >>> solution.nu.round(1)
    array([0.6, 0.4])
    """
    advice = "Means of plays converge like 1 / t, or 1 / sqrt(t) with mw; ask for a larger `tolerance`."
    path = no_regret_path(game, policy, target)
    return solve_along(game, path, "no_regret", tolerance, max_iterations, advice, averaging=True)
