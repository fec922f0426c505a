"""Laws of reward tables: what is proved of them holds, the best is the best, and what is exact is exact."""

from fractions import Fraction
from math import comb

import mpmath as mp
import numpy as np
import pytest
from flint import fmpq, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import binom

from dagames.estimators import (
    LOG,
    Reward,
    RewardTable,
    as_reward,
    elevated_table,
    harmonic_table,
    minimax_table,
    plugin_table,
    polynomial_table,
    split_table,
    taylor_table,
    ustatistic_table,
)
from dagames.estimators.bernstein import as_rationals, raise_degree, to_bernstein, to_monomials
from dagames.estimators.best_polynomial import best_polynomial
from dagames.estimators.exchange import certified_level, exchange
from dagames.estimators.log_polynomial import LogPolynomial
from dagames.estimators.supremum import supremum
from dagames.estimators.ustatistics import falling_factorials
from tests.cases import seeds

REWARDS = [
    LOG,
    as_reward("sqrt"),
    as_reward("power:-0.5"),
    as_reward("power:2"),
    as_reward("entropy:1.5"),
    as_reward("entropy:0.5"),
    as_reward("entropy:2"),
    Reward(
        "a mixture",
        {(Fraction(1, 3), 1): Fraction(1, 2), (Fraction(0), 1): Fraction(-1), (Fraction(1), 0): Fraction(3)},
    ),
]
rewards = pytest.mark.parametrize("reward", REWARDS, ids=[reward.name for reward in REWARDS])
kinds = pytest.mark.parametrize("counts", ["independent", "self-inclusive", "centred"])
degrees = st.integers(0, 12)
points = np.sin(0.5 * np.pi * np.arange(1, 4001) / 4000) ** 2
"""Probabilities, dense towards 0 and 1."""


def random_table(rng: np.random.Generator, K: int, counts: str, reward: Reward) -> RewardTable:
    coefficients = reward((np.arange(K + 1) + 0.5) / (K + 1)) + rng.normal(size=K + 1) * 10 ** rng.uniform(-3, 1)
    return RewardTable(K, coefficients, counts, reward)


def moments(table: RewardTable, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and second moment of the table's entry, by summing over what the other traces may answer."""
    others = max(table.group_size - {"independent": 0, "self-inclusive": 1, "centred": 2}[table.counts], 0)
    first = 0 if table.counts == "independent" else 1
    masses = np.array([binom.pmf(k, others, p) for k in range(others + 1)])
    entries = table.coefficients[first : first + others + 1]
    return entries @ masses, entries**2 @ masses


@kinds
@rewards
@given(seeds, st.integers(1, 12))
def test_certificates_hold_at_every_point_and_are_attained(reward, counts, seed, K):
    table = random_table(np.random.default_rng(seed), K, counts, reward)
    mean, square = moments(table, points)
    seen = {
        "bias": np.abs(points * (mean - reward(points))),
        "second_moment": square,
        "variance": points**2 * (square - mean**2),
        "excess": points**2 * (square - reward(points) ** 2),
    }
    for name, values in seen.items():
        low, high = getattr(table, name)
        scale = max(1.0, float(np.abs(table.coefficients).max()) ** 2)
        assert low <= high
        assert values.max() <= high + 1e-12 * scale, name
        # Between two points of the grid, and between 0 and the first, a smooth function can be a little higher.
        assert low <= values.max() + 2e-4 * scale * (K + 1) ** 2, name
        assert high - low <= 1e-12 * scale, name


@rewards
@given(seeds, degrees)
def test_the_bias_is_that_of_fifty_digits(reward, seed, n):
    rng = np.random.default_rng(seed)
    table = random_table(rng, max(n, 1), "independent", reward)
    c, n = table.coefficients, table.group_size
    with mp.workdps(50):
        p = mp.mpf(float(rng.uniform()) ** 4 + 1e-30)
        mean = sum(mp.mpf(float(c[k])) * comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1))
        g = sum(
            mp.mpf(b.numerator) / b.denominator * p ** (mp.mpf(a.numerator) / a.denominator) * mp.log(p) ** m
            for (a, m), b in reward.terms.items()
        )
        assert abs(p * (mean - g)) <= mp.mpf(table.bias.upper)


@given(st.lists(st.fractions(-9, 9, max_denominator=9), min_size=1, max_size=8), st.integers(0, 5))
def test_bases_change_without_a_rounding(values, more):
    c = [fmpq(v.numerator, v.denominator) for v in values]
    n = len(c) - 1
    polynomial = to_monomials(c)
    assert to_bernstein(polynomial, n) == c
    assert to_monomials(raise_degree(c, n + more)) == polynomial
    p = fmpq(2, 7)
    assert polynomial(p) == sum((c[k] * comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)), fmpq(0))


@rewards
@given(st.floats(0.01, 1.0))
def test_theta_is_p_times_the_derivative_and_squares_are_squares(reward, p):
    from flint import arb, ctx

    with ctx.workprec(300):
        function, x, h = reward.weighted, arb(p), arb(2) ** -100
        quotient = (function(x + h) - function(x - h)) / (2 * h)
        assert abs(float(function.theta()(x) - x * quotient)) < 1e-20
        assert abs(float(function.squared()(x) - function(x) ** 2)) < 1e-60
        alpha = Fraction(2, 3)
        assert abs(float(function.theta(alpha)(x) - function.theta()(x) + arb(fmpq(2, 3)) * function(x))) < 1e-60
        second = (function(x + h) - 2 * function(x) + function(x - h)) / h**2
        g = float(function(x) / x)
        assert float(reward(np.array(p))) == pytest.approx(g, rel=1e-12, abs=1e-12)
        # (p g)'' = 2 g' + p g''
        slope = (reward.at(x + h) - reward.at(x - h)) / (2 * h)
        assert float(reward.second_derivative(np.array(p))) == pytest.approx(
            float((second - 2 * slope) / x), rel=1e-8, abs=1e-8
        )


@given(st.integers(0, 9), st.fractions(0, 1, max_denominator=30), st.data())
def test_falling_factorials_are_unbiased_and_nothing_else_is(n, p, data):
    """Claim II.2, in exact rationals: the mean is p^m, and the means of all tables are told apart by n + 1 points."""
    m = data.draw(st.integers(0, n))
    table = falling_factorials(n, m)
    assert sum(c * comb(n, k) * p**k * (1 - p) ** (n - k) for k, c in enumerate(table)) == p**m
    matrix = fmpq_poly  # the Bernstein basis is a basis: a table of mean 0 is 0
    assert to_bernstein(matrix([0]), n) == [0] * (n + 1)
    assert to_bernstein(matrix([0] * m + [1]), n) == [fmpq(c.numerator, c.denominator) for c in table]


@kinds
def test_polynomial_rewards_have_the_bias_of_rounding_alone(counts):
    for K in (4, 8, 20):
        assert ustatistic_table(K, 2, counts=counts).bias.upper < 1e-15
        assert polynomial_table(K, [0.5, -1.0, 0.25], counts=counts).bias.upper < 1e-15
    assert polynomial_table(5, [0.0], counts=counts).bias == (0.0, 0.0)
    # Claim II.3: 1 - k / K is unbiased for other traces, and (1 - 1/K)(1 - p) for a count with the trace itself. Beside
    # another trace it is 1 - 1/K - (1 - 2/K) p; a constant does not move the policy, but counts as bias here.
    naive = RewardTable(4, 1 - np.arange(5) / 4, counts, polynomial_table(4, [1.0, -1.0]).estimand)
    expected = {"independent": 0.0, "self-inclusive": 0.25 * 0.25, "centred": 0.25}
    assert naive.bias.upper == pytest.approx(expected[counts], abs=1e-15)


@kinds
@rewards
@given(seeds, st.integers(1, 12))
def test_no_table_is_better_than_the_minimax_one(reward, counts, seed, K):
    rng = np.random.default_rng(seed)
    best = minimax_table(K, reward=reward, counts=counts)
    assert best.optimum.lower <= best.optimum.upper <= best.optimum.lower * (1 + 1e-8) + 1e-13
    assert best.bias.lower <= best.optimum.upper + 1e-12 * np.abs(best.coefficients).max()
    moved = best.coefficients + rng.normal(size=K + 1) * 10 ** rng.uniform(-9, 0)
    assert RewardTable(K, moved, counts, reward).bias.upper >= best.optimum.lower
    assert random_table(rng, K, counts, reward).bias.upper >= best.optimum.lower


@rewards
@pytest.mark.parametrize("n", [0, 1, 2, 5, 9])
def test_a_linear_program_on_a_grid_finds_nothing_better(reward, n):
    """The grid's optimum is below the true one, and comes near it: another route to both."""
    p = np.sin(0.5 * np.pi * np.arange(1, 801) / 800) ** 2
    basis = p[:, None] * np.array([binom.pmf(k, n, p) for k in range(n + 1)]).T
    goal = p * reward(p)
    ones = np.ones((p.size, 1))
    found = linprog(
        np.append(np.zeros(n + 1), 1.0),
        A_ub=np.block([[basis, -ones], [-basis, -ones]]),
        b_ub=np.concatenate([goal, -goal]),
        bounds=(None, None),
    )
    _, optimum = best_polynomial(n, reward)
    assert optimum.lower == pytest.approx(found.fun, rel=2e-3, abs=1e-9)
    assert found.fun <= optimum.upper + 1e-9


def test_any_points_give_a_lower_bound():
    rng = np.random.default_rng(0)
    best = minimax_table(6, counts="independent").optimum
    for _ in range(20):
        level, _ = certified_level(np.sort(rng.uniform(1e-3, 1.0, size=8)), LOG, 300)
        assert float(level) <= best.upper


@rewards
@pytest.mark.parametrize(("counts", "known"), [("self-inclusive", 1), ("centred", 2)])
def test_the_table_of_a_group_is_the_independent_one_of_the_unknown_traces(reward, counts, known):
    for K in (3, 5, 16):
        inner = minimax_table(K - known, reward=reward, counts="independent")
        own = minimax_table(K, reward=reward, counts=counts)
        np.testing.assert_array_equal(own.coefficients[1 : K - known + 2], inner.coefficients)
        assert own.coefficients[0] == own.coefficients[1]
        assert known == 1 or own.coefficients[-1] == reward(np.ones(1))[0]
        assert own.bias == inner.bias
        assert own.variance == inner.variance


def test_the_trap_costs_a_factor_of_fifty():
    """Claim II.4: the table for K on a count that includes the trace itself is biased at order 1 / K again."""
    right = minimax_table(16)
    trap = RewardTable(16, minimax_table(16, counts="independent").coefficients, "self-inclusive")
    assert trap.bias.lower / right.bias.upper > 50
    shifted = RewardTable(16, np.append(right.coefficients[1:], 0.0), "self-inclusive")
    assert shifted.bias.lower / right.bias.upper > 50


@pytest.mark.parametrize("K", [4, 8, 16, 24])
def test_a_coefficient_that_is_off_by_1e_6_shows(K):
    best = minimax_table(K, counts="independent")
    for k in range(K + 1):
        moved = best.coefficients.copy()
        moved[k] += 1e-6
        assert RewardTable(K, moved, "independent").bias.lower > best.optimum.upper * (1 + 1e-9), k


def test_the_optimum_falls_like_one_over_k_squared_and_its_constant_is_found():
    """Claim II.5; without the constraint at 0 the constant is that of Ibragimov."""
    scaled = {n: _scaled(n, free=False) for n in (16, 32, 64, 128)}
    free = {n: _scaled(n, free=True) for n in (16, 32, 64, 128)}
    assert _limit(scaled) == pytest.approx(0.3250892734, abs=1e-10)
    assert _limit(free) == pytest.approx(0.2268844247, abs=1e-10)


def test_a_reference_that_rounding_has_moved_is_not_kept():
    """For sqrt p and n = 140 float64 moves a peak in the last round, and the level falls."""
    for n, reward in ((140, as_reward("sqrt")), (16, LOG)):
        _, optimum = best_polynomial(n, reward)
        assert optimum.width < 1e-8, n


def _scaled(n: int, *, free: bool) -> float:
    level, _ = certified_level(exchange(n, LOG, free=free).points, LOG, 256 + 8 * n, free=free)
    return float(level) * (n if free else n + 1) ** 2


def _limit(scaled: dict[int, float]) -> float:
    """Fit a polynomial in 1 / (n + 1)^2, or 1 / n^2, through all points, and read it at 0."""
    shift = 0 if scaled[16] < 0.3 else 1
    h = np.array([1.0 / (n + shift) ** 2 for n in scaled])
    return float(sum(v * np.prod([-b / (a - b) for b in h if b != a]) for a, v in zip(h, scaled.values(), strict=True)))


@given(st.integers(1, 8), st.integers(0, 6), seeds)
def test_the_mean_over_all_splits_has_the_same_bias_and_no_more_variance_anywhere(m, more, seed):
    rng = np.random.default_rng(seed)
    small = random_table(rng, m, "independent", LOG)
    large = elevated_table(small, m + more, counts="independent")
    (mean, square), (mean_large, square_large) = moments(small, points), moments(large, points)
    scale = np.abs(small.coefficients).max()
    np.testing.assert_allclose(mean_large, mean, atol=1e-12 * scale)
    assert (square_large <= square + 1e-12 * scale**2).all()
    own = elevated_table(small, m + more + 1)
    np.testing.assert_allclose(moments(own, points)[0], mean, atol=1e-12 * scale)
    subsets = [
        sum(comb(k, j) * comb(m + more - k, m - j) * small.coefficients[j] for j in range(m + 1)) / comb(m + more, m)
        for k in range(m + more + 1)
    ]
    np.testing.assert_allclose(large.coefficients, subsets, rtol=1e-9, atol=1e-12 * scale)


def test_the_harmonic_table_is_its_series():
    for K in (1, 2, 7):
        n = K
        series = np.array([-sum(comb(n - k, m) / comb(n, m) / m for m in range(1, n + 1)) for k in range(n + 1)])
        np.testing.assert_allclose(harmonic_table(K, counts="independent").coefficients, series, rtol=1e-14, atol=1e-15)
    assert harmonic_table(1).coefficients.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("K", [4, 16, 64])
def test_no_other_c_0_is_better_for_taylor(K):
    table = taylor_table(K, counts="independent")
    for factor in (0.5, 0.99, 1.01, 2.0):
        other = table.coefficients.copy()
        other[0] *= factor
        assert RewardTable(K, other, "independent").bias.upper > table.bias.lower * (1 - 1e-5)
    assert taylor_table(K, c_0=0.0, counts="independent").bias.lower > 5 * table.bias.upper


def test_biases_are_those_of_the_first_try():
    """Claim II.6, and the second moments that make the minimax table unusable alone."""
    assert minimax_table(16, counts="independent").second_moment.upper == pytest.approx(3.6475e4, rel=1e-4)
    assert plugin_table(16, counts="independent").bias.upper == pytest.approx(0.02885, rel=1e-3)
    assert split_table(16).bias.upper == minimax_table(8, counts="independent").bias.upper


def test_suprema_of_monotone_and_constant_functions_lie_at_the_ends():
    assert supremum(LogPolynomial(fmpq_poly([0, 1]))).upper == pytest.approx(1.0, abs=1e-15)
    assert supremum(LogPolynomial(fmpq_poly([1, -1]))).lower == pytest.approx(1.0, abs=1e-15)
    assert supremum(LogPolynomial(fmpq_poly([3]))) == pytest.approx((3.0, 3.0))
    assert supremum(LogPolynomial(fmpq_poly([-3]))).upper == pytest.approx(-3.0)
    assert supremum(LogPolynomial()) == (0.0, 0.0)
    touching = fmpq_poly([0, 1]) * fmpq_poly([-1, 2]) ** 4 * fmpq_poly([-1, 3]) ** 2
    assert supremum(LogPolynomial(touching)).upper == pytest.approx(4.0)
    inflection = LogPolynomial(fmpq_poly([-1, 2]) ** 3)
    assert supremum(inflection, absolute=True).upper == pytest.approx(1.0)
    assert as_rationals(np.array([0.5])) == [fmpq(1, 2)]


def pooled_mean(entries: list[float], probabilities: np.ndarray) -> float:
    """The mean of a function of the number of successes, by the distribution of a sum of unequal trials."""
    masses = np.ones(1)
    for p in probabilities:
        masses = np.convolve(masses, [1 - p, p])
    return float(masses @ entries)


@kinds
@given(seeds, st.integers(2, 12))
def test_pooling_bounds_what_views_add(counts, seed, K):
    """Claim B.6a: for every table and all probabilities of the traces; attained by one pair."""
    rng = np.random.default_rng(seed)
    table = random_table(rng, K, counts, LOG)
    probabilities = rng.beta(0.5, 0.5, size=K)
    weight = np.ones(K + 1) if counts == "independent" else np.arange(K + 1) / K
    entries = (weight * table.coefficients).tolist()
    added = pooled_mean(entries, probabilities) - pooled_mean(entries, np.full(K, probabilities.mean()))
    assert abs(added) <= table.pooling * probabilities.var() + 1e-12
    pair = RewardTable(2, np.array([1.0, -1.0, 4.0]), "independent")
    assert pair.pooling == pytest.approx(7.0)
    assert pooled_mean([1.0, -1.0, 4.0], np.array([0.0, 1.0])) - 0.75 == pytest.approx(-7.0 * 0.25)


def test_a_lone_trace_cannot_be_pooled():
    assert plugin_table(1).pooling == 0.0
