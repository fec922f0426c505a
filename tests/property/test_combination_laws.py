"""Laws of sums, multiples and mixtures, and of the numerical conjugates that they need."""

import numpy as np
import pytest
from hypothesis import given

from dagames.functionals import (
    Functional,
    Gini,
    KLFromPrior,
    KLToPrior,
    Linear,
    LogScore,
    NegativeEntropy,
    Point,
    Quadratic,
    Separable,
    Smooth,
    from_convex,
    mixture,
)
from dagames.functionals.conjugates.numeric_supremum import curvature
from dagames.functionals.conjugates.simplicial import composite_supremum
from dagames.functionals.scaled import Scaled
from dagames.functionals.sums import SeparableSum, SmoothSum, Sum
from tests.cases import FUNCTIONALS, Quartic, random_distribution, random_gram, random_prior, seeds, sizes, within

SMOOTH = {name: make for name, make in FUNCTIONALS.items() if isinstance(make(np.random.default_rng(0), 3), Smooth)}
smooth = pytest.mark.parametrize("make", SMOOTH.values(), ids=SMOOTH.keys())
family = pytest.mark.parametrize("make", FUNCTIONALS.values(), ids=FUNCTIONALS.keys())
ADDED = {name: make for name, make in FUNCTIONALS.items() if not name.startswith("Polytope")}
"""All but polytopes: a sum holds one indicator, and says so."""


class Hull(Functional):
    """A linear cost on the hull of some distributions, infinite elsewhere: no value inside the simplex to go by."""

    def __init__(self, corners, cost):
        self.corners, self.cost = np.asarray(corners), np.asarray(cost)

    def value(self, nu):
        return np.asarray(nu @ self.cost)  # of points of the hull, the only ones it is asked for

    def gradient(self, nu):
        return np.broadcast_to(self.cost, nu.shape).copy()

    def _payoffs(self, u):
        used = np.where(self.corners > 0, (u - self.cost)[..., None, :], 0.0)
        return np.where(self.corners > 0, self.corners * used, 0.0).sum(axis=-1)

    def conjugate(self, u):
        return np.asarray(self._payoffs(u).max(axis=-1))

    def conjugate_gradient(self, u):
        return self.corners[self._payoffs(u).argmax(axis=-1)]


@smooth
@given(seeds, sizes)
def test_hessian_is_the_derivative_of_the_gradient(make, seed, n):
    rng = np.random.default_rng(seed)
    R = make(rng, n)
    nu = within(R, 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n)
    v, w = (np.where(nu > 0, rng.normal(size=n), 0.0) for _ in range(2))
    v, w = (x - np.where(nu > 0, x.sum() / (nu > 0).sum(), 0.0) for x in (v, w))
    held = nu > 0
    H = np.where(held[:, None] & held, R.hessian(nu), 0.0)
    h = 1e-3 * nu[held].min() / max(1.0, np.abs(v).max())
    above, below = (np.where(held, R.gradient(nu + s * v), 0.0) for s in (h, -h))
    coarse = (above - below) @ w / (2 * h)
    assert abs(coarse - w @ H @ v) <= 1e-4 * max(1.0, np.abs(H).max() * np.abs(v).max() * np.abs(w).max())
    assert np.linalg.eigvalsh(H).min() >= -1e-9 * max(1.0, np.abs(H).max())
    assert R.hessian(np.stack([nu, nu])).shape == (2, n, n)


@given(seeds, sizes)
def test_a_guessed_curvature_is_that_of_the_functional(seed, n):
    rng = np.random.default_rng(seed)
    R = Quadratic(random_gram(rng, n)) + NegativeEntropy(0.5)
    nu = 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n
    v = rng.normal(size=n)
    v -= v.mean()
    guess = curvature(from_convex(R.value, R.gradient), nu)
    exact = v @ R.hessian(nu) @ v
    assert abs(v @ guess @ v - exact) <= 1e-4 * max(1.0, exact)


@family
@given(seeds, sizes)
def test_a_linear_part_shifts_the_dual_variable(make, seed, n):
    rng = np.random.default_rng(seed)
    R, r, u = make(rng, n), rng.normal(size=n), rng.normal(size=n)
    tilted = R + Linear(r)
    nu = within(R, random_distribution(rng, n))
    np.testing.assert_allclose(tilted.value(nu), R.value(nu) - nu @ r, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(tilted.conjugate(u), R.conjugate(u + r), rtol=1e-11, atol=1e-11)
    assert isinstance(tilted, Separable) == isinstance(R, Separable)
    assert isinstance(tilted, Smooth) == isinstance(R, Smooth)


@pytest.mark.parametrize("make", ADDED.values(), ids=ADDED.keys())
@given(seeds, sizes)
def test_twice_a_functional_is_its_sum_with_itself(make, seed, n):
    rng = np.random.default_rng(seed)
    R, u = make(rng, n), 10 * rng.normal(size=n)
    double, total = 2.0 * R, R + R
    nu = within(R, random_distribution(rng, n))
    scale = max(1.0, abs(float(double.conjugate(u))))
    np.testing.assert_allclose(total.value(nu), double.value(nu), rtol=1e-12)
    np.testing.assert_allclose(total.conjugate(u), double.conjugate(u), atol=1e-10 * scale)
    np.testing.assert_allclose(total.relative_smoothness, double.relative_smoothness)


@given(seeds, sizes)
def test_entropic_terms_add_up_to_their_closed_form(seed, n):
    """w KL(., p) + v sum nu log nu has conjugate (w + v) logsumexp((u + w log p) / (w + v))."""
    rng = np.random.default_rng(seed)
    w, v = 10 ** rng.uniform(-2, 2, size=2)
    p, u = rng.dirichlet(np.ones(n)) * 0.99 + 0.01 / n, rng.normal(size=n) * 10 ** rng.uniform(-1, 3)
    R = KLToPrior(p, w) + NegativeEntropy(v)
    expected = (w + v) * np.logaddexp.reduce((u + w * np.log(p)) / (w + v))
    np.testing.assert_allclose(R.conjugate(u), expected, rtol=1e-12, atol=1e-11)
    np.testing.assert_array_less(R.conjugate_gap(u), 1e-12)
    by_steps = SmoothSum(*R.parts)
    np.testing.assert_allclose(by_steps.conjugate(u), expected, rtol=1e-11, atol=1e-11)


@given(seeds, sizes)
def test_a_quadratic_with_the_identity_is_gini(seed, n):
    rng = np.random.default_rng(seed)
    w, u = 10 ** rng.uniform(-4, 4), rng.normal(size=n) * 10 ** rng.uniform(-2, 3)
    Q, gini = Quadratic(w * np.eye(n)), Gini(w)
    scale = max(1.0, np.abs(u).max())
    np.testing.assert_allclose(Q.conjugate(u), gini.conjugate(u), atol=1e-12 * scale)
    np.testing.assert_allclose(Q.conjugate_gradient(u), gini.conjugate_gradient(u), atol=1e-6)
    np.testing.assert_array_less(Q.conjugate_gap(u), 1e-13)
    if n > 1:
        np.testing.assert_allclose(Q.relative_smoothness, gini.relative_smoothness)


@given(seeds, sizes)
def test_relative_smoothness_of_a_quadratic_is_attained(seed, n):
    """The bound is the least one: along the exchange that attains it, the curvature is L sum v^2 / nu."""
    rng = np.random.default_rng(seed)
    R = Quadratic(random_gram(rng, n + 1))
    y, z = np.unravel_index(np.argmax(np.diag(R.matrix)[:, None] + np.diag(R.matrix) - 2 * R.matrix), R.matrix.shape)
    v = 0.5 * (np.eye(n + 1)[y] - np.eye(n + 1)[z])
    np.testing.assert_allclose(v @ R.matrix @ v, R.relative_smoothness, rtol=1e-12, atol=1e-15)


@given(seeds, sizes)
def test_a_constraint_inside_the_simplex_is_kept(seed, n):
    """The supremum over a hull, by brute force over its corners' weights, against simplicial decomposition."""
    rng = np.random.default_rng(seed)
    corners = rng.dirichlet(np.ones(n), size=3)
    S, N = Quadratic(random_gram(rng, n)) + NegativeEntropy(0.3), Hull(corners, rng.normal(size=n))
    u = rng.normal(size=n) * 10 ** rng.uniform(-1, 1)
    found = composite_supremum(S, N, u)
    np.testing.assert_allclose((N + S).conjugate(u), found.upper, atol=1e-11 * max(1.0, np.abs(u).max()))
    assert 0 <= found.gap <= 1e-11 * max(1.0, np.abs(u).max())
    weights = rng.dirichlet(np.ones(3), size=200)
    points = weights @ corners
    payoffs = points @ u - S.value(points) - N.value(points)
    assert payoffs.max() <= found.upper + 1e-11
    np.testing.assert_allclose(
        found.nu @ u - (S + N).value(found.nu), found.upper, atol=1e-11 * max(1.0, np.abs(u).max())
    )


@given(seeds)
def test_prompts_keep_their_own_weights_in_a_sum(seed):
    rng = np.random.default_rng(seed)
    weights, grams = np.array([0.3, 2.0, 0.7]), np.stack([random_gram(rng, 4) for _ in range(3)])
    u, rewards = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    u[1, 2] = -np.inf
    R = weights * Quadratic(grams) + Gini(weights) + Linear(rewards)
    for x in range(3):
        alone = weights[x] * Quadratic(grams[x]) + Gini(weights[x]) + Linear(rewards[x])
        np.testing.assert_allclose(R.conjugate(u)[x], alone.conjugate(u[x]), atol=1e-12)
    R.check_fits((3,), 4)


def test_sums_are_of_the_most_special_kind():
    rough = Quartic(1.0)
    assert type(Gini() + NegativeEntropy()) is SeparableSum
    assert type(Gini() + Quadratic(np.eye(2))) is SmoothSum
    assert type(Gini() + rough + Quadratic(np.eye(2))) is Sum
    assert type(Linear([1.0]) + Linear([2.0])) is Linear
    np.testing.assert_array_equal((Linear([1.0]) + Linear([2.0])).rewards, [3.0])
    nested = (Gini() + Linear([1.0])) + (rough + Linear([2.0]))
    assert [type(part).__name__ for part in nested.parts] == ["Gini", "Quartic", "Linear"]
    assert type(3.0 * rough) is Scaled
    assert float((2.0 * (3.0 * Gini())).weight) == 6.0
    assert type(2 * (Gini() + NegativeEntropy())) is SeparableSum
    np.testing.assert_array_equal((Linear([1.0, -1.0]) * 3.0).rewards, [3.0, -3.0])


def test_a_mixture_is_the_average_of_values():
    nu = np.array([0.2, 0.8])
    parts = [Gini(2.0), NegativeEntropy(1.0), Point(0)]
    mixed = mixture(parts, [0.25, 0.75, 0.0])
    assert mixed.value(nu) == pytest.approx(0.25 * parts[0].value(nu) + 0.75 * parts[1].value(nu))
    assert mixture([Gini(2.0)], [1.0]).value(nu) == pytest.approx(parts[0].value(nu))


def test_an_indicator_in_a_sum_is_obeyed():
    R = Gini(2.0) + Quadratic(np.eye(3)) + Point(1)
    np.testing.assert_array_equal(R.allowed(np.ones(3, dtype=bool)), [False, True, False])
    np.testing.assert_allclose(R.conjugate_gradient(np.array([5.0, 0.0, 1.0])), [0.0, 1.0, 0.0])
    assert R.conjugate(np.array([5.0, 0.25, 1.0])) == pytest.approx(0.25 - 1.5)
    assert R.conjugate(np.array([5.0, -np.inf, 1.0])) == -np.inf
    both = LogScore(0) + KLFromPrior(random_prior(np.random.default_rng(1), 2)) + Quadratic(np.zeros((2, 2)))
    assert np.isfinite(both.conjugate(np.array([1e4, -1e4])))
