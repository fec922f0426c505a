"""Tables of least second moment, or variance, within a bias budget."""

import importlib
import io
import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from rich.console import Console

from dagames import DomainError, SolveError
from dagames._errors import CertificateError
from dagames.cli.pareto_trace import Trace
from dagames.estimators import (
    LOG,
    Reward,
    aqp_table,
    budgeted,
    minimax_table,
    pareto_frontier,
    power,
    solve_aqp,
    solve_variance,
    variance_table,
)
from dagames.estimators.bernstein import as_rationals
from dagames.estimators.best_polynomial import best_exactly, best_polynomial
from dagames.estimators.budgeted import _rounded
from dagames.estimators.dual_bound import Measures, certified_lower_bound
from dagames.estimators.estimand import certified_bias
from dagames.estimators.frontier_point import as_budget, as_objective, frontier_point
from dagames.estimators.gram import Gram, entries
from dagames.estimators.grid import within_budget
from dagames.estimators.interior_point import Start, interior_point
from dagames.estimators.program import balls, program
from dagames.estimators.supremum import Interval

SOLVERS = {"second_moment": solve_aqp, "variance": solve_variance}
GAP = 1e-6


@pytest.fixture(params=["second_moment", "variance"])
def objective(request):
    return request.param


@pytest.mark.parametrize("bias", [1.0, 1 + 1e-8, 1.001, 1.5, 50.0])
def test_every_budget_is_solved_and_proved(objective, bias):
    point = SOLVERS[objective](6, bias)
    assert point.table.bias.upper <= point.budget <= bias * point.table.optimum.upper * (1 + 1e-12)
    assert 0 <= point.objective.lower <= point.objective.upper
    assert point.gap <= GAP


@pytest.mark.parametrize(("objective", "bias"), [("second_moment", 1.0), ("variance", 1.01), ("variance", 10.0)])
def test_a_group_of_sixteen_is_proved(objective, bias):
    assert SOLVERS[objective](16, bias).gap <= GAP


@pytest.mark.parametrize("reward", ["sqrt", "entropy:1.5", "power:-0.7"])
@pytest.mark.parametrize("bias", [1.0, 3.0])
def test_other_rewards_are_proved(objective, reward, bias):
    point = SOLVERS[objective](4, bias, reward=reward, counts="independent")
    assert point.table.bias.upper <= point.budget
    assert point.gap <= GAP


def test_at_the_optimum_the_table_is_the_minimax_one(objective):
    for counts in ("self-inclusive", "independent"):
        table = SOLVERS[objective](7, 1.0, counts=counts).table
        np.testing.assert_array_equal(table.coefficients, minimax_table(7, counts=counts).coefficients)


def test_where_nothing_is_asked_the_table_is_zero(objective):
    point = SOLVERS[objective](7, 0.37, unit="absolute")
    assert not point.table.coefficients.any()
    assert point.objective == (0.0, 0.0)
    assert point.gap == 0.0
    assert SOLVERS[objective](7, 0.3678, unit="absolute").objective.upper < 1e-6


def test_an_excess_that_can_be_nothing_is_found_to_be(objective):
    point = solve_variance(8, 20.0)
    assert point.objective.lower == 0
    assert point.objective.upper < 1e-9
    assert point.table.coefficients.any()


def test_one_trace():
    lone = solve_aqp(1, 1.2)
    # With n = 0 the table is a constant c, |c| least such that p (c - log p), at most exp(c - 1), is in the budget.
    assert lone.budget < np.exp(-1)
    c = 1 + np.log(lone.budget)
    assert lone.table.coefficients[1] == pytest.approx(c, abs=1e-7)
    assert solve_aqp(1, 1.0).gap <= GAP
    assert solve_aqp(1, 2.0, counts="independent").gap <= GAP


def test_self_inclusive_is_independent_of_one_less_and_shifted(objective):
    inclusive, other = SOLVERS[objective](6, 3.0), SOLVERS[objective](5, 3.0, counts="independent")
    np.testing.assert_array_equal(inclusive.table.coefficients[1:], other.table.coefficients)
    assert inclusive.table.coefficients[0] == inclusive.table.coefficients[1]
    assert inclusive.objective == other.objective


def test_units_agree():
    relative = solve_aqp(5, 2.0)
    absolute = solve_aqp(5, 2.0 * relative.table.optimum.upper, unit="absolute")
    np.testing.assert_array_equal(relative.table.coefficients, absolute.table.coefficients)


def test_tables_are_those_of_the_points():
    np.testing.assert_array_equal(aqp_table(2).coefficients, solve_aqp(2, 2.0).table.coefficients)
    np.testing.assert_array_equal(variance_table(2).coefficients, solve_variance(2, 2.0).table.coefficients)
    assert (aqp_table(2).method, variance_table(2).method) == ("aqp", "variance")


def test_a_coarse_grid_is_refused():
    with pytest.raises(SolveError, match=r'above the budget, .* Use "exchange"'):
        within_budget(7, 1.05 * minimax_table(8).optimum.upper, LOG, "second_moment", points=12)
    with pytest.raises(DomainError, match="`points`"):
        within_budget(7, 0.1, LOG, "second_moment", points=3)


def test_of_two_objectives_each_table_is_best_at_its_own():
    square, excess = aqp_table(6, bias=5.0), variance_table(6, bias=5.0)
    assert square.second_moment.upper < excess.second_moment.lower
    assert excess.excess.upper < square.excess.lower
    assert excess.variance.upper < square.variance.lower


def test_a_polynomial_reward_is_met_exactly():
    point = solve_aqp(4, 1e-6, unit="absolute", reward=power(2.0))
    assert point.table.bias.upper <= 1e-6
    # sup over p of E c_X^2 is at p = 1, where the count is K and the reward 1.
    assert point.objective.upper == pytest.approx(1.0, abs=1e-5)


def test_a_reward_that_is_nothing_needs_no_table():
    nothing = Reward("nothing", {(Fraction(0), 0): Fraction(0)})
    assert not aqp_table(3, bias=0.1, unit="absolute", reward=nothing).coefficients.any()


def test_a_budget_below_the_optimum_names_it(objective):
    optimum = minimax_table(8).optimum
    with pytest.raises(DomainError, match=f"{optimum.upper:.6g}"):
        SOLVERS[objective](8, 0.99)
    with pytest.raises(DomainError, match="below the optimum"):
        SOLVERS[objective](8, 0.5 * optimum.lower, unit="absolute")


@pytest.mark.parametrize("bias", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_must_be_a_number_above_zero(bias):
    with pytest.raises(DomainError, match="`bias` must be"):
        aqp_table(4, bias=bias)


def test_other_bad_input():
    with pytest.raises(DomainError, match="`unit`"):
        as_budget(2.0, "nats", Interval(0.1, 0.1))
    with pytest.raises(DomainError, match="`K`"):
        aqp_table(0)
    with pytest.raises(DomainError, match="no reward"):
        aqp_table(4, reward="lag")
    with pytest.raises(DomainError, match="`objective`"):
        as_objective("bias")
    with pytest.raises(DomainError, match="`points`"):
        pareto_frontier(4, points=1)
    with pytest.raises(DomainError, match="`least`"):
        pareto_frontier(4, points=2, least=0.5)


def test_what_float64_does_not_hold_is_refused():
    with pytest.raises(SolveError, match="beyond float64"):
        aqp_table(64, bias=1.0)


def test_a_negative_weight_bounds_nothing():
    bad = Measures([0.0, 0.5], balls([1.0, -0.1]), [0.5], balls([1.0]))
    with pytest.raises(CertificateError):
        certified_lower_bound(2, 0.1, LOG, "second_moment", bad)


def test_rounding_errors_of_neighbours_cancel():
    """At the least bias of 31 traces entries reach 1e6; their rounding must not stay in the bias as it is."""
    optimum = best_polynomial(31, LOG)[1].upper
    with ctx.workprec(400):
        exact = balls(best_exactly(31, LOG)[1])
        shaped = _rounded(exact)
    plain = exact.astype(np.float64)
    lost, lost_plainly = (certified_bias(as_rationals(c), LOG).upper - optimum for c in (shaped, plain))
    assert 0 <= lost < 0.4 * lost_plainly


@pytest.mark.parametrize("objective", ["second_moment", "variance"])
@pytest.mark.parametrize("n", [0, 1, 6])
def test_gram_matrices_are_products_of_the_bases(objective, n):
    stated = program(n, LOG, objective, [0.01, 0.3, 0.7, 1.0], [0.0, 0.2, 0.9])
    gram, weights = Gram(stated), (balls([2.0, 1e-9, 3.0, 1e4]), balls([1e-5, 0.5, 7.0]))
    for a, d, found in (
        (stated.E, weights[0], gram.errors(weights[0])),
        (stated.A, weights[1], gram.moments(weights[1])),
    ):
        rows = entries(a).astype(np.float64)
        np.testing.assert_allclose(
            found.astype(np.float64), rows.T @ (d.astype(np.float64)[:, None] * rows), rtol=1e-12
        )


def test_a_known_solution_shortens_the_search(monkeypatch):
    """From the multipliers of the solution few steps remain, and they lead to the same value."""
    solved = solve_aqp(6, 2.0)
    with ctx.workprec(200):
        c = balls(solved.table.coefficients[1:])
        points = np.sin(0.5 * np.pi * np.arange(1, 25) / 24) ** 2
        stated = program(5, LOG, "second_moment", points.tolist(), [0.0, *points.tolist()])
        cold = interior_point(stated, arb(solved.budget), Start(c), 1e-9)
        module = importlib.import_module("dagames.estimators.interior_point")
        # What misleads for as many steps as it is given is left alone.
        monkeypatch.setattr(module, "_STEPS_NEAR", 3)
        misled = interior_point(stated, arb(solved.budget), Start(c, 1e-8, cold.mu[::-1], -cold.weights), 1e-9)
        monkeypatch.setattr(module, "_STEPS_NEAR", 8)
        monkeypatch.setattr(module, "_STEPS", 8)
        warm = interior_point(stated, arb(solved.budget), Start(cold.c, 1e-8, cold.mu, cold.weights), 1e-9)
        with pytest.raises(SolveError, match="stopped after 8 steps"):
            interior_point(stated, arb(solved.budget), Start(c), 1e-9)
    assert float(misled.value) == float(cold.value)
    assert float(warm.value) == pytest.approx(float(cold.value), rel=1e-8)


def test_what_float64_does_not_hold_is_refused_before_it_is_solved(monkeypatch):
    monkeypatch.setattr(budgeted, "_ROUNDS", 1)
    with pytest.raises(SolveError, match=r"1.001 times the optimum .* larger budget"):
        solve_aqp(52, 1.001)


def test_a_frontier_begins_where_float64_holds_a_table(monkeypatch):
    module = importlib.import_module("dagames.estimators.frontier")
    solve, budgets = module.frontier_point, []

    def from_two_on(K, bias, *rest):
        budgets.append(bias)
        if bias < 1.2:
            raise SolveError("beyond float64", "rounding")
        return solve(K, bias, *rest)

    monkeypatch.setattr(module, "frontier_point", from_two_on)
    points = pareto_frontier(2, points=2)
    assert budgets == [1.0, 1.05, 1.1, 1.2, 50.0]
    assert [p.budget / p.optimum.upper for p in points] == pytest.approx([1.2, 50.0])
    with pytest.raises(SolveError, match=r"within any of the budgets tried, 1 to 1.1 optima. The last error: beyond"):
        pareto_frontier(2, points=2, largest=1.2)


def test_a_point_that_fails_loses_no_other(monkeypatch):
    def all_but_one(K, bias, *rest):
        if 2 < bias < 5:
            raise SolveError("beyond float64", "rounding")
        return frontier_point(K, bias, *rest)

    monkeypatch.setattr("dagames.cli.pareto_trace.frontier_point", all_but_one)
    trace, console = Trace(2, LOG, "self-inclusive"), Console(file=io.StringIO())
    trace.run(["second_moment"], 3, 1.5, 10.0, console)
    assert [p.budget / p.optimum.upper for p in trace.frontiers["second_moment"]] == pytest.approx([1.5, 10.0])
    assert trace.failures == ["second_moment at 3.87298 optima: beyond float64"]
    shown = console.file.getvalue().splitlines()
    assert shown[1].startswith("2/3 failed: second_moment at 3.87298 optima: beyond float64; ")
    monkeypatch.setattr("dagames.cli.pareto_trace.first_point", all_but_one)
    with pytest.raises(DomainError, match="`least`"):
        trace.run(["second_moment"], 3, math.nan, 10.0, console)
