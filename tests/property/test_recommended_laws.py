"""Laws of the recommended table: a rarer answer is never paid less, at any group size; and what the table is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dagames.estimators import as_reward, minimax_table, plugin_table, recommended_table, taylor_table
from dagames.estimators.reward_table import inner_degree
from dagames.grpo import update_error
from dagames.targets import AnswerGroup, InverseFrequency

KINDS = ("centred", "self-inclusive", "independent")
SIZES = st.one_of(st.integers(1, 70), st.sampled_from([128, 259, 10**6]))
MONOTONE = ("log", "sqrt", "power:-0.9", "power:-0.5", "power:0.3", "power:2", "power:3.5", "entropy:0.5", "entropy:4")


@given(SIZES, st.sampled_from(KINDS))
def test_a_rarer_answer_is_never_paid_less_and_rewards_are_finite(K, counts):
    table = recommended_table(K, counts=counts)
    assert (table.group_size, table.counts) == (K, counts)
    assert np.isfinite(table.coefficients).all()
    assert (np.diff(table.coefficients) >= 0).all()


@given(st.integers(1, 70), st.sampled_from(KINDS), st.sampled_from(MONOTONE))
def test_the_table_of_a_monotone_reward_is_monotone(K, counts, name):
    table, first = recommended_table(K, counts=counts, reward=name), 0 if counts == "independent" else 1
    inner = table.coefficients[first : first + inner_degree(K, counts) + 1]
    rises = np.sign(np.diff(as_reward(name)(np.array([0.5, 1.0]))))
    assert (rises * np.diff(inner) >= 0).all()
    assert table.estimand == as_reward(name)


@given(st.lists(st.sampled_from("aaabbcdefg"), min_size=3, max_size=40))
def test_the_default_of_the_target_pays_the_rarer_answer_more(answers):
    """More, and not only no less, unless all other traces agree; one trace fewer is worth at most 2 nats."""
    group = AnswerGroup(tuple(answers))
    rewards, K = InverseFrequency().rewards(group), len(answers)
    by_count = {int(n): float(r) for n, r in zip(group.counts, rewards, strict=True)}
    for fewer, more in zip(sorted(by_count), sorted(by_count)[1:], strict=False):
        assert by_count[fewer] > by_count[more] or fewer == K - 1
    steps = -np.diff(recommended_table(K).coefficients[1:])
    assert steps.min() > -2.0


@pytest.mark.parametrize("counts", KINDS)
@pytest.mark.parametrize("K", [4, 12, 64])
def test_for_the_log_it_is_the_taylor_table_of_the_best_c_0(K, counts):
    """No other c_0 has less worst bias: moving it by a thousandth, either way, leaves no less."""
    table, n = recommended_table(K, counts=counts), inner_degree(K, counts)
    first = 0 if counts == "independent" else 1
    x = np.arange(1, n + 1) / n
    formula = np.log(x) + (1 - x) / (2 * n * x)
    np.testing.assert_allclose(table.coefficients[first + 1 : first + n + 1], formula, rtol=1e-14, atol=1e-15)
    if K <= 12:
        for moved in (-1e-3, 1e-3):
            other = taylor_table(K, c_0=float(table.coefficients[first]) + moved, counts=counts)
            assert other.bias.upper > table.bias.upper


@pytest.mark.parametrize("reward", ["power:3", "entropy:2"])
def test_a_polynomial_is_estimated_without_bias(reward):
    assert recommended_table(12, reward=reward).bias.upper < 1e-15


def test_a_reward_that_turns_is_left_as_taylor_has_it():
    def bump(p):
        return p * (1 - p)

    table, taylor = recommended_table(9, reward=bump), taylor_table(9, reward=bump, counts="centred")
    np.testing.assert_array_equal(table.coefficients, taylor.coefficients)


@pytest.mark.parametrize(("K", "noise"), [(8, 2.1), (32, 1.1)])
def test_it_beats_the_plug_in_in_bias_and_in_direction(K, noise):
    table, plain = recommended_table(K), plugin_table(K, counts="centred")
    assert table.bias.upper < 0.13 * plain.bias.upper
    assert table.variance.upper < noise * plain.variance.upper
    nu = np.random.default_rng(0).dirichlet(np.ones(4), size=200)
    ours, theirs = (update_error(nu, made, K).direction for made in (table, plain))
    assert ours.max() < 0.75 * theirs.max()
    assert np.median(ours) < 0.5 * np.median(theirs)


def test_small_and_large_groups():
    for K in (1, 2):
        table = recommended_table(K)
        np.testing.assert_array_equal(table.coefficients, minimax_table(K, counts="centred").coefficients)
        nu = np.array([0.7, 0.3])
        np.testing.assert_allclose(update_error(nu, table, K).direction, 1.0)  # nothing moves
    K = 20_000
    large, k = recommended_table(K), np.arange(200)
    p = np.geomspace(1e-2, 50, 400) / K  # beyond, the error is of the order 1 / (K^2 p)
    mean = binom.pmf(k, K - 2, p[:, None]) @ large.coefficients[1 : k.size + 1]
    assert K * np.abs(p * (mean - np.log(p))).max() == pytest.approx(0.1045, rel=0.02)


def test_it_is_made_once():
    assert recommended_table(16) is recommended_table(16, reward="log", counts="centred")
