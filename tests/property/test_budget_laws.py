"""Linear constraints at their extremes: solved and certified, or refused by an error of this package, within seconds.

Every call runs with floating-point signals raised as errors, as a user may have set them.
"""

from collections.abc import Callable
from time import perf_counter

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dagames.solvers.conic  # noqa: F401 - whose import takes longer than any solver here
from dagames import AlignmentGame, CoupledGame, DagamesError, InfeasibleError, solve, solve_coupled
from dagames.functionals import Functional, Gini, KLToPrior, Linear, NegativeEntropy, Polytope
from dagames.games.couplings import AllOf, Budgets, Equalities, EqualRates
from dagames.solvers import METHODS, Solution
from tests.cases import seeds
from tests.coupled_cases import complementarity

few = settings(max_examples=max(settings.default.max_examples // 2, 5))
SECONDS = 5.0
"""Time that any method may take, with the checks of shapes that tests switch on."""

RESTS: dict[str, Callable[[np.random.Generator, int], Functional | None]] = {
    "nothing": lambda *_: None,
    "Linear": lambda rng, n: Linear(rng.normal(size=n)),
    "Gini": lambda *_: Gini(1.5),
    "NegativeEntropy": lambda *_: NegativeEntropy(0.7),
    "KLToPrior": lambda rng, n: KLToPrior(0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n, 0.5),
}
ROOM = (0.0, -1e-13, 1e-13, 1e-12, 1e-11, 1e-9, 1e-6, 1e-3, 0.3)
"""How far budgets lie above the costs of one answer, relative to the row's spread."""


def extreme_reference(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a reference, with a mass of 1e-300 or 0 now and then."""
    nu_0 = rng.dirichlet(np.ones(n))
    if n > 1 and rng.random() < 0.5:
        nu_0[rng.integers(n)] = rng.choice([0.0, 1e-300, 1e-200])
    return nu_0 / nu_0.sum()


def extreme_rows(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Draw costs [..., d, Z] of sizes 1e-9 to 1e9 far from 0, and budgets near the costs of answer 0."""
    unit, offset = 10.0 ** rng.choice([-9, 0, 9], size=(shape[-2], 1)), rng.choice([0.0, 1.0, 1e6, 1e9])
    costs = (rng.random(shape) + offset) * unit
    costs[..., rng.integers(shape[-2]), :] = costs[..., 0, :]
    budgets = costs[..., 0] + rng.choice(ROOM) * np.ptp(costs, axis=-1)
    return costs, budgets.reshape(-1, shape[-2]).mean(axis=0)


def check_by_hand(solution: Solution, rewards: np.ndarray, costs: np.ndarray, budgets: np.ndarray) -> None:
    """Check feasibility, value and dual bound of one prompt in fifty digits, from policy and multipliers alone."""
    game, nu = solution.game, [mp.mpf(float(p)) for p in solution.nu]
    with mp.workdps(50):
        beta, total = mp.mpf(float(game.beta)), mp.fsum(nu)
        # Exact differences, so that an offset costs nothing here.
        over = [[mp.mpf(float(c)) - mp.mpf(float(b)) for c in row] for row, b in zip(costs, budgets, strict=True)]
        for row, offsets in zip(costs, over, strict=True):
            spread = float(np.ptp(row)) or float(np.abs(row).max())
            assert mp.fsum(p * c for p, c in zip(nu, offsets, strict=True)) / total <= 1.01e-12 * spread
        finite = np.isfinite(solution.multipliers)
        used = [z for z in range(len(nu)) if game.reachable[z]]
        for offsets in (row for row, f in zip(over, finite, strict=True) if not f):
            if max(abs(offsets[z]) for z in used) > 1e-11 * max(map(abs, offsets)):
                return  # rows that forbid answers together: their finite parts are not reported
        logs = {z: mp.mpf(float(game.log_nu_0[z])) for z in used}
        prices = [mp.mpf(float(m)) if f else mp.mpf(0) for m, f in zip(solution.multipliers, finite, strict=True)]
        tilt = {z: rewards[z] - mp.fsum(p * row[z] for p, row in zip(prices, over, strict=True)) for z in used}
        dual = -beta * mp.log(mp.fsum(mp.exp(logs[z] + tilt[z] / beta) for z in used))
        divergence = beta * mp.fsum(nu[z] * (mp.mpf(float(solution.log_nu[z])) - logs[z]) for z in used if nu[z])
        primal = divergence - mp.fsum(nu[z] * rewards[z] for z in used)
        size = max(1, abs(divergence), abs(primal - divergence))
        rounding = 1e-11 * size + 1e-14 * beta
        assert abs(primal - mp.mpf(float(solution.value))) <= rounding, float(primal - mp.mpf(float(solution.value)))
        assert -rounding <= primal - dual <= 1.01e-6 * size
        if solution.method == "newton":
            assert primal - dual <= 1.01e-10 * size


@pytest.mark.parametrize("rest", RESTS)
@few
@given(seeds, st.integers(1, 5), st.integers(1, 4), st.sampled_from([1e-4, 1.0, 1e4]), st.sampled_from(sorted(METHODS)))
def test_extremes_are_solved_or_refused(rest, seed, n, d, beta, method):
    rng = np.random.default_rng(seed)
    nu_0, (costs, budgets), other = extreme_reference(rng, n), extreme_rows(rng, (d, n)), RESTS[rest](rng, n)
    begun = perf_counter()
    with np.errstate(all="raise"):
        try:
            R = Polytope(costs, budgets)
            game = AlignmentGame(nu_0, range(n), R if other is None else other + R, beta)
            solution = solve(game, method)
        except DagamesError:
            solution = None
        assert perf_counter() - begun < SECONDS
        if solution is None:
            return
        assert solution.multipliers.size
        assert (solution.multipliers >= 0).all()
        assert not np.isnan(solution.slack).any()
        assert complementarity(solution) <= 1e-6 * max(1.0, float(np.abs(solution.value)), beta)
    if rest in {"nothing", "Linear"}:
        check_by_hand(solution, np.zeros(n) if other is None else other.rewards, costs, budgets)


@pytest.mark.parametrize("rest", ["nothing", "Linear", "Gini"])
@few
@given(seeds, st.integers(2, 6), st.sampled_from(ROOM[2:]), st.sampled_from([0.0, 1e6, 1e9]))
def test_one_budget_of_any_room_is_solved(rest, seed, n, room, offset):
    """A single row is no hard problem: where it can be met, "auto" solves it."""
    rng = np.random.default_rng(seed)
    nu_0, costs = rng.dirichlet(np.ones(n)), rng.random(n) + offset
    budget, other = costs.min() + room * np.ptp(costs), RESTS[rest](rng, n)
    R = Polytope(costs, budget)
    solution = solve(AlignmentGame(nu_0, range(n), R if other is None else other + R, beta=1.0))
    assert solution.certificate.worst <= 1e-10
    if rest != "Gini":
        check_by_hand(solution, np.zeros(n) if other is None else other.rewards, costs[None], np.array([budget]))


@given(seeds, st.integers(1, 5), st.integers(1, 4), st.sampled_from([0.0, 1e6, 1e9]))
def test_the_nearest_budgets_are_feasible_as_they_are_printed(seed, n, d, offset):
    rng = np.random.default_rng(seed)
    nu_0, costs = rng.dirichlet(np.ones(n)), rng.random((d, n)) + offset
    wished = costs.min(axis=1) - 10.0 ** rng.uniform(-11, 0, size=d) + rng.random(d) * (rng.random(d) < 0.5)
    try:
        AlignmentGame(nu_0, range(n), Polytope(costs, wished), beta=1.0)
    except InfeasibleError as error:
        listed = str(error).split("nearest feasible budgets are [")[1].split("]")[0]
        printed = np.array([float(number) for number in listed.split(",")])
        np.testing.assert_array_equal(printed, error.nearest)
        assert (printed >= wished).all()
        game = AlignmentGame(nu_0, range(n), Polytope(costs, printed), beta=1.0)
        assert solve(game).certificate.worst <= 1e-10


@few
@given(seeds, st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.sampled_from([0.0, 1e6, 1e9]))
def test_the_nearest_shared_budgets_are_feasible(seed, X, n, d, offset):
    """They are rounded away from the wish: averages over prompts round as well."""
    rng = np.random.default_rng(seed)
    costs, shares = rng.random((X, d, n)) + offset, rng.dirichlet(np.ones(X) * 3)
    wished = shares @ costs.min(axis=-1) - 10.0 ** rng.uniform(-6, 0, size=d) + rng.random(d) * (rng.random(d) < 0.5)
    prompts = AlignmentGame(np.full((X, n), 1 / n), range(n), Linear(np.zeros(n)), beta=1.0)
    try:
        CoupledGame(prompts, Budgets(costs, wished), shares)
    except InfeasibleError as error:
        game = CoupledGame(prompts, Budgets(costs, error.nearest), shares)
        assert solve_coupled(game).certificate.worst <= 1e-10


@given(seeds, st.integers(2, 5), st.integers(1, 3), st.sampled_from([2.0**20, -(2.0**30), 2.0**30]))
def test_a_constant_in_costs_and_budgets_changes_nothing(seed, n, d, offset):
    """Costs in steps of 2^-20, which the sum with the offset keeps."""
    rng = np.random.default_rng(seed)
    costs, nu_0, rewards = rng.integers(0, 2**20, size=(d, n)) / 2**20, rng.dirichlet(np.ones(n)), rng.normal(size=n)
    budgets = np.floor((costs @ rng.dirichlet(np.ones(n)) + 0.01) * 2**20) / 2**20
    plain, moved = (
        solve(AlignmentGame(nu_0, range(n), Linear(rewards) + Polytope(costs + shift, budgets + shift), beta=0.5))
        for shift in (0.0, offset)
    )
    np.testing.assert_allclose(moved.nu, plain.nu, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(moved.multipliers, plain.multipliers, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(moved.slack, plain.slack, atol=1e-14)


COUPLINGS: dict[str, Callable] = {
    "Budgets": Budgets,
    "Equalities": Equalities,
    "EqualRates": lambda costs, _: EqualRates(costs, np.arange(len(costs))),
    "AllOf": lambda costs, budgets: AllOf(EqualRates(costs[:, :1], np.arange(len(costs))), Budgets(costs, budgets)),
}


@pytest.mark.parametrize("make", COUPLINGS.values(), ids=COUPLINGS.keys())
@few
@given(seeds, st.integers(2, 3), st.integers(1, 4), st.integers(1, 6), st.sampled_from([1e-4, 1.0, 1e4]))
def test_shared_constraints_at_their_extremes_are_solved_or_refused(make, seed, X, n, d, beta):
    rng = np.random.default_rng(seed)
    pi_0 = np.stack([extreme_reference(rng, n) for _ in range(X)])
    costs, budgets = extreme_rows(rng, (X, d, n))
    begun = perf_counter()
    with np.errstate(all="raise"):
        try:
            prompts = AlignmentGame(pi_0, range(n), Linear(rng.normal(size=(X, n))), beta)
            game = CoupledGame(prompts, make(costs, budgets))
            solution = solve_coupled(game)
        except DagamesError:
            solution = None
        assert perf_counter() - begun < SECONDS
        if solution is not None:
            assert solution.certificate.worst <= 1e-10
            assert solution.certificate.residuals["feasibility"] <= 1e-12
            assert not np.isnan(solution.multipliers).any()
            assert complementarity(solution) <= 1e-9 * max(1.0, float(np.abs(solution.value)), beta)
