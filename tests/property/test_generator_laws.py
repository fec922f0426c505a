"""Laws of Bregman generators."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings

from dagames.bregman import Power
from tests.cases import seeds, sizes
from tests.cases_bregman import GENERATORS, as_expression, distribution, inside, solved

few = settings(max_examples=max(settings.default.max_examples // 12, 2))
"""For laws whose every example calls the conic solver."""
family = pytest.mark.parametrize("make", GENERATORS.values(), ids=GENERATORS.keys())


def dot(a, b):
    return np.where(a != 0, a * np.where(a != 0, b, 0.0), 0.0).sum(axis=-1)


@family
@given(seeds, sizes)
def test_divergence_is_positive_and_zero_only_at_itself(make, seed, n):
    rng = np.random.default_rng(seed)
    F = make(rng)
    p, q = distribution(F, rng, n), distribution(F, rng, n)
    assert F.divergence(p, q) >= 0
    assert F.divergence(p, p) == 0
    if np.abs(p - q).max() > 1e-4:
        assert F.divergence(p, q) > 0


@family
@given(seeds, sizes)
def test_divergence_is_what_the_tangent_leaves(make, seed, n):
    rng = np.random.default_rng(seed)
    F = make(rng)
    p, q = inside(rng, n), inside(rng, n)
    left = F.value(p) - F.value(q) - F.gradient(q) @ (p - q)
    assert F.divergence(p, q) == pytest.approx(left, abs=1e-9)
    near = q * (1 + 1e-9 * rng.normal(size=n))
    quadratic = 0.5 * np.sum(F.bend_at_log(np.log(q)) / q * (near - q) ** 2)
    assert F.divergence(near, q) == pytest.approx(quadratic, rel=1e-5)


@family
@given(seeds, sizes)
def test_three_points(make, seed, n):
    rng = np.random.default_rng(seed)
    F = make(rng)
    p, q, r = inside(rng, n), inside(rng, n), inside(rng, n)
    cross = (F.gradient(q) - F.gradient(r)) @ (p - q)
    assert F.divergence(p, r) == pytest.approx(F.divergence(p, q) + F.divergence(q, r) + cross, abs=1e-10)


@family
@given(seeds, sizes)
def test_gradient_is_the_slope_and_bend_that_of_the_slope(make, seed, n):
    rng = np.random.default_rng(seed)
    F = make(rng)
    p, v = inside(rng, n), rng.normal(size=n)
    h = 1e-4 * p.min() / np.abs(v).max()
    quotient = (F.value(p + h * v) - F.value(p - h * v)) / (2 * h)
    assert quotient == pytest.approx(F.gradient(p) @ v, abs=1e-5, rel=1e-5)
    rise = (F.gradient_at_log(np.log(p) + 1e-5) - F.gradient_at_log(np.log(p) - 1e-5)) / 2e-5
    np.testing.assert_allclose(rise, F.bend_at_log(np.log(p)), rtol=1e-4, atol=1e-6)


@family
@given(seeds, sizes)
def test_the_inverse_mirror_map_undoes_the_mirror_map(make, seed, n):
    rng = np.random.default_rng(seed)
    F = make(rng)
    p = inside(rng, n)
    np.testing.assert_allclose(np.exp(F.log_mass_at_slope(F.gradient(p))), p, rtol=1e-7)
    ends = F.gradient_at_log(np.array([-np.inf, 0.0]))
    np.testing.assert_allclose(np.exp(F.log_mass_at_slope(ends)), [0.0, 1.0], atol=1e-30)
    assert (np.exp(F.log_mass_at_slope(ends + np.array([-1.0, 1.0]))) == [0.0, 1.0]).all()
    assert F.steep == np.isneginf(ends[0])


@family
@given(seeds, sizes)
def test_value_is_convex(make, seed, n):
    rng = np.random.default_rng(seed)
    F = make(rng)
    p, q, t = distribution(F, rng, n), distribution(F, rng, n), rng.random()
    assert F.value((1 - t) * p + t * q) <= (1 - t) * F.value(p) + t * F.value(q) + 1e-12


@family
@given(seeds, sizes)
def test_projection_is_optimal_and_obeys_pythagoras(make, seed, n):
    rng = np.random.default_rng(seed)
    F = make(rng)
    theta = rng.normal(size=n) * 10 ** rng.uniform(-2, 3)
    theta[rng.random(n) < 0.2] = -np.inf
    theta[rng.integers(n)] = 0.0
    p = F.conjugate_gradient(theta)
    assert p.min() >= 0
    assert (p[np.isneginf(theta)] == 0).all()
    assert p.sum() == pytest.approx(1, abs=1e-14)
    scale = max(1.0, np.abs(theta[np.isfinite(theta)]).max())
    for _ in range(10):
        q = np.where(np.isfinite(theta), rng.dirichlet(np.ones(n)) + 1e-300, 0.0)
        q /= q.sum()
        for other in (q, 0.999 * p + 0.001 * q):
            assert F.value(other) - dot(other, theta) >= F.value(p) - dot(p, theta) - 1e-13 * scale
    w = inside(rng, n)
    theta = F.gradient(w) + rng.normal(size=n)
    p, q = F.conjugate_gradient(theta), inside(rng, n)
    # With w~ the point of gradient theta: D(q || w~) >= D(q || p) + D(p || w~), the constants of w~ cancelling.
    far = F.value(q) - q @ theta - (F.value(p) - p @ theta)
    assert far >= F.divergence(q, p) - 1e-11
    np.testing.assert_allclose(F.conjugate_gradient(F.gradient(w) + 7.0), w, atol=1e-7)


@family
@few
@given(seeds)
def test_projection_agrees_with_the_conic_solver(make, seed):
    rng = np.random.default_rng(seed)
    F, n = make(rng), 5
    if any(c < 0 for c in getattr(F, "coefficients", ())[2:]):
        return  # no sum of convex powers
    w, v = inside(rng, n), rng.normal(size=n)
    x = cp.Variable(n)
    problem = cp.Problem(cp.Minimize(as_expression(F, x, w) + v @ x), [cp.sum(x) == 1, x >= 0])
    if isinstance(F, Power) and abs(F.order - 1) < 1e-3:
        return  # a pole at order 1 in its textbook form
    value = solved(problem, x)
    p = F.conjugate_gradient(F.gradient(w) - v)
    assert F.divergence(p, w) + v @ p == pytest.approx(value, abs=1e-6)
