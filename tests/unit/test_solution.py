"""One kind of solution for every kind of game."""

import numpy as np
import pytest

from dagames import AlignmentGame, CoupledGame, solve, solve_coupled
from dagames.bregman import Euclidean
from dagames.functionals import Gini, Linear, Polytope
from dagames.games.bregman import BregmanGame
from dagames.games.couplings import Budgets
from dagames.simplex import pushforward
from dagames.solvers import Solution, solve_bregman, solve_log_linear, solve_restricted

PI_0, E = [0.7, 0.2, 0.1], [0, 1, 1]
GAME = AlignmentGame(PI_0, E, Gini(1.3), beta=0.7)
PROMPTS = AlignmentGame([PI_0, PI_0], E, Linear([0.0, 1.0]), beta=0.7)
EUCLIDEAN = BregmanGame(PI_0, E, Gini(1.3), 0.7, generator=Euclidean(), target_generator=Euclidean())

SOLUTIONS = {
    "one prompt": lambda: solve(GAME),
    "budget on answers": lambda: solve(AlignmentGame(PI_0, E, Gini(1.3) + Polytope([0.0, 1.0], 0.3), beta=0.7)),
    "budget over prompts": lambda: solve_coupled(CoupledGame(PROMPTS, Budgets([0.0, 1.0], 0.3))),
    "budget on traces": lambda: solve_restricted(GAME, Polytope([1.0, 0.0, 0.0], 0.3)),
    "log-linear": lambda: solve_log_linear(GAME, [[0.0], [1.0], [2.0]]),
    "Bregman": lambda: solve_bregman(EUCLIDEAN),
}
CONSTRAINED = {"budget on answers", "budget over prompts", "budget on traces"}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_policy_marginal_and_value_agree(name):
    solution = SOLUTIONS[name]()
    assert isinstance(solution, Solution)
    assert isinstance(solution.pi, np.ndarray)
    np.testing.assert_allclose(np.exp(solution.log_pi), solution.pi, rtol=1e-14)
    np.testing.assert_allclose(np.exp(pushforward(solution.log_pi, np.array(E), 2)), solution.nu, rtol=1e-12)
    np.testing.assert_allclose(solution.q.sum(axis=-1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(solution.value, solution.certificate.primal)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_multipliers_are_there_where_constraints_are(name):
    solution = SOLUTIONS[name]()
    assert solution.multipliers.shape == solution.slack.shape
    assert bool(solution.multipliers.size) == (name in CONSTRAINED)
    if name in CONSTRAINED:
        assert (solution.multipliers > 0).all()
        np.testing.assert_allclose(solution.slack, 0.0, atol=1e-9)
