"""The first step with other group sizes and tables, and the beta below which most questions end with one answer."""

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
"""Smallest beta of the search for a collapse threshold."""


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
    compared = [(size, label, plan.target) for size in (K // 2, K, 2 * K, 4 * K) if not custom or size == K]
    if tabled:
        names = [name for name in COMPARED if custom or name != "recommended"]
        compared += [(K, name, with_table(plan.target, name, K)) for name in names]
    table_rows = []
    for size, table, target in compared:
        values = _direction_errors(questions[:AT_MOST], target, size, plan.resamples)
        if values:
            table_rows.append({"group_size": size, "table": table, **estimates_of(values, 1, plan.seed)[0]})
    return table_rows


def _direction_errors(
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
        group_step, exact_step = (
            weights * _policy_gradient(nu[0], rule_at(nu).advantage[0]) for rule_at in (rule.group, rule.limit)
        )
        exact_length = float(np.linalg.norm(exact_step))
        if exact_length < 1e-12:
            continue
        group_length = float(np.linalg.norm(group_step))
        group_direction = group_step / group_length if group_length > 1e-12 else group_step * 0
        error = float(np.linalg.norm(group_direction - exact_step / exact_length))
        values.append({
            "error": np.full((1, 1 + resamples), error),
            "opposed": np.full((1, 1 + resamples), float((group_step * exact_step).sum() < 0)),
        })
    return values


def _policy_gradient(nu: Floats, advantage: Floats) -> Floats:
    """Return the policy gradient in the logits of answers of each view, [M, C]."""
    advantage = np.where(nu > 0, advantage, 0.0)
    return np.asarray(nu * (advantage - (nu * advantage).sum(axis=-1, keepdims=True)))


def collapse_threshold(questions: Sequence[SampledQuestion], plan: Plan) -> dict[str, Any]:
    """Find the beta below which the equilibrium of most questions is a single answer."""
    considered = [question for question in questions[:AT_MOST] if question.answers]
    undecided = [question for question in considered if _top_share(question.reference) < COLLAPSED]
    collapsed_now = 1 - len(undecided) / max(len(considered), 1)
    if not undecided:
        return {"collapsed_now": collapsed_now, "collapsed": 1.0, "threshold": None, "beyond": False}
    top_shares = _top_shares(undecided, plan, plan.beta)
    share_collapsed = float(np.mean(top_shares >= COLLAPSED))
    shares = {"collapsed_now": collapsed_now, "collapsed": collapsed_now + (1 - collapsed_now) * share_collapsed}
    if top_shares.mean() < np.mean([_top_share(question.reference) for question in undecided]):
        return {**shares, "threshold": None, "beyond": False}
    bracket = _bracket(
        lambda beta: bool(np.mean(_top_shares(undecided, plan, beta) >= COLLAPSED) >= 0.5),
        plan.beta,
        share_collapsed >= 0.5,
    )
    if bracket is None:
        return {**shares, "threshold": None, "beyond": False}
    return {**shares, "threshold": float(np.sqrt(bracket[0] * bracket[1])), "beyond": share_collapsed >= 0.5}


def _bracket(collapses: Callable[[float], bool], beta: float, collapses_here: bool) -> tuple[float, float] | None:
    """Return two betas within 10 % of each other, most questions collapsed at the lower and not at the higher."""
    low = high = beta
    if collapses_here:
        while collapses(high := 4 * high):
            low = high
    else:
        while not collapses(low := low / 4):
            high = low
            if low < LEAST_BETA:
                return None
    while high > 1.1 * low:
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if collapses(middle) else (low, middle)
    return low, high


def _top_share(nu: Floats) -> float:
    return float(nu[:, :-1].mean(axis=0).max(initial=0.0))


def _top_shares(questions: Sequence[SampledQuestion], plan: Plan, beta: float) -> Floats:
    """Return the share of the most frequent answer of each question at the equilibrium of a beta, [N]."""
    shares = []
    for question in questions:
        rule = rule_of(plan.target, question, plan.group_size)
        nu_0 = question.reference[None]
        logs, _ = path(rule.group, nu_0, beta, 8, plan.step_size)
        log_nu, _, _ = equilibrium(rule.group, logs[-1], nu_0, beta, plan.step_size)
        shares.append(_top_share(np.exp(log_nu[0])))
    return np.array(shares)
