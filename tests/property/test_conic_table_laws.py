"""Laws of the tables through cvxpy: they agree with the exchange method within their certificates, or are refused."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagames import DomainError, SolveError
from dagames._choices import as_choice
from dagames.estimators import (
    LOG,
    RewardTable,
    aqp_table,
    as_reward,
    minimax_table,
    solve_aqp,
    solve_variance,
    variance_table,
)
from dagames.estimators.best_polynomial import best_polynomial
from dagames.estimators.budgeted import Solved
from dagames.estimators.dual_bound import Measures
from dagames.estimators.frontier_point import as_objective, as_unit
from dagames.estimators.minimax import as_method
from dagames.estimators.program import balls
from dagames.estimators.reward_table import as_counts, as_precision

KINDS = ["independent", "self-inclusive", "centred"]
REWARDS = ["log", "sqrt", "power:-0.5", "entropy:1.5", "entropy:0.5"]
SOLVERS = {"second_moment": solve_aqp, "variance": solve_variance}
objectives = pytest.mark.parametrize("objective", list(SOLVERS))


@pytest.mark.parametrize("counts", KINDS)
@pytest.mark.parametrize("reward", [*REWARDS, "power:2"])
@pytest.mark.parametrize("K", [1, 2, 7])
def test_the_linear_program_agrees_with_the_exchange(K, reward, counts):
    on_grid = minimax_table(K, reward=reward, counts=counts, method="cvxpy")
    exact = minimax_table(K, reward=reward, counts=counts)
    assert on_grid.optimum == exact.optimum
    assert on_grid.optimum.lower <= on_grid.bias.upper <= 1.002 * exact.optimum.upper + 1e-11
    assert (on_grid.method, exact.method) == ("minimax, cvxpy", "minimax")
    assert RewardTable(K, on_grid.coefficients, counts, as_reward(reward)).bias == on_grid.bias


def test_a_reward_of_the_user_goes_through_cvxpy():
    def tamed(p):
        return np.log(p) / (1 + p)

    table = minimax_table(6, reward=tamed, method="cvxpy")
    assert table.optimum.lower <= table.bias.upper <= 1.002 * table.optimum.upper
    assert not minimax_table(3, reward=lambda p: 0 * p, method="cvxpy").bias.upper > 1e-12


@objectives
@given(st.sampled_from(KINDS), st.integers(1, 6), st.floats(1.02, 9.0), st.sampled_from(REWARDS))
@settings(max_examples=6)
def test_the_quadratic_program_agrees_with_the_exchange(objective, counts, K, bias, reward):
    """Both enclose the least objective; the table through cvxpy is within its budget, and its gap below 1 %."""
    solve = SOLVERS[objective]
    on_grid = solve(K, bias, reward=reward, counts=counts, method="cvxpy")
    exact = solve(K, bias, reward=reward, counts=counts)
    assert on_grid.table.bias.upper <= on_grid.budget == exact.budget
    assert on_grid.gap <= 1e-2
    slack = 1e-6 * exact.table.estimand.size.upper**2
    assert on_grid.objective.lower <= exact.objective.upper + slack
    assert exact.objective.lower <= on_grid.objective.upper + slack
    assert on_grid.objective.upper <= 1.01 * exact.objective.upper + slack


@pytest.mark.parametrize(("K", "held"), [(24, True), (36, False)])
def test_the_linear_program_is_certified_or_refused_where_float64_ends(K, held):
    if held:
        table = minimax_table(K, method="cvxpy")
        assert table.bias.upper <= 1.002 * table.optimum.lower
    else:
        with pytest.raises(
            SolveError, match=r'worst bias of .* least is .* float64 is not accurate enough. Use "exchange"'
        ):
            minimax_table(K, method="cvxpy")


@objectives
def test_the_quadratic_program_is_certified_or_refused_where_float64_ends(objective):
    solve = SOLVERS[objective]
    assert solve(16, 2.0, method="cvxpy").gap < 1e-2
    with pytest.raises(SolveError, match=r'float64.* Use "exchange"'):
        solve(24, 1.02, method="cvxpy")


def test_large_groups_are_refused_at_once():
    for call in (minimax_table, aqp_table, variance_table):
        with pytest.raises(SolveError, match=r'up to 64 other traces, not 199; .* Use "exchange"'):
            call(200, method="cvxpy")


@objectives
def test_a_budget_of_the_optimum_is_refused(objective):
    with pytest.raises(SolveError, match=r'least bias possible.* Use "exchange" instead of "cvxpy", or a larger'):
        SOLVERS[objective](6, 1.0, method="cvxpy")
    with pytest.raises(SolveError, match=r"budget 0 is the least bias possible"):
        SOLVERS[objective](6, 2.0, reward="power:2", method="cvxpy")


@objectives
def test_where_the_budget_allows_it_the_table_is_zero(objective):
    point = SOLVERS[objective](7, 0.37, unit="absolute", method="cvxpy")
    assert not point.table.coefficients.any()
    assert point.gap == 0.0


@pytest.mark.parametrize(
    ("read", "argument", "name", "message"),
    [
        (as_unit, "unit", "optimal", "optimum, absolute, not 'optimal'. Did you mean optimum?"),
        (
            as_counts,
            "counts",
            "centered",
            "self-inclusive, centred, independent, not 'centered'. Did you mean centred?",
        ),
        (as_precision, "precision", "float16", "float64, float32, bfloat16, not 'float16'. Did you mean bfloat16?"),
        (as_objective, "objective", "varience", "second_moment, variance, not 'varience'. Did you mean variance?"),
        (partial(as_method, degree=3), "method", "cvxpi", "exchange, cvxpy, not 'cvxpi'. Did you mean cvxpy?"),
        (partial(as_method, degree=3), "method", "", "exchange, cvxpy, not ''."),
        (partial(as_choice, name="x", known=("a", "b")), "x", None, "a, b, not None."),
    ],
)
def test_unknown_names_are_refused_with_the_list_and_the_nearest(read, argument, name, message):
    with pytest.raises(DomainError) as refused:
        read(name)
    assert str(refused.value) == f"`{argument}` must be one of {message}"


def test_known_names_are_read():
    assert [as_method(name, 3) for name in ("exchange", "cvxpy")] == ["exchange", "cvxpy"]
    assert as_choice("b", "x", ("a", "b")) == "b"


@objectives
def test_certificates_do_not_rely_on_the_solver(monkeypatch, objective):
    """Coefficients and multipliers that are wrong are refused, whatever the solver's status was."""
    from dagames.estimators import grid

    solve, honest = SOLVERS[objective], grid.within_budget

    def with_weights(change):
        def solved(*arguments):
            found = honest(*arguments)
            return Solved(found.coefficients, found.measures._replace(**change(found.measures)))

        return solved

    assert solve(6, 2.0, method="cvxpy").gap < 1e-2
    monkeypatch.setattr(grid, "within_budget", with_weights(lambda m: {"weights": -m.weights}))
    with pytest.raises(SolveError, match=r"the lower bound from its multipliers is"):
        solve(6, 2.0, method="cvxpy")
    monkeypatch.setattr(
        grid, "within_budget", lambda n, *_: Solved(np.zeros(n + 1) - 1, Measures([0.5], balls([1]), [0.5], balls([0])))
    )
    with pytest.raises(SolveError, match=r"worst (second moment|excess of variance) of"):
        solve(6, 2.0, method="cvxpy")


def test_a_linear_program_that_ends_early_is_refused(monkeypatch):
    from dagames.estimators import grid

    monkeypatch.setattr(grid, "least_bias", lambda n, *_: best_polynomial(n, LOG)[0] + 1e-4)
    with pytest.raises(SolveError, match=r"worst bias"):
        minimax_table(6, method="cvxpy")
    monkeypatch.undo()
    monkeypatch.setattr(grid, "solve_problem", _fails)
    with pytest.raises(SolveError, match=r"no solution in float64: no progress. Use"):
        minimax_table(6, method="cvxpy")
    with pytest.raises(SolveError, match=r"no solution in float64: no progress. Use"):
        aqp_table(6, method="cvxpy")


def _fails(problem):
    raise SolveError("no progress.", "rounding")


def test_cvxpy_is_loaded_when_it_is_chosen_and_not_before():
    code = (
        "import sys\nfrom dagames.estimators import aqp_table, minimax_table\n"
        "minimax_table(3), aqp_table(3)\nprint('cvxpy' in sys.modules)\n"
        "minimax_table(3, method='cvxpy')\nprint('cvxpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
