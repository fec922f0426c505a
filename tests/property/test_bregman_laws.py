"""Laws of Bregman games and of the range condition."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagames import AlignmentGame, solve
from dagames.bregman import Entropic, Euclidean, Generator, Power
from dagames.functionals import Functional, Gini, Linear, NegativeEntropy, SquaredDistance, Tsallis
from dagames.games.bregman import BregmanGame
from dagames.games.generators import FromFunctional, as_generator
from dagames.solvers.bregman import solve_bregman
from tests.cases import FUNCTIONALS, SEPARABLE, random_reference, seeds, sizes
from tests.cases_bregman import GENERATORS, as_expression, inside, random_game, solved

few = settings(max_examples=max(settings.default.max_examples // 12, 2))
"""For laws whose every example solves several games, or calls the conic solver: nested roots take long when checked."""
one = settings(max_examples=max(settings.default.max_examples // 40, 1))
"""For those that do so for every pair of a generator and a functional."""
small = st.integers(1, 4)

SUITED = [*(name for name in SEPARABLE if not name.startswith("SeparableSum")), "Quadratic", "SmoothSum"]
"""Functionals with slopes; an indicator has none, and other numerical conjugates would add time, not cases."""

family = pytest.mark.parametrize("make", GENERATORS.values(), ids=GENERATORS.keys())
BATCHED = ["Entropic", "Euclidean", "Power below 1", "Polynomial", "Scaled", "FromFunctional"]


@family
@pytest.mark.parametrize("name", ["NegativeEntropy", "SquaredDistance"])
@few
@given(seeds, sizes)
def test_weak_duality_and_best_responses(make, name, seed, n):
    rng = np.random.default_rng(seed)
    Phi = make(rng)
    game = random_game(make(rng), FUNCTIONALS[name], rng, n, Phi)
    pi, q = rng.dirichlet(np.ones(game.E.size)), inside(rng, n)
    u = game.dual_variable(q)
    scale = 1e-11 * max(1.0, float(game.objective(pi)), np.abs(u).max(), game.beta)
    payoff = game.payoff(pi, q)
    assert payoff <= game.objective(pi) + scale
    best = game.best_policy(q)
    least = game.payoff(best, q)
    assert least == pytest.approx(game.dual_value(u), abs=scale)
    assert game.gap(pi, q) == pytest.approx(game.objective(pi) - least, abs=scale)
    for other in (pi, 0.99 * best + 0.01 * pi):
        assert game.payoff(other, q) >= least - scale
    by_hand = game.beta * game.generator.divergence(pi, np.exp(game.log_pi_0)) + game.marginal(pi) @ u
    assert payoff == pytest.approx(by_hand - game.potential(q), abs=scale)
    np.testing.assert_allclose(u, game.sign * game.beta * Phi.gradient(q))


@family
@pytest.mark.parametrize("name", SUITED)
@one
@given(seeds, small)
def test_solutions_are_certified_and_beat_every_policy(make, name, seed, n):
    rng = np.random.default_rng(seed)
    game = random_game(make(rng), FUNCTIONALS[name], rng, n)
    solution = solve_bregman(game)
    assert solution.certificate.worst <= 1e-10
    np.testing.assert_allclose(game.marginal(solution.pi), solution.nu, atol=1e-12)
    assert solution.value == pytest.approx(float(game.objective(solution.pi)), rel=1e-12, abs=1e-12)
    for _ in range(5):
        pi = np.where(game.reachable_traces, rng.dirichlet(np.ones(game.E.size)) + 1e-300, 0.0)
        for other in (pi / pi.sum(), 0.99 * solution.pi + 0.01 * pi / pi.sum()):
            assert game.objective(other) >= solution.value - 1e-10 * max(1.0, abs(float(solution.value)))


@pytest.mark.parametrize("name", SUITED)
@few
@given(seeds, sizes)
def test_the_entropy_with_sign_minus_one_is_the_alignment_game(name, seed, n):
    rng = np.random.default_rng(seed)
    pi_0, E = random_reference(rng, n)
    R, beta = FUNCTIONALS[name](rng, n), 10 ** rng.uniform(-1, 2)
    game, known = BregmanGame(pi_0, E, R, beta), AlignmentGame(pi_0, E, R, beta)
    pi, q = np.where(known.reachable[E], rng.dirichlet(np.ones(E.size)), 0.0), inside(rng, n)
    pi /= pi.sum()
    scale = max(1.0, abs(float(known.objective(pi))), abs(float(known.potential(q))))
    close = {"rtol": 1e-11, "atol": 1e-11 * scale}
    np.testing.assert_allclose(game.objective(pi), known.objective(pi), **close)
    np.testing.assert_allclose(game.payoff(pi, q), known.payoff(pi, q), **close)
    np.testing.assert_allclose(game.potential(q), known.potential(q) - beta, **close)
    np.testing.assert_allclose(game.best_policy(q), known.best_policy(q), rtol=1e-9)
    np.testing.assert_allclose(game.gap(pi, q), known.gap(pi, q), **close)
    solution, expected = solve_bregman(game), solve(known)
    # Both are certified to 1e-10, relatively; nested roots and joint Newton steps come nearer.
    near = close if name in SEPARABLE else {"rtol": 0, "atol": 2e-10 * scale}
    np.testing.assert_allclose(solution.value, expected.value, **near)
    # Nested roots give the policy itself; descent stops at a gap, which by Pinsker bounds the policy by its root.
    near = 1e-6 if name in SEPARABLE else 2 * (2e-10 * max(1.0, abs(float(expected.value))) / beta) ** 0.5
    np.testing.assert_allclose(solution.pi, expected.pi, atol=near)
    assert solution.consistency.consistent
    if name in SEPARABLE and name not in {"LogScore", "KLFromPrior"}:  # whose slopes of 1e300 leave no digits
        np.testing.assert_allclose(solution.q, expected.q, atol=1e-5)


@pytest.mark.parametrize("sign", [1.0, -1.0, 0.4, -3.0])
@pytest.mark.parametrize("shift", [-1e-6, 0.0, 1e-6])
@few
@given(seeds, sizes)
def test_a_target_attains_the_value_iff_the_range_condition_holds(sign, shift, seed, n):
    """The condition is put just below, at and above its threshold by scaling the sign, which moves nothing else."""
    rng = np.random.default_rng(seed)
    make = [Euclidean, lambda: Power(1.5), lambda: Power(3.0)][seed % 3]
    F = [Euclidean(), Entropic()][seed % 2]
    n = n + 1
    pi_0, E = inside(rng, n + 2), np.append(np.arange(n), [0, 1])
    R = SquaredDistance(rng.dirichlet(np.ones(n)), weight=rng.uniform(0.5, 3.0))

    def game(s):
        return BregmanGame(pi_0, E, R, 0.7, generator=F, target_generator=make(), sign=s)

    required = float(solve_bregman(game(sign)).consistency.required)
    at = game(np.sign(sign) * required / 0.7 * (1 + shift))
    solution = solve_bregman(at)
    verdict = solution.consistency
    assert verdict.required == pytest.approx(required, rel=1e-9)
    assert verdict.consistent == (shift >= 0)
    expressed = np.asarray(at.dual_variable(verdict.q))
    assert verdict.q.sum() == pytest.approx(1)
    misses = np.ptp(expressed - verdict.u)
    value = at.dual_value(expressed)
    if shift >= 0:
        assert misses <= 1e-8 * max(1.0, np.ptp(verdict.u))
        assert value == pytest.approx(float(solution.value), abs=1e-10)
        scale = 1e-9 + 1e-9 * required
        assert at.dual_value(verdict.u) == pytest.approx(float(solution.value), abs=scale)
    else:
        assert misses >= 1e-9 * np.ptp(verdict.u)


@few
@given(seeds)
def test_on_two_answers_the_values_differ_iff_the_condition_fails(seed):
    """Both values of the restricted game from a grid that shares no code with the solver."""
    rng = np.random.default_rng(seed)
    a, p, beta = rng.uniform(0.5, 0.95), rng.uniform(0.05, 0.5), rng.uniform(0.2, 2.0)
    weight, entropic = rng.uniform(0.1, 4.0), rng.random() < 0.5
    F = Entropic() if entropic else Euclidean()
    R = SquaredDistance([p, 1 - p], weight)
    game = BregmanGame([a, 1 - a], [0, 1], R, beta, generator=F, target_generator=Euclidean(), sign=1.0)
    x = np.linspace(1e-6, 1 - 1e-6, 4001)[:, None]
    kl = x * np.log(x / a) + (1 - x) * np.log((1 - x) / (1 - a))
    cost = beta * (kl if entropic else (x - a) ** 2)
    closeness = weight * (x - p) ** 2
    d = beta * (2 * np.linspace(0, 1, 401) - 1)  # u_0 - u_1 of every target
    conjugate = (x * d - closeness).max(axis=0)
    payoff = cost + x * d - conjugate
    J, min_max, max_min = (cost + closeness).min(), payoff.max(axis=1).min(), payoff.min(axis=0).max()
    assert min_max == pytest.approx(max_min, abs=2e-3)
    solution = solve_bregman(game)
    assert solution.value == pytest.approx(J, abs=1e-5)
    required, available = float(solution.consistency.required), solution.consistency.available
    if required <= available:
        assert min_max == pytest.approx(J, abs=1e-4)
    elif required > 1.1 * available:
        assert min_max < J - 1e-4


ORACLE = [
    "Entropic",
    "Euclidean",
    "Power below 1",
    "Power between",
    "Power above 2",
    "Polynomial",
    "Polynomial flat at 0",
    "Scaled",
    "FromFunctional",
    "FromFunctional not steep",
]


@pytest.mark.parametrize("make", [GENERATORS[name] for name in ORACLE], ids=ORACLE)
@pytest.mark.parametrize("name", ["Linear", "Gini", "NegativeEntropy", "SquaredDistance"])
@one
@given(seeds)
def test_solutions_agree_with_the_game_stated_over_traces_for_a_conic_solver(make, name, seed):
    rng = np.random.default_rng(seed)
    n, F = int(rng.integers(1, 5)), make(rng)
    pi_0 = inside(rng, n + 3)
    E = np.concatenate([np.arange(n), rng.integers(0, n, size=3)])
    R = {
        "Linear": lambda: Linear(rng.normal(size=n)),
        "Gini": lambda: Gini(rng.uniform(0.1, 5)),
        "NegativeEntropy": lambda: NegativeEntropy(rng.uniform(0.1, 5)),
        "SquaredDistance": lambda: SquaredDistance(rng.dirichlet(np.ones(n)), rng.uniform(0.1, 5)),
    }[name]()
    game = BregmanGame(pi_0, E, R, 10 ** rng.uniform(-1, 1), generator=F)
    pi = cp.Variable(E.size)
    nu = (np.arange(n)[:, None] == E).astype(float) @ pi
    objective = R.conic_form(nu, cp) + game.beta * as_expression(F, pi, pi_0)
    problem = cp.Problem(cp.Minimize(objective), [cp.sum(pi) == 1, pi >= 0])
    oracle = solved(problem, pi)
    value = float(solve_bregman(game).value)
    assert value == pytest.approx(oracle, abs=1e-6 * max(1.0, abs(value)))


def twin(rng: np.random.Generator, w: float) -> tuple[Functional, Generator, float]:
    """Return a functional of weight w, and the generator that has its divergence after division by a factor."""
    order = float(rng.choice([rng.uniform(0.4, 0.9), rng.uniform(1.1, 4.0)]))
    known: list[tuple[Functional, Generator, float]] = [
        (NegativeEntropy(w), Entropic(), w),
        (Gini(w), Euclidean(), w),
        (Tsallis(order, w), Power(order), w * order),
        (w * Gini(0.5), Euclidean(), 0.5 * w),
    ]
    return known[rng.integers(len(known))]


@given(seeds, sizes)
def test_a_functional_and_its_generator_have_the_same_divergence(seed, n):
    rng = np.random.default_rng(seed)
    R, F, factor = twin(rng, 10 ** rng.uniform(-3, 3))
    p, q = inside(rng, n), inside(rng, n)
    D = as_generator(R, "generator", (), n).divergence(p, q)
    assert pytest.approx(factor * F.divergence(p, q), rel=1e-13) == D
    assert pytest.approx(R.value(p) - R.value(q) - R.gradient(q) @ (p - q), abs=1e-12 * max(1.0, factor)) == D
    assert FromFunctional(R).divergence(p, q) == pytest.approx(float(D), rel=1e-9, abs=1e-14 * max(1.0, factor))
    theta = R.gradient(q) + factor * rng.normal(size=n)
    best = as_generator(R, "generator", (), n).conjugate_gradient(theta)
    np.testing.assert_allclose(best, R.conjugate_gradient(theta), atol=1e-9)
    np.testing.assert_allclose(best, FromFunctional(R).conjugate_gradient(theta), atol=1e-9)


@few
@given(seeds, small)
def test_a_game_with_a_functional_as_its_generator_is_the_game_with_the_generator(seed, n):
    rng = np.random.default_rng(seed)
    R, F, factor = twin(rng, 10 ** rng.uniform(-1, 1))
    S, Phi, share = twin(rng, 10 ** rng.uniform(-1, 1))
    pi_0, E = inside(rng, n + 2), np.append(np.arange(n), rng.integers(0, n, size=2))
    goal, beta, sign = (
        SquaredDistance(rng.dirichlet(np.ones(n)), 2.0),
        10 ** rng.uniform(-1, 1),
        rng.choice([-1.0, 1.0]),
    )
    game = BregmanGame(pi_0, E, goal, beta, generator=R, target_generator=S, sign=float(sign))
    geometry = {"generator": F, "target_generator": Phi, "sign": float(sign * share / factor)}
    known = BregmanGame(pi_0, E, goal, beta * factor, **geometry)
    solution, expected = solve_bregman(game), solve_bregman(known)
    np.testing.assert_allclose(solution.pi, expected.pi, atol=1e-9)
    assert solution.value == pytest.approx(float(expected.value), rel=1e-10, abs=1e-12)
    condition, wanted = solution.consistency, expected.consistency
    # |s| beta is in units of Phi.
    assert condition.available * share == pytest.approx(wanted.available, rel=1e-12)
    assert condition.required * share == pytest.approx(float(wanted.required), rel=1e-6, abs=1e-9)
    assert condition.consistent == wanted.consistent
    np.testing.assert_allclose(condition.q, wanted.q, atol=1e-6)


@pytest.mark.parametrize("make", [GENERATORS[name] for name in BATCHED], ids=BATCHED)
@pytest.mark.parametrize("name", ["Linear", "NegativeEntropy", "SquaredDistance", "LogScore"])
@one
@given(seeds)
def test_prompts_of_a_batch_are_solved_as_if_alone(make, name, seed):
    rng = np.random.default_rng(seed)
    F, n = make(rng), 3
    R, E = FUNCTIONALS[name](rng, n), np.array([[0, 1, 2, 0, 1], [2, 1, 0, 0, 0], [0, 0, 1, 1, 2]])
    pi_0 = 0.9 * rng.dirichlet(np.ones(5), size=3) + 0.02
    batch = solve_bregman(BregmanGame(pi_0, E, R, 0.8, generator=F, target_generator=Euclidean(), sign=1.0))
    for x in range(3):
        game = BregmanGame(pi_0[x], E[x], R, 0.8, generator=F, target_generator=Euclidean(), sign=1.0)
        alone = solve_bregman(game)
        np.testing.assert_allclose(batch.pi[x], alone.pi, atol=1e-6)
        np.testing.assert_allclose(batch.value[x], alone.value, atol=1e-10 * max(1.0, abs(float(alone.value))))
        np.testing.assert_allclose(batch.consistency.required[x], alone.consistency.required, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", [Entropic, Euclidean, lambda: Power(1.5)])
@few
@given(seeds, sizes)
def test_mirror_descent_and_the_roots_agree(make, seed, n):
    rng = np.random.default_rng(seed)
    pi_0, E = inside(rng, n + 2), np.append(np.arange(n), rng.integers(0, n, size=2))
    game = BregmanGame(pi_0, E, SquaredDistance(rng.dirichlet(np.ones(n)), 2.0), 0.5, generator=make())
    slow, fast = solve_bregman(game, "mirror_descent"), solve_bregman(game, "newton")
    assert slow.method == "mirror_descent"
    assert slow.certificate.worst <= 1e-10
    assert slow.value == pytest.approx(float(fast.value), abs=1e-9)
    np.testing.assert_allclose(slow.pi, fast.pi, atol=1e-4)
    assert len(slow.history) == slow.iterations + 1
