"""Laws of the game, over every functional, with beta below, at and above the functional's curvature."""

import numpy as np
import pytest
from hypothesis import given, settings

from dagames import AlignmentGame, solve
from dagames.functionals import NegativeEntropy, PairwiseIncoherence, Polytope, Quadratic
from dagames.functionals.algebra import multiple, total
from dagames.functionals.convexified import Convexified
from dagames.functionals.scaled import Scaled
from dagames.functionals.sums import Sum
from dagames.solvers.conic import solve_conic
from tests.cases import FUNCTIONALS, random_reference, seeds, sizes, within

few = settings(max_examples=max(settings.default.max_examples // 4, 5))
"""For laws whose every example solves several games, or calls the conic solver."""


family = pytest.mark.parametrize("make", FUNCTIONALS.values(), ids=FUNCTIONALS.keys())

# A sum that is convex though one of its terms is concave has no disciplined form; test_nonconvex.py has its own oracle.
CONIC = {name: make for name, make in FUNCTIONALS.items() if name != "Convexified"}
stated = pytest.mark.parametrize("make", CONIC.values(), ids=CONIC.keys())


def random_game(make, rng: np.random.Generator, n: int, low: float = -2, high: float = 2) -> AlignmentGame:
    pi_0, E = random_reference(rng, n)
    return AlignmentGame(pi_0, E, make(rng, n), beta=10 ** rng.uniform(low, high))


def random_policy(game: AlignmentGame, rng: np.random.Generator, floor: float = 0.0) -> np.ndarray:
    """Draw a policy over the traces whose answers are reachable."""
    pi = (1 - floor) * rng.dirichlet(np.ones(game.E.size)) + floor / game.E.size
    pi = np.where(game.reachable[game.E], pi, 0.0)
    pi /= pi.sum()
    if isinstance(game.functional, Polytope):
        nu = game.marginal(pi)
        pi = pi * (within(game.functional, nu) / np.where(nu > 0, nu, 1.0))[game.E]
    return pi / pi.sum()


def size_of(game: AlignmentGame, pi: np.ndarray) -> float:
    value, divergence = game.functional.value(game.marginal(pi)), game.objective(pi)
    return max(1.0, abs(float(value)), abs(float(divergence)))


@family
@given(seeds, sizes)
def test_weak_duality_holds_for_every_pair(make, seed, n):
    """min_pi G(pi, q) <= G(pi, q) <= J(pi): the gap bounds the suboptimality, whatever the pair."""
    rng = np.random.default_rng(seed)
    game = random_game(make, rng, n)
    pi, q = random_policy(game, rng), rng.dirichlet(np.ones(n))
    objective, payoff = game.objective(pi), game.payoff(pi, q)
    least, gap = game.payoff(game.best_policy(q), q), game.gap(pi, q)
    scale = max(size_of(game, pi), abs(float(game.potential(q))))
    assert payoff <= objective + 1e-11 * scale
    assert least <= payoff + 1e-11 * scale
    assert gap >= -1e-11 * scale
    np.testing.assert_allclose(gap, objective - least, atol=1e-10 * scale)


@family
@given(seeds, sizes)
def test_best_target_attains_the_objective(make, seed, n):
    """max_q G(pi, q) = J(pi), attained by the target's best response."""
    rng = np.random.default_rng(seed)
    game = random_game(make, rng, n)
    pi = random_policy(game, rng, floor=0.1)
    q = game.best_target(pi)
    if (q > 0).all():  # at a small beta the exact target underflows; certify() works with its logarithm
        np.testing.assert_allclose(game.payoff(pi, q), game.objective(pi), atol=1e-10 * size_of(game, pi))
    with np.errstate(divide="ignore"):
        log_pi, log_nu = np.log(pi), np.log(game.marginal(pi))
    certificate = game.certify(log_pi, game.log_best_target(log_nu))
    np.testing.assert_allclose(certificate.primal, game.objective(pi))


@family
@few
@given(seeds, sizes)
def test_solve_certifies_and_beats_every_policy(make, seed, n):
    rng = np.random.default_rng(seed)
    game = random_game(make, rng, n, low=-1)
    solution = solve(game)
    assert 0 <= solution.certificate.worst <= 1e-10
    np.testing.assert_allclose(game.marginal(solution.pi), solution.nu, atol=1e-12)
    for _ in range(20):
        pi = random_policy(game, rng)
        scale = max(1.0, abs(float(solution.value)))
        assert game.objective(pi) >= solution.value - 1e-10 * scale
    near = solution.pi * np.exp(1e-3 * rng.normal(size=solution.pi.shape))
    assert game.objective(near / near.sum()) >= solution.value - 1e-10 * max(1.0, abs(float(solution.value)))


@family
@few
@given(seeds, sizes)
def test_the_reduction_to_answers_keeps_value_and_solution(make, seed, n):
    rng = np.random.default_rng(seed)
    game = random_game(make, rng, n, low=-1)
    on_traces, on_answers = solve(game), solve(game.reduced())
    np.testing.assert_allclose(on_traces.value, on_answers.value, atol=1e-10 * max(1.0, abs(float(on_traces.value))))
    np.testing.assert_allclose(on_traces.nu, on_answers.pi, atol=1e-12)


@stated
@few
@given(seeds)
def test_solvers_agree_with_the_conic_oracle(make, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    pi_0 = 0.99 * rng.dirichlet(np.ones(n + 3)) + 0.01 / (n + 3)
    E = np.concatenate([np.arange(n), rng.integers(0, n, size=3)])
    game = AlignmentGame(pi_0, E, make(rng, n), beta=10 ** rng.uniform(-1, 2))
    solution = solve(game)
    oracle = solve_conic(game)
    scale = max(1.0, abs(float(solution.value)))
    assert abs(float(solution.value - oracle.value)) <= 1e-6 * scale


@given(seeds)
def test_best_response_converges_below_and_only_below_beta(seed):
    rng = np.random.default_rng(seed)
    ratio = rng.uniform(0.1, 0.9)
    pi_0, E = random_reference(rng, 4)
    below = AlignmentGame(pi_0, E, NegativeEntropy(ratio * 0.5), beta=0.5)
    np.testing.assert_allclose(solve(below, "best_response").nu, solve(below).nu, atol=1e-5)


@family
@few
@given(seeds, sizes)
def test_unreachable_answers_change_nothing(make, seed, n):
    """Answers without a trace, or with traces of probability 0, leave the solution on the others as it was."""
    rng = np.random.default_rng(seed)
    pi_0, E = random_reference(rng, n)
    R = make(rng, n)
    game = AlignmentGame(pi_0, E, R, beta=0.5)
    padded = AlignmentGame(np.append(pi_0, 0.0), np.append(E, n), _padded(R), beta=0.5, n_answers=n + 2)
    solution, other = solve(game), solve(padded)
    np.testing.assert_allclose(other.nu[:n], solution.nu, atol=1e-13)
    assert (other.nu[n:] == 0).all()
    assert (other.q[n:] == 0).all()
    np.testing.assert_allclose(other.value, solution.value, rtol=1e-12, atol=1e-12)


def _padded(R):
    """Give a functional with a parameter per answer two answers more; in a quadratic they equal the first one."""
    if isinstance(R, Polytope):
        more = np.full((R.equal.size, 2), [5.0, -5.0])
        costs = np.concatenate([R.costs, more], axis=1)
        le, eq = ~R.equal, R.equal
        if not eq.any():
            return Polytope(costs, R.budgets)
        return Polytope(costs[le], R.budgets[le], equalities=costs[eq], values=R.budgets[eq])
    if isinstance(R, Sum):
        return total(*map(_padded, R.parts))
    if isinstance(R, Scaled):
        return multiple(_padded(R.functional), R.weight)
    if isinstance(R, Quadratic):
        copies = np.append(np.arange(R.linear.size), [0, 0])
        return Quadratic(R.matrix[np.ix_(copies, copies)], R.linear[copies])
    if isinstance(R, Convexified):
        copies = np.append(np.arange(R.function.distances.shape[-1]), [0, 0])
        return Convexified(PairwiseIncoherence(R.function.distances[np.ix_(copies, copies)]))
    if hasattr(R, "rewards"):
        return type(R)(np.append(R.rewards, [5.0, -5.0]))
    return type(R)(np.append(R.prior, [0.0, 0.0]), R.weight) if hasattr(R, "prior") else R


@family
@few
@given(seeds, sizes)
def test_prompts_of_a_batch_are_solved_as_if_alone(make, seed, n):
    rng = np.random.default_rng(seed)
    R = make(rng, n)
    E = np.stack([np.concatenate([np.arange(n), rng.integers(0, n, size=4)]) for _ in range(3)])
    pi_0 = rng.dirichlet(np.ones(n + 4), size=3)
    batch = solve(AlignmentGame(pi_0, E, R, beta=0.8), tolerance=1e-12)
    for x in range(3):
        alone = solve(AlignmentGame(pi_0[x], E[x], R, beta=0.8), tolerance=1e-12)
        np.testing.assert_allclose(batch.nu[x], alone.nu, atol=1e-6)
        np.testing.assert_allclose(batch.value[x], alone.value, atol=1e-10 * max(1.0, abs(float(alone.value))))
