"""Where standardised advantages rest, by hand."""

from fractions import Fraction

import mpmath as mp
import pytest

from proofs_check.claims import i50_standardised_rest as i50

HALF, ONE = Fraction(1, 2), Fraction(1)


@pytest.mark.parametrize("p", ["0.3", "0.8"])
def test_the_push_of_four_traces(p):
    case, p = i50.Verified(4, HALF, ONE, ONE), mp.mpf(p)
    by_hand = mp.sqrt(3) * (p**2 + (1 - p) ** 2) + 3 * p * (1 - p)
    assert abs(case.push(i50.population, p) - by_hand) < 1e-40
    assert abs(case.push(i50.sample, p) - mp.sqrt(3) / 2 * by_hand) < 1e-40
    assert abs(case.push(i50.left_out, p) - 1) < 1e-40


@pytest.mark.parametrize(
    ("rule", "rests"),
    [
        (i50.sample, [0.808094, 0.897669, 0.965012, 0.994772]),
        (i50.population, [0.841600, 0.914236, 0.970289, 0.995299]),
    ],
)
def test_the_rests_that_are_quoted(rule, rests):
    found = [float(i50.Verified(K, HALF, ONE, ONE).rest(rule)) for K in (4, 8, 16, 32)]
    assert found == pytest.approx(rests, abs=1e-6)


@pytest.mark.parametrize("reward", [HALF, ONE, Fraction(3)])
def test_two_traces_rest_at_the_equilibrium_of_the_reward_1(reward):
    case = i50.Verified(2, Fraction(1, 5), reward, Fraction(2))
    assert abs(case.rest(i50.population) - i50.Verified(2, Fraction(1, 5), ONE, Fraction(2)).equilibrium()) < 1e-40


def test_the_threshold_of_an_even_reference_is_the_limit_of_laplace():
    top = mp.findroot(lambda x: x * mp.tanh(x) - 1, 1.2)
    threshold = i50.arcsine().threshold(HALF)
    assert abs(threshold - mp.cosh(top) / top) < 1e-30
    assert float(threshold) == pytest.approx(1.508880, abs=1e-6)


def test_the_thresholds_that_are_quoted():
    found = [float(i50.arcsine().threshold(p)) for p in (Fraction(1, 100), Fraction(1, 10), Fraction(9, 10))]
    assert found == pytest.approx([0.400742, 0.697006, 4.136987], abs=1e-6)
    y = mp.asinh(mp.mpf("0.02"))
    assert -100 < 2 * (y - mp.coth(y)) < -99.9


@pytest.mark.parametrize("K", [2, 5, 16])
def test_the_push_is_listed_twice(K):
    case = i50.Verified(K, HALF, ONE, ONE)
    assert i50.push(1.5, K) == pytest.approx(float(case.push(i50.population, 1 / (1 + mp.exp(-1.5)))), rel=1e-12)


def test_the_plot_is_what_was_computed():
    plot = i50.rest_plot()
    assert [line.name for line in plot.lines] == ["K = 4", "K = 8", "K = 16", "K = 32", "large K", "equilibrium"]
    assert min(plot.lines[4].x) == pytest.approx(1.50888, abs=1e-5)
    assert all(len(line.x) == len(line.y) for line in plot.lines)
