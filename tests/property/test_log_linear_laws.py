"""Log-linear classes: stationary, no better than all policies, and as good where they hold them all."""

import numpy as np
import pytest
from hypothesis import given

from dagames import AlignmentGame, DomainError, ShapeError, SolveError, solve
from dagames.functionals import Gini, KLToPrior, Linear
from dagames.solvers import best_log_linear_policy, solve_log_linear
from tests.cases import random_distribution, seeds, sizes


def drawn(seed: int, n: int) -> tuple[np.random.Generator, AlignmentGame]:
    rng = np.random.default_rng(seed)
    E = np.concatenate([np.arange(n), rng.integers(0, n, size=4)])
    pi_0 = 0.99 * random_distribution(rng, E.size) + 0.01 / E.size
    R = (Gini(2.0), KLToPrior(rng.dirichlet(np.ones(n)), 0.7), Linear(rng.normal(size=n)))[rng.integers(3)]
    return rng, AlignmentGame(pi_0, E, R, beta=0.6)


@given(seeds, sizes)
def test_no_direction_of_theta_lowers_the_objective(seed, n):
    rng, game = drawn(seed, n)
    phi = rng.normal(size=(game.E.size, 2))
    solution = solve_log_linear(game, phi)
    least = float(game.objective(solution.pi))
    for _ in range(10):
        theta = solution.theta + 1e-4 * rng.normal(size=2)
        weights = np.exp(game.log_pi_0 + phi @ theta)
        assert float(game.objective(weights / weights.sum())) >= least - 1e-12 * max(1.0, abs(least))
    assert least >= float(solve(game).value) - 1e-9
    assert solution.stationarity <= 1e-9


@given(seeds, sizes)
def test_a_class_that_tells_all_answers_apart_holds_the_equilibrium(seed, n):
    _, game = drawn(seed, n)
    if n == 1:
        return
    solution = solve_log_linear(game, np.eye(n)[game.E])
    np.testing.assert_allclose(solution.pi, solve(game).pi, atol=1e-7)
    assert solution.certificate.worst <= 1e-10


@given(seeds, sizes)
def test_the_best_policy_of_a_class_is_the_nearest_to_the_product(seed, n):
    """It minimises KL(. || pi_0 q) nearby, and is the product where the class is large enough."""
    rng, game = drawn(seed, n)
    q = 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n
    product = game.best_policy(q)
    phi = rng.normal(size=(game.E.size, 1))
    solution = best_log_linear_policy(game, q, phi)

    def distance(theta: float) -> float:
        weights = np.exp(game.log_pi_0 + phi[:, 0] * theta)
        pi = weights / weights.sum()
        return float(np.sum(pi * np.log(pi / product)))

    at = float(solution.theta[0])
    assert distance(at) <= min(distance(at - 1e-4), distance(at + 1e-4)) + 1e-12
    np.testing.assert_allclose(best_log_linear_policy(game, q, np.eye(game.E.size)).pi, product, atol=1e-7)


def test_prompts_of_a_batch_have_a_theta_each():
    rng = np.random.default_rng(0)
    pi_0, phi = rng.dirichlet(np.ones(5), size=3), rng.normal(size=(3, 5, 2))
    E, R = [0, 1, 2, 0, 1], Gini(1.5)
    batch = solve_log_linear(AlignmentGame(pi_0, E, R, beta=0.4), phi)
    for x in range(3):
        alone = solve_log_linear(AlignmentGame(pi_0[x], E, R, beta=0.4), phi[x])
        np.testing.assert_allclose(batch.theta[x], alone.theta, atol=1e-7)


def test_bad_features_are_named():
    game = AlignmentGame([0.6, 0.3, 0.1], [0, 1, 1], Gini(1.0), beta=1.0)
    with pytest.raises(ShapeError, match=r"`features` has shape \(2, 1\)"):
        solve_log_linear(game, [[1.0], [2.0]])
    with pytest.raises(DomainError, match="the same for every trace"):
        solve_log_linear(game, [[1.0], [1.0], [1.0]])
    with pytest.raises(DomainError, match=r"`features\[0, 0\]` is nan"):
        solve_log_linear(game, [[np.nan], [1.0], [1.0]])
    with pytest.raises(ShapeError, match=r"`start` has shape \(2,\)"):
        solve_log_linear(game, [[0.0], [1.0], [1.0]], start=[1.0, 1.0])
    with pytest.raises(SolveError, match="log_linear stopped after 0 steps"):
        solve_log_linear(game, [[0.0], [1.0], [1.0]], max_iterations=0)
