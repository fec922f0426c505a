"""The expected course of a safety run: each step moves the policy by the multipliers, then these by its costs.

The policy's step is the mean-field step of `answer_dynamics`. The multipliers' is that of training
(`multipliers.advance`), with the mean costs of the policy in place of those of a generation's completions.
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
    """A path; of the policies only the last one is kept, as all would not fit into memory.

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
    """Return the chance that a generation of some questions holds one to which each constraint applies, [d]."""
    N = len(batch.slots)
    concerned = [sum(bool(batch.applies[slot, i].any()) for slot in batch.slots) for i in range(len(batch.constraints))]
    drawn = min(together, N)
    return np.array([1 - math.comb(N - n, drawn) / math.comb(N, drawn) for n in concerned])


def ascend(batch: PromptBatch, multipliers: Floats, costs: Sequence[Floats], chance: Floats) -> Floats:
    """Return the multipliers after one step of dual ascent.

    Math:
        l' = l + p (min(cap, max(0, l + step (mean - budget))) - l),

    the mean over the window, which holds `window` generations with such a question and so window / p steps. Where every
    generation has one (p = 1), this is `multipliers.advance`.

    Args:
        batch: the constraints.
        multipliers: before, [R, d].
        costs: signed mean costs of each step so far, [R, d] each.
        chance: p, [d].

    Returns:
        Multipliers, [R, d], in [0, cap].
    """
    moved = multipliers.copy()
    for i, constraint in enumerate(batch.constraints):
        p = float(chance[i])
        if len(costs) * p <= constraint.warm_up:
            continue
        window = costs[-max(1, round(constraint.window / p)) :]
        violation = np.mean([mean[:, i] for mean in window], axis=0) - batch.budgets[i]
        goal = np.clip(multipliers[:, i] + constraint.step * violation, 0.0, constraint.cap)
        moved[:, i] += p * (goal - multipliers[:, i])
    return moved


def penalties(batch: PromptBatch, multipliers: Floats) -> Floats:
    """Return the penalty of each class of completions, -sum_i lambda_i c_i, [R, X, C], for multipliers [R, d]."""
    return -np.einsum("rd,xdc->rxc", multipliers, batch.costs)


def divergence(batch: PromptBatch, log_nu: Floats) -> Floats:
    """Return the mean divergence of policies [R, X, C] from the reference, [R]."""
    nu = np.exp(log_nu)
    held = nu > 0
    ratio = np.where(held, log_nu, 0.0) - np.where(held, log_of(batch.nu_0), 0.0)
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
    """Follow policy and multipliers from the reference and from 0.

    Args:
        batch: the prompts.
        beta: weight of the divergence in the game, in R-units per nat.
        steps: number of steps T, one a generation.
        step_size: of the policy, in nats per unit of advantage.
        chance: that a generation concerns each constraint, [d].
        task: the rewards of a target, beside the penalties; None for none.
        tick: called after each step.

    Returns:
        The path.
    """
    log_nu_0 = log_of(batch.nu_0)
    log_nu, multipliers = log_nu_0, np.zeros((len(batch.nu_0), len(batch.constraints)))
    share = step_size * beta / (1 + step_size * beta)
    prices, costs, rewards, divergences = [], [], [], []
    for t in range(steps + 1):
        nu = np.exp(log_nu)
        paid = penalties(batch, multipliers)
        advantage, reward = (0.0, 0.0) if task is None else task(nu)
        costs.append(batch.mean_costs(nu))
        divergences.append(divergence(batch, log_nu))
        prices.append(multipliers)
        rewards.append(np.einsum("rx,rxc,rxc->r", batch.weights, nu, paid) + reward)
        if t < steps:
            log_nu = towards(log_nu, log_nu_0 + (paid + advantage) / beta, share)
            multipliers = ascend(batch, multipliers, costs, chance)
            if tick is not None:
                tick()
    return Course(log_nu, *(np.stack(part) for part in (prices, costs, rewards, divergences)))
