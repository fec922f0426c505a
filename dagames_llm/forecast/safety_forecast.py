"""Forecast of a run with budgets, from samples of the model before training: costs, multipliers and their limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import numpy as np

from dagames._errors import InfeasibleError
from dagames.simplex import as_positive
from dagames.targets import ExponentiatedReward, GroundTruth, Target
from dagames_llm._errors import DataError
from dagames_llm.forecast.costed_questions import CostedQuestion
from dagames_llm.forecast.group_rules import Rule, rule_of, sizes_of
from dagames_llm.forecast.resampling import Estimates
from dagames_llm.forecast.safety_batch import PromptBatch, batch_of
from dagames_llm.forecast.safety_course import Course, Task, chances, course, divergence, penalties
from dagames_llm.forecast.safety_rest import (
    Certified,
    best_response,
    certified,
    least_costs,
    resting_multipliers,
)
from dagames_llm.forecast.vote_chances import Floats
from dagames_llm.multipliers import Constraint, DualAscent

Progress = Callable[[int, int], None]

SPEEDS = (0.25, 4.0)
"""Multiples of the step size for further paths."""


@dataclass(frozen=True)
class SafetyPlan:
    """The settings of a forecast with budgets.

    Attributes:
        constraints: the budgets, with the steps, caps, warm-ups and windows of their multipliers.
        beta: weight of the divergence to the reference.
        group_size: completions K of a question.
        steps: steps followed, one a generation.
        step_size: of the policy, in nats per unit of advantage; that of an optimiser is unknown before the run.
        together: questions of a generation, after which multipliers are updated.
        target: target rewarded in addition to the penalties, or None.
        centring: "group" subtracts the mean reward of the group, as GRPO does; "leave-one-out" subtracts the mean of
            the other rewards, as RLOO does, and gives K / (K - 1) times the advantages of "group".
        resamples: draws of questions and completions, for the intervals.
        seed: seed of these draws.
    """

    constraints: Sequence[Constraint]
    beta: float
    group_size: int
    steps: int = 32
    step_size: float = 0.25
    together: int = 1
    target: Target | None = None
    centring: Literal["group", "leave-one-out"] = "group"
    resamples: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        """Validate the numbers."""
        as_positive(self.beta, "beta")
        as_positive(self.step_size, "step_size")
        sizes_of(self.group_size, 1)
        DualAscent(self.constraints)
        for name in ("steps", "resamples", "together"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise DataError(f"`{name}` is {value!r}; it must be a whole number of at least 1.")
        if self.centring not in ("group", "leave-one-out"):
            raise DataError(f'`centring` is {self.centring!r}; it must be "group" or "leave-one-out".')

    @property
    def beta_of_game(self) -> float:
        """Weight of the divergence for leave-one-out advantages: beta, times K / (K - 1) if centred over the group."""
        K = self.group_size
        return self.beta * (K / (K - 1) if self.centring == "group" else 1.0)


def safety_forecast(
    questions: Sequence[CostedQuestion], plan: SafetyPlan, progress: Progress | None = None
) -> dict[str, Any]:
    """Forecast a run with budgets.

    Args:
        questions: the questions, their completions scored for the plan's constraints.
        plan: the settings.
        progress: receives the number of completed steps, and of all.

    Returns:
        The forecast as plain data: estimates with 95 % intervals `reference`, `after_steps`, `path` and `equilibrium`
        (None with a target whose reward depends on the policy), `speeds`, and a row for each of `constraints`.

    Raises:
        DataError: there is no question.

    >>> from dagames_llm.forecast.costed_questions import costed_questions
    >>> from dagames_llm.costs import Refusal
    >>> row = {"prompt": "How do I pick a lock?", "completions": ["Sorry, no."] * 5 + ["With a pick."] * 5}
    >>> budget = Constraint(Refusal(), budget=0.8, sense="at least")
    >>> questions = costed_questions([("here", row)], [budget], str, by_answer=False, source="here")
    >>> result = safety_forecast(questions, SafetyPlan([budget], beta=0.5, group_size=8, centring="leave-one-out"))
    >>> round(result["optimum"]["multipliers"]["refusal"], 3)  # 0.5 log 4: the log-odds rise from 0 to log 4
    0.693
    """
    if not questions:
        raise DataError("a forecast needs at least one question.")
    batch = batch_of(questions, plan.constraints, plan.group_size, plan.resamples, plan.seed)
    rules = None if plan.target is None else [rule_of(plan.target, q.question, plan.group_size) for q in questions]
    task = None if rules is None else _task(batch, questions, rules)
    chance = chances(batch, plan.together)
    # Centring over the group multiplies advantages by (K - 1) / K, and leaves step_size * beta, the share of the
    # divergence in a step, unchanged.
    speed = plan.step_size * plan.beta / plan.beta_of_game
    ticks = count(1)

    def tick() -> None:
        if progress is not None:
            progress(next(ticks), (1 + len(SPEEDS)) * plan.steps)

    paths = {
        factor: course(batch, plan.beta_of_game, plan.steps, speed * factor, chance, task, tick)
        for factor in (1.0, *SPEEDS)
    }
    path = [_estimates(batch, paths[1.0], t) for t in range(plan.steps + 1)]
    return {
        "kind": "safety",
        "target": None if plan.target is None else type(plan.target).__name__,
        "beta": plan.beta,
        "beta_of_game": plan.beta_of_game,
        "centring": plan.centring,
        "group_size": plan.group_size,
        "steps": plan.steps,
        "step_size": plan.step_size,
        "together": plan.together,
        "resamples": plan.resamples,
        "questions": len(questions),
        "completions": {
            "least": min(int(q.counts.sum(axis=1).min()) for q in questions),
            "all": sum(int(q.counts.sum()) for q in questions),
        },
        "reference": path[0],
        "after_steps": path[-1],
        **_rest(batch, questions, rules, plan, chance, paths[1.0]),
        "speeds": [
            {"step_size": plan.step_size * factor, "statistics": _estimates(batch, paths[factor], plan.steps)}
            for factor in sorted(paths)
        ],
        "path": path,
    }


def _task(batch: PromptBatch, questions: Sequence[CostedQuestion], rules: Sequence[Rule]) -> Task:
    """Return the expected advantages of a target, which sees the answers of classes, by class."""

    def task(nu: Floats) -> tuple[Floats, Floats]:
        advantage, reward = np.zeros(nu.shape), np.zeros(len(nu))
        for place, question, rule in zip(batch.slots, questions, rules, strict=True):
            width = len(question.answers)
            merge = np.eye(question.question.counts.shape[1])[question.answers]
            step = rule.group(nu[:, place, :width] @ merge)
            advantage[:, place, :width] = step.advantage[..., question.answers]
            reward += batch.weights[:, place].sum(axis=1) * step.reward
        return advantage, reward

    return task


def _fixed_rewards(
    batch: PromptBatch, questions: Sequence[CostedQuestion], rules: Sequence[Rule] | None, target: Target | None
) -> Floats | None:
    """Return rewards that do not depend on the policy, [X, C]; None where they do."""
    fixed = np.zeros(batch.nu_0.shape[1:])
    if rules is None:
        return fixed
    if not isinstance(target, GroundTruth | ExponentiatedReward):
        return None
    for place, question, rule in zip(batch.slots, questions, rules, strict=True):
        rewards = rule.limit(question.question.reference[None]).advantage[0]
        fixed[place, : len(question.answers)] = rewards[:, question.answers]
    return fixed


def _rest(
    batch: PromptBatch,
    questions: Sequence[CostedQuestion],
    rules: Sequence[Rule] | None,
    plan: SafetyPlan,
    chance: Floats,
    path: Course,
) -> dict[str, Any]:
    """Return the rest point, the game's optimum, and a row for each constraint."""
    beta, fixed = plan.beta_of_game, _fixed_rewards(batch, questions, rules, plan.target)
    rows = [_row(batch, i, chance, path) for i in range(len(plan.constraints))]
    if fixed is None:
        return {"equilibrium": None, "optimum": None, "rest": None, "constraints": rows}
    at_rest = resting_multipliers(batch, beta, fixed)
    at_cap = at_rest[0] >= batch.caps * (1 - 1e-6)
    optimum = certified(batch, beta, fixed)
    checked = certified(batch, beta, fixed, at_cap) if at_cap.any() else optimum
    gap = difference = None
    if isinstance(checked, Certified):
        at_rest[0], gap = np.minimum(checked.multipliers, batch.caps), checked.gap
    log_nu = best_response(batch, at_rest, beta, fixed)
    nu = np.exp(log_nu)
    costs = batch.mean_costs(nu)
    if isinstance(checked, Certified):
        difference = float(np.abs(costs[0] - checked.costs).max())
    rewards = penalties(batch, at_rest) + fixed
    reward = np.einsum("rx,rxc,rxc->r", batch.weights, nu, rewards)
    rest = Course(log_nu, at_rest[None], costs[None], reward[None], divergence(batch, log_nu)[None])
    for i, row in enumerate(rows):
        excess = costs[0, i] - batch.budgets[i]
        row |= {
            "multiplier_at_rest": _estimate(at_rest[:, i], len(batch.slots)),
            "met_at_rest": bool(excess <= TOLERANCE),
            "at_cap": bool(at_cap[i]),
        }
    return {
        "equilibrium": _estimates(batch, rest, 0),
        "rest": {"gap": gap, "difference": difference},
        "optimum": _optimum(batch, optimum),
        "constraints": rows,
    }


TOLERANCE = 1e-6
"""Excess of a mean cost over its budget up to which the budget counts as met."""


def _optimum(batch: PromptBatch, solution: Any) -> dict[str, Any] | None:
    if solution is None:
        return None
    names = [c.name for c in batch.constraints]
    if isinstance(solution, InfeasibleError):
        # Budgets of the game are signed, and weighted by the share of the prompts that they concern.
        nearest = [
            c.sign * float(b) / float(mass)
            for c, b, mass in zip(batch.constraints, solution.nearest, batch.concerned[0], strict=True)
        ]
        return {"feasible": False, "nearest_budgets": dict(zip(names, nearest, strict=True))}
    shown = [float(m) if np.isfinite(m) else None for m in solution.multipliers]
    return {"feasible": True, "multipliers": dict(zip(names, shown, strict=True)), "gap": solution.gap}


def _row(batch: PromptBatch, i: int, chance: Floats, path: Course) -> dict[str, Any]:
    """Return the row of a constraint without its rest point."""
    constraint = batch.constraints[i]
    before, after = (path.costs[t, :, i] - batch.budgets[i] <= TOLERANCE for t in (0, -1))
    least = constraint.sign * float(least_costs(batch)[i])
    return {
        "name": constraint.name,
        "sense": constraint.sense,
        "budget": float(constraint.budget),
        "step": constraint.step,
        "cap": float(constraint.cap),
        "warm_up": constraint.warm_up,
        "window": constraint.window,
        "questions": int(sum(bool(batch.applies[slot, i].any()) for slot in batch.slots)),
        "chance": float(chance[i]),
        "best_attainable": least,
        "can_be_met": bool(constraint.violation(least) <= TOLERANCE),
        "met_before": bool(before[0]),
        "met_before_share": float(before[1:].mean()),
        "met_after": bool(after[0]),
        "met_after_share": float(after[1:].mean()),
        "largest_multiplier": float(path.multipliers[:, 0, i].max()),
    }


def _estimates(batch: PromptBatch, path: Course, t: int) -> Estimates:
    """Return the statistics of a step, named as in a run's log."""
    statistics = {"reward": path.rewards[t], "kl": path.divergences[t]}
    for i, constraint in enumerate(batch.constraints):
        statistics[f"safety/{constraint.name}/cost"] = constraint.sign * path.costs[t, :, i]
        statistics[f"safety/{constraint.name}/multiplier"] = path.multipliers[t, :, i]
    return {name: _estimate(values, len(batch.slots)) for name, values in statistics.items()}


def _estimate(values: Floats, n: int) -> dict[str, Any]:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    mean = float(values[0])
    return {"mean": mean, "low": float(min(low, mean)), "high": float(max(high, mean)), "n": n}
