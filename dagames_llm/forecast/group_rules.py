"""Expected rewards of a target: of a vote, by count, or over drawn groups; and their limit for infinite groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dagames._errors import DagamesError, DomainError
from dagames.targets import (
    AnswerGroup,
    ConsensusVote,
    CrossedVote,
    ExponentiatedReward,
    GroundTruth,
    InverseFrequency,
    MajorityVote,
    PriorMatching,
    SoftConsensus,
    Target,
)
from dagames_llm._errors import RecipeError
from dagames_llm.forecast.count_chances import count_step
from dagames_llm.forecast.drawn_groups import Counts, DrawnGroups
from dagames_llm.forecast.reference_games import SampledQuestion
from dagames_llm.forecast.vote_chances import Floats, Step, vote_step

LARGEST_GROUP = 256
"""Maximum number of traces of a group: the rewards of its votes are exact to 1e-9; at 400 no digit is correct."""

StepAt = Callable[[Floats], Step]
"""A function from answer probabilities by view, [R, M, C], to the expected rewards of a group."""


@dataclass(frozen=True)
class Rule:
    """The expectations of one question.

    Attributes:
        group: of groups of K traces.
        limit: of infinite groups.
        exact: whether `group` is exact, rather than a mean over drawn groups.
    """

    group: StepAt
    limit: StepAt
    exact: bool


def sizes_of(group_size: int, n_views: int) -> list[int]:
    """Divide the traces of a group among views; the first views get the remainder.

    Args:
        group_size: Traces K.
        n_views: Views M.

    Returns:
        Traces of each view, [M].

    Raises:
        DomainError: If K is below 2, or a view would have no trace.
    """
    if group_size < 2:
        raise DomainError(f"`group_size` is {group_size}; advantages compare at least 2 completions of a question.")
    if group_size < n_views:
        raise DomainError(
            f"`group_size` is {group_size}; it must be at least the number of wordings of a question, {n_views}."
        )
    return [group_size // n_views + (v < group_size % n_views) for v in range(n_views)]


def check_group(group_size: int) -> None:
    """Raise DomainError for a group that is too large for exact expectations."""
    if group_size > LARGEST_GROUP:
        raise DomainError(
            f"`group_size` is {group_size!r:.60}; expectations over groups are computed for at most {LARGEST_GROUP} "
            "completions: for larger groups rounding errors in float64 exceed the results, and the time grows with "
            f"the square of the size. Use {LARGEST_GROUP}; the output also contains the limit of infinite groups."
        )


def check_forecast(target: Target) -> None:
    """Raise RecipeError for a target that needs more than answers."""
    lacking = target.needs - {"gold"}
    if lacking:
        raise RecipeError(
            f"`target` {type(target).__name__} needs {', '.join(sorted(lacking))} of completions; a "
            "forecast is possible only if rewards depend on answers alone."
        )


def rule_of(target: Target, question: SampledQuestion, group_size: int) -> Rule:
    """Return the expectations of a question under a target."""
    sizes = sizes_of(group_size, len(question.views))
    check_group(group_size)
    check_forecast(target)
    if "gold" in target.needs and question.gold is None:
        raise RecipeError(f"`target` {type(target).__name__} needs `answer`, which a question lacks: {question.views}.")
    try:
        if _is_plain_vote(target, len(sizes)):
            assert isinstance(target, MajorityVote)  # noqa: S101, for the type checker
            threshold = target.threshold
            group: StepAt = lambda nu: vote_step(nu, sizes, threshold)  # noqa: E731
            return Rule(group, _limit(lambda nu: _pooled_exact(target, nu, sizes), sizes), True)
        if (rewards_by_count := _by_count(target, question, group_size)) is not None:
            by_count, bonus, limit = rewards_by_count
            group = lambda nu: count_step(nu, sizes, by_count, bonus)  # noqa: E731
            return Rule(group, _limit(lambda nu: _pooled(nu, sizes, limit, bonus), sizes), True)
        drawn = DrawnGroups(sizes, _reward_of_counts(target, question))
        drawn.step(question.reference[None])
        return Rule(drawn.step, _limit(_exact(target, sizes), sizes), False)
    except DagamesError as error:
        raise RecipeError(f"`target` {type(target).__name__} cannot be forecast: {error}") from error


def _is_plain_vote(target: Target, n_views: int) -> bool:
    if not isinstance(target, MajorityVote) or target.leave_one_out or target.against:
        return False
    # In one view the order of traces is independent of their answers, so that "first" has the mean of "split".
    return target.ties == "split" or (target.ties == "first" and n_views == 1)


def _by_count(
    target: Target, question: SampledQuestion, K: int
) -> tuple[Floats, Floats, Callable[[Floats], Floats]] | None:
    """Return rewards by count, [K + 1], by answer, [C], and the limit of the former as a function of a share."""
    if isinstance(target, ExponentiatedReward | GroundTruth):
        group = AnswerGroup([*question.answers, None], gold=next(iter(question.gold or ()), None))
        rewards = target.rewards(group)
        if isinstance(target, GroundTruth) and target.correct is None and question.right is not None:
            rewards = question.right.astype(np.float64)
        return np.zeros(K + 1), rewards, np.zeros_like
    matches_prior = isinstance(target, PriorMatching)
    counted = InverseFrequency(target.weight, target.table) if matches_prior else target
    by_count = counted.rewards_by_count(K)
    if by_count is None:
        return None
    bonus = np.zeros(len(question.answers) + 1)
    bonus[-1] = by_count.min()  # of a trace without an answer
    if matches_prior:
        prior = [max(float(target.prior.get(a, target.floor)), target.floor) for a in question.answers]
        bonus += target.weight * np.log([*prior, target.floor])
    return by_count, bonus, lambda p: counted.exact_rewards(np.maximum(p, 1e-300))


def _shares(sizes: Sequence[int]) -> Floats:
    return np.asarray(sizes, dtype=np.float64) / sum(sizes)


def _limit(rewards: StepAt | Callable[[Floats], Floats], sizes: Sequence[int]) -> StepAt:
    """Make a step of exact rewards: in an infinite group a trace does not affect the rewards of others."""

    def step(nu: Floats) -> Step:
        exact = np.asarray(rewards(nu))
        return Step(exact, np.einsum("v,rvc,rvc->r", _shares(sizes), nu, exact))

    return step


def _pooled_exact(target: Target, nu: Floats, sizes: Sequence[int]) -> Floats:
    pooled = np.einsum("v,rvc->rc", _shares(sizes), nu)
    rewards = np.zeros_like(pooled)
    if nu.shape[-1] > 1:
        rewards[:, :-1] = target.exact_rewards(pooled[:, :-1])
    return np.repeat(rewards[:, None], nu.shape[1], axis=1)


def _pooled(nu: Floats, sizes: Sequence[int], limit: Callable[[Floats], Floats], bonus: Floats) -> Floats:
    rewards = limit(np.einsum("v,rvc->rc", _shares(sizes), nu)) + bonus
    rewards[:, -1] = bonus[-1]
    return np.repeat(rewards[:, None], nu.shape[1], axis=1)


def _exact(target: Target, sizes: Sequence[int]) -> Callable[[Floats], Floats]:
    """Return a target's exact rewards; a trace without an answer gets the least reward of its question, or 0."""
    if isinstance(target, MajorityVote):
        return lambda nu: _pooled_exact(target, nu, sizes)
    if isinstance(target, ConsensusVote | CrossedVote | SoftConsensus):
        return lambda nu: _by_view(target, nu)
    raise DomainError("it has no exact rewards for a distribution of answers.")


def _by_view(target: Target, shares: Floats) -> Floats:
    rewards = np.zeros(shares.shape)
    seen = shares[..., :-1]
    if not seen.size:  # no completion has an answer
        return rewards
    with np.errstate(divide="ignore", invalid="ignore"):
        rewards[..., :-1] = target.exact_rewards(
            np.maximum(seen, 1e-300) if isinstance(target, SoftConsensus) else seen
        )
    if isinstance(target, SoftConsensus):
        # A trace without an answer gets the least reward of an answer with mass.
        least = np.where(seen > 0, rewards[..., :-1], np.inf).min(axis=(-2, -1), initial=np.inf)
        rewards[..., -1] = np.where(np.isfinite(least), least, 0.0)[..., None]
    return rewards


def _reward_of_counts(target: Target, question: SampledQuestion) -> Callable[[Counts], Floats]:
    """Return the rewards of a group as a function of its counts; each different group is evaluated once."""
    known: dict[bytes, Floats] = {}
    answers = [*question.answers, None]
    gold = next(iter(question.gold or ()), None)

    def one(counts: Counts) -> Floats:
        view, code = np.nonzero(counts)
        times = counts[view, code]
        group = AnswerGroup([answers[c] for c in np.repeat(code, times)], np.repeat(view, times).tolist(), gold=gold)
        rewards = np.zeros(counts.shape)
        rewards[np.repeat(view, times), np.repeat(code, times)] = target.rewards(group)
        return rewards

    def reward(counts: Counts) -> Floats:
        rows = counts.reshape(-1, *counts.shape[-2:])
        rewards = np.empty(rows.shape)
        for place, row in enumerate(rows):
            key = row.tobytes()
            if key not in known:
                known[key] = one(row)
            rewards[place] = known[key]
        return rewards.reshape(counts.shape)

    return reward
