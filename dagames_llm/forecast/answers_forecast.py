"""Forecast of a run from samples of the model before it: the equilibrium of each question's game, and its path.

A forecast is tabular: each view of each question has a separate answer distribution, and generalisation is not
modelled. The distance that a run covers in a number of steps depends on the optimiser, so a forecast is a path, to be
read at the divergence or the reward that a run has reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dagames.simplex import as_positive
from dagames.targets import Target
from dagames_llm._errors import DataError
from dagames_llm.forecast.answer_dynamics import CONVERGED, equilibrium, log_of, path
from dagames_llm.forecast.certified_limit import certified_limit
from dagames_llm.forecast.group_rules import Rule, rule_of, sizes_of
from dagames_llm.forecast.measures import measures
from dagames_llm.forecast.place import place_on
from dagames_llm.forecast.reference_games import SampledQuestion, check_read
from dagames_llm.forecast.resampling import Estimates, estimates_of
from dagames_llm.forecast.vote_chances import Floats, views_are_pooled

Progress = Callable[[int, int], None]
"""Receives the number of completed questions, and the number of all questions."""

SHOWN_ANSWERS = 6
"""Maximum number of answers per question whose marginals are in the JSON."""


@dataclass(frozen=True)
class Plan:
    """The settings of a forecast.

    Attributes:
        target: the target.
        beta: weight of the divergence to the reference.
        group_size: completions K of a question that are compared, over all its wordings.
        steps: number of mean-field steps.
        step_size: size of a step, in nats per unit of advantage.
        resamples: number of resamples of the completions of each question, for the intervals.
        seed: seed of the resamples.
    """

    target: Target
    beta: float
    group_size: int
    steps: int = 32
    step_size: float = 0.25
    resamples: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Validate the numbers."""
        as_positive(self.beta, "beta")
        as_positive(self.step_size, "step_size")
        sizes_of(self.group_size, 1)
        for name in ("steps", "resamples"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise DataError(f"`{name}` is {value!r}; it must be a whole number of at least 1.")


@dataclass(frozen=True, eq=False)
class SolvedQuestion:
    """The path and the rest points of one question, for its samples and for each resample.

    Attributes:
        question: the question.
        along: statistics on the path, by name, [T + 1, 1 + resamples]; the first column is the samples themselves.
        at_rest: the same at the equilibrium of groups of K, [1 + resamples].
        in_the_limit: the same at the equilibrium of infinite groups.
        marginals: of the samples, by view, [M, C]: "reference", "after", "equilibrium", "limit".
        residual: distance of the equilibrium from its best response, largest over rows.
        gap: relative duality gap of "limit" if `dagames.solve` computed it, else None.
        exact: whether expectations over groups are exact.
    """

    question: SampledQuestion
    along: Mapping[str, Floats]
    at_rest: Mapping[str, Floats]
    in_the_limit: Mapping[str, Floats]
    marginals: Mapping[str, Floats]
    residual: float
    gap: float | None
    exact: bool


@dataclass(frozen=True, eq=False)
class Forecast:
    """A forecast of some questions.

    Attributes:
        plan: the settings.
        solved: the questions.
        path: estimates of each statistic at each step, [T + 1].
        equilibrium: at the equilibrium of groups of K.
        limit: at the equilibrium of infinite groups.
        more: other results as plain data: directions of the step, the collapse threshold.
    """

    plan: Plan
    solved: Sequence[SolvedQuestion]
    path: Sequence[Estimates]
    equilibrium: Estimates
    limit: Estimates
    more: dict[str, Any] = field(default_factory=dict)

    def where(self, name: str, value: float) -> dict[str, Any]:
        """Return the forecast at the point of its path at which a statistic has a measured value."""
        return place_on(self.path, name, value)

    def as_json(self) -> dict[str, Any]:
        """Return the forecast as plain data."""
        plan = self.plan
        first = self.solved[0].question
        residuals = [s.residual for s in self.solved]
        gaps = [s.gap for s in self.solved if s.gap is not None]
        return {
            "target": type(plan.target).__name__,
            "target_settings": repr(plan.target),
            "beta": plan.beta,
            "group_size": plan.group_size,
            "steps": plan.steps,
            "step_size": plan.step_size,
            "questions": len(self.solved),
            "wordings": sorted({len(s.question.views) for s in self.solved}),
            "completions": {
                "least": min(int(s.question.counts.sum(axis=1).min()) for s in self.solved),
                "all": sum(int(s.question.counts.sum()) for s in self.solved),
            },
            "exact_expectations": all(s.exact for s in self.solved),
            "views_pooled": views_are_pooled(sizes_of(plan.group_size, len(first.views))),
            "unsolved": sum(residual > CONVERGED for residual in residuals),
            "largest_residual": max(residuals),
            "certified": {"questions": len(gaps), "largest_gap": max(gaps, default=None)},
            "reference": self.path[0],
            "after_steps": self.path[-1],
            "equilibrium": self.equilibrium,
            "limit": self.limit,
            "path": list(self.path),
            **self.more,
            "marginals": [_marginals(s) for s in self.solved],
        }


def forecast(questions: Sequence[SampledQuestion], plan: Plan, progress: Progress | None = None) -> Forecast:
    """Forecast a run on sampled questions.

    Args:
        questions: the questions, with the answers of the model before training.
        plan: the settings.
        progress: receives the number of completed questions, and of all.

    Returns:
        The forecast, with 95 % intervals over the draws of questions and of completions.

    Raises:
        DataError: there is no question, or no completion of any has an answer.

    >>> from dagames.targets import MajorityVote
    >>> from dagames_llm.forecast.reference_games import question_of
    >>> question = question_of(["6 x 7?"], [["42"] * 6 + ["36"] * 4], frozenset({"42"}))
    >>> result = forecast([question], Plan(MajorityVote(), beta=0.5, group_size=8))
    >>> [round(point["sampled"]["mean"], 3) for point in (result.path[0], result.path[-1], result.equilibrium)]
    [0.6, 0.907, 0.916]
    """
    if not questions:
        raise DataError("a forecast needs at least one question.")
    check_read(questions, "the samples")
    solved = []
    for i, question in enumerate(questions):
        solved.append(solve_question(question, plan))
        if progress is not None:
            progress(i + 1, len(questions))
    return summarise(solved, plan)


def summarise(solved: Sequence[SolvedQuestion], plan: Plan) -> Forecast:
    """Average the statistics of questions, with intervals."""
    steps = plan.steps + 1
    stacked = [
        {name: np.vstack([s.along[name], s.at_rest[name][None], s.in_the_limit[name][None]]) for name in s.along}
        for s in solved
    ]
    estimates = estimates_of(stacked, steps + 2, plan.seed)
    return Forecast(plan, solved, estimates[:steps], estimates[steps], estimates[steps + 1])


def solve_question(question: SampledQuestion, plan: Plan) -> SolvedQuestion:
    """Compute the path and the rest points of one question, for its samples and for resamples."""
    rule = rule_of(plan.target, question, plan.group_size)
    nu_0 = _resampled(question, plan)
    sizes = sizes_of(plan.group_size, len(question.views))
    logs, rewards = path(rule.group, nu_0, plan.beta, plan.steps, plan.step_size)
    along = [measures(log, nu_0, question, sizes) | {"reward": r} for log, r in zip(logs, rewards, strict=True)]
    rest, reward, residual = equilibrium(rule.group, logs[-1], nu_0, plan.beta, plan.step_size)
    limit, limit_reward, gap = _limit(question, rule, nu_0, plan)
    return SolvedQuestion(
        question,
        {name: np.stack([statistics[name] for statistics in along]) for name in along[0]},
        measures(rest, nu_0, question, sizes) | {"reward": reward},
        measures(limit, nu_0, question, sizes) | {"reward": limit_reward},
        {
            "reference": nu_0[0],
            "after": np.exp(logs[-1, 0]),
            "equilibrium": np.exp(rest[0]),
            "limit": np.exp(limit[0]),
        },
        float(residual.max()),
        gap,
        rule.exact,
    )


def _resampled(question: SampledQuestion, plan: Plan) -> Floats:
    """Return the reference and resamples of it, [1 + resamples, M, C]."""
    # One random stream per question, so that the resamples of a question do not depend on the other questions.
    rng = np.random.default_rng([plan.seed, *question.counts.ravel().tolist()])
    totals = question.counts.sum(axis=1)
    draws = [
        rng.multinomial(total, share, size=plan.resamples) / total
        for total, share in zip(totals, question.reference, strict=True)
    ]
    return np.concatenate([question.reference[None], np.stack(draws, axis=1)])


def _limit(question: SampledQuestion, rule: Rule, nu_0: Floats, plan: Plan) -> tuple[Floats, Floats, float | None]:
    log_nu, reward, _ = equilibrium(rule.limit, log_of(nu_0), nu_0, plan.beta, plan.step_size)
    certified = certified_limit(plan.target, question, plan.beta)
    if certified is None:
        return log_nu, reward, None
    log_nu[0] = log_of(certified[0])
    return log_nu, reward, certified[1]


def _marginals(solved: SolvedQuestion) -> dict[str, Any]:
    question = solved.question
    shown = question.answers[:SHOWN_ANSWERS]
    views = [
        {answer: {name: float(nu[v, i]) for name, nu in solved.marginals.items()} for i, answer in enumerate(shown)}
        for v in range(len(question.views))
    ]
    gold = None if question.gold is None else sorted(map(str, question.gold))
    return {"orbit": list(question.views), "gold": gold, "answers": len(question.answers), "views": views}
