"""Policies of log-linear form, a model of a network that cannot represent every distribution."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError, ShapeError, SolveError
from dagames._types import Features, Numbers, OverAnswers, OverFeatures, OverTraces, PerPrompt
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.solution import LogLinearSolution

Objective = Callable[[OverTraces], PerPrompt]
Reward = Callable[[OverTraces], OverTraces]


@dataclass(frozen=True, eq=False)
class LogLinear:
    """The class of policies pi_0(y) exp(theta . phi(y)) / c, for `solve(game, policies=LogLinear(features))`.

    Attributes:
        features: phi, [Y, d], or per prompt, [*x, Y, d].
        start: First theta, [*x, d]; 0, the reference, by default.
    """

    features: Numbers
    start: Numbers | None = None


@with_default_errors
def best_log_linear_policy(
    game: AlignmentGame, q: Numbers, features: Numbers, *, start: Numbers | None = None, max_iterations: int = 1000
) -> LogLinearSolution:
    """Find the best policy of a log-linear class against a target: the projection of pi_0 q(E) on the class.

    Math:
        minimise beta KL(pi_theta || pi_0) - beta E log q(E(y)) = beta KL(pi_theta || pi_0 q(E) / c) + const over theta.

    The class is not convex. The result is a stationary point, which depends on `start` if there are several.

    Args:
        game: The game.
        q: Target probabilities of answers, [*x, Z], positive on every reachable answer.
        features: phi, [Y, d], or per prompt, [*x, Y, d].
        start: First theta, [*x, d]; 0, the reference, by default.
        max_iterations: Natural-gradient steps allowed.

    Returns:
        The policy. A SolveError if `max_iterations` steps do not suffice.

    Source:
        claim I.4
    """
    log_q = simplex.as_log_target(q, game.reachable)
    finite_log_q = np.where(game.reachable, log_q, 0.0)
    reward = np.take_along_axis(finite_log_q, np.broadcast_to(game.E, game.log_pi_0.shape), axis=-1)

    def objective(log_pi: OverTraces) -> PerPrompt:
        coupling = (np.exp(log_pi) * reward).sum(axis=-1)
        return np.asarray(game.beta * (simplex.kl_from_logs(log_pi, game.log_pi_0) - coupling))

    return _descend(game, features, objective, lambda _: reward, start, max_iterations, log_q)


@with_default_errors
def solve_log_linear(
    game: AlignmentGame, features: Numbers, *, start: Numbers | None = None, max_iterations: int = 1000
) -> LogLinearSolution:
    """Minimise J over a log-linear class of policies, by natural gradients.

    Math:
        pi_theta(y) proportional to pi_0(y) exp(theta . phi(y)). With t(y) = -grad R(nu)(E(y)) / beta the natural
        gradient of J / beta is theta - theta_t, theta_t the regression of t on phi under pi_theta; steps towards
        theta_t are halved until J falls by half of its first-order prediction.

    Args:
        game: The game.
        features: phi, [Y, d], or per prompt, [*x, Y, d].
        start: First theta, [*x, d]; 0, the reference, by default.
        max_iterations: Steps allowed.

    Returns:
        A stationary policy of the class. A SolveError if `max_iterations` steps do not suffice.

    Raises:
        SolveError: If the functional contains a `Polytope`, or forbids answers of the reference.

    >>> from dagames.functionals import Gini
    >>> game = AlignmentGame([0.6, 0.3, 0.1], [0, 1, 2], Gini(2.0), beta=0.5)
    >>> solution = solve_log_linear(game, [[0.0], [1.0], [2.0]])
    >>> solution.pi.round(3), float(solution.certificate.gap) > 0
    (array([0.446, 0.36 , 0.194]), True)
    """
    if (limits := game.functional.constraint_set()) is not None:
        raise SolveError(
            f"solve_log_linear does not support the constraints of a {limits.name}, because the gradient does not "
            'contain their multipliers. Use "auto" of `solve(game)` over all policies; or subtract from the rewards of '
            "the functional the costs times the `multipliers` of that solution."
        )

    if (np.isfinite(game.log_nu_0) & ~game.reachable).any():
        raise SolveError(
            f"{game.functional.name} forbids answers of the reference, to which every policy of the class gives mass: "
            'the objective is infinite. Use "auto" of `solve(game)`, or a reference without them.'
        )

    def reward(log_pi: OverTraces) -> OverTraces:
        log_nu = simplex.pushforward(log_pi, game.E, game.n_answers)
        finite_log_q = np.where(game.reachable, game.log_best_target(log_nu), 0.0)
        return np.take_along_axis(finite_log_q, np.broadcast_to(game.E, log_pi.shape), axis=-1)

    def objective(log_pi: OverTraces) -> PerPrompt:
        value = game.functional.value(np.exp(simplex.pushforward(log_pi, game.E, game.n_answers)))
        return np.asarray(value + game.beta * simplex.kl_from_logs(log_pi, game.log_pi_0))

    return _descend(game, features, objective, reward, start, max_iterations, None)


def _descend(
    game: AlignmentGame,
    features: Numbers,
    objective: Objective,
    reward: Reward,
    start: Numbers | None,
    max_iterations: int,
    log_q: OverAnswers | None,
) -> LogLinearSolution:
    phi = _as_features(features, game)
    theta = np.zeros((*game.batch, phi.shape[-1])) if start is None else simplex.as_real(start, "start")
    if theta.shape != (*game.batch, phi.shape[-1]):
        raise ShapeError(f"`start` has shape {theta.shape}; it must have shape {(*game.batch, phi.shape[-1])}.")
    log_pi, eta = _policy(game, phi, theta), np.ones((*game.batch, 1))
    for iteration in range(max_iterations + 1):
        step, spread = _natural_gradient(phi, log_pi, theta, reward(log_pi))
        if (spread <= _tolerances.STATIONARY).all():
            log_nu = simplex.pushforward(log_pi, game.E, game.n_answers)
            target = game.log_best_target(log_nu) if log_q is None else log_q
            return LogLinearSolution(
                log_nu=log_nu,
                log_q=target,
                certificate=game.certify(log_pi, target),
                game=game,
                iterations=iteration,
                method="log_linear",
                log_policy=log_pi,
                theta=theta,
                stationarity=spread,
            )
        now, decrease = objective(log_pi), game.beta * spread**2
        # If the predicted decrease is below rounding error, keep the previous step length.
        resolved = decrease > 1e3 * _tolerances.DESCENT * np.maximum(1.0, np.abs(now))
        eta = np.where(resolved[..., None], np.minimum(2.0 * eta, 1.0), eta)
        theta, log_pi, eta = _line_search(
            game, phi, theta, step, objective, now, np.where(resolved, decrease, 0.0), eta
        )
    raise SolveError(
        f"log_linear stopped after {max_iterations} steps with stationarity {float(np.max(spread)):.1e} > "
        f"{_tolerances.STATIONARY:.1e} nats; allow more `max_iterations`, or drop features that are nearly dependent. "
        'At a kink of the functional no gradient vanishes: "auto" of `solve(game)` finds the best of all policies.',
        "steps",
    )


def _policy(game: AlignmentGame, phi: Features, theta: OverFeatures) -> OverTraces:
    return simplex.log_normalize(game.log_pi_0 + np.einsum("...yd,...d->...y", phi, theta))


def _natural_gradient(
    phi: Features, log_pi: OverTraces, theta: OverFeatures, reward: OverTraces
) -> tuple[OverFeatures, PerPrompt]:
    """Regress reward minus theta . phi on phi under the policy: the step, and the deviation that it explains."""
    pi = np.exp(log_pi)
    missed = reward - np.einsum("...yd,...d->...y", phi, theta)
    centred = phi - np.einsum("...y,...yd->...d", pi, phi)[..., None, :]
    covariance = np.einsum("...y,...yd,...ye->...de", pi, centred, centred)
    slope = np.einsum("...y,...yd,...y->...d", pi, centred, missed)
    # The pseudo-inverse gives 0 in directions in which the policy does not change.
    step = np.einsum("...de,...e->...d", np.linalg.pinv(covariance, hermitian=True), slope)
    return step, np.asarray(np.sqrt(np.maximum((step * slope).sum(axis=-1), 0.0)))


def _line_search(
    game: AlignmentGame,
    phi: Features,
    theta: OverFeatures,
    step: OverFeatures,
    objective: Objective,
    now: PerPrompt,
    decrease: PerPrompt,
    eta: np.ndarray,
) -> tuple[OverFeatures, OverTraces, np.ndarray]:
    """Halve the step of each prompt until its objective falls by half of the first-order prediction."""
    slack = _tolerances.DESCENT * np.maximum(1.0, np.abs(now))
    while True:
        moved = theta + eta * step
        log_pi = _policy(game, phi, moved)
        fails = ~(objective(log_pi) <= now - 0.5 * eta[..., 0] * decrease + slack)
        fails &= (decrease > 0) & (eta[..., 0] > _tolerances.LEAST_STEP)
        if not fails.any():
            return moved, log_pi, eta
        eta = np.where(fails[..., None], 0.5 * eta, eta)


def _as_features(features: Numbers, game: AlignmentGame) -> Features:
    phi = simplex.as_real(features, "features")
    shape = game.log_pi_0.shape
    if phi.ndim < 2 or phi.shape[:-1] not in {shape, shape[-1:]}:
        raise ShapeError(f"`features` has shape {phi.shape}; it must have shape {(*shape, 'd')} or {(shape[-1], 'd')}.")
    if not np.ptp(phi, axis=-2).any():
        raise DomainError("`features` are the same for every trace, so that the class contains only the reference.")
    return np.broadcast_to(phi, (*shape, phi.shape[-1]))
