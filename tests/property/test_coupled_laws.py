"""Laws of coupled games, over every coupling: weak duality, equilibrium, and what each solver promises."""

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from dagames import AlignmentGame, CoupledGame, InfeasibleError, solve, solve_coupled
from dagames.functionals import Linear, Polytope
from dagames.games.couplings import Budgets, Coherence, SoftCoherence
from dagames.solvers import admissible_step, solve_dual_ascent
from dagames.solvers.budgets import solve_budgets
from dagames.solvers.coherent import solve_coherent
from dagames.solvers.dual_ascent import dual_ascent_path
from tests.cases import random_polytope, random_reference, seeds
from tests.coupled_cases import COUPLINGS, complementarity, feasible_marginals, lifted, oracle, random_coupled

family = pytest.mark.parametrize("make", COUPLINGS.values(), ids=COUPLINGS.keys())
linear = pytest.mark.parametrize("make", [COUPLINGS[k] for k in ("Budgets", "Equalities", "EqualRates", "AllOf")])
few = settings(max_examples=max(settings.default.max_examples // 4, 5))
numbers = st.integers(1, 4)


def size_of(*values: float) -> float:
    return max(1.0, *(abs(float(v)) for v in values))


@family
@given(seeds, numbers, numbers)
def test_weak_duality_holds_for_every_pair(make, seed, X, n):
    """dual(q) <= J(pi) for every feasible policy and every target; the target's normalisation does not matter."""
    rng, game = random_coupled(make, seed, X, n)
    pi = lifted(game, feasible_marginals(game, rng), rng)
    log_q = rng.normal(size=game.reachable.shape) * 10 ** rng.uniform(-1, 1)
    dual, primal = game.dual_value(log_q), game.objective(pi)
    spread = game.prompts.beta * np.ptp(log_q)
    assert np.isfinite(primal)
    assert dual <= primal + 1e-11 * size_of(dual, primal, spread)
    moved = game.dual_value(log_q + rng.normal(size=(len(pi), 1)))
    assert abs(dual - moved) <= 1e-9 * size_of(dual, spread)
    with np.errstate(divide="ignore"):
        certificate = game.certify(np.log(pi), log_q)
    assert certificate.primal == pytest.approx(primal, rel=1e-12, abs=1e-12)
    assert certificate.dual == dual
    assert certificate.gap >= 0


@family
@given(seeds, numbers, numbers)
def test_the_conjugate_is_the_supremum(make, seed, X, n):
    """C(nu) + C*(u) >= sum s <nu, u>, and C*(u + c_x) = C*(u) + sum s_x c_x; where a view forbids all, -inf."""
    rng, game = random_coupled(make, seed, X, n)
    s, C = game.shares, game.coupling
    u = rng.normal(size=game.reachable.shape) * 10 ** rng.uniform(-1, 1)
    top = C.conjugate(u, s)
    for _ in range(10):
        nu = feasible_marginals(game, rng)
        assert C.value(nu, s) + top >= float(s @ (nu * u).sum(axis=-1)) - 1e-10 * size_of(np.abs(u).max(), top)
    shift = rng.normal(size=(len(u), 1))
    assert C.conjugate(u + shift, s) == pytest.approx(top + float(s @ shift[:, 0]), rel=1e-9, abs=1e-9)
    assert C.conjugate(np.full_like(u, -np.inf), s) == -np.inf


@given(seeds, numbers, numbers)
def test_the_conjugate_of_constraints_is_attained(seed, X, n):
    for make in (COUPLINGS["Budgets"], COUPLINGS["AllOf"]):
        rng, game = random_coupled(make, seed, X, n)
        u = rng.normal(size=game.reachable.shape)
        bound, nu = game.coupling.rows(game.shares).support(u)
        assert game.coupling.value(nu, game.shares) == 0
        assert bound == pytest.approx(float(game.shares @ (nu * u).sum(axis=-1)), abs=1e-9)


@given(seeds, numbers, numbers)
def test_the_conjugate_of_soft_coherence_is_attained_at_its_slope(seed, X, n):
    rng = np.random.default_rng(seed)
    nu, s, C = rng.dirichlet(np.ones(n), size=X), rng.dirichlet(np.ones(X) * 3), SoftCoherence(10 ** rng.uniform(-1, 2))
    slope = C.weight * np.log(nu / (s @ nu))
    attained = float(s @ (nu * slope).sum(axis=-1)) - C.value(nu, s)
    assert C.conjugate(slope, s) == pytest.approx(attained, abs=1e-12 * max(1.0, C.weight))


@family
@given(seeds, numbers, numbers)
def test_the_equilibrium_is_certified_and_beats_every_feasible_policy(make, seed, X, n):
    rng, game = random_coupled(make, seed, X, n)
    solution = solve_coupled(game)
    assert 0 <= solution.certificate.worst <= 1e-10
    assert all(residual <= 1e-11 for residual in solution.certificate.residuals.values())
    value = float(solution.value)
    assert game.objective(solution.pi) == pytest.approx(value, rel=1e-9, abs=1e-9)
    for _ in range(10):
        target, t = lifted(game, feasible_marginals(game, rng), rng), 10 ** rng.uniform(-4, 0)
        assert game.objective((1 - t) * solution.pi + t * target) >= value - 1e-10 * size_of(value)
    np.testing.assert_allclose(np.exp(game.log_best_marginal(solution.log_q)), solution.nu, atol=1e-9)


@family
@few
@given(seeds, numbers, numbers)
def test_the_oracle_over_traces_agrees(make, seed, X, n):
    _, game = random_coupled(make, seed, X, n, mild=True)
    solution = solve_coupled(game)
    value, nu, prices = oracle(game)
    assert abs(float(solution.value) - value) <= 1e-6 * size_of(value)
    np.testing.assert_allclose(solution.nu, nu, atol=2e-3)
    if prices is not None and len(prices) < game.prompts.n_answers:
        scale = game.coupling.rows(game.shares).scale
        np.testing.assert_allclose(solution.multipliers * scale, prices * scale, atol=1e-3 * size_of(*(prices * scale)))


@linear
@given(seeds, numbers, numbers)
def test_multipliers_are_prices_and_slack_is_complementary(make, seed, X, n):
    _, game = random_coupled(make, seed, X, n)
    rows, solution = game.coupling.rows(game.shares), solve_budgets(game)
    assert (solution.multipliers[~rows.equal] >= 0).all()
    assert (solution.slack[~rows.equal] >= -1e-11 * rows.scale[~rows.equal]).all()
    assert np.abs(solution.slack[rows.equal]).max(initial=0.0) <= 1e-11 * rows.scale.max()
    assert complementarity(solution) <= 1e-10 * size_of(*(solution.multipliers * rows.scale))
    prices = np.einsum("d,xdz->xz", solution.multipliers, rows.costs) / game.prompts.beta
    expected = game.tilted - prices
    expected -= np.logaddexp.reduce(expected, axis=-1)[:, None]
    np.testing.assert_allclose(solution.log_nu, expected, atol=1e-9 * size_of(np.abs(expected).max()))


@linear
@few
@given(seeds, numbers, numbers)
def test_dual_ascent_climbs_to_the_same_equilibrium(make, seed, X, n):
    """What climbs is the least Lagrangian; the game's dual value at the same target can be higher, and need not."""
    _, game = random_coupled(make, seed, X, n, mild=True)
    rows, beta, values = game.coupling.rows(game.shares), game.prompts.beta, []
    for point in islice(dual_ascent_path(game, 0.99 * admissible_step(game)), 20):
        price = np.einsum("d,xdz->xz", point, rows.costs)
        least = -beta * logsumexp(game.tilted - price / beta, axis=-1)
        values.append(float(game.shares @ least - point @ rows.budgets))
        assert values[-1] <= game.dual_value(-price / beta) + 1e-9 * size_of(values[-1])
    assert all(b >= a - 1e-9 * size_of(a) for a, b in pairwise(values))
    assert values[-1] <= float(solve_budgets(game).value) + 1e-9 * size_of(values[-1])


@few
@given(seeds)
def test_dual_ascent_certifies(seed):
    rng = np.random.default_rng(seed)
    prompts = AlignmentGame(rng.dirichlet(np.ones(5), size=3), range(5), Linear(np.zeros(5)), beta=rng.uniform(0.3, 3))
    cost = rng.uniform(size=5)
    game = CoupledGame(prompts, Budgets(cost, 0.5 * cost.min() + 0.5 * cost.mean()))
    solution, other = solve_dual_ascent(game), solve_budgets(game)
    np.testing.assert_allclose(solution.multipliers, other.multipliers, atol=1e-6)
    assert solution.method == "dual_ascent"
    assert solution.iterations == len(solution.history)


@given(seeds, numbers)
def test_infeasible_budgets_name_the_nearest_feasible_ones(seed, X):
    """The nearest budgets can be solved; a total relaxation smaller by a thousandth cannot."""
    rng = np.random.default_rng(seed)
    n, d = 4, int(rng.integers(1, 4))
    costs = rng.uniform(0.1, 1, size=(X, d, n))
    prompts = AlignmentGame(rng.dirichlet(np.ones(n), size=X), range(n), Linear(np.zeros(n)), beta=1.0)
    least = costs.min(axis=-1).mean(axis=0)
    wished = least * rng.uniform(0.2, 0.9, size=d)
    with pytest.raises(InfeasibleError, match=r"the least reachable value is .* The nearest feasible budgets") as error:
        CoupledGame(prompts, Budgets(costs, wished))
    nearest = error.value.nearest
    assert (nearest >= wished).all()
    solution = solve_coupled(CoupledGame(prompts, Budgets(costs, nearest)))
    assert solution.certificate.worst <= 1e-10
    assert (solution.multipliers >= 0).all()
    with pytest.raises(InfeasibleError):
        CoupledGame(prompts, Budgets(costs, wished + 0.999 * (nearest - wished)))
    others = np.maximum(least + rng.uniform(0, 0.3, size=(20, d)), wished)
    nearer = np.abs(others - wished).sum(axis=1) < np.abs(nearest - wished).sum() - 1e-9
    for other in others[nearer]:
        with pytest.raises(InfeasibleError):
            CoupledGame(prompts, Budgets(costs, other))


@given(seeds, numbers)
def test_one_prompt_is_an_ordinary_game(seed, n):
    """|X| = 1: budgets are a Polytope, and coherence asks nothing."""
    rng = np.random.default_rng(seed)
    R = random_polytope(rng, n, equalities=0)
    pi_0, E = random_reference(rng, n)
    prompts = AlignmentGame(pi_0[None], E, Linear(np.zeros(n)), beta=0.7)
    alone = solve(AlignmentGame(pi_0, E, R, beta=0.7))
    together = solve_coupled(CoupledGame(prompts, Budgets(R.costs, R.budgets)))
    np.testing.assert_allclose(together.nu[0], alone.nu, atol=1e-9)
    np.testing.assert_allclose(together.value, alone.value, atol=1e-9 * size_of(alone.value))
    for coupling in (Coherence(), SoftCoherence(3.0)):
        np.testing.assert_allclose(solve_coupled(CoupledGame(prompts, coupling)).nu[0], prompts.nu_0[0], atol=1e-12)


@given(seeds, numbers)
def test_each_prompt_of_a_polytope_has_its_own_multipliers(seed, n):
    rng = np.random.default_rng(seed)
    parts = [random_polytope(rng, n, equalities=0) for _ in range(3)]
    d = min(R.equal.size for R in parts)
    costs, limits = np.stack([R.costs[:d] for R in parts]), np.stack([R.budgets[:d] for R in parts])
    pi_0 = rng.dirichlet(np.ones(n), size=3)
    batch = solve(AlignmentGame(pi_0, range(n), Polytope(costs, limits), beta=0.5))
    assert batch.multipliers.shape == batch.slack.shape == (3, d)
    for x in range(3):
        alone = solve(AlignmentGame(pi_0[x], range(n), Polytope(costs[x], limits[x]), beta=0.5))
        np.testing.assert_allclose(batch.nu[x], alone.nu, atol=1e-10)
        np.testing.assert_allclose(batch.value[x], alone.value, atol=1e-10)
        prices = np.exp(-alone.multipliers @ costs[x] / 0.5)
        np.testing.assert_allclose(alone.nu, pi_0[x] * prices / (pi_0[x] @ prices), atol=1e-10)


@few
@given(seeds)
def test_soft_coherence_runs_from_independence_to_consensus(seed):
    """The common limit is the *geometric* mean, though the price is paid for distance to the arithmetic one."""
    rng = np.random.default_rng(seed)
    prompts = AlignmentGame(rng.dirichlet(np.ones(4), size=3), range(4), Linear(rng.normal(size=4)), beta=1.0)
    shares = rng.dirichlet(np.ones(3) * 3)
    limit = solve_coherent(CoupledGame(prompts, Coherence(), shares))
    values, apart = [], []
    for weight in (1e-6, 0.1, 1.0, 10.0, 1e4):
        game = CoupledGame(prompts, SoftCoherence(weight), shares)
        solution = solve_coupled(game)
        values.append(float(solution.value))
        apart.append(game.coupling.value(solution.nu, shares) / weight)
    tilted = np.exp(CoupledGame(prompts, Coherence(), shares).tilted)
    free = float(-prompts.beta * shares @ np.log(tilted.sum(axis=-1)))
    assert values == sorted(values)
    assert apart == sorted(apart, reverse=True)
    assert values[0] == pytest.approx(free, abs=1e-5)
    assert values[-1] == pytest.approx(float(limit.value), abs=1e-2)
    np.testing.assert_allclose(solution.nu, limit.nu, atol=1e-2)


@family
@few
@given(seeds, numbers, numbers)
def test_the_traces_of_an_answer_do_not_matter(make, seed, X, n):
    """Policies are reached through their marginals: the certificate on traces is that on answers."""
    rng, game = random_coupled(make, seed, X, n)
    log_nu = np.log(np.maximum(feasible_marginals(game, rng), 1e-300))
    log_nu -= np.logaddexp.reduce(log_nu, axis=-1)[:, None]
    log_q = rng.normal(size=log_nu.shape)
    on_answers, on_traces = game.certify_marginal(log_nu, log_q), game.certify(game.lift(log_nu), log_q)
    np.testing.assert_allclose(on_answers.primal, on_traces.primal, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(on_answers.gap, on_traces.gap, rtol=1e-9, atol=1e-9)
