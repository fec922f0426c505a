"""The course that training takes on average, and where it rests, for one question by the expected steps of its groups.

Each view has an answer marginal of its own, all start at the reference, and the steps are natural-gradient ones, taken
implicitly in the divergence: log nu <- (log nu + s (a(nu) + beta log nu_0)) / (1 + s beta), normalised. That is the
explicit step of `dagames.grpo.mean_field_path(geometry="natural")` at learning rate s / (1 + s beta), stable for every
beta.
"""

from __future__ import annotations

import numpy as np

from dagames_llm.forecast.group_rules import StepAt
from dagames_llm.forecast.vote_chances import Floats

CONVERGED = 1e-8
"""Total variation between a marginal and the best response to it at which an equilibrium counts as found."""

LONGEST = 400
"""Most iterations of a search for an equilibrium."""


def log_of(nu: Floats) -> Floats:
    """Return log nu, -inf where nu is 0."""
    return np.log(nu, out=np.full(nu.shape, -np.inf), where=nu > 0)


def towards(log_nu: Floats, log_best: Floats, share: Floats | float) -> Floats:
    """Move log-marginals a share of the way, [R, M, C], and normalise; answers without mass stay without."""
    held = np.isfinite(log_nu)
    moved = np.where(held, log_nu, 0.0) + share * (np.where(held, log_best, 0.0) - np.where(held, log_nu, 0.0))
    moved = np.where(held, moved, -np.inf)
    top = moved.max(axis=-1, keepdims=True)
    return np.asarray(moved - top - np.log(np.exp(moved - top).sum(axis=-1, keepdims=True)))


def path(step: StepAt, nu_0: Floats, beta: float, steps: int, step_size: float) -> tuple[Floats, Floats]:
    """Follow the expected steps from the reference.

    Args:
        step: What groups pay on average.
        nu_0: Reference marginals by view, [R, M, C].
        beta: Weight of the divergence to the reference, in R-units per nat.
        steps: Number of steps T.
        step_size: Step in nats per unit of advantage, before the divergence pulls back.

    Returns:
        Log-marginals, [T + 1, R, M, C], and the expected reward of a trace, [T + 1, R].
    """
    log_nu_0 = log_of(nu_0)
    log_nu, share = log_nu_0, step_size * beta / (1 + step_size * beta)
    logs, rewards = [], []
    for t in range(steps + 1):
        found = step(np.exp(log_nu))
        logs.append(log_nu)
        rewards.append(found.reward)
        if t < steps:
            log_nu = towards(log_nu, log_nu_0 + found.advantage / beta, share)
    return np.stack(logs), np.stack(rewards)


def equilibrium(
    step: StepAt, log_start: Floats, nu_0: Floats, beta: float, step_size: float
) -> tuple[Floats, Floats, Floats]:
    """Find the fixed point that the expected steps lead to: nu_x(z) proportional to nu_0x(z) exp(a_x(z) / beta).

    Steps grow while they keep their direction and shrink where they turn back, each row's by itself. The distance to
    the best response is no guide: from a reference that a vote leaves, it rises before it falls.

    Args:
        step: What groups pay on average.
        log_start: Where to start, log-marginals [R, M, C].
        nu_0: Reference marginals, [R, M, C].
        beta: Weight of the divergence.
        step_size: First step.

    Returns:
        Log-marginals, [R, M, C]; the expected reward, [R]; and the total variation to the best response, [R], at most
        `CONVERGED` where the search succeeded.
    """
    log_nu, log_nu_0 = log_start.copy(), log_of(nu_0)
    size = np.full(len(nu_0), step_size)
    residual, reward = np.full(len(nu_0), np.inf), np.zeros(len(nu_0))
    last = np.zeros(nu_0.shape)
    active = np.arange(len(nu_0))
    for _ in range(LONGEST):
        found = step(np.exp(log_nu[active]))
        reward[active] = found.reward
        best = log_nu_0[active] + found.advantage / beta
        best = towards(best, best, 0.0)
        ahead = np.exp(best) - np.exp(log_nu[active])
        now = residual[active] = 0.5 * np.abs(ahead).sum(axis=-1).max(axis=-1)
        size[active] *= np.where((ahead * last[active]).sum(axis=(1, 2)) >= 0, 1.5, 0.4)
        last[active] = ahead
        open_ = now > CONVERGED
        active, best = active[open_], best[open_]
        if not active.size:
            break
        share = (size[active] * beta / (1 + size[active] * beta))[:, None, None]
        log_nu[active] = towards(log_nu[active], best, share)
    return log_nu, reward, residual
