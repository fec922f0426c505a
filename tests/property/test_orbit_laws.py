"""Laws of orbits: means as centroids, distances between views, coherent projections, and the hybrid's bound."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagames import InfeasibleError, simplex
from dagames.numerics.conic import solve_problem
from dagames.orbits import (
    arithmetic_mean,
    direct_projection,
    distance_of_means,
    generalised_hellinger,
    geometric_mean,
    hellinger_bounds,
    hybrid_bound,
    hybrid_loss,
    improvement,
    jensen_shannon,
    majority,
    project_onto_marginal,
    smoothed,
    two_step_projection,
)
from tests.cases import random_distribution, seeds, sizes

views = st.integers(1, 6)
few = settings(max_examples=max(settings.default.max_examples // 4, 5))


def drawn(seed: int, X: int, n: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    nu = np.stack([random_distribution(rng, n) for _ in range(X)])
    return rng, nu, 0.9 * rng.dirichlet(np.ones(X)) + 0.1 / X


def orbit(seed: int, X: int, n: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray]:
    """Draw policies, answers and shares; every answer has one trace or more."""
    rng = np.random.default_rng(seed)
    E = np.concatenate([np.arange(n), rng.integers(0, n, size=rng.integers(0, 6))])
    pi = 0.95 * rng.dirichlet(np.ones(E.size), size=X) + 0.05 / E.size
    return rng, pi, E, 0.9 * rng.dirichlet(np.ones(X)) + 0.1 / X


def marginals(pi: np.ndarray, E: np.ndarray, n: int) -> np.ndarray:
    return pi @ np.eye(n)[E]


@given(seeds, views, sizes)
def test_the_geometric_mean_is_the_centroid_of_kl_to_the_views(seed, X, n):
    """mean KL(q || nu_x) = KL(q || GM) + its least value, for every q: claim I.21."""
    rng, nu, s = drawn(seed, X, n)
    mean = geometric_mean(nu, s)
    q = rng.dirichlet(np.ones(n))
    least = s @ simplex.kl(np.broadcast_to(mean, nu.shape), nu)
    mass = 1 - generalised_hellinger(nu, s)
    if mass > 1e-12:
        # 1 less a number near 1 is a small one with the large one's rounding.
        assert least == pytest.approx(-np.log(mass), rel=1e-6, abs=1e-10 + 4 * np.finfo(float).eps / mass)
    cost = s @ simplex.kl(np.broadcast_to(q, nu.shape), nu)
    assert cost == pytest.approx(simplex.kl(q, mean) + least, rel=1e-9, abs=1e-9)


@given(seeds, views, sizes)
def test_the_arithmetic_mean_is_the_centroid_of_kl_from_the_views_and_of_squares(seed, X, n):
    rng, nu, s = drawn(seed, X, n)
    mean, q = arithmetic_mean(nu, s), rng.dirichlet(np.ones(n))
    assert mean.sum() == pytest.approx(1)
    from_views = s @ simplex.kl(nu, np.broadcast_to(q, nu.shape))
    assert from_views == pytest.approx(jensen_shannon(nu, s) + simplex.kl(mean, q), rel=1e-9, abs=1e-9)
    squares = s @ ((nu - q) ** 2).sum(axis=-1)
    assert squares == pytest.approx(s @ ((nu - mean) ** 2).sum(axis=-1) + ((mean - q) ** 2).sum(), abs=1e-12)
    assert simplex.entropy(mean) >= s @ simplex.entropy(nu) - 1e-12
    vertices = [s @ ((nu - corner) ** 2).sum(axis=-1) for corner in np.eye(n)]
    vote = majority(nu, s)
    assert s @ ((nu - np.eye(n)[vote.argmax()]) ** 2).sum(axis=-1) <= min(vertices) + 1e-12
    assert vote.sum() == pytest.approx(1)


@given(seeds, views, sizes)
def test_hellinger_and_jensen_shannon_bound_each_other(seed, X, n):
    """0 <= H^2 <= 1, and c_K JS <= H^2 <= C_K JS for equal shares: claims I.22 and I.23."""
    _, nu, s = drawn(seed, X, n)
    h = generalised_hellinger(nu, s)
    assert 0 <= h <= 1
    plain = 1 - np.exp(s @ np.log(nu)).sum()
    assert h == pytest.approx(plain, abs=1e-12)
    if X > 1:
        c, C = hellinger_bounds(X)
        h, js = generalised_hellinger(nu), jensen_shannon(nu)
        assert c * js <= h * (1 + 1e-9) + 1e-14
        assert h <= C * js * (1 + 1e-9) + 1e-14


@given(seeds, views, sizes)
def test_the_means_are_within_twice_the_hellinger_distance(seed, X, n):
    """|AM - GM|_1 <= 2 H^2 for any shares: claim I.24."""
    _, nu, s = drawn(seed, X, n)
    gap = distance_of_means(nu, s)
    assert gap <= 2 * generalised_hellinger(nu, s) + 1e-12
    np.testing.assert_allclose(gap, np.abs(arithmetic_mean(nu, s) - geometric_mean(nu, s)).sum())


@given(seeds, sizes)
def test_views_that_agree_have_no_distance(seed, n):
    nu = np.random.default_rng(seed).dirichlet(np.ones(n))
    views = np.stack([nu, nu, nu])
    assert generalised_hellinger(views) == pytest.approx(0, abs=1e-15)
    assert jensen_shannon(views) == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(geometric_mean(views), nu, atol=1e-14)


def test_a_small_distance_keeps_its_digits():
    """H^2 of views 1e-9 apart is about 1e-19: it must not drown in the rounding of 1."""
    e = 1e-9
    nu = np.array([[0.5 + e, 0.5 - e], [0.5 - e, 0.5 + e]])
    assert generalised_hellinger(nu) == pytest.approx(2 * e * e, rel=1e-5)


@given(seeds, views, sizes)
def test_both_projections_are_coherent_and_coincide_for_kl(seed, X, n):
    """Claim I.27, and I.26: Pythagoras with equality for KL inside the simplex."""
    rng, pi_0, E, s = orbit(seed, X, n)
    direct, two_step = direct_projection(pi_0, E, s), two_step_projection(pi_0, E, s)
    np.testing.assert_allclose(direct, two_step, atol=1e-12)
    nu = marginals(direct, E, n)
    np.testing.assert_allclose(nu, np.broadcast_to(geometric_mean(marginals(pi_0, E, n), s), nu.shape), atol=1e-12)
    truth = project_onto_marginal(
        0.5 * pi_0 + 0.5 * rng.dirichlet(np.ones(E.size), size=X), E, rng.dirichlet(np.ones(n))
    )
    before, after = s @ simplex.kl(truth, pi_0), s @ simplex.kl(truth, direct)
    assert after == pytest.approx(before - s @ simplex.kl(direct, pi_0), abs=1e-10)


@given(seeds, views, sizes)
def test_the_euclidean_projection_is_nearest(seed, X, n):
    """It is coherent, obeys Pythagoras as an inequality, and no step towards a coherent policy shortens it."""
    rng, pi_0, E, s = orbit(seed, X, n)
    direct = direct_projection(pi_0, E, s, "euclidean", n)
    nu = marginals(direct, E, n)
    np.testing.assert_allclose(direct.sum(axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(nu, np.broadcast_to(nu[0], nu.shape), atol=1e-12)
    assert direct.min() >= 0
    two_step = two_step_projection(pi_0, E, s, "euclidean", n)
    assert s @ ((direct - pi_0) ** 2).sum(axis=-1) <= s @ ((two_step - pi_0) ** 2).sum(axis=-1) + 1e-12
    for _ in range(5):
        truth = project_onto_marginal(rng.dirichlet(np.ones(E.size), size=X), E, rng.dirichlet(np.ones(n)))
        inner = s @ ((direct - pi_0) * (truth - direct)).sum(axis=-1)
        assert inner >= -1e-11
        before, after = (s @ ((truth - p) ** 2).sum(axis=-1) for p in (pi_0, direct))
        assert after <= before - s @ ((direct - pi_0) ** 2).sum(axis=-1) + 1e-11


@given(seeds, views, sizes)
def test_the_euclidean_projections_coincide_where_answers_have_as_many_traces(seed, X, n):
    """One extraction for all views, far from the edge: claim I.27 holds there, and the mean is the arithmetic one."""
    rng, _, E, s = orbit(seed, X, n)
    pi_0 = (1 + 0.2 * rng.uniform(-1, 1, size=(X, E.size))) / E.size
    pi_0 /= pi_0.sum(axis=-1, keepdims=True)
    direct = direct_projection(pi_0, E, s, "euclidean")
    np.testing.assert_allclose(direct, two_step_projection(pi_0, E, s, "euclidean"), atol=1e-12)
    nu = marginals(direct, E, n)
    np.testing.assert_allclose(nu, np.broadcast_to(arithmetic_mean(marginals(pi_0, E, n), s), nu.shape), atol=1e-12)


def test_the_euclidean_projections_differ_where_they_have_not():
    """Three traces against one in one view, two against two in the other: m = (4a/3 + b) / (7/3) for answer 0."""
    pi_0, E = np.array([[0.2, 0.2, 0.2, 0.4], [0.2, 0.2, 0.3, 0.3]]), np.array([[0, 0, 0, 1], [0, 0, 1, 1]])
    direct, two_step = (p(pi_0, E, divergence="euclidean") for p in (direct_projection, two_step_projection))
    assert direct[0, :3].sum() == pytest.approx((4 / 3 * 0.6 + 0.4) / (7 / 3), abs=1e-14)
    assert two_step[0, :3].sum() == pytest.approx(0.5, abs=1e-14)
    assert ((direct - pi_0) ** 2).sum() < ((two_step - pi_0) ** 2).sum()


@few
@given(seeds, views, sizes)
def test_the_conic_oracle_projects_to_the_same_policies(seed, X, n):
    _, pi_0, E, s = orbit(seed, X, n)
    answers = np.eye(n)[:, E]
    for divergence, distance in (
        ("kl", lambda p, x: cp.sum(cp.kl_div(p[x], pi_0[x]))),
        ("euclidean", lambda p, x: 0.5 * cp.sum_squares(p[x] - pi_0[x])),
    ):
        pi = cp.Variable(pi_0.shape, nonneg=True)
        same = [answers @ pi[x] == answers @ pi[0] for x in range(1, X)]
        objective = sum(s[x] * distance(pi, x) for x in range(X))
        solve_problem(cp.Problem(cp.Minimize(objective), [cp.sum(pi, axis=1) == 1, *same]))
        np.testing.assert_allclose(direct_projection(pi_0, E, s, divergence, n), pi.value, atol=1e-4)


@given(seeds, views, sizes)
def test_projection_on_a_marginal_has_it_and_is_nearest(seed, X, n):
    rng, pi_0, E, _ = orbit(seed, X, n)
    q = rng.dirichlet(np.ones(n))
    for divergence, distance in (("kl", simplex.kl), ("euclidean", lambda a, b: ((a - b) ** 2).sum(axis=-1))):
        pi = project_onto_marginal(pi_0, E, q, divergence)
        np.testing.assert_allclose(marginals(pi, E, n), np.broadcast_to(q, (X, n)), atol=1e-12)
        other = project_onto_marginal(rng.dirichlet(np.ones(E.size), size=X), E, q)
        assert (distance(pi, pi_0) <= distance(other, pi_0) + 1e-12).all()


@given(seeds, views, sizes)
def test_the_amended_hybrid_bound_holds_on_the_full_simplex(seed, X, n):
    """loss <= 2 L H^2 (the amendment of I.25), and neither mean ever hurts (B.8)."""
    rng, nu, s = drawn(seed, X, n)
    truth = rng.dirichlet(np.ones(n))
    bound, loss = hybrid_bound(nu, truth, s), hybrid_loss(nu, truth, s)
    assert abs(loss) <= bound.amended * (1 + 1e-9) + 1e-10
    arithmetic, geometric = arithmetic_mean(nu, s), geometric_mean(nu, s)
    assert improvement(nu, truth, arithmetic, s) >= -1e-10
    difference = simplex.kl(truth, arithmetic) - simplex.kl(truth, geometric)
    assert loss == pytest.approx(difference, rel=1e-9, abs=1e-9)
    if geometric.min() > 0:
        scale = abs(loss) + improvement(nu, truth, arithmetic, s) + 1
        change = improvement(nu, truth, geometric, s) - improvement(nu, truth, arithmetic, s)
        assert abs(change - loss) <= 1e-9 * scale


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.floats(0.01, 1.0))
def test_smoothed_samples_vote_softly(drawn, share):
    """The geometric mean of smoothed one-hot samples is a softmax of their frequencies: claim I.33."""
    nu = np.eye(4)[drawn]
    frequency = nu.mean(axis=0)
    weight = np.exp(np.log1p(4 * (1 - share) / share) * frequency)
    np.testing.assert_allclose(geometric_mean(smoothed(nu, share)), weight / weight.sum(), atol=1e-12)
    if len(set(drawn)) > 1:
        with pytest.raises(InfeasibleError, match="have no answer in common"):
            geometric_mean(nu)
