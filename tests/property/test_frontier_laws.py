"""Laws of the frontier between bias and second moment."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagames.estimators import LOG, RewardTable, pareto_frontier, solve_aqp, solve_variance
from dagames.estimators.dual_bound import Measures, certified_lower_bound
from dagames.estimators.program import balls
from dagames.estimators.rewards import entropy, power

OBJECTIVES = ["second_moment", "variance"]
rewards = st.sampled_from([LOG, power(0.5), entropy(1.5)])
unit = st.floats(1e-3, 1.0)


@given(st.integers(1, 4), st.floats(1.0, 40.0), rewards, st.sampled_from(OBJECTIVES))
@settings(max_examples=10, deadline=None)
def test_solved_points_are_within_their_budget_and_proved(K, bias, reward, objective):
    solve = solve_aqp if objective == "second_moment" else solve_variance
    point = solve(K, bias, reward=reward)
    assert point.table.bias.upper <= point.budget
    assert point.objective.lower <= point.objective.upper
    assert point.gap <= 1e-6


@given(st.data(), st.integers(0, 4), rewards, st.sampled_from(OBJECTIVES))
@settings(max_examples=40, deadline=None)
def test_any_weights_bound_any_table(data, n, reward, objective):
    """Weak duality, away from the optimum, with weights and tables that nobody computed."""
    size = data.draw(st.integers(1, 4))
    numbers = st.lists(st.floats(-3.0, 3.0), min_size=size, max_size=size)
    points = data.draw(st.lists(unit, min_size=size, max_size=size, unique=True))
    mu = data.draw(st.lists(unit, min_size=size, max_size=size))
    c = np.array(data.draw(st.lists(st.floats(-4.0, 1.0), min_size=n + 1, max_size=n + 1)))
    table = RewardTable(n + 1, np.append(c[0], c), "self-inclusive", reward)
    budget = table.bias.upper
    value = (table.second_moment if objective == "second_moment" else table.excess).upper
    measures = Measures(points, balls(mu), points, balls(data.draw(numbers)))
    assert certified_lower_bound(n, budget, reward, objective, measures) <= max(value, 0.0)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("reward", ["log", "sqrt"])
def test_more_bias_never_costs_more(objective, reward):
    points = pareto_frontier(4, points=5, reward=reward, objective=objective)
    assert [p.budget for p in points] == sorted(p.budget for p in points)
    for near, far in pairwise(points):
        assert far.objective.lower <= near.objective.upper
        assert far.objective.upper <= near.objective.upper + 2e-6 * max(near.objective.upper, 1e-6)


def test_the_frontier_is_convex_in_the_budget():
    points = pareto_frontier(4, points=6, largest=20.0)
    for a, b, c in zip(points, points[1:], points[2:], strict=False):
        share = (b.budget - a.budget) / (c.budget - a.budget)
        between = (1 - share) * a.objective.upper + share * c.objective.upper
        assert b.objective.lower <= between


@given(st.floats(1.0, 20.0), st.integers(2, 4))
@settings(max_examples=4, deadline=None)
def test_a_larger_group_does_no_worse_with_the_same_bias(bias, K):
    small = solve_aqp(K, bias)
    large = solve_aqp(K + 1, small.budget, unit="absolute")
    assert large.objective.lower <= small.objective.upper
    assert large.objective.upper <= small.objective.upper * (1 + 1e-6) + 1e-12
