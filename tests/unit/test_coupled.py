"""Coupled games and orbits by example: the numbers of the claims, the edges, and the messages."""

from collections.abc import Iterator
from itertools import islice

import jaxtyping
import numpy as np
import pytest

from dagames import (
    AlignmentGame,
    CoupledGame,
    DomainError,
    InfeasibleError,
    ShapeError,
    SolveError,
    solve,
    solve_coupled,
)
from dagames.coupled_game import Coupling
from dagames.couplings import AllOf, Budgets, Coherence, Equalities, EqualRates, SoftCoherence
from dagames.functionals import Gini, Linear, NegativeEntropy, Polytope
from dagames.orbits import (
    arithmetic_mean,
    direct_projection,
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
from dagames.solvers import (
    admissible_step,
    dual_ascent_path,
    solve_budgets,
    solve_coherent,
    solve_dual_ascent,
    solve_polytope,
    solve_soft_coherent,
)
from dagames.solvers.conic import solve_conic


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def batch(pi_0=((0.5, 0.3, 0.2), (0.2, 0.2, 0.6)), rewards=(0.0, 0.0, 0.0), beta=1.0) -> AlignmentGame:
    return AlignmentGame(pi_0, range(len(rewards)), Linear(rewards), beta)


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


def scalar_game() -> tuple[CoupledGame, float]:
    """One cost in [0, 1], active: the game and Var_nu*(c)."""
    cost = np.array([0.0, 0.3, 1.0, 0.6])
    prompts = AlignmentGame([[0.4, 0.3, 0.2, 0.1]], range(4), Linear(np.zeros(4)), beta=0.7)
    game = CoupledGame(prompts, Budgets(cost, 0.15))
    nu = solve_budgets(game).nu[0]
    return game, float(nu @ cost**2 - (nu @ cost) ** 2)


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


@pytest.mark.parametrize(("K", "constant"), [(3, 0.861671773764278), (4, 0.715972), (5, 0.620832), (6, 0.558072)])
def test_the_lower_constants_of_the_hellinger_bound(K, constant):
    """Claim I.23, and no random point does better."""
    c, C = hellinger_bounds(K)
    assert c == pytest.approx(constant, abs=1e-6 if K > 3 else 1e-13)
    x = np.random.default_rng(K).dirichlet(np.ones(K), size=20_000) * K
    ratio = (1 - np.exp(np.log(x).mean(axis=1))) / (x * np.log(x)).mean(axis=1)
    assert c - 1e-9 <= ratio.min()
    assert ratio.max() <= C
    assert c < 1 / np.log(K)


def test_the_bounds_of_the_hellinger_distance_are_attained():
    for K in (2, 3, 5, 9):
        views = (1 - np.eye(K)) / (K - 1)
        assert generalised_hellinger(views) == 1
        assert hellinger_bounds(K)[1] * jensen_shannon(views) == pytest.approx(1)
    assert hellinger_bounds(2)[0] == 1
    x = np.array([1 + np.sqrt(3), 1 - np.sqrt(3) / 2, 1 - np.sqrt(3) / 2]) / 3
    views = np.stack([np.roll(x, k) for k in range(3)])
    assert generalised_hellinger(views) / jensen_shannon(views) == pytest.approx(hellinger_bounds(3)[0], rel=1e-12)
    # Below 1 / log K for every K > 2, by an amount that mpmath finds to be 1.3265e-7, 6.279e-9 and 2.645e-10.
    for K, below in ((8, 1.3265074e-7), (9, 6.2792638e-9), (10, 2.6446621e-10)):
        assert 1 / np.log(K) - hellinger_bounds(K)[0] == pytest.approx(below, rel=5e-3)


def test_the_hybrid_bound_fails_for_a_restricted_set_of_models():
    """Claim I.25: models (t, .5 - t, .5), t in [.1, .43]; the loss .0600 exceeds the bound .0179."""
    e = 1e-4
    nu = np.array([[9 * e, e, 1 - 10 * e], [e, e, 1 - 2 * e]])
    truth, ends = np.array([0.2, 0.2, 0.6]), np.array([[0.1, 0.4, 0.5], [0.43, 0.07, 0.5]])
    bound = hybrid_bound(nu, truth, models=ends)
    assert bound.lipschitz == pytest.approx(3.13, abs=0.005)
    assert bound.gradient == pytest.approx(14.3, abs=0.05)
    assert bound.as_stated == pytest.approx(0.0179, abs=1e-4)
    assert bound.as_stated == pytest.approx(bound.amended * bound.gradient)
    # The KL projection of a mean on the models keeps the ratio of its first two masses.
    losses = [
        float(np.sum(truth * np.log(truth / np.array([t, 0.5 - t, 0.5]))))
        for mean in (arithmetic_mean(nu), geometric_mean(nu))
        for t in [float(np.clip(0.5 * mean[0] / (mean[0] + mean[1]), 0.1, 0.43))]
    ]
    assert losses[0] - losses[1] == pytest.approx(0.0600, abs=1e-4)
    assert losses[0] - losses[1] > bound.as_stated
    assert hybrid_loss(nu, truth) <= hybrid_bound(nu, truth).amended


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


def test_views_without_a_common_answer_are_named():
    apart = AlignmentGame([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]], range(2), Linear(np.zeros(2)), beta=1.0)
    with pytest.raises(InfeasibleError, match="views 0 and 2 share no answer"):
        CoupledGame(apart, Coherence())
    rounds = 0.5 * (1 - np.eye(3))
    with pytest.raises(InfeasibleError, match="views 0, 1, 2 have no answer in common, though every two"):
        geometric_mean(rounds)
    with pytest.raises(InfeasibleError, match="views 0 and 1 share no answer"):
        direct_projection([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    with pytest.raises(InfeasibleError, match="views 0 and 1 share no answer"):
        direct_projection([[0.5, 0.5], [0.5, 0.5]], [[0, 0], [1, 1]], divergence="euclidean")
    with pytest.raises(InfeasibleError, match=r"view 1 gives answer 0 no trace, but `q\[0\]` is 0\.5"):
        project_onto_marginal([[0.5, 0.5], [0.5, 0.5]], [[0, 1], [1, 1]], [0.5, 0.5])
    assert generalised_hellinger([[1.0, 0.0], [0.0, 1.0]]) == 1
    np.testing.assert_array_equal(project_onto_marginal([[0.0, 1.0]], [0, 1], [0.5, 0.5], "euclidean"), [[0.5, 0.5]])


def test_majority_of_a_tie_is_split():
    np.testing.assert_array_equal(majority([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2]]), [0.5, 0.5, 0])
    np.testing.assert_array_equal(majority([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2]], [0.6, 0.4]), [1, 0, 0])


def test_contradictory_constraints_are_named():
    prompts = batch()
    with pytest.raises(InfeasibleError, match=r"contradict each other: each of costs\[0\] <= 0.1, costs\[0\] = 0.2"):
        CoupledGame(prompts, AllOf(Budgets([1.0, 1.0, 0.0], 0.1), Equalities([1.0, 0.0, 0.0], 0.2)))
    with pytest.raises(InfeasibleError, match=r"costs\[0\] = 2; the largest reachable value is 1\. .* are \[1\.\]"):
        CoupledGame(prompts, Equalities([1.0, 0.0, 0.5], 2.0))
    with pytest.raises(
        InfeasibleError, match=r"no policy satisfies costs\[0\] <= 0.05; the least reachable value is 0.12 "
    ):
        AlignmentGame([0.5, 0.5, 0.0], range(3), Polytope([0.5, 0.12, 0.0], 0.05), beta=1.0)
    with pytest.raises(
        InfeasibleError, match=r"value is 0.12 \(answer 1\)\. The nearest feasible budgets are \[0.12\]"
    ):
        AlignmentGame([0.5, 0.5, 0.0], range(3), Polytope([0.5, 0.12, 0.0], 0.05), beta=1.0)
    with pytest.raises(InfeasibleError, match=r"prompt 1: no policy satisfies costs\[0\] <= 0.2"):
        AlignmentGame([[0.5, 0.5], [0.0, 1.0]], range(2), Polytope([0.0, 1.0], 0.2), beta=1.0)
    with pytest.raises(InfeasibleError, match=r"equalities\[0\] = 2"):
        AlignmentGame([0.5, 0.5], range(2), Polytope(equalities=[0.0, 1.0], values=2.0), beta=1.0)
    with pytest.raises(InfeasibleError, match=r"rate of costs\[0\] in group 'b' minus that in 'a' = 0"):
        CoupledGame(
            AlignmentGame([[1.0, 0.0], [0.0, 1.0]], range(2), Linear([0.0, 0.0]), beta=1.0),
            EqualRates([0.0, 1.0], ["a", "b"]),
        )


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: CoupledGame(AlignmentGame([0.5, 0.5], [0, 1], Linear([0, 0]), 1.0), Coherence()), ShapeError, "batch"),
        (
            lambda: CoupledGame(AlignmentGame([[0.5, 0.5]], [0, 1], Gini(1.0), 1.0), Coherence()),
            DomainError,
            "not Gini",
        ),
        (lambda: CoupledGame(batch(), "coherent"), DomainError, "`coupling` must be a Coupling, not str"),
        (lambda: CoupledGame(batch(), Coherence(), [0.5, 0.25, 0.25]), ShapeError, "there are 2 prompts"),
        (lambda: CoupledGame(batch(), Coherence(), [1.0, 0.0]), DomainError, "`shares` has a 0"),
        (lambda: CoupledGame(batch(), Coherence(), [0.5, 0.6]), DomainError, "`shares` sum to 1.1"),
        (lambda: CoupledGame(batch(), Budgets([0.0, 1.0], 0.5)), ShapeError, "2 prompts and 2 answers; the game has 2"),
        (lambda: CoupledGame(batch(), EqualRates([0.0, 1.0, 0.0], [0, 1, 1])), ShapeError, "`groups` has 3 labels"),
        (lambda: EqualRates([0.0, 1.0], [1, 1]), DomainError, "one label only"),
        (lambda: EqualRates([0.0, 1.0], [[1], [2]]), ShapeError, "one label per prompt"),
        (lambda: Budgets([0.0, float("nan")], 0.5), DomainError, r"`costs\[1\]` is nan"),
        (lambda: Budgets([0.0, 1.0], float("inf")), DomainError, r"`budgets\[0\]` is inf"),
        (lambda: Budgets([[0.0, 1.0]], [0.5, 0.5]), ShapeError, "`budgets` has shape"),
        (lambda: Budgets([[0.0, 1.0]], None), DomainError, "`costs` and `budgets` belong together"),
        (lambda: Budgets([[[0.0, 1.0]]], [[0.5]]), ShapeError, "for limits of each prompt use Polytope"),
        (lambda: Equalities([0.0, "x"], 0.5), ShapeError, "`costs` is not a rectangular array"),
        (AllOf, DomainError, "at least one, not nothing"),
        (lambda: AllOf(Coherence()), DomainError, "not Coherence"),
        (lambda: SoftCoherence(-1.0), DomainError, "`weight` must be a finite number above 0"),
        (Polytope, DomainError, "a Polytope needs `costs` and `budgets`"),
        (lambda: Polytope([0.0, 1.0]), DomainError, "`costs` and `budgets` belong together"),
        (lambda: Polytope([0.0, 1.0], "x"), ShapeError, "`budgets` is not"),
        (
            lambda: Polytope([0.0, 1.0], 1.0, equalities=[1.0, 0.0, 0.0], values=1.0),
            ShapeError,
            "same prompts and answ",
        ),
        (lambda: AlignmentGame([0.5, 0.5], [0, 1], Polytope([1.0], 2.0), 1.0), ShapeError, r"asks for \(1, 2\)"),
        (lambda: solve_coupled(CoupledGame(batch(), Coherence()), "newton"), DomainError, "`method` must be one of"),
        (lambda: solve_coupled(CoupledGame(batch(), Coherence()), tolerance=0.0), DomainError, "above 0"),
        (lambda: solve_budgets(CoupledGame(batch(), Coherence())), SolveError, "Coherence is no linear coupling"),
        (lambda: solve_coherent(CoupledGame(batch(), SoftCoherence())), SolveError, "is SoftCoherence, not Coherence"),
        (lambda: solve_soft_coherent(CoupledGame(batch(), Coherence())), SolveError, "not SoftCoherence"),
        (lambda: solve_polytope(AlignmentGame([1.0], [0], Gini(1.0), 1.0)), SolveError, "Gini is not a Polytope"),
        (lambda: solve_dual_ascent(scalar_game()[0], max_iterations=0), DomainError, "at least 1"),
        (lambda: solve_dual_ascent(scalar_game()[0], max_iterations=3), SolveError, "Allow more"),
        (
            lambda: solve_dual_ascent(scalar_game()[0], step=100.0, max_iterations=2),
            SolveError,
            "beyond the admissible",
        ),
        (lambda: next(dual_ascent_path(scalar_game()[0], -1.0)), DomainError, "`step` must be a finite number above 0"),
        (lambda: next(dual_ascent_path(scalar_game()[0], None, [1.0, 1.0])), DomainError, "there are 1 constraints"),
        (lambda: geometric_mean([0.5, 0.5]), ShapeError, r"`nu` has shape \(2,\); it must be \[X, Z\]"),
        (lambda: geometric_mean([[0.5, 0.6]]), DomainError, r"`nu\[0\]` sum to 1.1"),
        (lambda: arithmetic_mean([[0.5, 0.5]], [0.5, 0.5]), ShapeError, "there are 1 views"),
        (lambda: majority([[0.5, 0.5], [1.0, 0.0]], [0.0, 1.0]), DomainError, "`shares` has a 0"),
        (lambda: smoothed([[1.0, 0.0]], 0.0), DomainError, r"`share` must lie in \(0, 1\]"),
        (lambda: hellinger_bounds(1), DomainError, "at least 2, not 1"),
        (
            lambda: direct_projection([[0.5, 0.5]], [0, 1], divergence="l1"),
            DomainError,
            "`divergence` must be one of kl",
        ),
        (lambda: direct_projection([0.5, 0.5], [0, 1]), ShapeError, r"`pi_0` has shape \(2,\)"),
        (lambda: two_step_projection([[0.5, 0.5]], [0, 1], [0.5, 0.5]), ShapeError, "there are 1 views"),
        (lambda: two_step_projection([[0.5, 0.5]] * 2, [0, 1], [1.0, 0.0]), DomainError, "`shares` has a 0"),
        (lambda: project_onto_marginal([[0.5, 0.5]], [0, 1], [[0.5, 0.5]]), ShapeError, "`q` has shape"),
        (lambda: hybrid_bound([[0.5, 0.5]], [1.0]), ShapeError, "the views have 2 answers"),
        (lambda: hybrid_bound([[0.5, 0.5]], [0.5, 0.5], models=[[1.0]]), ShapeError, "`models` has 1 answers"),
        (lambda: hybrid_loss([[1.0, 0.0]], [0.5, 0.5]), DomainError, "no view gives some answer"),
        (lambda: improvement([[0.5, 0.5]], [0.5, 0.5], [1.0, 0.0]), DomainError, "`q` excludes an answer"),
    ],
)
def test_mistakes_are_answered_by_name(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


class Unsolved(Coupling):
    def value(self, nu, shares):
        return 0.0

    def conjugate(self, u, shares):
        return float(shares @ u.max(axis=-1)) - 1.0

    def check_fits(self, reachable, shares):
        pass


def test_a_coupling_of_ones_own_is_judged_and_a_broken_one_named():
    game = CoupledGame(batch(), Unsolved())
    with pytest.raises(SolveError, match="no solver knows Unsolved"):
        solve_coupled(game)
    from dagames import CertificateError

    log_nu = np.log(game.prompts.nu_0)
    with pytest.raises(CertificateError, match="Unsolved breaks the Fenchel-Young inequality"):
        game.certify_marginal(log_nu, np.zeros_like(log_nu))


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
    from dagames.functionals import at_prompts

    rng = np.random.default_rng(0)
    costs, limits = rng.uniform(size=(4, 2, 3)), np.full((4, 2), 0.9)
    limits[2] = 0.7
    whole = Polytope(costs, limits)
    game = AlignmentGame(rng.dirichlet(np.ones(3), size=4), range(3), whole, beta=1.0)
    part = at_prompts(whole, slice(2, 4))
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
