"""Budgets and equalities by example: the edges of what can be met, multiples of constraints, and every method."""

import json
from collections.abc import Iterator
from time import perf_counter

import jaxtyping
import numpy as np
import pytest

import dagames.solvers.conic  # noqa: F401 - whose import takes longer than any solver here
from dagames import AlignmentGame, CoupledGame, DomainError, InfeasibleError, SolveError, solve, solve_coupled
from dagames.cli.result import as_result
from dagames.functionals import (
    Functional,
    Gini,
    KLToPrior,
    Linear,
    Point,
    Polytope,
    Quadratic,
    from_convex,
)
from dagames.functionals.algebra import mixture, multiple
from dagames.functionals.scaled import Scaled
from dagames.games.couplings import Budgets, Equalities, EqualRates
from dagames.solvers import METHODS, solve_dual_ascent
from dagames.solvers.best_response import solve_best_response
from dagames.solvers.closed_form import solve_closed_form
from dagames.solvers.constrained import solve_polytope
from dagames.solvers.newton import solve_newton
from tests.coupled_cases import complementarity

NU_0 = np.array([0.1, 0.4, 0.2, 0.3])
COSTS, BUDGETS = np.array([[0.0, 0.6, 0.9, 0.3], [0.5, 0.1, 0.0, 0.8]]), np.array([0.35, 0.5])
REWARDS = np.array([0.0, 1.0, 2.0, -0.5])
SOLVED = {"auto", "newton", "mirror_descent", "conic"}


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def game(R: Functional, beta: float = 0.5) -> AlignmentGame:
    return AlignmentGame(NU_0, range(4), R, beta)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rest", [None, Linear(REWARDS), Gini(1.5), Gini(1.0) + Linear(REWARDS)])
def test_every_method_solves_a_budget_or_names_one_that_does(rest, method):
    R = Polytope(COSTS, BUDGETS) if rest is None else rest + Polytope(COSTS, BUDGETS)
    begun = perf_counter()
    if method not in SOLVED:
        with pytest.raises(SolveError, match=f'{method} does not support the constraints.*Use "auto"') as error:
            solve(game(R), method)
        assert error.value.diagnosis == "unsuited"
    else:
        solution, best = solve(game(R), method), solve(game(R))
        assert solution.multipliers.size
        np.testing.assert_allclose(solution.value, best.value, atol=1e-6)
        np.testing.assert_allclose(solution.multipliers, best.multipliers, atol=1e-3)
        assert (solution.slack >= -1e-11).all()
    assert perf_counter() - begun < 2.0


@pytest.mark.parametrize("solver", [solve_closed_form, solve_newton, solve_best_response])
def test_solvers_refuse_constraints_at_once_when_called_by_name(solver):
    with pytest.raises(SolveError, match="does not support the constraints of a Polytope"):
        solver(game(Linear(REWARDS) + Polytope(COSTS, BUDGETS)))


@pytest.mark.parametrize(
    "rest",
    [Gini(1.5), KLToPrior([0.25] * 4, 0.7), Quadratic(np.diag([1.0, 2.0, 3.0, 4.0]) + 0.5), Linear(REWARDS)],
    ids=lambda R: type(R).__name__,
)
def test_multipliers_are_the_slope_of_the_value(rest):
    """d value / d b = -multiplier, by differences; the marginal answers slope and prices."""
    solution = solve_polytope(game(rest + Polytope(COSTS, BUDGETS)))
    for j in range(2):
        step = 1e-5 * np.eye(2)[j]
        up, down = (float(solve(game(rest + Polytope(COSTS, BUDGETS + s))).value) for s in (step, -step))
        assert (down - up) / 2e-5 == pytest.approx(solution.multipliers[j], abs=1e-6)
    tilt = NU_0 * np.exp(-(rest.gradient(solution.nu) + solution.multipliers @ COSTS) / 0.5)
    np.testing.assert_allclose(solution.nu, tilt / tilt.sum(), rtol=1e-9)
    assert complementarity(solution) <= 1e-10
    assert solution.iterations <= 9


def test_multipliers_are_in_the_costs_unit_where_other_rows_forbid_the_dearest_answers():
    costs = np.array([[0.0, 0.02, 1.0, 0.01], [0.0, 0.0, 1.0, 0.0]])
    solution = solve(game(Polytope(costs, [0.006, 0.0])))
    tilt = NU_0 * np.exp(-solution.multipliers[0] * costs[0] / 0.5) * (costs[1] == 0)
    np.testing.assert_allclose(solution.nu, tilt / tilt.sum(), rtol=1e-10)
    assert solution.multipliers[1] == np.inf
    assert costs[0] @ solution.nu == pytest.approx(0.006, abs=1e-15)


def test_each_prompt_of_a_batch_has_its_own_multipliers_beside_another_functional():
    limits = np.array([[0.35, 0.5], [0.25, 0.45]])
    R = Gini([1.0, 2.0]) + Polytope([COSTS, COSTS], limits)
    both = solve(AlignmentGame([NU_0, NU_0[::-1]], range(4), R, beta=0.5))
    assert both.multipliers.shape == both.slack.shape == (2, 2)
    for x, (nu_0, weight) in enumerate(((NU_0, 1.0), (NU_0[::-1], 2.0))):
        alone = solve(AlignmentGame(nu_0, range(4), Gini(weight) + Polytope(COSTS, limits[x]), beta=0.5))
        np.testing.assert_allclose(both.nu[x], alone.nu, atol=1e-10)
        np.testing.assert_allclose(both.multipliers[x], alone.multipliers, atol=1e-8)


def test_a_functional_with_kinks_is_solved_by_tangents_of_it_and_of_the_budgets():
    R = from_convex(lambda nu: np.abs(nu[..., 0] - 0.3), lambda nu: np.sign(nu[..., :1] - 0.3) * [1.0, 0, 0, 0])
    with pytest.raises(SolveError, match="has no Hessian"):
        solve(game(R + Polytope(COSTS, BUDGETS)), "newton")
    solution = solve(game(R + Polytope(COSTS, BUDGETS)))
    assert solution.method == "cutting_planes"
    assert solution.certificate.worst <= 1e-10
    assert (solution.slack >= -1e-11).all()
    for j in range(2):
        step = 1e-5 * np.eye(2)[j]
        up, down = (float(solve(game(R + Polytope(COSTS, BUDGETS + s))).value) for s in (step, -step))
        assert (down - up) / 2e-5 == pytest.approx(solution.multipliers[j], abs=1e-5)


@pytest.mark.parametrize("value", [0.1, 0.8])
def test_an_equality_beside_a_kink_binds_from_both_sides(value):
    """Without it the cost lies between the two values."""
    R = from_convex(lambda nu: np.abs(nu[..., 0] - 0.3), lambda nu: np.sign(nu[..., :1] - 0.3) * [1.0, 0, 0, 0])
    row = np.array([0.0, 1.0, 1.0, 0.0])
    free = float(solve(game(R)).nu @ row)
    solution = solve(game(R + Polytope(equalities=row, values=value)), "cutting_planes")
    assert solution.certificate.worst <= 1e-10
    assert float(solution.nu @ row) == pytest.approx(value, abs=1e-9)
    assert 0.1 < free < 0.8
    assert np.sign(solution.multipliers[0]) == np.sign(free - value)


@pytest.mark.parametrize("weight", [2.0, 0.5, [2.0, 3.0]])
def test_a_multiple_of_an_indicator_is_the_indicator(weight):
    polytope, point = Polytope(COSTS, BUDGETS), Point(1)
    assert multiple(polytope, weight) is polytope
    assert multiple(point, weight) is point
    assert multiple(Scaled(polytope, 3.0), weight) is polytope
    for bad in (-1.0, 0.0, np.inf):
        with pytest.raises(DomainError, match="`weight` must be finite and above 0"):
            bad * polytope


@pytest.mark.parametrize(
    ("scaled", "plain"),
    [
        (2 * Polytope(COSTS, BUDGETS), Polytope(COSTS, BUDGETS)),
        (Scaled(Polytope(COSTS, BUDGETS), 0.3), Polytope(COSTS, BUDGETS)),
        (0.5 * (Linear(REWARDS) + Polytope(COSTS, BUDGETS)), Linear(REWARDS / 2) + Polytope(COSTS, BUDGETS)),
        (Scaled(Gini(2.0) + Polytope(COSTS, BUDGETS), 0.5), Gini(1.0) + Polytope(COSTS, BUDGETS)),
        (mixture([Gini(2.0), Polytope(COSTS, BUDGETS)], [0.5, 0.5]), Gini(1.0) + Polytope(COSTS, BUDGETS)),
        (Gini(1.0) + Scaled(Polytope(COSTS, BUDGETS), 7.0), Gini(1.0) + Polytope(COSTS, BUDGETS)),
    ],
)
@pytest.mark.parametrize("method", ["auto", "conic"])
def test_multiples_of_constraints_are_solved_like_the_constraints(scaled, plain, method):
    found, wanted = solve(game(scaled), method), solve(game(plain))
    np.testing.assert_allclose(found.value, wanted.value, atol=1e-6)
    if method == "auto":
        np.testing.assert_allclose(found.nu, wanted.nu, atol=1e-12)
        np.testing.assert_allclose(found.multipliers, wanted.multipliers, atol=1e-9)


def test_parts_that_forbid_answers_in_turns_leave_what_all_allow():
    """The prior leaves answers 0 and 1; of these the budget allows 0 alone."""
    R = KLToPrior([0.5, 0.5, 0.0], 1.0) + Polytope([0.2, 0.5, 0.0], 0.2)
    solution = solve(AlignmentGame([0.3, 0.3, 0.4], range(3), R, beta=1.0))
    np.testing.assert_allclose(solution.nu, [1.0, 0.0, 0.0], atol=1e-15)


@pytest.mark.parametrize("rest", [None, Linear(REWARDS), Gini(1.0)])
def test_the_price_of_a_budget_that_forbids_answers_is_infinite(rest):
    """Not 0, which would say that it does not bind."""
    polytope = Polytope([[0.0, 0.5, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]], [0.0, 0.9])
    solution = solve(game(polytope if rest is None else rest + polytope))
    np.testing.assert_array_equal(solution.multipliers, [np.inf, 0.0])
    assert solution.slack[0] == 0
    assert solution.slack[1] > 0
    assert complementarity(solution) == 0
    text = json.dumps(as_result(solution, "x"), allow_nan=False)
    assert json.loads(text)["multipliers"] == ["infinity", 0.0]
    finite = solve(game(Polytope([0.0, 0.5, 1.0, 0.0], 1e-9)))
    assert 0 < finite.multipliers[0] < np.inf


def test_infinite_prices_of_equalities_have_a_sign_and_are_shared_by_batches():
    high = solve(AlignmentGame([0.5, 0.3, 0.2], range(3), Polytope(equalities=[0.0, 1.0, 1.0], values=1.0), beta=1.0))
    np.testing.assert_array_equal(high.multipliers, [-np.inf])
    np.testing.assert_allclose(high.nu, [0.0, 0.6, 0.4])
    low = solve(AlignmentGame([0.5, 0.3, 0.2], range(3), Polytope(equalities=[0.0, 1.0, 1.0], values=0.0), beta=1.0))
    np.testing.assert_array_equal(low.multipliers, [np.inf])
    prompts = AlignmentGame([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]], range(3), Linear([0.0, 1.0, 2.0]), beta=1.0)
    shared = CoupledGame(prompts, Budgets([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.0, 0.25]))
    for solution in (solve_coupled(shared), solve_dual_ascent(shared)):
        assert solution.multipliers[0] == np.inf
        assert 0 < solution.multipliers[1] < np.inf
        assert solution.slack[0] == 0
        assert complementarity(solution) <= 1e-10
    loose = solve_coupled(CoupledGame(prompts, Budgets([0.0, 1.0, 0.0], 0.9)))
    assert loose.multipliers[0] == 0
    assert loose.slack[0] == pytest.approx(0.9 - loose.nu[:, 1].mean())
    assert solve_coupled(CoupledGame(prompts, Equalities([0.0, 1.0, 1.0], 1.0))).multipliers[0] == -np.inf


def test_a_budget_just_below_the_least_cost_is_met_or_named_in_digits_that_differ():
    costs = np.array([0.3, 0.7, 1.0])
    for room in (-1e-13, -5e-17, 0.0, 5e-17, 1e-13):
        solution = solve(AlignmentGame([0.2, 0.3, 0.5], range(3), Polytope(costs, 0.3 + room), beta=1.0))
        np.testing.assert_allclose(solution.nu, [1.0, 0.0, 0.0], atol=1e-12)
    message = r"costs\[0\] <= 0.29999999999[0-9]*; the least reachable value is 0.3 .* are \[0.3\]\."
    with pytest.raises(InfeasibleError, match=message):
        AlignmentGame([0.2, 0.3, 0.5], range(3), Polytope(costs, 0.3 - 1e-11), beta=1.0)


def test_rows_that_contradict_each_other_by_rounding_are_met():
    costs = np.array([[0.1, 0.7, 1.0], [-0.1, -0.7, -1.0]])
    solution = solve(AlignmentGame([0.2, 0.3, 0.5], range(3), Polytope(costs, [0.4, -0.4 - 2e-13]), beta=1.0))
    assert costs[0] @ solution.nu == pytest.approx(0.4, abs=1e-12)
    assert solution.certificate.worst <= 1e-10


def test_infeasible_numbers_too_far_from_zero_are_explained():
    costs = 1e9 + np.array([0.3, 0.7, 1.0])
    with pytest.raises(InfeasibleError, match=r"a float64 spacing of 1e-07.*subtract a constant"):
        AlignmentGame([0.2, 0.3, 0.5], range(3), Polytope(costs, 1e9 + 0.2), beta=1.0)


def test_masses_of_1e_200_raise_no_signal():
    nu_0 = np.array([1e-200, 0.5, 0.5])
    polytope = Polytope([0.0, 1.0, 0.6], 0.5)
    with np.errstate(all="raise"):
        for R in (polytope, polytope + Linear([0.0, 1.0, 2.0]), polytope + Gini(1.0)):
            solution = solve(AlignmentGame(nu_0, range(3), R, beta=1.0))
            assert solution.nu[0] == pytest.approx(0.5 / 0.6 - 2 / 3, rel=1e-6) or solution.nu[0] > 0.1
            R.value(solution.nu)
            R.conjugate(np.array([0.0, 1.0, -np.inf]))


def test_equal_rates_do_not_depend_on_a_constant_in_the_costs():
    pi_0 = [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.3, 0.2, 0.5]]
    prompts = AlignmentGame(pi_0, range(3), Linear(np.zeros(3)), beta=1.0)
    plain, moved = (
        solve_coupled(CoupledGame(prompts, EqualRates(np.array([0.0, 0.5, 1.0]) + shift, list("abb")), [0.3, 0.3, 0.4]))
        for shift in (0.0, 2.0**30)
    )
    np.testing.assert_allclose(moved.nu, plain.nu, atol=1e-14)
    rates = plain.nu @ [0.0, 0.5, 1.0]
    assert rates[0] == pytest.approx((0.3 * rates[1] + 0.4 * rates[2]) / 0.7, abs=1e-13)
    assert 0.35 < rates[0] < 0.7  # between those of the references


def test_the_centre_of_a_face_is_feasible_with_room():
    for room in (1e-12, 1e-3, 0.2):
        polytope = Polytope([0.0, 0.5, 1.0], room)
        centre = polytope.face(np.ones(3, dtype=bool), ()).centre
        assert (centre > 0).all()
        assert polytope.rows(()).slack(centre)[0] == pytest.approx(room / 2)
        assert (polytope.into_domain(np.array([0.1, 0.2, 0.7])) @ [0.0, 0.5, 1.0]) <= room


@pytest.mark.parametrize("costs", [[0.0, 1e200], [0.0, 1e-200], [-1e300, 1e300]])
def test_costs_beyond_the_range_of_products_are_refused(costs):
    with pytest.raises(DomainError, match=r"`costs\[0\]` has numbers .* measure the row in another unit"):
        Polytope(costs, 0.5)


def test_a_vertex_is_corrected_to_rounding():
    """HiGHS keeps rows to 1e-10 only, as large as the room of some budgets."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        costs = rng.random((3, 5))
        budgets = costs[:, 0] + 1e-11 * rng.random(3)
        bound, nu = Polytope(costs, budgets).rows(()).support(rng.normal(size=(1, 5)))
        assert np.isfinite(bound)
        assert ((costs - costs[:, :1]) @ nu[0] - (budgets - costs[:, 0])).max() <= 1e-15
