"""Effect of another group size, table or beta: the first step, and the beta below which a vote becomes unanimous."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dagames._errors import DagamesError
from dagames.targets import InverseFrequency, PriorMatching, Target
from dagames_llm.config.named_rewards import table_named
from dagames_llm.forecast.answer_dynamics import equilibrium, path
from dagames_llm.forecast.answers_forecast import Plan
from dagames_llm.forecast.group_rules import rule_of, sizes_of
from dagames_llm.forecast.measures import COLLAPSED
from dagames_llm.forecast.reference_games import SampledQuestion
from dagames_llm.forecast.resampling import estimates_of
from dagames_llm.forecast.vote_chances import Floats

COMPARED = ("recommended", "plugin", "harmonic", "minimax")
"""Tables of `InverseFrequency` and `PriorMatching` whose first steps a forecast compares."""

AT_MOST = 100
"""Maximum number of questions, which is enough for an average; the first ones are used."""

LEAST_BETA = 1e-4


def with_table(target: Target, name: str, group_size: int) -> Target:
    """Return a target with another table; a target without a table is returned unchanged."""
    if isinstance(target, InverseFrequency | PriorMatching):
        return dataclasses.replace(target, table=table_named(name, group_size))
    return target


def directions(questions: Sequence[SampledQuestion], plan: Plan) -> list[dict[str, Any]]:
    """Compare the expected first step of groups with that of infinite groups."""
    K = plan.group_size
    tabled = isinstance(plan.target, InverseFrequency | PriorMatching)
    custom = tabled and plan.target.table is not None  # type: ignore[union-attr]
    label = ("given" if custom else "recommended") if tabled else ""
    rows = [(size, label, plan.target) for size in (K // 2, K, 2 * K, 4 * K) if not custom or size == K]
    if tabled:
        names = [name for name in COMPARED if custom or name != "recommended"]
        rows += [(K, name, with_table(plan.target, name, K)) for name in names]
    found = []
    for size, table, target in rows:
        values = _apart(questions[:AT_MOST], target, size, plan.resamples)
        if values:
            found.append({"group_size": size, "table": table, **estimates_of(values, 1, plan.seed)[0]})
    return found


def _apart(
    questions: Sequence[SampledQuestion], target: Target, group_size: int, resamples: int
) -> list[dict[str, Floats]]:
    values = []
    for question in questions:
        try:
            sizes = sizes_of(group_size, len(question.views))
            rule = rule_of(target, question, group_size)
        except DagamesError:
            return []  # the target or the views do not allow this group size
        nu = question.reference[None]
        weights = np.asarray(sizes)[:, None] / group_size
        step, truth = (weights * _pull(nu[0], rule_at(nu).advantage[0]) for rule_at in (rule.group, rule.limit))
        size = float(np.linalg.norm(truth))
        if size < 1e-12:
            continue
        length = float(np.linalg.norm(step))
        unit = step / length if length > 1e-12 else step * 0
        error = float(np.linalg.norm(unit - truth / size))
        values.append({
            "error": np.full((1, 1 + resamples), error),
            "opposed": np.full((1, 1 + resamples), float((step * truth).sum() < 0)),
        })
    return values


def _pull(nu: Floats, advantage: Floats) -> Floats:
    """Return the policy gradient in the logits of answers of each view, [M, C]."""
    advantage = np.where(nu > 0, advantage, 0.0)
    return np.asarray(nu * (advantage - (nu * advantage).sum(axis=-1, keepdims=True)))


def collapse_threshold(questions: Sequence[SampledQuestion], plan: Plan) -> dict[str, Any]:
    """Find the beta below which the equilibrium of most questions is a single answer."""
    few = [question for question in questions[:AT_MOST] if question.answers]
    open_ = [question for question in few if _top(question.reference) < COLLAPSED]
    now = 1 - len(open_) / max(len(few), 1)
    if not open_:
        return {"collapsed_now": now, "collapsed": 1.0, "threshold": None, "beyond": False}
    tops = _tops(open_, plan, plan.beta)
    here = float(np.mean(tops >= COLLAPSED))
    found = {"collapsed_now": now, "collapsed": now + (1 - now) * here}
    if tops.mean() < np.mean([_top(question.reference) for question in open_]):
        return {**found, "threshold": None, "beyond": False}
    ends = _bracket(lambda beta: bool(np.mean(_tops(open_, plan, beta) >= COLLAPSED) >= 0.5), plan.beta, here >= 0.5)
    if ends is None:
        return {**found, "threshold": None, "beyond": False}
    return {**found, "threshold": float(np.sqrt(ends[0] * ends[1])), "beyond": here >= 0.5}


def _bracket(ends_alike: Callable[[float], bool], beta: float, here: bool) -> tuple[float, float] | None:
    """Return two betas within 10 % of each other, most questions collapsed at the lower and not at the higher."""
    low = high = beta
    if here:
        while ends_alike(high := 4 * high):
            low = high
    else:
        while not ends_alike(low := low / 4):
            high = low
            if low < LEAST_BETA:
                return None
    while high > 1.1 * low:
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if ends_alike(middle) else (low, middle)
    return low, high


def _top(nu: Floats) -> float:
    return float(nu[:, :-1].mean(axis=0).max(initial=0.0))


def _tops(questions: Sequence[SampledQuestion], plan: Plan, beta: float) -> Floats:
    """Return the share of the most frequent answer of each question at the equilibrium of a beta, [N]."""
    tops = []
    for question in questions:
        rule = rule_of(plan.target, question, plan.group_size)
        nu_0 = question.reference[None]
        logs, _ = path(rule.group, nu_0, beta, 8, plan.step_size)
        log_nu, _, _ = equilibrium(rule.group, logs[-1], nu_0, beta, plan.step_size)
        tops.append(_top(np.exp(log_nu[0])))
    return np.array(tops)
