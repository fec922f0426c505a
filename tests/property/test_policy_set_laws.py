"""Convex sets of policies: the best response is a projection, the solution is the best of the set."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings

from dagames import AlignmentGame, InfeasibleError, SolveError, solve
from dagames.functionals import (
    Gini,
    Hellinger,
    KLFromPrior,
    KLToPrior,
    Linear,
    NegativeEntropy,
    Polytope,
    Tsallis,
    from_convex,
)
from dagames.numerics.conic import solve_problem
from dagames.solvers import best_restricted_policy, solve_restricted
from tests.cases import seeds, sizes

few = settings(max_examples=max(settings.default.max_examples // 4, 5))


def drawn(seed: int, n: int) -> tuple[np.random.Generator, AlignmentGame, Polytope]:
    rng = np.random.default_rng(seed)
    E = np.concatenate([np.arange(n), rng.integers(0, n, size=3)])
    pi_0 = 0.95 * rng.dirichlet(np.ones(E.size)) + 0.05 / E.size
    prior = 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n
    R = (Gini(2.0), KLToPrior(prior, 0.7), Linear(rng.normal(size=n)), KLFromPrior(prior, 0.5))[rng.integers(4)]
    costs = rng.normal(size=(2, E.size))
    inside = rng.dirichlet(np.ones(E.size))
    return rng, AlignmentGame(pi_0, E, R, beta=0.6), Polytope(costs, costs @ inside + rng.uniform(0, 0.3, size=2))


@few
@given(seeds, sizes)
def test_the_solution_is_that_of_the_conic_oracle_over_traces(seed, n):
    _, game, policies = drawn(seed, n)
    solution = solve_restricted(game, policies)
    pi = cp.Variable(game.E.size)
    push = (np.arange(n)[:, None] == game.E).astype(float)
    divergence = cp.sum(cp.kl_div(pi, np.exp(game.log_pi_0)))
    objective = game.functional.conic_form(push @ pi, cp) + game.beta * divergence
    solve_problem(cp.Problem(cp.Minimize(objective), [cp.sum(pi) == 1, policies.costs @ pi <= policies.budgets]))
    value = float(game.objective(np.maximum(pi.value, 0) / np.maximum(pi.value, 0).sum()))
    assert abs(float(solution.certificate.primal) - value) <= 1e-6 * max(1.0, abs(value))
    assert (policies.costs @ solution.pi <= policies.budgets + 1e-9).all()
    assert 0 <= solution.certificate.worst <= 1e-10


@given(seeds, sizes)
def test_the_best_response_is_nearest_to_the_product(seed, n):
    rng, game, policies = drawn(seed, n)
    q = 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n
    product, best = game.best_policy(q), best_restricted_policy(game, q, policies)
    for _ in range(20):
        other = rng.dirichlet(np.ones(game.E.size))
        if (policies.costs @ other <= policies.budgets).all():
            assert np.sum(best * np.log(best / product)) <= np.sum(other * np.log(other / product)) + 1e-10
            assert game.payoff(best, q) <= game.payoff(other, q) + 1e-10


@given(seeds, sizes)
def test_a_set_that_holds_the_equilibrium_changes_nothing(seed, n):
    _, game, policies = drawn(seed, n)
    free = solve(game)
    wide = Polytope(policies.costs, policies.costs @ free.pi + 0.1)
    np.testing.assert_allclose(solve_restricted(game, wide).certificate.primal, free.value, rtol=1e-9, atol=1e-9)


@few
@given(seeds, sizes)
def test_a_polytope_in_a_sum_is_solved_by_its_restricted_game(seed, n):
    """A reward or a diversity under budgets: the oracle's value, the constraints met, no better marginal among many."""
    rng = np.random.default_rng(seed)
    nu_0 = 0.95 * rng.dirichlet(np.ones(n)) + 0.05 / n
    costs = rng.random((1, n))
    budget = costs @ rng.dirichlet(np.ones(n)) + 0.05
    other = (Linear(rng.normal(size=n)), Gini(1.5), Gini(1.0) + Linear(rng.normal(size=n)))[rng.integers(3)]
    game = AlignmentGame(nu_0, np.arange(n), other + Polytope(costs, budget), beta=0.4)
    solution = solve(game)
    assert solution.certificate.worst <= 1e-10
    assert (costs @ solution.nu <= budget + 1e-9).all()
    if n > 1:
        response = game.best_policy(np.maximum(solution.q, 1e-300) / np.maximum(solution.q, 1e-300).sum())
        np.testing.assert_allclose(response, solution.nu, atol=1e-9)
    for _ in range(50):
        nu = rng.dirichlet(np.ones(n))
        if (costs @ nu <= budget).all():
            assert float(game.objective(nu)) >= float(solution.value) - 1e-9


def test_prompts_of_a_batch_are_projected_each():
    rng = np.random.default_rng(0)
    pi_0, costs = rng.dirichlet(np.ones(4), size=2), rng.random((2, 1, 4))
    budgets = np.full((2, 1), 0.4)
    batch = solve_restricted(AlignmentGame(pi_0, [0, 1, 2, 0], Gini(1.5), beta=0.4), Polytope(costs, budgets))
    for x in range(2):
        alone = solve_restricted(
            AlignmentGame(pi_0[x], [0, 1, 2, 0], Gini(1.5), beta=0.4), Polytope(costs[x], budgets[x])
        )
        np.testing.assert_allclose(batch.pi[x], alone.pi, atol=1e-5)


def test_bad_sets_are_named():
    game = AlignmentGame([0.6, 0.3, 0.1], [0, 1, 1], Gini(4.0), beta=0.1)
    with pytest.raises(InfeasibleError, match="least reachable value is 0"):
        solve_restricted(game, Polytope([0.0, 1.0, 1.0], -0.5))
    with pytest.raises(SolveError, match="restricted stopped after 0 steps"):
        solve_restricted(game, Polytope([0.0, 1.0, 1.0], 0.5), max_iterations=0)


@pytest.mark.parametrize("budget", [0.05, 0.2, 0.9])
def test_the_target_of_a_functional_with_kinks_is_answered_by_the_policy(budget):
    """Below, at and above what the policy costs without a budget: the target contains no multiplier."""
    kinked = from_convex(
        lambda nu: np.abs(nu[..., 0] - 0.6) + 0.5 * nu[..., 2],
        lambda nu: np.stack([np.sign(nu[..., 0] - 0.6), 0.0 * nu[..., 0], 0.5 + 0.0 * nu[..., 0]], axis=-1),
    )
    game = AlignmentGame([0.2, 0.2, 0.3, 0.1, 0.2], [0, 0, 1, 1, 2], kinked, beta=0.4)
    policies = Polytope([1.0, 0.0, 0.5, 0.0, 0.0], budget)
    solution = solve_restricted(game, policies)
    assert solution.certificate.worst <= 1e-10
    assert bool(solution.multipliers[0] > 1e-6) == (budget < 0.9)
    np.testing.assert_allclose(best_restricted_policy(game, solution.q, policies), solution.pi, atol=1e-6)


@pytest.mark.parametrize("R", [NegativeEntropy(1.0), Tsallis(0.5), Hellinger([0.3, 0.3, 0.4]), Gini(1.0)])
@pytest.mark.parametrize("budget", [1.0 - 1e-12, 1.0, 1.0 + 1e-9])
def test_a_budget_at_the_least_cost_forbids_the_dearer_traces(R, budget):
    """Also where R has the slope -inf at mass 0 of an answer that the budget forbids."""
    pi_0 = np.array([0.4, 0.3, 0.2, 0.1])
    solution = solve(AlignmentGame(pi_0, [0, 1, 2, 2], R, 0.5), policies=Polytope([1.0, 1.0, 2.0, 3.0], budget))
    cheap = solve(AlignmentGame(np.array([4.0, 3.0]) / 7.0, [0, 1], R, 0.5, n_answers=3))
    np.testing.assert_allclose(solution.pi, [*cheap.pi, 0.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(solution.value, cheap.value - 0.5 * np.log(0.7), atol=1e-4)
    if budget <= 1.0:
        assert (solution.multipliers == np.inf).all()


def test_a_set_without_a_finite_objective_is_refused():
    game = AlignmentGame([0.4, 0.3, 0.3], [0, 1, 2], KLFromPrior([0.3, 0.3, 0.4]), 0.5)
    with pytest.raises(InfeasibleError, match=r"every policy in `policies` is infinite.*answer 2.*Loosen the budgets"):
        solve(game, policies=Polytope([1.0, 1.0, 2.0], 1.0))
    game = AlignmentGame([0.4, 0.3, 0.3], [0, 1, 2], Tsallis(0.5), 0.5)
    with pytest.raises(SolveError, match=r"loosen its budget, or set it to the least cost|loosen budgets that leave"):
        solve(game, policies=Polytope([1.0, 1.0, 2.0], 1.0 + 1e-13))
