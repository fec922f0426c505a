"""Laws of groups: the exact expected update, its two routes, and what a baseline does to it."""

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dagames.estimators import RewardTable, plugin_table, polynomial_table
from dagames.grpo import (
    decoupled_advantages,
    effective_reward,
    expected_update,
    group_advantages,
    true_update,
    update_error,
)
from dagames.grpo.expected_update import ExpectedUpdate
from dagames.grpo.group_rewards import as_group_reward
from dagames.targets import AnswerGroup, GiniDiversity, InverseFrequency, MajorityVote
from tests.cases import random_distribution, seeds

RULES = ("center", "standardise", "leave-one-out", "decoupled", "none")
LINEAR = tuple(rule for rule in RULES if rule != "standardise")
each_rule = pytest.mark.parametrize("rule", RULES)
each_linear_rule = pytest.mark.parametrize("rule", LINEAR)
group_sizes = st.integers(1, 6)


def random_table(rng: np.random.Generator, K: int, counts: str = "self-inclusive") -> RewardTable:
    size = K - 1 if counts == "independent" else K
    return RewardTable(size, rng.normal(size=size + 1), counts)


def rational(rng: np.random.Generator, n: int) -> list[Fraction]:
    weights = [int(w) for w in rng.integers(0, 9, size=n)]
    weights[rng.integers(n)] += 1
    return [Fraction(w, sum(weights)) for w in weights]


def advantages_by_hand(answers, reward, rule) -> list:
    """One group, trace by trace; `reward(z, answers)` is what a trace with answer z gets among them."""
    K = len(answers)
    rewards = [reward(z, answers) for z in answers]
    if rule == "none":
        return rewards
    if rule == "center":
        return [r - sum(rewards) / K for r in rewards]
    if rule == "leave-one-out":
        return [r - (sum(rewards) - r) / (K - 1) for r in rewards]
    if rule == "decoupled":
        others = [answers[:i] + answers[i + 1 :] for i in range(K)]
        return [r - sum(reward(z, rest) for z in rest) / (K - 1) for r, rest in zip(rewards, others, strict=True)]
    deviation = np.std([float(r) for r in rewards], ddof=1) if K > 1 else 0.0
    return [float(r - sum(rewards) / K) / (deviation + 1e-4) for r in rewards]


def update_by_hand(nu, K, reward, rule) -> list:
    """Sum over all sequences of K answers, in exact rationals unless a deviation is divided by."""
    total = [0 for _ in nu]
    for answers in product(range(len(nu)), repeat=K):
        probability = prod((nu[z] for z in answers), start=Fraction(1))
        if probability == 0:
            continue
        weights = [
            a * (probability if isinstance(a, Fraction) else float(probability)) / K
            for a in advantages_by_hand(answers, reward, rule)
        ]
        for z in range(len(nu)):
            share = nu[z] if isinstance(weights[0], Fraction) else float(nu[z])
            total[z] += sum(w * ((answer == z) - share) for w, answer in zip(weights, answers, strict=True))
    return total


def needs_others(rule: str, K: int) -> bool:
    return K == 1 and rule in {"leave-one-out", "decoupled"}


@each_rule
@pytest.mark.parametrize("counts", ["self-inclusive", "centred", "independent"])
@given(seeds, st.integers(1, 4), st.integers(1, 3))
def test_the_update_is_the_mean_over_all_groups(rule, counts, seed, K, n):
    if needs_others(rule, K) or (counts == "independent" and K == 1):
        return
    rng = np.random.default_rng(seed)
    nu, table = rational(rng, n), random_table(rng, K, counts)
    itself = 1 if counts == "independent" else 0
    exact = [Fraction(float(c)) for c in table.coefficients]
    expected = update_by_hand(nu, K, lambda z, answers: exact[answers.count(z) - itself], rule)
    measured = expected_update([float(p) for p in nu], table, K, rule, route="enumeration")
    np.testing.assert_allclose(measured, [float(e) for e in expected], atol=1e-12)
    if rule != "standardise":
        closed = expected_update([float(p) for p in nu], table, K, rule, route="moments")
        np.testing.assert_allclose(closed, [float(e) for e in expected], atol=1e-12)


@each_linear_rule
@given(seeds, group_sizes, st.integers(1, 5))
def test_both_routes_agree_where_masses_are_tiny(rule, seed, K, n):
    if needs_others(rule, K):
        return
    rng = np.random.default_rng(seed)
    nu, table = random_distribution(rng, n), random_table(rng, K)
    listed, closed = (expected_update(nu, table, K, rule, route=route) for route in ("enumeration", "moments"))
    np.testing.assert_allclose(listed, closed, atol=1e-12)
    # An answer of mass 1e-300 has a step of that size, not one that was lost in rounding.
    rare = (nu > 1e-300) & (nu < 1e-20) & (np.abs(closed) > 1e-3 * nu)
    np.testing.assert_allclose(listed[rare], closed[rare], rtol=1e-9)


@each_rule
@given(seeds, group_sizes, st.integers(1, 4))
def test_the_step_sums_to_zero_and_leaves_absent_answers_alone(rule, seed, K, n):
    if needs_others(rule, K):
        return
    rng = np.random.default_rng(seed)
    nu = np.append(random_distribution(rng, n), 0.0)
    for reward in (random_table(rng, K), MajorityVote(), rng.normal(size=n + 1)):
        step = expected_update(nu, reward, K, rule)
        assert abs(step.sum()) < 1e-12
        assert step[-1] == 0.0
        without = expected_update(nu[:-1], reward[:-1] if isinstance(reward, np.ndarray) else reward, K, rule)
        np.testing.assert_allclose(step[:-1], without, atol=1e-12)


@each_rule
@given(seeds, st.integers(2, 6), st.integers(1, 4))
def test_names_of_answers_do_not_matter(rule, seed, K, n):
    rng = np.random.default_rng(seed)
    nu, order = random_distribution(rng, n), rng.permutation(n)
    for reward in (random_table(rng, K), MajorityVote()):
        step = expected_update(nu, reward, K, rule)
        np.testing.assert_allclose(expected_update(nu[order], reward, K, rule), step[order], atol=1e-12)


@each_rule
@given(seeds, st.integers(2, 6), st.integers(1, 4), st.floats(-9, 9))
def test_a_constant_reward_moves_nothing(rule, seed, K, n, level):
    rng = np.random.default_rng(seed)
    nu, table = random_distribution(rng, n), random_table(rng, K)
    np.testing.assert_allclose(expected_update(nu, np.full(n, level), K, rule), 0.0, atol=1e-12)
    raised = RewardTable(K, table.coefficients + level, "self-inclusive")
    np.testing.assert_allclose(expected_update(nu, raised, K, rule), expected_update(nu, table, K, rule), atol=1e-9)


@given(seeds, st.integers(2, 7), st.integers(1, 4))
def test_an_independent_baseline_is_no_baseline_on_average(seed, K, n):
    """Claim B.2: recomputed without the trace, for rewards by count and for a vote alike."""
    rng = np.random.default_rng(seed)
    nu = random_distribution(rng, n)
    for reward in (random_table(rng, K), MajorityVote(), rng.normal(size=n)):
        decoupled = expected_update(nu, reward, K, "decoupled", route="enumeration")
        plain = expected_update(nu, reward, K, "none", route="enumeration")
        np.testing.assert_allclose(decoupled, plain, atol=1e-12)


@given(seeds, st.integers(2, 40), st.integers(1, 5))
def test_leave_one_out_undoes_the_scale_of_centring(seed, K, n):
    rng = np.random.default_rng(seed)
    nu, table = random_distribution(rng, n), random_table(rng, K)
    centred, others = expected_update(nu, table, K), expected_update(nu, table, K, "leave-one-out")
    np.testing.assert_allclose(others * (K - 1) / K, centred, atol=1e-14)


@given(seeds, st.integers(2, 24), st.integers(1, 5), st.floats(-5, 5))
def test_a_centred_table_is_followed_exactly_and_its_last_entry_is_idle(seed, K, n, last):
    """What the certificate of a centred table speaks of is the reward that a centred group climbs."""
    rng = np.random.default_rng(seed)
    nu, table = random_distribution(rng, n), random_table(rng, K, "centred")
    masses = np.array([binom.pmf(k, K - 2, nu) for k in range(K - 1)])
    step = expected_update(nu, table, K)
    np.testing.assert_allclose(step, (K - 1) / K * true_update(nu, table.coefficients[1:K] @ masses), atol=1e-11)
    other = RewardTable(K, np.append(table.coefficients[:-1], last), "centred")
    for rule in ("center", "leave-one-out"):
        np.testing.assert_allclose(expected_update(nu, other, K, rule), expected_update(nu, table, K, rule), atol=1e-13)
    assert other.bias == table.bias


@given(seeds, st.integers(2, 30))
def test_the_group_mean_takes_off_p_times_the_slope(seed, K):
    """b(p) = a(p) - p a'(p) / (K - 1), the slope by a complex step, which has no cancellation."""
    rng = np.random.default_rng(seed)
    reward, p = as_group_reward(random_table(rng, K), K), rng.random(4)
    binomial = [prod(range(K - j, K)) / prod(range(1, j + 1)) for j in range(K)]
    at = p + 1e-30j
    a = sum(reward.rewards[j + 1] * binomial[j] * at**j * (1 - at) ** (K - 1 - j) for j in range(K))
    np.testing.assert_allclose(effective_reward(p, reward, K, "none"), a.real, atol=1e-11)
    expected = a.real - p * (a.imag / 1e-30) / (K - 1)
    np.testing.assert_allclose(effective_reward(p, reward, K), expected, atol=1e-11)


@given(seeds, st.integers(1, 40), st.integers(1, 4))
def test_the_gini_reward_follows_the_true_gradient(seed, K, n):
    """Claim I.19."""
    nu = random_distribution(np.random.default_rng(seed), n)
    factor = (K - 1) * (K - 2) / K**2
    expected = factor * true_update(nu, GiniDiversity(0.7).exact_rewards)
    np.testing.assert_allclose(expected_update(nu, GiniDiversity(0.7), K), expected, atol=1e-13)


@given(seeds, st.integers(2, 12), st.integers(1, 4))
def test_a_linear_table_on_independent_counts_is_unbiased(seed, K, n):
    """Claims II.3 and B.2: exactly the gradient of the reward p, with no baseline or an independent one."""
    nu = random_distribution(np.random.default_rng(seed), n)
    table = RewardTable(K - 1, np.arange(K) / (K - 1), "independent")
    for rule in ("none", "decoupled"):
        np.testing.assert_allclose(expected_update(nu, table, K, rule), true_update(nu, nu), atol=1e-13)


@given(seeds, st.integers(2, 8), st.integers(1, 4))
def test_a_table_for_independent_counts_is_the_shifted_self_inclusive_one(seed, K, n):
    """Claim II.4."""
    rng = np.random.default_rng(seed)
    nu, table = random_distribution(rng, n), random_table(rng, K, "independent")
    shifted = RewardTable(K, np.append(99.0, table.coefficients), "self-inclusive")
    for rule in RULES:
        np.testing.assert_array_equal(expected_update(nu, table, K, rule), expected_update(nu, shifted, K, rule))


@given(seeds, st.integers(2, 8))
def test_with_two_answers_standardising_changes_scale_only(seed, K):
    """Claim B.3: the step has one direction left, and more agreement than chance decides its sign."""
    rng = np.random.default_rng(seed)
    nu = rng.dirichlet([1.0, 1.0])
    coefficients = np.sort(rng.normal(size=K + 1))
    table = RewardTable(K, coefficients, "self-inclusive")
    step = expected_update(nu, table, K, "standardise")
    assert abs(step.sum()) < 1e-13
    assert step[int(nu.argmax())] >= -1e-13


@each_rule
@given(seeds, st.integers(1, 7), st.integers(1, 4))
def test_advantages_by_answer_are_those_of_the_traces(rule, seed, K, n):
    """The advantages by answer inside the enumeration, against `group_advantages` of one drawn group."""
    if needs_others(rule, K):
        return
    rng = np.random.default_rng(seed)
    answers = tuple(int(z) for z in rng.integers(n, size=K))
    for target in (InverseFrequency(0.7), GiniDiversity(1.3), MajorityVote(), MajorityVote(ties="none")):
        rewards = target.rewards(AnswerGroup(answers))
        by_count = as_group_reward(target, K)(np.bincount(answers, minlength=n))
        np.testing.assert_allclose(by_count[list(answers)], rewards, atol=1e-14)
        if rule == "decoupled":
            reward = as_group_reward(target, K)

            def reward_among(z, among, reward=reward):
                return reward(np.bincount(among, minlength=n))[z]

            expected = advantages_by_hand(answers, reward_among, rule)
            np.testing.assert_allclose(decoupled_advantages(answers, target), expected, atol=1e-12)
        else:
            given = dict(zip(answers, rewards, strict=True))
            expected = advantages_by_hand(answers, lambda z, _, given=given: given[z], rule)
            np.testing.assert_allclose(group_advantages(rewards, rule), expected, atol=1e-9)


@given(seeds, st.integers(1, 5), st.integers(1, 6))
def test_the_deviation_of_a_batch_is_over_all_its_rewards(seed, groups, K):
    rewards = np.random.default_rng(seed).normal(size=(groups, K)) * 3 + 2
    deviation = np.std(rewards, ddof=1) if rewards.size > 1 else 0.0
    expected = (rewards - rewards.mean(axis=1, keepdims=True)) / (deviation + 1e-4)
    np.testing.assert_allclose(group_advantages(rewards, "standardise-batch"), expected, atol=1e-10)


@each_rule
@given(seeds, st.integers(2, 6), st.integers(1, 4))
def test_a_bonus_is_a_reward_by_answer(rule, seed, K, n):
    """What a trace gets besides enters before advantages are formed, on both routes."""
    rng = np.random.default_rng(seed)
    nu, bonus = random_distribution(rng, n), rng.normal(size=n)
    table = random_table(rng, K)
    both = expected_update(nu, lambda counts: table.coefficients[counts] + bonus, K, rule)
    routes = ("enumeration",) if rule == "standardise" else ("enumeration", "moments")
    for route in routes:
        update = ExpectedUpdate(table, K, n, rule, route)
        np.testing.assert_allclose(update.at(nu, bonus), both, atol=1e-12)


@each_rule
@given(seeds)
def test_a_batch_is_a_list_of_prompts(rule, seed):
    rng = np.random.default_rng(seed)
    nu, table = rng.dirichlet(np.ones(3), size=(2, 2)), plugin_table(4)
    update = ExpectedUpdate(table, 4, 3, rule)
    np.testing.assert_allclose(update.at(nu)[1, 0], update.at(nu[1, 0]), atol=1e-15)


def true_by_hand(nu: list[Fraction], rewards: list[Fraction]) -> list[Fraction]:
    mean = sum(p * r for p, r in zip(nu, rewards, strict=True))
    return [p * (r - mean) for p, r in zip(nu, rewards, strict=True)]


@given(seeds, st.integers(2, 5), st.integers(1, 3))
def test_exact_rationals_prove_what_is_unbiased(seed, K, n):
    """No rounding at all: the decoupled linear reward, and the collision reward's factor (claims B.2, I.19)."""
    nu = rational(np.random.default_rng(seed), n)
    linear = update_by_hand(nu, K, lambda z, answers: Fraction(answers.count(z) - 1, K - 1), "decoupled")
    assert linear == true_by_hand(nu, nu)
    gini = update_by_hand(nu, K, lambda z, answers: 1 - Fraction(answers.count(z), K), "center")
    factor = Fraction((K - 1) * (K - 2), K * K)
    assert gini == [factor * slope for slope in true_by_hand(nu, [1 - p for p in nu])]


@given(seeds, st.integers(2, 40), st.integers(1, 4))
def test_harmonic_numbers_miss_the_logarithm_by_a_known_series(seed, K, n):
    """c_k = H_{k-1} - H_{K-1} has the mean log p + sum_{j >= K} (1-p)^j / j: a table whose bias is known exactly."""
    nu = 0.8 * np.random.default_rng(seed).dirichlet(np.ones(n)) + 0.2 / n
    harmonic = np.cumsum([0.0, *(1 / np.arange(1, K))])
    table = RewardTable(K, np.append(-99.0, harmonic - harmonic[-1]), "self-inclusive")
    j = np.arange(K, 3000)
    tail = ((1 - nu[:, None]) ** j / j).sum(axis=1)
    for rule in ("none", "decoupled"):
        expected = true_update(nu, np.log(nu) + tail)
        np.testing.assert_allclose(expected_update(nu, table, K, rule), expected, atol=1e-12)
    # p times the slope of the tail: what the group's mean takes off besides the constant 1 / (K - 1).
    slope = nu * ((1 - nu[:, None]) ** (j - 1)).sum(axis=1)
    expected = true_update(nu, np.log(nu) + tail + slope / (K - 1))
    np.testing.assert_allclose(expected_update(nu, table, K, "leave-one-out"), expected, atol=1e-12)


def test_standardising_turns_the_step_where_centring_does_not():
    """Claim B.3 at three answers: the same rewards, two directions."""
    nu, K = np.array([0.6, 0.3, 0.1]), 32
    harmonic = np.cumsum([0.0, *(1 / np.arange(1, K))])
    table = RewardTable(K, np.append(-99.0, harmonic - harmonic[-1]), "self-inclusive")
    true = true_update(nu, np.log)

    def turned(step: np.ndarray) -> float:
        return float(np.arccos(step @ true / np.linalg.norm(step) / np.linalg.norm(true)))

    assert turned(expected_update(nu, table, K, "standardise")) > 0.015
    assert turned(expected_update(nu, table, K)) < 0.005


@each_linear_rule
@given(seeds, st.integers(2, 12), st.integers(1, 4))
def test_errors_of_the_update_are_those_of_its_definition(rule, seed, K, n):
    rng = np.random.default_rng(seed)
    nu = np.append(random_distribution(rng, n), 0.0)
    table = random_table(rng, K)
    error = update_error(nu, table, K, rule)
    step, truth = expected_update(nu, table, K, rule), true_update(nu, np.log(np.where(nu > 0, nu, 1.0)))
    assert error.raw == pytest.approx(np.sqrt(((step - truth) ** 2).sum()), abs=1e-15)
    sizes = np.sqrt((step**2).sum()), np.sqrt((truth**2).sum())
    if min(sizes) > 1e-9:
        cosine = step @ truth / (sizes[0] * sizes[1])
        assert error.direction**2 == pytest.approx(2 - 2 * cosine, abs=1e-12)
        assert error.relative == pytest.approx(error.raw / sizes[1], rel=1e-12)
    both = update_error(np.stack([nu, nu]), table, K, rule)
    np.testing.assert_allclose(both.direction, error.direction, atol=1e-12)


def test_a_step_that_vanishes_has_no_direction():
    nu = np.array([[0.5, 0.5], [0.8, 0.2]])
    # Two traces agree, or have equal rewards: a centred pair moves nothing.
    error = update_error(nu, plugin_table(2), 2)
    np.testing.assert_array_equal(error.direction, [0.0, 1.0])
    assert error.relative[0] == 0.0
    assert error.relative[1] == 1.0


@given(seeds, st.integers(2, 5))
def test_a_step_of_the_wrong_sign_points_away(seed, n):
    nu = np.random.default_rng(seed).dirichlet(np.ones(n))
    table = plugin_table(8)
    turned = RewardTable(8, -table.coefficients, "self-inclusive")
    assert update_error(nu, turned, 8).direction ** 2 == pytest.approx(
        4 - update_error(nu, table, 8).direction ** 2, abs=1e-9
    )


def test_a_table_of_any_kind_is_compared_with_what_it_estimates():
    """A polynomial reward is estimated without bias: only the scale of centring is left."""
    nu = np.array([0.5, 0.3, 0.2])
    table = polynomial_table(8, [1.0, -1.0, 0.5], counts="centred")
    assert update_error(nu, table, 8, "leave-one-out").raw < 1e-15
    assert update_error(nu, table, 8).relative == pytest.approx(1 / 8, abs=1e-14)
