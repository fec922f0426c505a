"""Bias, size and noise of a group's rewards, by hand."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from proofs_check.claims import i51_frequency_bias as i51
from proofs_check.claims import i52_gini_beside_log as i52
from proofs_check.claims import i54_baseline_variance as i54
from proofs_check.claims import i55_anti_exploration as i55

RARE = Fraction(1, 50)


def test_the_biases_that_are_quoted():
    found = [i51.own(16, RARE), i51.seen(16, RARE), i51.stated(16, RARE)]
    assert [float(b) for b in found] == pytest.approx([1.3359, 1.2451, -1.53125], abs=1e-4)


def test_one_trace_knows_only_itself():
    """Its frequency is 1, whose log is 0, and the bound is touched."""
    assert abs(i51.own(1, RARE) - mp.log(50)) < 1e-40
    assert abs(i51.least(1, mp.mpf(1) / 50) - mp.log(50)) < 1e-40


@pytest.mark.parametrize(("K", "below", "above"), [(16, 19, 20), (1024, 20, 21)])
def test_the_bias_of_another_group_changes_its_sign_near_two(K, below, above):
    assert i51.seen(K, Fraction(below, 10 * K)) > 0 > i51.seen(K, Fraction(above, 10 * K))


@pytest.mark.parametrize("K", [2, 5, 8])
def test_a_unique_answer_has_one_advantage_whatever_the_reward(K):
    """(K - 1) / sqrt K for it and -1 / sqrt K for the others, whose mean square is (K - 1) / K."""
    for reward in i52.gini_and_log():
        square = i52._mean_square((1, K - 1), [reward(mp.mpf(1) / K), reward(mp.mpf(K - 1) / K + (K == 2))])
        assert abs(square - mp.mpf(K - 1) / K) < 1e-40


def test_two_traces_have_a_fixed_share_of_the_noise():
    share = 1 / (2 * mp.log(2)) ** 2
    for nu in ([Fraction(1, 3), Fraction(2, 3)], [RARE, 1 - RARE]):
        low, high = (i52._variance(2, nu, reward) for reward in i52.gini_and_log())
        assert abs(low / high - share) < 1e-40


@pytest.mark.parametrize(("K", "p"), [(3, Fraction(1, 2)), (4, Fraction(4, 7)), (8, Fraction(12, 19))])
def test_a_baseline_neither_pays_nor_costs_at_the_threshold(K, p):
    case = i54.Case(K, p)
    assert i54.least_share(K) == p
    assert i54.relative_variance(i54.by_others, case) == i54.relative_variance(i54.raw, case)


@pytest.mark.parametrize("p", [Fraction(1, 3), Fraction(9, 10)])
def test_variances_of_the_step_from_moments(p):
    """p q^3 / K without a baseline, and the variance of the unbiased variance with one."""
    q, K, mean = 1 - p, 6, p * (1 - p)
    assert i54.relative_variance(i54.raw, i54.Case(K, p)) * mean**2 == p * q**3 / K
    spread = p * q * ((1 - 3 * p * q) / K - p * q * Fraction(K - 3, K * (K - 1)))
    assert i54.relative_variance(i54.by_others, i54.Case(K, p)) * mean**2 == spread


def test_nothing_pays_at_two_traces_and_a_little_of_the_mean_fails_near_one():
    for p in (Fraction(1, 20), Fraction(1, 2)):
        case = i54.Case(2, p)
        assert i54.relative_variance(i54.by_others, case) > i54.relative_variance(i54.raw, case)

    def tenth(case, m):
        mean = Fraction(m, case.K) / 10
        return 1 - mean, -mean

    near = i54.Case(8, Fraction(99, 100))
    assert i54.relative_variance(tenth, near) > i54.relative_variance(i54.raw, near)


def test_the_rests_of_log_rewards_that_are_quoted():
    found = [i55.Rare(16, RARE, Fraction(w)).rest() for w in (-1, 1)]
    assert found == pytest.approx([0.1086087, 0.0013787], abs=1e-6)
    assert i55.stated(i55.Rare(16, RARE, Fraction(-1))) == pytest.approx(0.125)


def test_the_listed_gap_is_the_difference_of_two_means():
    """The mean of the others as a baseline leaves E log((1 + Bin(K - 2, p)) / K) for each answer."""
    case, x, K = i55.Rare(9, RARE, Fraction(1)), -1.3, 9
    p = Fraction(float(1 / (1 + np.exp(-x))))

    def mean(share):
        return i51.own(K - 1, share) + mp.log(share.numerator) - mp.log(share.denominator)

    assert case._own_gap(x) == pytest.approx(float(mean(p) - mean(1 - p)), rel=1e-9)
