"""Coupled games and orbits by example: the numbers of the claims, the edges, and the messages."""

from collections.abc import Iterator
from itertools import islice

import jaxtyping
import numpy as np
import pytest

from dagames import (
    AlignmentGame,
    CoupledGame,
    SolveError,
    solve,
    solve_coupled,
)
from dagames.functionals import Linear, NegativeEntropy, Polytope
from dagames.games.couplings import Budgets, Coherence, Equalities, EqualRates, SoftCoherence
from dagames.orbits import (
    generalised_hellinger,
    geometric_mean,
)
from dagames.solvers import admissible_step, solve_dual_ascent
from dagames.solvers.budgets import solve_budgets
from dagames.solvers.coherent import solve_coherent
from dagames.solvers.conic import solve_conic
from dagames.solvers.dual_ascent import dual_ascent_path
from tests.coupled_cases import COUPLINGS, batch, random_coupled, scalar_game


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_the_geometric_mean_is_the_consensus_and_its_ratio_the_target():
    """Claim I.14: the target of a view is the geometric mean *over that view's reference*."""
    game = CoupledGame(batch(), Coherence(), [0.25, 0.75])
    solution = solve_coherent(game)
    mean = geometric_mean(game.prompts.nu_0, [0.25, 0.75])
    np.testing.assert_allclose(solution.nu, [mean, mean], rtol=1e-14)
    ratio = mean / game.prompts.nu_0
    np.testing.assert_allclose(solution.q, ratio / ratio.sum(axis=-1, keepdims=True), rtol=1e-13)
    assert solution.certificate.residuals["coherence"] < 1e-15
    assert float(solution.value) == pytest.approx(-np.log(1 - generalised_hellinger(game.prompts.nu_0, [0.25, 0.75])))


def test_rewards_tilt_the_consensus():
    prompts = batch(rewards=(1.0, 0.0, 0.0), beta=0.5)
    tilted = prompts.nu_0 * np.exp([2.0, 0.0, 0.0])
    np.testing.assert_allclose(
        solve_coupled(CoupledGame(prompts, Coherence())).nu[0], geometric_mean(tilted / tilted.sum(1, keepdims=True))
    )


def test_the_safety_loop_as_written_ends_elsewhere():
    """Claim I.13: projecting the *current* marginal and answering that ends at (0, 1/3, 2/3, 0), not in equilibrium."""
    nu_0, cost, budget = np.array([0.3, 0.5, 0.1, 0.1]), np.array([1.0, 0.9, 0.0, 0.1]), 0.3
    solution = solve(AlignmentGame(nu_0, range(4), Polytope(cost, budget), beta=1.0))
    np.testing.assert_allclose(solution.nu, [0.0915, 0.1973, 0.4012, 0.3101], atol=5e-5)
    tilt = np.exp(-solution.multipliers[0] * cost)
    np.testing.assert_allclose(solution.nu, nu_0 * tilt / (nu_0 @ tilt), rtol=1e-12)
    np.testing.assert_allclose(solution.q, tilt / tilt.sum(), rtol=1e-12)
    assert cost @ solution.nu == pytest.approx(budget, abs=1e-14)
    nu = q = nu_0
    for _ in range(60):
        q = solve(AlignmentGame(nu, range(4), Polytope(cost, budget), beta=1.0)).nu
        nu = nu_0 * q / (nu_0 @ q)
    np.testing.assert_allclose(q, [0, 1 / 3, 2 / 3, 0], atol=1e-4)


def test_the_step_of_dual_ascent_is_eight_beta_for_one_cost():
    game, _ = scalar_game()
    assert admissible_step(game) == pytest.approx(8 * 0.7)
    vector = CoupledGame(game.prompts, Budgets([[0.0, 3.0, 0.0, 0.0], [0.0, 4.0, 0.0, 0.0]], [1.0, 1.0]))
    assert admissible_step(vector) == pytest.approx(8 * 0.7 / 25)
    assert admissible_step(CoupledGame(game.prompts, Budgets([2.0] * 4, 3.0))) == np.inf
    many = AlignmentGame(np.full((1, 600), 1 / 600), range(600), Linear(np.zeros(600)), beta=1.0)
    costs = np.stack([np.linspace(0, 1, 600), np.linspace(0, 2, 600)])
    assert admissible_step(CoupledGame(many, Budgets(costs, [9.0, 9.0]))) == pytest.approx(8 / 5)


def test_below_the_sharp_limit_dual_ascent_converges_and_above_it_cycles():
    """Claim I.28: 1.9 beta / Var converges, 2.1 alternates between two bounded points."""
    game, variance = scalar_game()
    target = float(solve_budgets(game).multipliers[0])
    below, above = ([float(p[0]) for p in islice(dual_ascent_path(game, f * 0.7 / variance), 3001)] for f in (1.9, 2.1))
    assert below[-1] == pytest.approx(target, abs=1e-9)
    assert above[-1] == pytest.approx(above[-3], abs=1e-9)
    assert abs(above[-1] - above[-2]) > 0.5
    assert max(above) < 10 * target
    with pytest.raises(SolveError, match=r"alternate between \[.*\] and \[.*\], a 2-cycle: the step 24.2"):
        solve_dual_ascent(game, step=2.1 * 0.7 / variance, max_iterations=2000)
    assert solve_dual_ascent(game, step=1.9 * 0.7 / variance).multipliers[0] == pytest.approx(target, abs=1e-9)


def test_dual_ascent_starts_where_it_is_told_and_keeps_prices_positive():
    game, _ = scalar_game()
    path = dual_ascent_path(game, 1.0, [5.0])
    assert next(path)[0] == 5.0
    assert all(point[0] >= 0 for point in islice(path, 50))
    loose = CoupledGame(game.prompts, Budgets([0.0, 0.3, 1.0, 0.6], 0.9))
    assert solve_dual_ascent(loose).multipliers[0] == 0


def test_budgets_of_no_room_forbid_answers():
    """A budget of 0 on a non-negative cost leaves the reference on the answers without cost."""
    solution = solve(AlignmentGame([0.4, 0.3, 0.2, 0.1], range(4), Polytope([0.0, 0.5, 1.0, 0.0], 0.0), beta=0.7))
    np.testing.assert_allclose(solution.nu, [0.8, 0, 0, 0.2], atol=1e-15)
    game = CoupledGame(batch(), Budgets([0.0, 1.0, 0.0], 0.0))
    np.testing.assert_allclose(solve_coupled(game).nu[0], [5 / 7, 0, 2 / 7], atol=1e-15)
    assert not game.reachable[:, 1].any()
    assert game.objective([[0.7, 0.0, 0.3], [0.2, 0.0, 0.8]]) < np.inf
    assert game.objective([[0.7, 0.1, 0.2], [0.2, 0.0, 0.8]]) == np.inf


def test_budgets_from_both_sides_are_an_equality_with_positive_prices():
    costs = np.array([[0.0, 0.5, 1.0, 0.2], [0.0, -0.5, -1.0, -0.2]])
    pi_0 = [0.4, 0.3, 0.2, 0.1]
    both = solve(AlignmentGame(pi_0, range(4), Polytope(costs, [0.3, -0.3]), beta=0.7))
    same = solve(AlignmentGame(pi_0, range(4), Polytope(equalities=costs[0], values=0.3), beta=0.7))
    np.testing.assert_allclose(both.nu, same.nu, atol=1e-12)
    assert (both.multipliers >= 0).all()
    assert both.multipliers @ [1, -1] == pytest.approx(same.multipliers[0], abs=1e-9)
    tight = solve(AlignmentGame(pi_0, range(4), Polytope(costs, [0.45, -0.45]), beta=0.7))
    assert (tight.multipliers >= 0).all()
    assert tight.certificate.worst <= 1e-10


def test_equal_rates_are_equal_over_groups_of_unequal_shares():
    prompts = AlignmentGame(np.random.default_rng(3).dirichlet(np.ones(3), size=4), range(3), Linear(np.zeros(3)), 0.5)
    shares, cost = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 1.0, 0.3])
    game = CoupledGame(prompts, EqualRates(cost, ["b", "a", "b", "c"]), shares)
    nu = solve_coupled(game).nu @ cost
    rates = [nu[1], (0.1 * nu[0] + 0.3 * nu[2]) / 0.4, nu[3]]
    np.testing.assert_allclose(rates, rates[0], atol=1e-12)
    assert game.coupling.value(prompts.nu_0, shares) == np.inf
    assert solve_coupled(game).multipliers.shape == (2,)


def test_costs_that_vary_by_prompt_average_with_their_shares():
    prompts, shares = batch(), np.array([0.3, 0.7])
    costs = np.array([[[1.0, 0.0, 0.0]], [[0.0, 0.0, 2.0]]])
    game = CoupledGame(prompts, Budgets(costs, 0.4), shares)
    nu = solve_coupled(game).nu
    assert 0.3 * nu[0, 0] + 0.7 * 2 * nu[1, 2] == pytest.approx(0.4, abs=1e-13)


def test_masses_of_1e_300_are_priced():
    """The one cheap answer has mass 1e-300: its price is near 690 beta, found to rounding."""
    log_nu_0 = np.array([[0.0, np.log(1e-300)]])
    prompts = AlignmentGame.from_log(log_nu_0, [0, 1], Linear([0.0, 0.0]), beta=0.5)
    solution = solve_coupled(CoupledGame(prompts, Budgets([1.0, 0.0], 0.25)))
    np.testing.assert_allclose(solution.nu, [[0.25, 0.75]], rtol=1e-12)
    assert solution.multipliers[0] == pytest.approx(0.5 * (np.log(3) + 300 * np.log(10)), rel=1e-12)
    views = AlignmentGame.from_log([[0.0, -690.0], [-690.0, 0.0]], [0, 1], Linear([0.0, 0.0]), beta=0.5)
    for coupling in (Coherence(), SoftCoherence(1e4)):
        np.testing.assert_allclose(solve_coupled(CoupledGame(views, coupling)).nu, 0.5, atol=0.02)


def test_multipliers_whose_dual_is_a_small_difference_of_large_terms_are_found_to_rounding():
    """Prices times budgets of 150, a dual of 1.5: its rounding is that of the terms, and not its own."""
    _, game = random_coupled(COUPLINGS["Budgets"], 9613, 3, 1)
    solution = solve_coupled(game)
    assert solution.certificate.worst <= 1e-13
    assert solution.iterations <= 40


@pytest.mark.parametrize("weight", [1.7, 92.0])
@pytest.mark.parametrize("lightest", [1e-25, 1e-60, 1e-250])
def test_views_that_hardly_share_an_answer_still_have_a_centroid(weight, lightest):
    """The levels of the views then have next to no curvature, and the interior point's equations cancel."""
    views = AlignmentGame(
        [[1.0, lightest], [lightest**0.4, 1.0], [1e-17, 1.0], [1.0, lightest**0.4]],
        [0, 1],
        Linear([0.0, 0.0]),
        beta=1.9,
    )
    game = CoupledGame(views, SoftCoherence(weight), [0.15, 0.36, 0.31, 0.18])
    assert solve_coupled(game).certificate.worst <= 1e-10


def test_one_answer_leaves_nothing_to_decide():
    prompts = AlignmentGame([[0.5, 0.5], [0.1, 0.9]], [0, 0], Linear([1.0]), beta=1.0)
    for coupling in (Coherence(), SoftCoherence(2.0), Budgets([1.0], 1.0), Equalities([1.0], 1.0)):
        np.testing.assert_allclose(
            solve_coupled(CoupledGame(prompts, coupling)).pi, prompts.reference.values.reshape(2, 2)
        )


def test_answers_that_one_view_lacks_have_no_consensus():
    prompts = AlignmentGame([[0.5, 0.5, 0.0], [0.0, 0.4, 0.6]], range(3), Linear(np.zeros(3)), beta=1.0)
    np.testing.assert_array_equal(solve_coupled(CoupledGame(prompts, Coherence())).nu, [[0, 1, 0], [0, 1, 0]])
    soft = solve_coupled(CoupledGame(prompts, SoftCoherence(1.0)))
    assert (soft.nu[[0, 1], [2, 0]] == 0).all()
    assert soft.certificate.worst <= 1e-10


def test_the_oracle_solves_polytopes_with_equalities_and_batches():
    pi_0 = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    R = Polytope([0.0, 1.0, 0.5], 0.3, equalities=[1.0, 0.0, 0.0], values=0.55)
    game = AlignmentGame(pi_0, range(3), R, beta=0.8)
    oracle, solution = solve_conic(game), solve(game)
    assert solution.method == "newton"
    np.testing.assert_allclose(oracle.value, solution.value, atol=1e-7)
    np.testing.assert_allclose(oracle.nu, solution.nu, atol=1e-6)
    np.testing.assert_allclose(solution.nu[:, 0], 0.55, atol=1e-14)


def test_solutions_of_ragged_batches_are_lists():
    prompts = AlignmentGame.ragged([[0.5, 0.5], [0.2, 0.3, 0.5]], [[0, 1], [0, 1, 1]], Linear([0.0, 0.0]), beta=1.0)
    solution = solve_coupled(CoupledGame(prompts, Coherence()))
    assert [len(pi) for pi in solution.pi] == [2, 3]
    np.testing.assert_allclose([pi[0] for pi in solution.pi], solution.nu[:, 0])
    assert isinstance(NegativeEntropy(1.0), NegativeEntropy)


def test_the_polytope_of_some_prompts_keeps_their_limits_and_large_batches_their_multipliers():
    rng = np.random.default_rng(0)
    costs, limits = rng.uniform(size=(4, 2, 3)), np.full((4, 2), 0.9)
    limits[2] = 0.7
    whole = Polytope(costs, limits)
    game = AlignmentGame(rng.dirichlet(np.ones(3), size=4), range(3), whole, beta=1.0)
    part = whole.at_prompts(slice(2, 4))
    np.testing.assert_array_equal(part.budgets, limits[2:])
    np.testing.assert_array_equal(part.rows((0,)).costs[0], costs[2])
    few = solve(AlignmentGame(game.nu_0[2:], range(3), part, beta=1.0))
    np.testing.assert_allclose(few.nu, solve(game).nu[2:], atol=1e-12)
    wide = AlignmentGame(np.full((3, 30_000), 1 / 30_000), range(30_000), Polytope(np.arange(30_000) / 3e4, 0.3), 1.0)
    assert solve(wide).multipliers.shape == (3, 1)


def test_a_value_is_missed_from_either_side():
    shares, coupling = np.array([0.5, 0.5]), Equalities([0.0, 1.0], 0.5)
    for rate in (0.4, 0.6):
        assert coupling.value(np.array([[1 - rate, rate]] * 2), shares) == np.inf
        assert Polytope(equalities=[0.0, 1.0], values=0.5).value(np.array([1 - rate, rate])) == np.inf
    assert coupling.value(np.array([[0.3, 0.7], [0.7, 0.3]]), shares) == 0


def test_a_constant_in_costs_and_budgets_changes_nothing():
    """Costs far from 0 are judged by their spread, to which rounding is small, and so are the certificates."""
    plain, moved = (
        solve_coupled(CoupledGame(batch(), Budgets(np.array([0.0, 1.0, 0.3]) + shift, 0.25 + shift)))
        for shift in (0.0, 1000.0)
    )
    np.testing.assert_allclose(moved.nu, plain.nu, atol=1e-10)
    assert moved.certificate.worst <= 1e-10


def test_dual_ascent_lets_the_price_of_an_equality_be_negative():
    game = CoupledGame(batch(), Equalities([0.0, 1.0, 0.0], 0.4))
    solution, other = solve_dual_ascent(game, max_iterations=2000), solve_coupled(game)
    assert solution.multipliers[0] < -0.1
    np.testing.assert_allclose(solution.multipliers, other.multipliers, atol=1e-9)
