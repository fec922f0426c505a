"""Every solver finds the one equilibrium, on every functional that it suits, and its path keeps its promises."""

from itertools import islice, pairwise, product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings

from dagames import AlignmentGame, SolveError, solve
from dagames.functionals import (
    Gini,
    Hellinger,
    KLFromPrior,
    KLToPrior,
    Linear,
    LogScore,
    NegativeEntropy,
    Polytope,
    Separable,
    Smooth,
)
from dagames.functionals.conjugates.numeric_conjugate import NumericConjugate
from dagames.functionals.scaled import Scaled
from dagames.solvers import best_response_path, mirror_descent_path, no_regret_path, solve_no_regret
from dagames.solvers.accelerated_ascent import accelerated_ascent_path
from dagames.solvers.best_response import solve_best_response
from dagames.solvers.conic import solve_conic
from dagames.solvers.extragradient import mirror_prox_path
from dagames.solvers.no_regret import Learner
from tests.cases import FUNCTIONALS, seeds

few = settings(max_examples=max(settings.default.max_examples // 4, 5))
NUMERIC = (NumericConjugate, Scaled, Polytope)
SLOW = {name for name, make in FUNCTIONALS.items() if isinstance(make(np.random.default_rng(0), 3), NUMERIC)}
FORMULAS = {name: make for name, make in FUNCTIONALS.items() if name not in SLOW}
"""Functionals whose conjugate costs microseconds; the others take a linear program or an iteration each time."""

family = pytest.mark.parametrize("make", FORMULAS.values(), ids=FORMULAS.keys())
KINKED = (Linear, LogScore, KLFromPrior, Hellinger)
PAIRS = [pair for pair in product(get_args(Learner), repeat=2) if pair != ("best_response", "best_response")]


def well_scaled(make, rng: np.random.Generator) -> AlignmentGame:
    """Draw a game whose smoothness is at most a few times beta, and whose masses are above 1e-3."""
    n = int(rng.integers(1, 6))
    pi_0 = 0.95 * rng.dirichlet(np.ones(n)) + 0.05 / n
    R = make(rng, n)
    return AlignmentGame(pi_0, np.arange(n), R, beta=10 ** rng.uniform(-0.3, 1) * getattr(R, "weight", 1.0))


@family
@pytest.mark.parametrize("method", ["mirror_descent", "damped_response", "mirror_prox", "accelerated_ascent"])
@few
@given(seeds)
def test_iterative_solvers_reach_the_equilibrium(make, method, seed):
    game = well_scaled(make, np.random.default_rng(seed))
    try:
        solution = solve(game, method, tolerance=1e-11, max_iterations=3000)
    except SolveError as error:
        # Where the conjugate has kinks, ascent gets stuck at one or zigzags; every other game must be solved.
        assert method == "accelerated_ascent"
        assert isinstance(game.functional, KINKED)
        assert error.diagnosis in {"unsuited", "steps"}  # noqa: PT017
        return
    star = solve(game)
    scale = max(1.0, abs(float(star.value)))
    assert abs(float(solution.value - star.value)) <= 2e-10 * scale
    np.testing.assert_allclose(solution.nu, star.nu, atol=1e-4)
    assert len(solution.history) == solution.iterations + 1
    assert solution.last is not None
    assert solution.average is not None
    for iterate in (solution.last, solution.average):
        log_pi = game.lift(iterate.log_nu)
        again = game.certify(log_pi, iterate.log_q)
        np.testing.assert_allclose(iterate.certificate.gap, again.gap, atol=1e-9)


@pytest.mark.parametrize("name", sorted(name for name in SLOW if not name.startswith("Polytope")))
def test_descent_also_solves_functionals_with_numerical_conjugates(name):
    game = well_scaled(FUNCTIONALS[name], np.random.default_rng(7))
    star = solve(game)
    for method in ("mirror_descent", "damped_response"):
        solution = solve(game, method, tolerance=1e-9, max_iterations=300)
        assert abs(float(solution.value - star.value)) <= 2e-9 * max(1.0, abs(float(star.value)))


@family
@few
@given(seeds)
def test_solvers_agree_with_the_conic_oracle_from_beta_a_hundredth_to_a_hundred(make, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    pi_0 = 0.99 * rng.dirichlet(np.ones(n)) + 0.01 / n
    game = AlignmentGame(pi_0, np.arange(n), make(rng, n), beta=10 ** rng.uniform(-2, 2))
    oracle = float(solve_conic(game).value)
    for method in ("auto", "newton", "mirror_descent"):
        try:
            value = float(solve(game, method).value)
        except SolveError as error:
            assert error.diagnosis in {"steps", "unsuited"}, (method, str(error))  # noqa: PT017
            assert method != "auto"
            continue
        assert abs(value - oracle) <= 1e-6 * max(1.0, abs(oracle))


@family
@few
@given(seeds)
def test_descent_methods_never_raise_the_objective(make, seed):
    game = well_scaled(make, np.random.default_rng(seed))
    for path in (best_response_path(game, damping="auto"), mirror_descent_path(game)):
        values = [float(game.marginal_objective(play.log_nu)) for play in islice(path, 15)]
        assert (np.diff(values) <= 1e-12 * max(1.0, np.abs(values).max())).all()


@few
@given(seeds)
def test_ascent_never_lowers_the_dual(seed):
    rng = np.random.default_rng(seed)
    game = well_scaled(FUNCTIONALS["Gini"], rng)
    plays = islice(accelerated_ascent_path(game), 15)
    values = [float(game.certify_marginal(play.log_nu, play.log_q).dual) for play in plays]
    assert (np.diff(values) >= -1e-11 * max(1.0, np.abs(values).max())).all()


@few
@given(seeds)
def test_mirror_prox_comes_nearer_by_its_rate(seed):
    """beta KL(nu* || nu) + D_R(m, nu*) shrinks by 1 / (1 + tau) a step; Gini's tau is sqrt(2 beta / weight)."""
    rng = np.random.default_rng(seed)
    weight, beta = 10 ** rng.uniform(0, 1.5), 0.5
    game = AlignmentGame(0.9 * rng.dirichlet(np.ones(4)) + 0.025, range(4), Gini(weight), beta)
    star = solve(game, tolerance=1e-13)
    plays = list(islice(mirror_prox_path(game), 12))
    distances = []
    for play in plays:
        m = -beta * play.log_q / weight  # grad R(m) = weight m, up to a constant
        m = m - m.mean() + 0.25
        kl = float((star.nu * (star.log_nu - play.log_nu)).sum())
        distances.append(beta * kl + 0.5 * weight * float(((m - star.nu) ** 2).sum()))
    # The first step tried may be longer than safe and is then halved, so half the promise is owed.
    tau = 0.5 * min(1.0, np.sqrt(2 * beta / weight))
    big = [(a, b) for a, b in pairwise(distances) if a > 1e-9]
    assert all(b <= a / (1 + tau) * (1 + 1e-6) for a, b in big)


@pytest.mark.parametrize(("policy", "target"), PAIRS)
@pytest.mark.parametrize(
    "R", [Gini(3.0), KLToPrior([0.1, 0.2, 0.3, 0.4], 1.0), Linear([1.0, 0.0, -1.0, 0.5]), NegativeEntropy(1.0)]
)
def test_means_of_learners_reach_equilibrium_at_rate_one_over_sqrt_t_or_better(policy, target, R):
    game = AlignmentGame([0.4, 0.3, 0.2, 0.1], range(4), R, beta=0.5)
    gaps = {}
    for rounds in (50, 800):
        plays = list(islice(no_regret_path(game, policy, target), rounds))
        nu = np.mean([play.nu for play in plays], axis=0)
        log_q = np.mean([play.log_q for play in plays], axis=0)
        gaps[rounds] = game.certify_marginal(np.log(nu), log_q).worst
    slope = np.log(gaps[800] / gaps[50]) / np.log(16)
    assert gaps[800] <= 0.05
    assert slope <= -0.4 or gaps[800] <= 1e-10


def test_no_regret_returns_the_mean_when_the_plays_themselves_do_not_settle():
    game = AlignmentGame([0.5, 0.3, 0.2], range(3), LogScore(1, 0.5), beta=0.5)
    solution = solve_no_regret(game, "mw", "mw", tolerance=2e-2)
    assert solution.average is not None
    assert solution.certificate.worst <= 2e-2
    assert len(solution.history) == len(solution.average_history) == solution.iterations + 1
    assert min(solution.history[-1], solution.average_history[-1]) <= 2e-2 < min(solution.average_history[:-1])


def test_a_fixed_damping_takes_that_share_of_the_step():
    game = AlignmentGame([0.8, 0.2], [0, 1], NegativeEntropy(2.0), beta=1.0)
    first, second = (play.log_nu for play in islice(best_response_path(game, damping=0.25), 2))
    response = np.log([0.8, 0.2]) - 2.0 * first
    expected = 0.75 * first + 0.25 * response
    np.testing.assert_allclose(second, expected - np.log(np.exp(expected).sum()), rtol=1e-12)
    assert solve_best_response(game, damping=0.25).certificate.worst <= 1e-10


DENSE = {
    name: make
    for name, make in FUNCTIONALS.items()
    if isinstance(R := make(np.random.default_rng(0), 3), Smooth) and not isinstance(R, Separable)
}


@pytest.mark.parametrize("make", DENSE.values(), ids=DENSE.keys())
@given(seeds)
def test_newton_solves_functionals_that_are_no_sum_at_every_beta(make, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    nu_0 = rng.dirichlet(np.ones(n))
    nu_0[rng.integers(n)] *= 10 ** rng.uniform(-200, 0)
    game = AlignmentGame(nu_0 / nu_0.sum(), np.arange(n), make(rng, n), beta=10 ** rng.uniform(-4, 4))
    solution = solve(game, "newton")
    assert solution.certificate.worst <= 1e-11
    assert solution.iterations <= 40
    batch = solve(
        AlignmentGame(np.stack([game.nu_0, np.full(n, 1 / n)]), np.arange(n), game.functional, game.beta), "newton"
    )
    # beta KL(nu || nu*) is at most the gap, and float64 knows no gap below its rounding.
    gap = 2 * (1e-15 + max(solution.certificate.worst, batch.certificate.worst)) * max(1.0, abs(float(solution.value)))
    np.testing.assert_allclose(batch.nu[0], solution.nu, atol=1e-9 + np.sqrt(2 * gap / game.beta))


def test_the_average_of_a_path_is_the_mean_of_its_plays():
    game = AlignmentGame([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]], range(3), Gini([3.0, 1.0]), beta=0.5)
    solution = solve_best_response(game, damping=0.25)
    plays = list(islice(best_response_path(game, damping=0.25), solution.iterations + 1))
    np.testing.assert_allclose(solution.average.nu, np.mean([play.nu for play in plays], axis=0), rtol=1e-12)
    log_q = np.mean([play.log_q for play in plays], axis=0)
    np.testing.assert_allclose(solution.average.log_q, log_q, rtol=1e-12)
    np.testing.assert_array_equal(solution.last.log_nu, plays[-1].log_nu)
    assert solution.iterations > 5


@pytest.mark.parametrize(("learner", "again"), [("ftrl", 0), ("optimistic", 1)])
def test_leaders_follow_the_mean_of_the_past_and_optimists_count_its_end_twice(learner, again):
    game = AlignmentGame([0.7, 0.2, 0.1], range(3), Gini(3.0), beta=0.5)
    plays = list(islice(no_regret_path(game, learner, learner), 3))
    said = [play.log_q for play in plays[:2]] + [plays[1].log_q] * again
    expected = game.nu_0 * np.exp(np.mean(said, axis=0))
    np.testing.assert_allclose(plays[2].nu, expected / expected.sum(), rtol=1e-12)
    seen = [play.nu for play in plays[:2]] + [plays[1].nu] * again
    q = np.exp(-3.0 * np.mean(seen, axis=0) / 0.5)
    np.testing.assert_allclose(plays[2].q, q / q.sum(), rtol=1e-12)


def test_mirror_prox_plays_against_a_mixture_of_marginals():
    """While L is at most beta the first step is 1: half of the way in logs for the policy, in masses for the target."""
    game = AlignmentGame([0.7, 0.2, 0.1], range(3), Gini(0.6), beta=0.5)
    first, second = islice(mirror_prox_path(game), 2)
    ahead = game.nu_0 * np.sqrt(first.q)
    mixed = 0.5 * game.nu_0 + 0.5 * ahead / ahead.sum()
    np.testing.assert_allclose(second.log_q, game.log_best_target(np.log(mixed)), rtol=1e-12)
