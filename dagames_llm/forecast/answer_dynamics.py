"""The mean path of training on one question, and its rest point, from the expected steps of groups.

Each view has a separate answer marginal, which starts at the reference. Steps are natural-gradient steps, implicit in
the divergence: log nu <- (log nu + s (a(nu) + beta log nu_0)) / (1 + s beta), normalised. That is the
explicit step of `dagames.grpo.mean_field_path(geometry="natural")` at learning rate s / (1 + s beta), stable for every
beta.
"""

from __future__ import annotations

import numpy as np

from dagames_llm.forecast.group_rules import StepAt
from dagames_llm.forecast.vote_chances import Floats

CONVERGED = 1e-8
"""Largest total variation between an equilibrium and the best response to it."""

LONGEST = 400
"""Maximum number of iterations of a search for an equilibrium."""


def log_of(nu: Floats) -> Floats:
    """Return log nu, -inf where nu is 0."""
    return np.log(nu, out=np.full(nu.shape, -np.inf), where=nu > 0)


def towards(log_nu: Floats, log_best: Floats, share: Floats | float) -> Floats:
    """Interpolate log-marginals, [R, M, C], and normalise; masses of 0 remain 0."""
    finite = np.isfinite(log_nu)
    log_mean = np.where(finite, log_nu, 0.0) + share * (np.where(finite, log_best, 0.0) - np.where(finite, log_nu, 0.0))
    log_mean = np.where(finite, log_mean, -np.inf)
    top = log_mean.max(axis=-1, keepdims=True)
    return np.asarray(log_mean - top - np.log(np.exp(log_mean - top).sum(axis=-1, keepdims=True)))


def path(step: StepAt, nu_0: Floats, beta: float, steps: int, step_size: float) -> tuple[Floats, Floats]:
    """Follow the expected steps from the reference.

    Args:
        step: Function from marginals to the expected rewards of a group.
        nu_0: Reference marginals by view, [R, M, C].
        beta: Weight of the divergence to the reference, in R-units per nat.
        steps: Number of steps T.
        step_size: Size s of a step, in nats per unit of advantage.

    Returns:
        Log-marginals, [T + 1, R, M, C], and the expected reward of a trace, [T + 1, R].
    """
    log_nu_0 = log_of(nu_0)
    log_nu, share = log_nu_0, step_size * beta / (1 + step_size * beta)
    logs, rewards = [], []
    for t in range(steps + 1):
        expected = step(np.exp(log_nu))
        logs.append(log_nu)
        rewards.append(expected.reward)
        if t < steps:
            log_nu = towards(log_nu, log_nu_0 + expected.advantage / beta, share)
    return np.stack(logs), np.stack(rewards)


def equilibrium(
    step: StepAt, log_start: Floats, nu_0: Floats, beta: float, step_size: float
) -> tuple[Floats, Floats, Floats]:
    """Find the fixed point that the expected steps converge to: nu_x(z) proportional to nu_0x(z) exp(a_x(z) / beta).

    The step size of a row increases while its direction persists, and decreases when it reverses. It does not depend
    on the distance to the best response, which can first increase on a path that converges.

    Args:
        step: Function from marginals to the expected rewards of a group.
        log_start: Log-marginals at the start, [R, M, C].
        nu_0: Reference marginals, [R, M, C].
        beta: Weight of the divergence, in R-units per nat.
        step_size: Size of the first step, in nats per unit of advantage.

    Returns:
        Log-marginals, [R, M, C]; the expected reward, [R]; and the total variation to the best response, [R], at most
        `CONVERGED` where the search succeeded.
    """
    log_nu, log_nu_0 = log_start.copy(), log_of(nu_0)
    size = np.full(len(nu_0), step_size)
    residual, reward = np.full(len(nu_0), np.inf), np.zeros(len(nu_0))
    last_direction = np.zeros(nu_0.shape)
    active = np.arange(len(nu_0))
    for _ in range(LONGEST):
        expected = step(np.exp(log_nu[active]))
        reward[active] = expected.reward
        log_best = log_nu_0[active] + expected.advantage / beta
        log_best = towards(log_best, log_best, 0.0)
        direction = np.exp(log_best) - np.exp(log_nu[active])
        distance = residual[active] = 0.5 * np.abs(direction).sum(axis=-1).max(axis=-1)
        size[active] *= np.where((direction * last_direction[active]).sum(axis=(1, 2)) >= 0, 1.5, 0.4)
        last_direction[active] = direction
        unsolved = distance > CONVERGED
        active, log_best = active[unsolved], log_best[unsolved]
        if not active.size:
            break
        share = (size[active] * beta / (1 + size[active] * beta))[:, None, None]
        log_nu[active] = towards(log_nu[active], log_best, share)
    return log_nu, reward, residual
