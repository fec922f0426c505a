"""Laws that every target obeys: the exact and the sampled view are one thing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames import AlignmentGame
from dagames.estimators import plugin_table
from dagames.functionals import Gini, NegativeEntropy
from dagames.grpo import group_advantages
from dagames.targets import AnswerGroup, GiniDiversity, InverseFrequency, MajorityVote
from tests.cases import TARGETS, seeds, sizes

family = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
answers = st.lists(st.sampled_from(["7", "8", "9", None]), min_size=1, max_size=12)


@family
@given(seeds, sizes)
def test_sampled_rewards_converge_to_beta_log_q(target, seed, n):
    """For a group whose frequencies are exactly nu, rewards differ from beta log q by one constant."""
    rng = np.random.default_rng(seed)
    # Distinct counts: no ties. The group is as large as its law needs, for every target reads frequencies only.
    counts = np.cumsum(rng.integers(1, 50, size=n)) * 7
    beta = 10 ** rng.uniform(-2, 2)
    group = AnswerGroup([z for z in range(n) for _ in range(counts[z])])
    if isinstance(target, InverseFrequency):
        # Only the plug-in takes frequencies at their word; other tables estimate what they are a sample of.
        target = replace(target, table=plugin_table(len(group)))
    log_q = target.log_density(counts / counts.sum(), beta)
    per_answer = target.rewards(group)[np.cumsum(counts) - 1]
    difference = per_answer - beta * log_q
    np.testing.assert_allclose(difference, difference[0], atol=1e-9 * max(1.0, np.abs(beta * log_q).max()))


@family
@given(answers, st.randoms(use_true_random=False))
def test_rewards_follow_the_traces_when_they_are_shuffled(target, drawn, random):
    if target == MajorityVote(ties="first"):
        drawn = sorted(drawn, key=lambda a: -drawn.count(a) if a else 1)  # this rule looks at the order by design
    order = list(range(len(drawn)))
    random.shuffle(order)
    rewards = target.rewards(AnswerGroup(drawn))
    shuffled = target.rewards(AnswerGroup([drawn[i] for i in order]))
    if target == MajorityVote(ties="first"):
        assert sorted(rewards) == sorted(shuffled)
    else:
        np.testing.assert_array_equal(shuffled, rewards[order])


@family
@given(answers)
def test_a_trace_without_an_answer_gets_the_least_reward(target, drawn):
    rewards = target.rewards(AnswerGroup(drawn))
    assert rewards.shape == (len(drawn),)
    assert np.isfinite(rewards).all()
    least = target.rewards(AnswerGroup([None] * len(drawn)))
    assert (least == least[0]).all()
    # A table may be off by its bias for an answer that almost everybody gives; and a lone trace has one reward.
    assert least[0] == 0 or isinstance(target, InverseFrequency)
    assert (rewards >= least).all()
    assert all(reward == least[0] for reward, answer in zip(rewards, drawn, strict=True) if answer is None)


@family
@given(answers, st.permutations(["7", "8", "9"]))
def test_names_of_answers_do_not_matter(target, drawn, names):
    rename = dict(zip(["7", "8", "9"], names, strict=True)) | {None: None}
    np.testing.assert_array_equal(
        target.rewards(AnswerGroup(drawn)), target.rewards(AnswerGroup([rename[a] for a in drawn]))
    )


@family
@given(answers, st.data())
def test_one_vote_is_pooled_over_the_views(target, drawn, data):
    """The views say where a trace came from; they do not split the group."""
    views = data.draw(st.lists(st.integers(0, 3), min_size=len(drawn), max_size=len(drawn)))
    np.testing.assert_array_equal(target.rewards(AnswerGroup(drawn, views)), target.rewards(AnswerGroup(drawn)))


@given(answers)
def test_the_vote_is_decided_by_counting(drawn):
    """Against an independent count: the winners are the answers that nobody outnumbers."""
    rewards = MajorityVote().rewards(AnswerGroup(drawn))
    votes = [a for a in drawn if a is not None]
    best = max((votes.count(a) for a in votes), default=0)
    winners = {a for a in votes if votes.count(a) == best}
    expected = [1 / len(winners) if a in winners else 0.0 for a in drawn]
    np.testing.assert_array_equal(rewards, expected)


@pytest.mark.parametrize(("ties", "expected"), [("split", [0.5, 0.5]), ("first", [1.0, 0.0]), ("none", [0.0, 0.0])])
def test_ties_follow_the_stated_rule(ties, expected):
    np.testing.assert_array_equal(MajorityVote(ties=ties).rewards(AnswerGroup(("b", "a"))), expected)
    log_q = MajorityVote(ties=ties).log_density([0.5, 0.5], beta=1.0)
    np.testing.assert_allclose(log_q[0] - log_q[1], expected[0] - expected[1], atol=1e-15)


@given(seeds, sizes)
def test_exact_targets_are_best_responses_of_their_games(seed, n):
    rng = np.random.default_rng(seed)
    nu, weight, beta = rng.dirichlet(np.ones(n)), rng.uniform(0.1, 3), rng.uniform(0.1, 3)
    for target, R in (
        (InverseFrequency(weight), NegativeEntropy(weight)),
        (GiniDiversity(weight), Gini(weight)),
    ):
        game = AlignmentGame(np.full(n, 1 / n), np.arange(n), R, beta)
        np.testing.assert_allclose(target.log_density(nu, beta), game.log_best_target(np.log(nu)), atol=1e-10)


def test_a_vote_at_a_small_beta_is_a_point_mass():
    q = np.exp(MajorityVote().log_density([0.3, 0.4, 0.3], beta=1e-3))
    np.testing.assert_allclose(q, [0, 1, 0], atol=1e-300)
    q = np.exp(MajorityVote().log_density([0.3, 0.4, 0.3], beta=1.0))
    np.testing.assert_allclose(q, np.array([1, np.e, 1]) / (2 + np.e))


@given(seeds, st.integers(1, 8))
def test_advantages(seed, K):
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=(3, K)) * 10 + 5
    centred, standard = group_advantages(rewards), group_advantages(rewards, "standardise")
    np.testing.assert_allclose(centred.sum(axis=-1), 0, atol=1e-12)
    np.testing.assert_array_equal(group_advantages(rewards, "none"), rewards)
    for row, a, s in zip(rewards, centred, standard, strict=True):
        np.testing.assert_allclose(a, row - np.mean(row), atol=1e-12)
        deviation = np.std(row, ddof=1) if K > 1 else 0.0
        np.testing.assert_allclose(s, a / (deviation + 1e-4), rtol=1e-9, atol=1e-9)
    # Adding a constant to a group's rewards changes nothing once they are centred.
    np.testing.assert_allclose(group_advantages(rewards + 8.0), centred, atol=1e-11)
