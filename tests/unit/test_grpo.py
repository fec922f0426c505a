"""Groups at their extremes: one trace, one answer, ties, masses at the edge of float64, large groups."""

import importlib

import numpy as np
import pytest

from dagames.estimators import RewardTable, plugin_table
from dagames.grpo import (
    ByCount,
    ByTarget,
    decoupled_advantages,
    effective_reward,
    enumeration,
    expected_update,
    group_advantages,
    true_update,
)
from dagames.grpo.enumeration import group_counts, number_of_groups, parts_of_groups, probabilities
from dagames.grpo.expected_update import ExpectedUpdate
from dagames.grpo.group_rewards import as_group_reward
from dagames.targets import GiniDiversity, InverseFrequency, MajorityVote

RULES = ("center", "standardise", "leave-one-out", "decoupled", "none")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("reward", [GiniDiversity(), InverseFrequency(), MajorityVote()])
def test_one_answer_is_never_moved(rule, reward):
    np.testing.assert_allclose(expected_update([1.0], reward, 5, rule), [0.0], atol=1e-15)
    np.testing.assert_allclose(expected_update([0.0, 1.0], reward, 5, rule), [0.0, 0.0], atol=1e-15)


def test_a_group_of_one_trace_has_no_step_by_counts():
    nu = [0.7, 0.3]
    for route in ("enumeration", "moments"):
        for rule in ("center", "none"):
            np.testing.assert_allclose(expected_update(nu, plugin_table(1), 1, rule, route=route), 0.0, atol=1e-15)
        # A reward that is known by answer needs no group, only no baseline that eats it.
        np.testing.assert_allclose(expected_update(nu, [1.0, 0.0], 1, "center", route=route), 0.0, atol=1e-15)
        np.testing.assert_allclose(expected_update(nu, [1.0, 0.0], 1, "none", route=route), [0.21, -0.21], atol=1e-15)
    np.testing.assert_array_equal(group_advantages([3.0]), [0.0])
    np.testing.assert_array_equal(group_advantages([[3.0], [5.0]], "standardise"), [[0.0], [0.0]])


def test_centred_rewards_by_count_of_two_traces_are_equal():
    """Unequal answers have count 1 both, equal ones count 2 both: every advantage is 0."""
    table = RewardTable(2, np.array([0.0, 3.0, -1.0]), "self-inclusive")
    for rule in ("center", "standardise", "leave-one-out"):
        np.testing.assert_allclose(expected_update([0.7, 0.2, 0.1], table, 2, rule), 0.0, atol=1e-15)
    assert np.abs(expected_update([0.7, 0.2, 0.1], table, 2, "decoupled")).max() > 0.1


def test_two_traces_by_hand():
    """K = 2, a vote: two equal answers get the reward 1 each, two different ones 1/2 each."""
    np.testing.assert_allclose(expected_update([0.5, 0.5], MajorityVote(), 2, "none"), 0.0, atol=1e-15)
    # Reward 1/2 + [agrees] / 2, so a(p) = (1 + p) / 2 and nu_z (nu_z - sum nu^2) / 2.
    expected = np.array([0.75 * (0.75 - 0.625), 0.25 * (0.25 - 0.625)]) / 2
    np.testing.assert_allclose(expected_update([0.75, 0.25], MajorityVote(), 2, "none"), expected, atol=1e-15)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("tiny", [1e-300, 5e-324])
def test_a_mass_at_the_edge_of_float64_keeps_its_step(rule, tiny):
    step = expected_update([1.0, tiny], GiniDiversity(), 4, rule)
    assert np.isfinite(step).all()
    assert step[1] >= 0
    if tiny == 1e-300 and rule != "standardise":
        factor = {"center": 6 / 16, "leave-one-out": 2 / 4, "decoupled": 3 / 4, "none": 3 / 4}[rule]
        assert step[1] == pytest.approx(factor * tiny, rel=1e-12)


def test_large_groups_agree_by_both_routes():
    nu = [0.9, 0.1]
    for rule in ("center", "leave-one-out", "none"):
        listed, closed = (
            expected_update(nu, InverseFrequency(), 400, rule, route=route) for route in ("enumeration", "moments")
        )
        np.testing.assert_allclose(listed, closed, atol=1e-12)
    many = np.full(50, 0.02)
    many[0] = 0.03
    many[1] = 0.01
    step = expected_update(many, GiniDiversity(), 64)  # 10^31 different counts
    np.testing.assert_allclose(step, 63 * 62 / 64**2 * true_update(many, GiniDiversity().exact_rewards), atol=1e-15)


def test_all_counts_are_listed_once():
    counts = group_counts(3, 4)
    assert counts.shape == (15, 3)
    assert len({tuple(row) for row in counts.tolist()}) == 15
    assert (counts.sum(axis=1) == 4).all()
    assert (counts >= 0).all()
    np.testing.assert_array_equal(group_counts(1, 3), [[3]])
    assert probabilities(counts, np.array([0.2, 0.0, 0.8])).sum() == pytest.approx(1.0, abs=1e-14)
    assert probabilities(group_counts(4, 30), np.array([0.4, 0.3, 0.2, 0.1])).sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("n_answers", "group_size"), [(1, 5), (2, 1), (2, 9), (3, 6), (5, 4)])
def test_parts_of_the_list_make_the_list(monkeypatch, n_answers, group_size):
    whole = group_counts(n_answers, group_size)
    monkeypatch.setattr(enumeration, "PART", 7)
    parts = list(parts_of_groups(n_answers, group_size))
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert all(len(part) <= 7 + group_size for part in parts)
    assert len(whole) == number_of_groups(n_answers, group_size)
    assert sorted(map(tuple, whole)) == [tuple(row) for row in whole]


@pytest.mark.parametrize("rule", ["center", "standardise", "decoupled"])
def test_a_list_in_parts_pulls_as_the_whole_list_does(monkeypatch, rule):
    nu = np.random.default_rng(0).dirichlet(np.ones(4), size=5)
    whole = expected_update(nu, plugin_table(6), 6, rule, route="enumeration")
    bonus = np.stack([ExpectedUpdate(plugin_table(6), 6, 4, rule).at(row, row) for row in nu])
    for name, value in (("LARGEST_STORED", 0), ("WEIGHTS", 20)):
        monkeypatch.setattr(importlib.import_module("dagames.grpo.expected_update"), name, value)
    monkeypatch.setattr(enumeration, "PART", 9)
    np.testing.assert_allclose(expected_update(nu, plugin_table(6), 6, rule, route="enumeration"), whole, atol=1e-15)
    np.testing.assert_allclose(ExpectedUpdate(plugin_table(6), 6, 4, rule).at(nu, nu), bonus, atol=1e-15)


def test_rewards_of_ties_follow_the_rule():
    counts = np.array([[2, 2, 0], [1, 1, 1], [4, 0, 0]])
    np.testing.assert_allclose(ByTarget(MajorityVote())(counts), [[0.5, 0.5, 0], [1 / 3] * 3, [1, 0, 0]])
    np.testing.assert_allclose(ByTarget(MajorityVote("none"))(counts), [[0, 0, 0], [0, 0, 0], [1, 0, 0]])


def test_the_reward_at_count_zero():
    """It applies to no trace: 1 - 0 / K for Gini, and the entry of count 1 for counts that include the trace."""
    assert as_group_reward(GiniDiversity(2.0), 4)(np.array([0]))[0] == 2.0
    assert as_group_reward(InverseFrequency(0.5, plugin_table(4)), 4)(np.array([0]))[0] == pytest.approx(
        0.5 * np.log(4)
    )
    table = RewardTable(3, np.array([-7.0, -2.0, -1.0, 0.0]), "independent")
    np.testing.assert_array_equal(as_group_reward(table, 4)(np.arange(5)), [-7.0, -7.0, -2.0, -1.0, 0.0])
    given = InverseFrequency(2.0, RewardTable(2, np.array([-9.0, -1.0, 0.5]), "self-inclusive"))
    np.testing.assert_array_equal(as_group_reward(given, 2)(np.arange(3)), [2.0, 2.0, -1.0])


def test_rewards_of_answers_without_traces_are_ignored():
    def surprisal(counts):
        with np.errstate(divide="ignore"):
            return -np.log(counts / counts.sum(axis=-1, keepdims=True))  # infinite at 0

    nu = [0.5, 0.3, 0.2]
    for rule in ("center", "standardise", "leave-one-out", "none"):
        np.testing.assert_allclose(
            expected_update(nu, surprisal, 4, rule),
            expected_update(nu, InverseFrequency(table=plugin_table(4)), 4, rule),
            atol=1e-14,
        )
    assert np.isfinite(decoupled_advantages([0, 2, 2], surprisal)).all()


def test_the_two_baselines_differ_at_order_one_over_k():
    """Claim B.1: the effective rewards are p a'(p) / (K - 1) apart, here p / (K - 1) for a reward of slope 1."""
    p = np.linspace(0, 1, 5)
    for K in (3, 9, 33):
        reward = ByCount(np.append(0.0, np.arange(K) / (K - 1)))
        gap = effective_reward(p, reward, K, "none") - effective_reward(p, reward, K)
        np.testing.assert_allclose(gap, p / (K - 1), atol=1e-14)


def test_decoupled_advantages_come_by_the_group():
    answers = np.array([[0, 0, 1], [2, 1, 0]])
    both = decoupled_advantages(answers, MajorityVote())
    np.testing.assert_array_equal(both[1], decoupled_advantages(answers[1], MajorityVote()))
    # Without one of the two zeros the rest ties at 1/2 each; without the one both zeros win.
    np.testing.assert_allclose(both[0], [0.5, 0.5, -1.0])
    np.testing.assert_allclose(decoupled_advantages([0, 2], [1.0, 5.0, 3.0]), [-2.0, 2.0])


def test_the_true_update_ignores_rewards_of_answers_without_mass():
    step = true_update([0.5, 0.5, 0.0], InverseFrequency().exact_rewards)  # -log 0 is infinite
    np.testing.assert_array_equal(step, [0.0, 0.0, 0.0])
    np.testing.assert_allclose(true_update([[0.5, 0.5, 0.0]], [1.0, 0.0, np.inf]), [[0.25, -0.25, 0.0]])
