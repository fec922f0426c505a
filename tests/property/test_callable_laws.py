"""Laws of rewards that are functions of one's own: what is proved of them by Taylor series holds, and is as tight."""

from collections.abc import Callable
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from flint import arb, arb_series, ctx, fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import binom

from dagames.estimators import LOG, Reward, RewardTable, as_reward, minimax_table, solve_aqp, solve_variance
from dagames.estimators.callable_reward import CallableReward
from dagames.estimators.germ import Germ
from dagames.estimators.jets import Jet, series_of_order
from tests.cases import seeds
from tests.property.test_table_laws import kinds, moments, points, random_table

WIDTH = 1e-8
"""Relative width of an enclosure that is asked for."""

TWINS: dict[str, Callable] = {
    "log": np.log,
    "sqrt": np.sqrt,
    "power:-0.5": lambda p: p**-0.5,
    "power:-0.9": lambda p: p**-0.9,
    "power:2": lambda p: p * p,
    "entropy:1.5": lambda p: 2 * (np.sqrt(p) - 1),
    "entropy:0.5": lambda p: (p**-0.5 - 1) / -0.5,
}
"""Rewards with an exact engine of their own, and the same functions as a user writes them."""

OWN: dict[str, Callable] = {
    "tamed": lambda p: np.log(p) / (1 + p),
    "shifted": lambda p: np.log(p + 0.01),
    "decay": lambda p: np.exp(-p),
    "steep": lambda p: np.exp(-300 * p),
    "waves": lambda p: np.sin(40 * p) + np.tan(p) * np.arctan(p),
    "mixed": lambda p: np.cosh(p) ** 3 / np.tanh(0.5 + p) - np.log1p(p) + np.expm1(-p) + np.cbrt(1 + p) * np.log2(p),
    "selves": lambda p: p**p + 2**p,
    "flat": lambda p: np.exp(-1 / p),
    "peak": lambda p: 1 / (1e-3 + (p - 0.37) ** 2),
}

FUNCTIONS = (
    *("log", "exp", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sqrt", "cbrt", "log1p", "expm1"),
    *("log2", "log10", "exp2", "sinh", "cosh", "tanh", "square", "reciprocal", "absolute"),
)

twins = pytest.mark.parametrize("name", TWINS)
own = pytest.mark.parametrize("g", OWN.values(), ids=OWN)


@kinds
@twins
@settings(max_examples=6)
@given(seeds, st.integers(1, 12))
def test_a_function_with_an_exact_engine_gets_the_same_certificates(name, counts, seed, K):
    table = random_table(np.random.default_rng(seed), K, counts, as_reward(name))
    twin = RewardTable(K, table.coefficients, counts, as_reward(TWINS[name]))
    for kind in ("bias", "excess"):
        exact, found = getattr(table, kind), getattr(twin, kind)
        assert found.lower <= exact.upper, kind
        assert exact.lower <= found.upper, kind
        assert found.width <= WIDTH or found.upper <= 1e-30, kind
    assert twin.second_moment == table.second_moment
    assert twin.variance == table.variance


@kinds
@twins
@pytest.mark.parametrize("K", [1, 2, 7, 24])
def test_a_function_with_an_exact_engine_gets_the_same_table(name, counts, K):
    exact, found = (minimax_table(K, reward=reward, counts=counts) for reward in (name, TWINS[name]))
    np.testing.assert_allclose(found.coefficients, exact.coefficients, rtol=1e-5, atol=1e-9)
    assert found.optimum.lower <= exact.optimum.upper * (1 + 1e-15)
    assert exact.optimum.lower <= found.optimum.upper


@own
@kinds
@settings(max_examples=4)
@given(seeds, st.integers(1, 12))
def test_certificates_hold_at_every_point_and_are_attained(g, counts, seed, K):
    reward = as_reward(g)
    table = random_table(np.random.default_rng(seed), K, counts, reward)
    mean, square = moments(table, points)
    seen = {
        "bias": np.abs(points * (mean - reward(points))).max(),
        "excess": max(0.0, (points**2 * (square - reward(points) ** 2)).max()),
    }
    for kind, value in seen.items():
        low, high = getattr(table, kind)
        assert low <= high <= low * (1 + WIDTH) + 1e-30, kind
        scale = max(1.0, float(np.abs(table.coefficients).max()) ** 2, reward.size.upper**2)
        assert value <= high + 1e-12 * scale, kind
        # Between two points of the grid the function can be a little higher, by its curvature there.
        assert low <= value + 2e-3 * scale * (K + 1) ** 2, kind


@own
@settings(max_examples=10)
@given(st.floats(1e-4, 1.0), st.floats(0.01, 0.9), st.floats(-1.0, 1.0), st.integers(1, 24))
def test_taylor_series_enclose_the_function_on_their_box(g, centre, share, t, order):
    reward = as_reward(g)
    with ctx.workprec(200):
        c, radius = arb(centre), arb(share) * min(arb(centre), 1 - arb(centre))
        here, around = reward._weighted_series(c, radius, order + 1)
        total = around[order]
        for a in reversed(here[:order]):
            total = total * arb(t) + a
        assert not total.is_finite() or total.overlaps(reward.weighted_at(c + radius * arb(t)))


@own
@settings(max_examples=8)
@given(st.integers(1, 60), st.floats(1e-6, 1.0))
def test_germs_bound_the_function_near_zero(g, depth, share):
    reward = as_reward(g)
    with ctx.workprec(200):
        end = arb(2) ** -depth
        bound = reward._near_zero(end)
        assert not bound.is_finite() or not abs(reward.weighted_at(end * arb(share))) > bound


@given(st.floats(0.05, 0.95))
def test_every_function_of_numpy_is_itself(p):
    for name in FUNCTIONS:
        f = getattr(np, name)
        with series_of_order(3), ctx.workprec(120):
            jet = f(np.array([Jet(arb_series([arb(p), 1]))], dtype=object))[0].series
            germ = f(np.array([Germ(arb(1), Fraction(1), arb(p))], dtype=object))[0]
        value, h = float(f(p)), 1e-4
        assert float(jet[0]) == pytest.approx(value, rel=1e-13), name
        assert float(jet[1]) == pytest.approx((f(p + h) - f(p - h)) / (2 * h), rel=1e-2, abs=1e-6), name
        assert float(2 * jet[2]) == pytest.approx((f(p + h) - 2 * value + f(p - h)) / h**2, rel=1e-2, abs=1e-4), name
        # numpy's values are not rounded correctly: the next floats may be the right ones.
        assert (germ.ball * arb(p) ** arb(float(germ.order))).overlaps(arb(value, 1e-13 * abs(value))), name


@kinds
@given(st.lists(st.integers(-24, 24).map(lambda i: i / 8), min_size=1, max_size=5), st.integers(6, 20))
def test_polynomials_within_the_degree_have_no_bias(counts, coefficients, K):
    best = minimax_table(K, reward=lambda p: np.polyval(coefficients, p), counts=counts)
    assert best.optimum.lower == 0.0
    assert best.optimum.upper < 1e-60
    assert best.bias.upper < 1e-14


@own
@pytest.mark.parametrize("n", [0, 1, 4])
def test_a_linear_program_on_a_grid_finds_nothing_better(g, n):
    p = np.sin(0.5 * np.pi * np.arange(1, 1601) / 1600) ** 2
    basis = p[:, None] * np.array([binom.pmf(k, n, p) for k in range(n + 1)]).T
    goal, ones = p * g(p), np.ones((p.size, 1))
    size = np.abs(goal).max()
    found = linprog(
        np.append(np.zeros(n + 1), 1.0),
        A_ub=np.block([[basis, -ones], [-basis, -ones]]),
        b_ub=np.concatenate([goal, -goal]) / size,
        bounds=(None, None),
    )
    optimum = minimax_table(n + 1, reward=g).optimum
    assert found.fun * size <= optimum.upper + 1e-8 * size
    assert optimum.lower == pytest.approx(found.fun * size, rel=3e-3, abs=1e-6 * size)


@pytest.mark.parametrize("K", [4, 16, 32])
def test_errors_far_below_float64_are_levelled_and_proved(K):
    """The error of exp(-p) is about the next Chebyshev coefficient of p exp(-p)."""
    optimum = minimax_table(K, reward=lambda p: np.exp(-p)).optimum
    assert 0 < optimum.lower <= optimum.upper <= optimum.lower * (1 + WIDTH)
    # p exp(-p) = sum (-1)^(j-1) p^j / (j-1)!; the shifted Chebyshev polynomial of degree m begins with 2^(2m-1) p^m.
    m = K + 1
    with mp.workdps(30):
        leading = float(mp.mpf(1) / mp.factorial(m - 1) * mp.mpf(2) ** (1 - 2 * m))
    # Vanishing at 0 costs a constant; the next terms are smaller by 1 / m.
    assert 0.5 * leading < optimum.lower < 4 * leading


@pytest.mark.parametrize("solve", [solve_aqp, solve_variance])
def test_the_frontier_of_a_function_is_that_of_its_twin(solve):
    exact, found = solve(8, 2.0), solve(8, 2.0, reward=np.log)
    assert found.gap < 1e-6
    assert found.table.bias.upper <= found.budget
    assert found.objective.lower <= exact.objective.upper
    assert exact.objective.lower <= found.objective.upper
    odd = solve(8, 1.5, reward=OWN["tamed"])
    assert odd.gap < 1e-6
    assert odd.table.bias.upper <= odd.budget


@own
@settings(max_examples=6)
@given(st.floats(0.02, 1.0))
def test_second_derivatives_are_those_of_difference_quotients(g, p):
    reward = as_reward(g)
    with ctx.workprec(200):
        x, h = arb(p), arb(2) ** -40
        quotient = (reward.at(x + h) - 2 * reward.at(x) + reward.at(x - h)) / h**2
    assert float(reward.second_derivative(np.array([p]))[0]) == pytest.approx(float(quotient), rel=1e-6, abs=1e-6)


def test_the_limit_at_zero_counts():
    """No p attains the largest excess of a table of zeros: it is the limit 0."""
    table = RewardTable(3, np.zeros(4), "independent", as_reward(OWN["tamed"]))
    assert table.excess.lower == 0.0
    assert table.excess.upper < 1e-30
    assert LOG.bias_of(fmpq_poly([0])).upper == pytest.approx(CallableReward(np.log).size.upper, rel=1e-12)
    assert Reward.of(lambda p: 0 * p).size == (0.0, 0.0)
