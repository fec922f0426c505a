"""The conic oracle's answers are believed only with their residuals."""

from functools import partial

import cvxpy as cp
import numpy as np
import pytest

from dagames import InfeasibleError, SolveError
from dagames.numerics import conic
from dagames.numerics.conic import kkt_residuals, solve_problem


def small_problem() -> tuple[cp.Problem, cp.Variable]:
    x = cp.Variable(3)
    objective = cp.sum(cp.kl_div(x, np.array([0.5, 0.3, 0.2]))) + cp.sum_squares(x) + cp.norm(x - 1)
    return cp.Problem(cp.Minimize(objective), [cp.sum(x) == 1, x >= 0.1]), x


def test_residuals_are_small_at_the_answer():
    problem, x = small_problem()
    assert solve_problem(problem).worst < 1e-8
    assert x.value.sum() == pytest.approx(1)


def test_an_infeasible_problem_is_said_to_be_so():
    x = cp.Variable()
    with pytest.raises(InfeasibleError):
        solve_problem(cp.Problem(cp.Minimize(x), [x >= 1, x <= 0]))


def test_an_unbounded_problem_is_no_answer():
    x = cp.Variable()
    with pytest.raises(SolveError, match="status"):
        solve_problem(cp.Problem(cp.Minimize(x)))


@pytest.mark.parametrize("part", ["x", "z", "s"])
@pytest.mark.parametrize("size", [1e-4, -1e-4])
def test_a_point_that_is_off_is_noticed(part, size):
    """Moving any part of the solver's point by 1e-4 shows in a residual."""
    problem, _ = small_problem()
    data, chain, _ = problem.get_problem_data(cp.CLARABEL, solver_opts={})
    raw = chain.solve_via_data(problem, data, warm_start=False, verbose=False, solver_opts={})
    point = {name: np.array(getattr(raw, name)) for name in "xzs"}
    assert kkt_residuals(data, **point).worst < 1e-6
    for i in range(point[part].size):
        moved = {name: value.copy() for name, value in point.items()}
        moved[part][i] += size
        assert kkt_residuals(data, **moved).worst > 1e-6, (part, i)


def test_an_answer_that_misses_the_conditions_is_refused(monkeypatch):
    problem, _ = small_problem()
    monkeypatch.setattr(conic._tolerances, "CONIC_RESIDUAL", 0.0)
    with pytest.raises(SolveError, match="but the optimality conditions have the residuals"):
        solve_problem(problem)


@pytest.mark.parametrize(
    ("outside", "member", "stranger"),
    [
        (conic._zero, [0.0, 0.0], [0.0, 1.0]),
        (conic._free, [5.0, -5.0], None),
        (conic._nonneg, [0.0, 2.0], [1.0, -1.0]),
        (conic._second_order, [5.0, 3.0, 4.0], [4.0, 3.0, 4.0]),
        (conic._exponential, [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]),
        (partial(conic._power, alpha=0.5), [4.0, 1.0, -2.0], [4.0, 1.0, -3.0]),
        (partial(conic._dual_power, alpha=0.25), [0.25, 0.75, 1.0], [0.25, 0.5, 1.0]),
    ],
)
def test_cones_from_both_sides(outside, member, stranger):
    assert outside(np.array(member)) == 0
    assert stranger is None or outside(np.array(stranger)) > 0.1


def test_the_dual_power_cone_is_the_dual():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0.01, 3, size=(2, 2000))
    members = np.stack([x, y, -(x**0.3) * y**0.7], axis=1)
    assert max(conic._power(s, 0.3) for s in members) < 1e-12
    inside, outside = np.array([0.3, 0.7, 1.0]), np.array([0.3, 0.65, 1.0])
    assert (members @ inside).min() >= -1e-12
    assert conic._dual_power(inside, 0.3) < 1e-12
    assert (members @ outside).min() < 0
    assert conic._dual_power(outside, 0.3) > 0.01


def test_the_dual_exponential_cone_is_the_dual():
    """<s, z> >= 0 for members of the cone and its dual, and a point outside the dual has a witness."""
    rng = np.random.default_rng(0)
    y = rng.uniform(0.1, 3, size=2000)
    x = rng.normal(size=2000)
    members = np.stack([x, y, y * np.exp(x / y)], axis=1)
    assert max(conic._exponential(s) for s in members) < 1e-12
    z_in, z_out = np.array([-1.0, 0.5, np.exp(-1.5)]), np.array([-1.0, 0.5, np.exp(-1.5) - 0.05])
    assert conic._dual_exponential(z_in) < 1e-12
    assert (members @ z_in).min() >= -1e-12
    assert conic._dual_exponential(z_out) > 0.01
    assert (members @ z_out).min() < 0
