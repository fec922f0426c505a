"""Goals that are not convex: their thresholds in beta, on both sides of them (claim I.15)."""

from itertools import pairwise

import jaxtyping
import numpy as np
import pytest
from hypothesis import given

from dagames import AlignmentGame, DomainError, ShapeError, solve
from dagames.functionals import EntropyMinimisation, Gini, PairwiseIncoherence, broken_laws
from dagames.games.nonconvex import convex_game
from dagames.simplex import entropy, kl
from tests.cases import random_distances, seeds


@pytest.fixture(autouse=True)
def _as_a_user():
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def objective(R, beta, nu_0):
    return lambda nu: R.value(nu) + beta * kl(nu, nu_0)


def sag(J, a, b):
    """How far J at the middle lies below the chord: negative where J is not convex."""
    return float((J(a) + J(b)) / 2 - J((a + b) / 2))


def random_matrix(rng, n):
    """Draw non-negative symmetric numbers that are no metric."""
    d = np.triu(rng.uniform(size=(n, n)) * (rng.random((n, n)) < 0.7), 1)
    return d + d.T


@given(seeds)
def test_above_the_threshold_the_objective_is_convex_along_every_segment(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    nu_0 = rng.dirichlet(np.ones(n))
    for R in (
        EntropyMinimisation(10 ** rng.uniform(-2, 2)),
        PairwiseIncoherence(random_matrix(rng, n), 10 ** rng.uniform(-2, 2)),
        PairwiseIncoherence(random_distances(rng, n)),
    ):
        J = objective(R, R.threshold * (1 + 1e-9), nu_0)
        for _ in range(20):
            a, b = rng.dirichlet(np.full(n, 0.5), size=2)
            assert sag(J, a, b) >= -1e-12 * max(1.0, R.threshold)


@given(seeds)
def test_just_below_the_threshold_some_segment_is_not_convex(seed):
    """The threshold is the least there is: for the distances, at two answers farthest apart, half on each."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    d = random_distances(rng, n)
    y, z = np.unravel_index(np.argmax(d), d.shape)
    middle, v = 0.5 * (np.eye(n)[y] + np.eye(n)[z]), 0.5 * (np.eye(n)[y] - np.eye(n)[z])
    for R in (EntropyMinimisation(0.7), PairwiseIncoherence(d, 0.7)):
        J = objective(R, 0.97 * R.threshold, np.full(n, 1 / n))
        assert sag(J, middle + 0.05 * v, middle - 0.05 * v) < 0
        J = objective(R, 1.03 * R.threshold, np.full(n, 1 / n))
        assert sag(J, middle + 0.05 * v, middle - 0.05 * v) > 0


def test_thresholds():
    assert PairwiseIncoherence([[0.0, 3.0], [3.0, 0.0]], 0.5).threshold == 1.5
    assert PairwiseIncoherence(np.zeros((1, 1))).threshold == 0
    two = np.stack([np.zeros((2, 2)), [[0.0, 2.0], [2.0, 0.0]]])
    assert PairwiseIncoherence(two).threshold == 2.0
    assert EntropyMinimisation(0.25).threshold == 0.25


def test_values_and_gradients():
    nu = np.array([0.2, 0.3, 0.5])
    R = PairwiseIncoherence(1.0 - np.eye(3), 2.0)
    assert R.value(nu) == pytest.approx(2 * (1 - nu @ nu))
    np.testing.assert_allclose(R.gradient(nu), 4 * (1 - nu))
    np.testing.assert_array_equal(R.hessian(nu), 4 * (1 - np.eye(3)))
    sharp = EntropyMinimisation(2.0)
    assert sharp.value(nu) == pytest.approx(2 * entropy(nu))
    np.testing.assert_allclose(sharp.gradient(nu), -2 * (np.log(nu) + 1))
    assert sharp.gradient(np.array([1.0, 0.0]))[1] == np.inf


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.99])
def test_entropy_minimisation_sharpens_the_reference_in_closed_form(ratio):
    nu_0, beta = np.array([0.5, 0.3, 0.2]), 0.8
    solution = solve(convex_game([0.5, 0.1, 0.2, 0.2], [0, 1, 1, 2], EntropyMinimisation(ratio * beta), beta))
    power = nu_0 ** (1 / (1 - ratio))
    np.testing.assert_allclose(solution.nu, power / power.sum(), atol=1e-12)
    J = objective(EntropyMinimisation(ratio * beta), beta, nu_0)
    np.testing.assert_allclose(solution.value, J(solution.nu), atol=1e-10)
    np.testing.assert_allclose(solution.pi[1] / solution.pi[2], 0.5)


def test_below_the_threshold_every_vertex_is_a_strict_local_minimum_and_the_mode_the_global_one():
    nu_0, R, beta = np.array([0.2, 0.5, 0.3]), EntropyMinimisation(1.0), 0.8
    J, rng = objective(R, beta, nu_0), np.random.default_rng(0)
    values = [float(J(vertex)) for vertex in np.eye(3)]
    for vertex, value in zip(np.eye(3), values, strict=True):
        for _ in range(200):
            assert J(vertex + 1e-4 * (rng.dirichlet(np.ones(3)) - vertex)) > value
    assert np.argmin(values) == 1
    assert all(J(nu) >= values[1] for nu in rng.dirichlet(np.full(3, 0.3), size=2000))


def test_at_the_threshold_everything_on_the_modes_is_optimal():
    nu_0 = np.array([0.4, 0.4, 0.2])
    J = objective(EntropyMinimisation(1.0), 1.0, nu_0)
    values = [float(J(np.array([t, 1 - t, 0.0]))) for t in np.linspace(0, 1, 11)]
    np.testing.assert_allclose(values, -np.log(0.4))
    assert J(np.array([0.3, 0.3, 0.4])) > values[0]


def test_the_game_of_pairwise_incoherence_is_solved_above_its_threshold():
    rng = np.random.default_rng(3)
    d = random_matrix(rng, 4)
    R, nu_0 = PairwiseIncoherence(d, 0.4), rng.dirichlet(np.ones(4))
    beta = 2.0 * R.threshold
    solution = solve(convex_game(nu_0, range(4), R, beta))
    assert solution.certificate.worst <= 1e-10
    J = objective(R, beta, nu_0)
    np.testing.assert_allclose(solution.value, J(solution.nu), atol=1e-10)
    assert all(J(nu) >= solution.value - 1e-10 for nu in rng.dirichlet(np.ones(4), size=2000))
    # Agreement: what is wanted is less incoherent than the reference, and the more so the smaller beta.
    order = [float(R.value(solve(convex_game(nu_0, range(4), R, b)).nu)) for b in (1.5 * R.threshold, beta, 50.0)]
    assert all(a < b for a, b in pairwise([*order, float(R.value(nu_0))]))


def test_unreachable_answers_and_prompts_of_a_batch():
    d = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.5], [1.0, 0.5, 0.0]])
    game = convex_game([0.6, 0.4, 0.0], [0, 1, 2], PairwiseIncoherence(d), 3.0)
    assert solve(game).nu[2] == 0
    pair = PairwiseIncoherence(d[:2, :2])
    np.testing.assert_allclose(solve(game).nu[:2], solve(convex_game([0.6, 0.4], [0, 1], pair, 3.0)).nu, atol=1e-5)
    batch = convex_game([[0.6, 0.4, 0.0], [0.2, 0.3, 0.5]], [0, 1, 2], PairwiseIncoherence(np.stack([d, d / 2])), 3.0)
    np.testing.assert_allclose(solve(batch).nu[0], solve(game).nu, atol=1e-5)


def test_the_convex_part_passes_the_laws():
    R = PairwiseIncoherence(random_distances(np.random.default_rng(2), 5), 3.0)
    assert broken_laws(R.convexified(), 5, examples=30) == []
    assert EntropyMinimisation().convexified() is None
    same = PairwiseIncoherence(np.zeros((2, 2))).convexified()
    np.testing.assert_array_equal(same.gradient(np.array([1.0, 0.0])), [0.0, 0.0])


def test_what_is_too_concave_is_refused_with_its_threshold():
    R = EntropyMinimisation(1.0)
    for beta in (1.0, 0.4):
        with pytest.raises(
            DomainError, match=rf"EntropyMinimisation is not convex, and `beta` = {beta:g} is not above the"
        ):
            convex_game([0.5, 0.5], [0, 1], R, beta)
    with pytest.raises(DomainError, match=r"threshold 2\. Above it .* \(claim I.15\)"):
        convex_game([0.5, 0.5], [0, 1], PairwiseIncoherence([[0.0, 2.0], [2.0, 0.0]]), 1.9)
    with pytest.raises(DomainError, match="`functional` must be a Nonconvex, not Gini; use `AlignmentGame` for"):
        convex_game([0.5, 0.5], [0, 1], Gini(), 1.0)
    with pytest.raises(DomainError, match=r"EntropyMinimisation is not convex; `beta` = 2 is above its threshold 1"):
        AlignmentGame([0.5, 0.5], [0, 1], R, 2.0)


def test_wrong_distances_are_refused():
    with pytest.raises(DomainError, match=r"`distances\[0, 1\]` is negative: -1"):
        PairwiseIncoherence([[0.0, -1.0], [-1.0, 0.0]])
    with pytest.raises(DomainError, match=r"`distances\[1, 1\]` is not 0: 2"):
        PairwiseIncoherence([[0.0, 1.0], [1.0, 2.0]])
    with pytest.raises(DomainError, match=r"`distances\[0, 1\]` is 1, but its mirror entry is 3"):
        PairwiseIncoherence([[0.0, 1.0], [3.0, 0.0]])
    with pytest.raises(ShapeError, match=r"`distances` has shape \(2,\); a square matrix"):
        PairwiseIncoherence([0.0, 1.0])
    with pytest.raises(ShapeError, match=r"`distances` has shape \(2, 2\); the game needs \(3, 3\)"):
        convex_game([0.2, 0.3, 0.5], [0, 1, 2], PairwiseIncoherence(np.zeros((2, 2))), 1.0)
    with pytest.raises(DomainError, match="`weight` must be a finite number above 0"):
        EntropyMinimisation(0.0)
