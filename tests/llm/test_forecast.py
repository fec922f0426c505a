"""Forecasts: laws, an example by hand, and the paths of `dagames.grpo`."""

from __future__ import annotations

import itertools
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from dagames.grpo import mean_field_path
from dagames.targets import (
    AnswerGroup,
    ConsensusVote,
    ExponentiatedReward,
    GiniDiversity,
    GroundTruth,
    InverseFrequency,
    MajorityVote,
    MaxRL,
    PriorMatching,
    SoftConsensus,
    Target,
)
from dagames_llm.forecast.answer_dynamics import equilibrium, log_of, path
from dagames_llm.forecast.answers_forecast import Plan, forecast, solve_question
from dagames_llm.forecast.choices import collapse_threshold, directions
from dagames_llm.forecast.drawn_groups import DrawnGroups
from dagames_llm.forecast.group_rules import LARGEST_GROUP, _reward_of_counts, rule_of
from dagames_llm.forecast.reference_games import SampledQuestion, question_of
from dagames_llm.forecast.settings import forecast_target
from dagames_llm.forecast.vote_chances import views_are_pooled, vote_step

ANSWERS = ("x", "y", "z")
TARGETS: list[Target] = [
    MajorityVote(),
    MajorityVote(threshold=0.5),
    InverseFrequency(0.5),
    GiniDiversity(2.0),
    PriorMatching({"x": 0.2, "y": 0.8}, 0.5),
    ExponentiatedReward({"x": 1.0, "z": 0.5}),
]


def question(nu: np.ndarray, gold: str | None = "x", n: int = 1000) -> SampledQuestion:
    """A question whose reference is `nu`, [M, C], up to 1 / n."""
    counts = np.round(nu * n).astype(np.int64)
    counts[:, 0] += n - counts.sum(axis=1)
    right = None if gold is None else frozenset({gold})
    return SampledQuestion(tuple("AB"[: len(nu)]), ANSWERS[: nu.shape[1] - 1], counts, right)


def by_listing(target: Target, nu: np.ndarray, sizes: list[int], gold: str = "x") -> tuple[np.ndarray, float]:
    """Every group of answers, one by one: the mean advantage of a trace by view and answer, and the mean reward."""
    M, C = nu.shape
    K, views = sum(sizes), np.repeat(np.arange(M), sizes).tolist()
    total, mass, reward = np.zeros((M, C)), np.zeros((M, C)), 0.0
    for codes in itertools.product(range(C), repeat=K):
        chance = float(np.prod([nu[v, z] for v, z in zip(views, codes, strict=True)]))
        rewards = target.rewards(AnswerGroup([[*ANSWERS[: C - 1], None][z] for z in codes], views, gold=gold))
        reward += chance * float(rewards.mean())
        for v, z, advantage in zip(views, codes, rewards - (rewards.sum() - rewards) / (K - 1), strict=True):
            total[v, z] += chance * advantage
            mass[v, z] += chance
    return total / mass, reward


def centred(advantage: np.ndarray) -> np.ndarray:
    return advantage - advantage.mean(axis=-1, keepdims=True)


@st.composite
def distributions(draw: st.DrawFn, views: int = 2, answers: int = 3) -> np.ndarray:
    weights = [[draw(st.integers(1, 20)) for _ in range(answers + 1)] for _ in range(views)]
    return np.array(weights) / np.sum(weights, axis=1, keepdims=True)


@pytest.mark.parametrize("target", [*TARGETS, GroundTruth()], ids=repr)
@pytest.mark.parametrize("sizes", [[5], [2, 2], [1, 3]], ids=str)
@settings(max_examples=5, deadline=None)
@given(nu=distributions(answers=2))
def test_expectations_are_those_of_all_groups_listed(target: Target, sizes: list[int], nu: np.ndarray) -> None:
    nu = nu[: len(sizes)]
    asked = question(nu)
    if sizes == [1, 3]:  # unequal shares of a group come from the formula only, as `sizes_of` divides evenly
        if not isinstance(target, MajorityVote):
            return
        step = vote_step(nu[None], sizes, target.threshold)
    else:
        step = rule_of(target, asked, sum(sizes)).group(nu[None])
    advantage, reward = by_listing(target, nu, sizes)
    np.testing.assert_allclose(centred(step.advantage[0]), centred(advantage), atol=1e-7)
    np.testing.assert_allclose(step.reward, [reward], atol=1e-7)


@settings(max_examples=2, deadline=None)
@given(nu=distributions())
def test_drawn_groups_come_near_exact_expectations(nu: np.ndarray) -> None:
    asked = question(nu)
    for target, K in ((MajorityVote(), 6), (GiniDiversity(2.0), 4)):
        exact = rule_of(target, asked, K).group(nu[None])
        reward = _reward_of_counts(target, asked)
        drawn = DrawnGroups([K // 2, K // 2], reward, drawn=1024).step(nu[None])
        np.testing.assert_allclose(centred(drawn.advantage), centred(exact.advantage), atol=0.08)
        np.testing.assert_allclose(drawn.reward, exact.reward, atol=0.04)


def test_drawn_groups_count_what_a_trace_does_to_the_others() -> None:
    """One trace more of an answer lowers the rewards of the others that gave it."""
    nu = np.array([[0.9, 0.1, 0.0]])
    drawn = DrawnGroups([4], _reward_of_counts(GiniDiversity(2.0), question(nu)), drawn=1024).step(nu[None])
    advantage = drawn.advantage[0, 0]
    # 2 (1 - count / K): own 2 (.9 - .1) 3 / 4 = 1.2, of which the others' loss gives a third back.
    assert advantage[1] - advantage[0] == pytest.approx(0.8, abs=0.05)


def test_large_groups_stay_exact() -> None:
    from dagames.grpo.expected_update import ExpectedUpdate

    for K in (16, 34):
        nu = np.array([0.6, 0.3, 0.1])
        update = ExpectedUpdate(MajorityVote(), K, 3, "leave-one-out").at(nu)
        advantage = vote_step(np.append(nu, 0.0)[None, None], [K]).advantage[0, 0, :-1]
        np.testing.assert_allclose(nu * (advantage - nu @ advantage), update, atol=1e-6)


@pytest.mark.parametrize("target", TARGETS, ids=repr)
def test_the_path_is_the_mean_field_path(target: Target) -> None:
    nu, beta, size = np.array([0.5, 0.3, 0.2]), 0.3, 0.5
    names: Any = target
    if isinstance(target, PriorMatching):
        # The library's listing names answers 0, 1, 2.
        names = PriorMatching({0: 0.2, 1: 0.8}, 0.5)
    if isinstance(target, ExponentiatedReward):
        names = ExponentiatedReward({0: 1.0, 2: 0.5})
    theirs = islice(
        mean_field_path(
            nu,
            names,
            group_size=6,
            learning_rate=size / (1 + size * beta),
            beta=beta,
            normalise="leave-one-out",
            geometry="natural",
        ),
        12,
    )
    asked = question(np.append(nu, 0.0)[None])
    ours, _ = path(rule_of(target, asked, 6).group, asked.reference[None], beta, 11, size)
    np.testing.assert_allclose(np.exp(ours[:, 0, 0, :3]), np.exp(list(theirs)), atol=1e-6)


@pytest.mark.parametrize("target", TARGETS, ids=repr)
def test_an_equilibrium_is_the_best_response_to_itself(target: Target) -> None:
    asked, beta = question(np.array([[0.5, 0.3, 0.1, 0.1], [0.2, 0.5, 0.2, 0.1]])), 0.3
    rule, nu_0 = rule_of(target, asked, 6), asked.reference[None]
    log_nu, _, residual = equilibrium(rule.group, log_of(nu_0), nu_0, beta, 0.25)
    tilted = nu_0 * np.exp(rule.group(np.exp(log_nu)).advantage / beta)
    np.testing.assert_allclose(np.exp(log_nu), tilted / tilted.sum(axis=-1, keepdims=True), atol=1e-6)
    assert residual.max() <= 1e-8


def test_three_votes_between_two_answers_by_hand() -> None:
    """K = 3: a vote of 2 to 1 has advantages 1/2, 1/2, -1, so a(1) - a(0) = 2 p - 1; it bifurcates at beta = 1/2."""
    asked = question(np.array([[0.6, 0.4, 0.0]]))
    step = rule_of(MajorityVote(), asked, 3).group(asked.reference[None])
    assert step.advantage[0, 0, 0] - step.advantage[0, 0, 1] == pytest.approx(0.2, abs=1e-7)
    nu = solve_question(asked, Plan(MajorityVote(), beta=1.0, group_size=3)).marginals["equilibrium"]
    assert np.log(nu[0, 0] / nu[0, 1]) == pytest.approx(np.log(1.5) + (2 * nu[0, 0] - 1) / 1.0, abs=1e-6)
    limit = solve_question(asked, Plan(MajorityVote(), beta=1.0, group_size=3)).marginals["limit"]
    assert limit[0, 0] == pytest.approx(0.6 * np.e / (0.6 * np.e + 0.4))


def test_two_votes_teach_nothing() -> None:
    asked = question(np.array([[0.6, 0.4, 0.0]]))
    found = solve_question(asked, Plan(MajorityVote(), beta=0.02, group_size=2))
    np.testing.assert_allclose(found.marginals["equilibrium"], asked.reference, atol=1e-5)


@settings(max_examples=8, deadline=None)
@given(nu=distributions(), target=st.sampled_from(TARGETS))
def test_marginals_are_distributions_and_a_large_beta_keeps_the_reference(nu: np.ndarray, target: Target) -> None:
    asked = question(nu)
    found = solve_question(asked, Plan(target, beta=0.1, group_size=4, steps=4, resamples=2))
    for marginal in found.marginals.values():
        np.testing.assert_allclose(marginal.sum(axis=-1), 1.0, atol=1e-12)
    kept = solve_question(asked, Plan(target, beta=1e6, group_size=4, steps=4, resamples=2))
    for marginal in kept.marginals.values():
        np.testing.assert_allclose(marginal, asked.reference, atol=1e-4)


@settings(max_examples=8, deadline=None)
@given(nu=distributions(), order=st.permutations(range(3)))
def test_names_of_answers_do_not_matter(nu: np.ndarray, order: list[int]) -> None:
    asked = question(nu)
    columns = [*order, 3]
    renamed = SampledQuestion(asked.views, tuple(ANSWERS[i] for i in order), asked.counts[:, columns], frozenset({"x"}))
    plan = Plan(MajorityVote(), beta=0.05, group_size=4, steps=6, resamples=1)
    first, second = solve_question(asked, plan), solve_question(renamed, plan)
    for stage, marginal in first.marginals.items():
        np.testing.assert_allclose(second.marginals[stage], marginal[:, columns], atol=1e-6)
    assert second.along["sampled"][:, 0] == pytest.approx(first.along["sampled"][:, 0], abs=1e-6)


def test_the_limit_is_certified_where_the_game_is_convex() -> None:
    one = question(np.array([[0.5, 0.3, 0.2, 0.0]]))
    two = question(np.array([[0.5, 0.3, 0.2, 0.0], [0.2, 0.5, 0.3, 0.0]]))
    for target, asked in [(GiniDiversity(2.0), one), (InverseFrequency(0.5), one), (SoftConsensus(0.5), two)]:
        found = solve_question(asked, Plan(target, beta=0.5, group_size=4, steps=2, resamples=1))
        assert found.gap is not None
        assert found.gap < 1e-9
        nu_0 = asked.reference[None]
        ours, _, _ = equilibrium(rule_of(target, asked, 4).limit, log_of(nu_0), nu_0, 0.5, 0.25)
        np.testing.assert_allclose(np.exp(ours[0]), found.marginals["limit"], atol=1e-6)


def two_questions() -> list[SampledQuestion]:
    right = question_of(["6 x 7?"], [["42"] * 20 + ["36"] * 10 + [None] * 2], frozenset({"42"}))
    wrong = question_of(["7 x 8?"], [["54"] * 18 + ["56"] * 14], frozenset({"56"}))
    return [right, wrong]


def test_a_wrong_vote_makes_the_right_answer_extinct() -> None:
    found = forecast(two_questions(), Plan(MajorityVote(), beta=0.02, group_size=8, resamples=5))
    assert found.path[0]["vote"]["mean"] == 0.5
    assert found.path[0]["extinct"]["mean"] == found.path[0]["loses"]["mean"] == 0.0
    assert found.equilibrium["sampled"]["mean"] == pytest.approx(0.5, abs=1e-6)
    assert found.equilibrium["extinct"]["mean"] == 0.5
    assert found.equilibrium["collapsed"]["mean"] == 1.0
    low, mean, high = (found.path[0]["sampled"][end] for end in ("low", "mean", "high"))
    assert low < mean < high


def test_the_path_is_read_where_a_run_is() -> None:
    found = forecast(two_questions(), Plan(MajorityVote(), beta=0.02, group_size=8, resamples=3))
    there = found.where("reward", 0.9)
    assert there["reached"]
    assert there["statistics"]["reward"]["mean"] == pytest.approx(0.9)
    assert not found.where("reward", 1.5)["reached"]


def test_the_threshold_separates_collapse_from_the_rest() -> None:
    asked = two_questions()
    found = collapse_threshold(asked, Plan(MajorityVote(), beta=0.02, group_size=8))
    assert found["beyond"]
    for beta, share in ((0.8 * found["threshold"], 0.5), (1.25 * found["threshold"], 0.5)):
        here = forecast(asked, Plan(MajorityVote(), beta=beta, group_size=8, resamples=1)).equilibrium
        assert (here["collapsed"]["mean"] >= share) == (beta < found["threshold"])
    assert collapse_threshold(asked, Plan(GiniDiversity(), beta=0.02, group_size=8))["threshold"] is None


def test_directions_come_right_as_groups_grow() -> None:
    rows = directions(two_questions(), Plan(InverseFrequency(), beta=0.1, group_size=8, resamples=2))
    errors = {(row["group_size"], row["table"]): row["error"]["mean"] for row in rows}
    assert errors[32, "recommended"] < errors[4, "recommended"]
    assert errors[8, "recommended"] < errors[8, "plugin"]
    votes = directions(two_questions(), Plan(MajorityVote(), beta=0.1, group_size=8, resamples=2))
    assert [row["error"]["mean"] for row in votes] == sorted((row["error"]["mean"] for row in votes), reverse=True)


def test_the_largest_group_is_exact_and_none_beyond_is_compared() -> None:
    share = 0.7
    k = np.arange(LARGEST_GROUP + 1)
    winner = np.maximum(k, LARGEST_GROUP - k) / LARGEST_GROUP
    winner[k * 2 == LARGEST_GROUP] = 0.5  # a tie pays one half of the group
    step = vote_step(np.array([[[share, 1 - share, 0.0]]]), [LARGEST_GROUP])
    assert step.reward[0] == pytest.approx(binom.pmf(k, LARGEST_GROUP, share) @ winner, abs=1e-9)
    asked = question_of(["a"], [["x"] * 7 + ["y"] * 3])
    rows = directions([asked], Plan(MajorityVote(), 0.1, 128, 1, 0.25, 1))
    assert [row["group_size"] for row in rows] == [64, 128, 256]
    assert all(row["error"]["mean"] < 1e-6 for row in rows)


def test_many_wordings_are_pooled() -> None:
    assert not views_are_pooled([4, 4])
    assert views_are_pooled([8, 8, 8, 8])
    nu = np.array([[0.5, 0.3, 0.2]])
    four = vote_step(np.repeat(nu[None], 4, axis=1), [8, 8, 8, 8])
    one = vote_step(nu[None], [32])
    np.testing.assert_allclose(four.advantage[0, 2], one.advantage[0, 0], atol=1e-6)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_a_question_without_any_answer_is_paid_as_groups_without_one(target: Target) -> None:
    """Its only column is that of completions in which nothing was read."""
    step = rule_of(target, question(np.ones((2, 1))), 4).group(np.ones((1, 2, 1)))
    assert np.isfinite(step.advantage).all()
    assert step.reward == pytest.approx(target.rewards(AnswerGroup([None] * 4)).mean(), abs=1e-12)


def test_other_targets_go_through_drawn_groups() -> None:
    asked = question_of(["A", "B"], [["x"] * 6 + ["y"] * 4, ["x"] * 5 + ["y"] * 4 + [None]], frozenset({"x"}))
    for target in (ConsensusVote(), MajorityVote(against=-1.0)):
        found = solve_question(asked, Plan(target, beta=0.5, group_size=4, steps=3, resamples=1))
        assert not found.exact
        assert found.along["sampled"][-1, 0] > 0.55


@pytest.mark.parametrize(
    "target", ["majority_vote", "consensus_vote", "crossed_vote", "soft_consensus", "gini_diversity"]
)
def test_a_question_without_any_answer_pays_nothing_and_stays(target: str) -> None:
    read = question_of(["a", "b"], [["1", "2", "1"], ["1", "1", "3"]], frozenset({"1"}))
    unread = question_of(["a", "b"], [[None, None], [None, None, None]], frozenset({"1"}))
    plan = Plan(forecast_target(target, None, None, 4), 0.1, 4, 3, 0.25, 2)
    alone, both = forecast([read], plan), forecast([read, unread], plan)
    solved = both.solved[1]
    assert (solved.along["reward"] == 0).all()
    assert (solved.along["sampled"] == 0).all()
    assert (solved.marginals["equilibrium"] == 1).all()
    for name in ("reward", "sampled"):
        assert both.equilibrium[name]["mean"] == pytest.approx(alone.equilibrium[name]["mean"] / 2, abs=1e-12)


def test_a_target_of_the_right_answer_needs_it() -> None:
    from dagames_llm._errors import RecipeError

    with pytest.raises(RecipeError, match="needs `answer`"):
        rule_of(MaxRL(), question(np.array([[0.5, 0.5]]), gold=None), 4)
