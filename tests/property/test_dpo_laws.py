"""Laws of direct preference optimisation beside the game (claim I.16)."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_expit

from dagames import AlignmentGame, SolveError, simplex, solve
from dagames.functionals import Functional, Gini, Linear, NegativeEntropy, Tsallis
from dagames.grpo import (
    bradley_terry,
    iterated_dpo_path,
    recover_target,
    solve_dpo,
    solve_iterated_dpo,
)
from dagames.solvers import best_response_path, mirror_descent_path
from tests.cases import random_distribution, random_reference, seeds

sizes = st.integers(1, 6)


def symmetric_weights(rng: np.random.Generator, n: int) -> np.ndarray:
    """How often each pair is compared: all pairs along a chain, the others now and then."""
    weights = rng.exponential(size=(n, n)) * (rng.random((n, n)) < 0.5)
    weights = weights + weights.T
    chain = np.arange(n - 1)
    weights[chain, chain + 1] += 0.1
    weights[chain + 1, chain] = weights[chain, chain + 1]
    return weights


@given(seeds, sizes)
def test_preferences_tell_the_reward_whatever_is_compared(seed, n):
    """The minimiser is pi_0 exp(r / beta), for every connected set of pairs and every reference."""
    rng = np.random.default_rng(seed)
    pi_0, r, beta = random_distribution(rng, n), rng.normal(size=n) * 2, 10 ** rng.uniform(-1, 1)
    wins = symmetric_weights(rng, n) * bradley_terry(r)
    solution = solve_dpo(pi_0, wins, beta)
    support = pi_0 > 0
    np.testing.assert_allclose(solution.scores[support], r[support] - r[support].mean(), atol=1e-9)
    with np.errstate(divide="ignore"):
        expected = simplex.log_normalize(np.log(pi_0) + r / beta)
    np.testing.assert_allclose(solution.log_pi, expected, atol=1e-8 / beta)


@given(seeds, st.integers(2, 6), st.floats(-12, 0.5))
def test_the_error_bound_holds(seed, n, exponent):
    """It holds wherever Newton's method stops; only scores that float64 does not determine are refused."""
    rng = np.random.default_rng(seed)
    r = rng.normal(size=n) * 3
    rounding = 1e-13 * np.exp(np.ptp(r))
    try:
        solution = solve_dpo(np.full(n, 1 / n), bradley_terry(r), 1.0, tolerance=10**exponent)
    except SolveError:
        assert 10**exponent <= rounding
        return
    assert solution.error <= 10**exponent
    assert np.linalg.norm(solution.scores - (r - r.mean())) <= solution.error + rounding


@given(seeds, st.integers(2, 5))
def test_no_other_scores_have_less_loss(seed, n):
    """On samples, where no reward explains the wins exactly."""
    rng = np.random.default_rng(seed)
    wins = rng.integers(1, 9, size=(n, n)).astype(float)
    scores = solve_dpo(np.full(n, 1 / n), wins, 1.0).scores

    def loss(s: np.ndarray) -> float:
        return -sum(wins[i, j] * log_expit(s[i] - s[j]) for i in range(n) for j in range(n) if i != j)

    for size in (1e-3, 1.0):
        direction = rng.normal(size=n)
        direction -= direction.mean()
        assert loss(scores + size * direction) > loss(scores)
    surprise = [sum(wins[i, j] * expit(scores[j] - scores[i]) for j in range(n) if j != i) for i in range(n)]
    taken = [sum(wins[j, i] * expit(scores[i] - scores[j]) for j in range(n) if j != i) for i in range(n)]
    np.testing.assert_allclose(surprise, taken, atol=1e-7)


@given(seeds, sizes)
def test_the_target_is_read_off_the_policy(seed, n):
    """Prop 3.1: q* ∝ exp(r* / beta) from preferences alone, against the target of the game."""
    rng = np.random.default_rng(seed)
    pi_0, E = random_reference(rng, n)
    pi_0 = np.maximum(pi_0, 1e-250) / np.maximum(pi_0, 1e-250).sum()
    r, beta = rng.normal(size=n), 10 ** rng.uniform(-0.5, 0.5)
    solution = solve_dpo(pi_0, bradley_terry(r[E]), beta)
    log_q = recover_target(solution.log_pi, pi_0, E)
    np.testing.assert_allclose(log_q, simplex.log_normalize(r / beta), atol=1e-8)
    game = solve(AlignmentGame(pi_0, E, Linear(r), beta))
    np.testing.assert_allclose(log_q, game.log_q, atol=1e-8)
    np.testing.assert_allclose(solution.log_pi, game.log_pi, atol=1e-8)


@pytest.mark.parametrize("n_pairs", [3_000, 300_000])
def test_more_comparisons_tell_more(n_pairs):
    """The maximum-likelihood scores miss the reward by what their curvature says, at both sizes of the sample."""
    r, pi_0 = np.array([1.0, 0.2, -0.4, 0.0]), np.array([0.4, 0.3, 0.2, 0.1])
    chance = bradley_terry(r)
    # Both traces of a pair are drawn from pi_0; pairs of a trace with itself are on the diagonal, which is not read.
    outcomes = np.outer(pi_0, pi_0) * (2 * chance * (1 - np.eye(4)) + np.eye(4))
    wins = np.random.default_rng(5).multinomial(n_pairs, outcomes.ravel()).reshape(4, 4)
    scores = solve_dpo(pi_0, wins, 0.5).scores
    curvature = n_pairs * 2 * np.outer(pi_0, pi_0) * chance * (1 - chance)
    covariance = np.linalg.pinv(np.diag(curvature.sum(axis=1) - np.diag(curvature)) - curvature * (1 - np.eye(4)))
    off = (scores - (r - r.mean())) / np.sqrt(np.diag(covariance))
    assert np.abs(off).max() < 4
    assert np.abs(off).max() > 0.2  # the bound is of the right size


def smooth(rng: np.random.Generator, n: int) -> Functional:
    kinds = (
        NegativeEntropy(rng.uniform(0.1, 1)),
        Gini(rng.uniform(0.1, 1.0)),
        Linear(rng.normal(size=n)),
        Tsallis(rng.uniform(2, 3), rng.uniform(0.1, 0.25)),
    )
    return kinds[rng.integers(len(kinds))]


@given(seeds, st.integers(1, 5))
def test_a_round_is_a_best_response_or_a_mirror_step(seed, n):
    rng = np.random.default_rng(seed)
    nu_0 = 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n
    game = AlignmentGame(nu_0, np.arange(n), smooth(rng, n), rng.uniform(0.7, 2))
    for damping, path in ((1.0, best_response_path(game)), ("auto", mirror_descent_path(game, line_search=False))):
        for play, other in islice(zip(iterated_dpo_path(game, damping), path, strict=False), 4):
            np.testing.assert_allclose(play.nu, other.nu, atol=1e-9)


@given(seeds, st.integers(1, 5))
def test_damped_rounds_end_at_the_equilibrium(seed, n):
    rng = np.random.default_rng(seed)
    nu_0 = 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n
    game = AlignmentGame(nu_0, np.arange(n), smooth(rng, n), rng.uniform(0.7, 2))
    last = next(islice(iterated_dpo_path(game), 32, None))
    np.testing.assert_allclose(last.nu, solve(game, tolerance=1e-14).nu, atol=1e-8)
    assert solve_iterated_dpo(game).certificate.worst <= 1e-10


@given(seeds, st.integers(1, 4))
def test_traces_and_answers_have_one_dpo(seed, n):
    """Iterated DPO runs on answers; lifted, its solution is the game's on traces, unreachable answers included."""
    rng = np.random.default_rng(seed)
    pi_0, E = random_reference(rng, n)
    # Rewards are -log nu here: some 12 nats from all others, a trace's preferences are too nearly certain.
    pi_0 = np.append(np.maximum(pi_0, 1e-4) / np.maximum(pi_0, 1e-4).sum(), 0.0)
    game = AlignmentGame(pi_0, np.append(E, n), NegativeEntropy(1.0), beta=1.5)
    np.testing.assert_allclose(solve_iterated_dpo(game).pi, solve(game).pi, atol=1e-8)
