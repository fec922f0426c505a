"""The expected path of a safety run: each step updates the policy, then the multipliers.

The policy's step is the mean-field step of `answer_dynamics`. Multipliers are updated as in training
(`multipliers.advance`), with the mean costs of the policy in place of the costs of a generation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dagames_llm.forecast.answer_dynamics import log_of, towards
from dagames_llm.forecast.safety_batch import PromptBatch
from dagames_llm.forecast.vote_chances import Floats

Task = Callable[[Floats], tuple[Floats, Floats]]
"""From nu, [R, X, C], to the advantages of a target, [R, X, C], and its mean reward, [R]."""


@dataclass(frozen=True, eq=False)
class Course:
    """A path; of the policies it contains only the last, because all of them need too much memory.

    Attributes:
        log_nu: at the end, [R, X, C].
        multipliers: at the beginning of each step, used for its rewards, [T + 1, R, d].
        costs: signed mean costs, [T + 1, R, d].
        rewards: mean reward of a completion, [T + 1, R].
        divergences: from the reference, in nats a completion, [T + 1, R].
    """

    log_nu: Floats
    multipliers: Floats
    costs: Floats
    rewards: Floats
    divergences: Floats


def chances(batch: PromptBatch, together: int) -> Floats:
    """Return the probability that a generation contains a question to which each constraint applies, [d]."""
    N = len(batch.slots)
    concerned = [sum(bool(batch.applies[slot, i].any()) for slot in batch.slots) for i in range(len(batch.constraints))]
    drawn = min(together, N)
    return np.array([1 - math.comb(N - n, drawn) / math.comb(N, drawn) for n in concerned])


def ascend(batch: PromptBatch, multipliers: Floats, costs: Sequence[Floats], chance: Floats) -> Floats:
    """Return the multipliers after one step of dual ascent.

    Math:
        l' = l + p (min(cap, max(0, l + step (mean - budget))) - l),

    with the mean over the window of `window` generations with such a question, or window / p steps. For p = 1 this is
    `multipliers.advance`.

    Args:
        batch: the constraints.
        multipliers: before, [R, d].
        costs: signed mean costs of each step so far, [R, d] each.
        chance: p, [d].

    Returns:
        Multipliers, [R, d], in [0, cap].
    """
    ascended = multipliers.copy()
    for i, constraint in enumerate(batch.constraints):
        p = float(chance[i])
        if len(costs) * p <= constraint.warm_up:
            continue
        window = costs[-max(1, round(constraint.window / p)) :]
        violation = np.mean([mean[:, i] for mean in window], axis=0) - batch.budgets[i]
        goal = np.clip(multipliers[:, i] + constraint.step * violation, 0.0, constraint.cap)
        ascended[:, i] += p * (goal - multipliers[:, i])
    return ascended


def penalties(batch: PromptBatch, multipliers: Floats) -> Floats:
    """Return the penalty of each class of completions, -sum_i lambda_i c_i, [R, X, C], for multipliers [R, d]."""
    return -np.einsum("rd,xdc->rxc", multipliers, batch.costs)


def divergence(batch: PromptBatch, log_nu: Floats) -> Floats:
    """Return the mean divergence of policies [R, X, C] from the reference, [R]."""
    nu = np.exp(log_nu)
    positive = nu > 0
    ratio = np.where(positive, log_nu, 0.0) - np.where(positive, log_of(batch.nu_0), 0.0)
    return np.einsum("rx,rxc->r", batch.weights, nu * ratio)


def course(
    batch: PromptBatch,
    beta: float,
    steps: int,
    step_size: float,
    chance: Floats,
    task: Task | None,
    tick: Callable[[], None] | None = None,
) -> Course:
    """Compute the path of policy and multipliers, which start at the reference and at 0.

    Args:
        batch: the prompts.
        beta: weight of the divergence in the game, in R-units per nat.
        steps: number of steps T, one a generation.
        step_size: of the policy, in nats per unit of advantage.
        chance: probability that a constraint applies in a generation, [d].
        task: the rewards of a target, in addition to the penalties, or None.
        tick: called after each step.

    Returns:
        The path.
    """
    log_nu_0 = log_of(batch.nu_0)
    log_nu, multipliers = log_nu_0, np.zeros((len(batch.nu_0), len(batch.constraints)))
    share = step_size * beta / (1 + step_size * beta)
    used_multipliers, costs, rewards, divergences = [], [], [], []
    for t in range(steps + 1):
        nu = np.exp(log_nu)
        penalty = penalties(batch, multipliers)
        advantage, reward = (0.0, 0.0) if task is None else task(nu)
        costs.append(batch.mean_costs(nu))
        divergences.append(divergence(batch, log_nu))
        used_multipliers.append(multipliers)
        rewards.append(np.einsum("rx,rxc,rxc->r", batch.weights, nu, penalty) + reward)
        if t < steps:
            log_nu = towards(log_nu, log_nu_0 + (penalty + advantage) / beta, share)
            multipliers = ascend(batch, multipliers, costs, chance)
            if tick is not None:
                tick()
    return Course(log_nu, *(np.stack(part) for part in (used_multipliers, costs, rewards, divergences)))
