"""`solve` takes every kind of game, and refuses what does not go together."""

from collections.abc import Iterator

import jaxtyping
import numpy as np
import pytest

from dagames import AlignmentGame, CoupledGame, DomainError, solve
from dagames.functionals import Gini, Polytope
from dagames.games.couplings import Budgets
from dagames.solvers import (
    BestResponse,
    DualAscent,
    LogLinear,
    LogLinearSolution,
    MirrorDescent,
    NoRegret,
    solve_bregman,
    solve_coupled,
    solve_dual_ascent,
    solve_log_linear,
    solve_no_regret,
    solve_restricted,
)
from dagames.solvers.best_response import solve_best_response
from dagames.solvers.mirror_descent import solve_mirror_descent
from dagames.solvers.solution import BregmanSolution
from tests.unit.test_solution import EUCLIDEAN, GAME, PROMPTS

COUPLED = CoupledGame(PROMPTS, Budgets([0.0, 1.0], 0.3))
TRACES = Polytope([1.0, 0.0, 0.0], 0.3)
BUDGETED = AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0) + Polytope([0.0, 1.0], 0.3), beta=0.7)
FEATURES = [[0.0], [1.0], [2.0]]


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


PAIRS = {
    "coupled": (lambda: solve(COUPLED), lambda: solve_coupled(COUPLED)),
    "coupled, by name": (lambda: solve(COUPLED, "dual_ascent"), lambda: solve_coupled(COUPLED, "dual_ascent")),
    "Bregman": (lambda: solve(EUCLIDEAN), lambda: solve_bregman(EUCLIDEAN)),
    "budget on traces": (lambda: solve(GAME, policies=TRACES), lambda: solve_restricted(GAME, TRACES)),
    "log-linear": (lambda: solve(GAME, policies=LogLinear(FEATURES)), lambda: solve_log_linear(GAME, FEATURES)),
    "log-linear from a start": (
        lambda: solve(GAME, policies=LogLinear(FEATURES, start=[0.5])),
        lambda: solve_log_linear(GAME, FEATURES, start=[0.5]),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_one_function_solves_every_kind_of_game(name):
    found, direct = (run() for run in PAIRS[name])
    assert (type(found), found.method, found.iterations) == (type(direct), direct.method, direct.iterations)
    np.testing.assert_array_equal(found.pi, direct.pi)
    np.testing.assert_array_equal(found.certificate.gap, direct.certificate.gap)


def test_kinds_of_solutions():
    assert isinstance(solve(EUCLIDEAN), BregmanSolution)
    assert isinstance(solve(GAME, policies=LogLinear(FEATURES)), LogLinearSolution)


def test_tolerance_and_steps_reach_the_solver():
    for game in (COUPLED, EUCLIDEAN, GAME):
        with pytest.raises(DomainError, match="tolerance"):
            solve(game, tolerance=-1.0)
        with pytest.raises(DomainError, match="max_iterations"):
            solve(game, max_iterations=-1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: solve([0.5, 0.5]), "must be an AlignmentGame, not list"),
        (lambda: solve(GAME, "newtonn"), "`method` must be one of auto"),
        (lambda: solve(COUPLED, "newton"), "`method` must be one of auto, dual_ascent"),
        (lambda: solve(EUCLIDEAN, "conic"), "`method` must be one of auto, newton, mirror_descent"),
        (lambda: solve(GAME, "newton", policies=TRACES), '`method` must be "auto" where `policies` is given'),
        (lambda: solve(COUPLED, policies=TRACES), "restricts the policy of an AlignmentGame, not of a CoupledGame"),
        (lambda: solve(GAME, policies=[1.0]), "must be a Polytope over the traces or LogLinear"),
        (lambda: solve(GAME, policies=LogLinear(FEATURES), tolerance=1e-6), "`tolerance` bounds the gap to the best"),
    ],
)
def test_what_does_not_go_together_is_refused(call, message):
    with pytest.raises(DomainError, match=message):
        call()


def test_a_ragged_batch_is_solved():
    game = AlignmentGame.ragged([[0.5, 0.5], [0.25, 0.25, 0.5]], [[0, 1], [0, 1, 1]], GAME.functional, beta=0.7)
    assert [len(row) for row in solve(game).pi] == [2, 3]


@pytest.mark.parametrize(
    ("game", "method", "direct"),
    [
        (GAME, BestResponse(damping=0.5), lambda: solve_best_response(GAME, damping=0.5)),
        (GAME, BestResponse(damping="auto"), lambda: solve(GAME, "damped_response")),
        (GAME, MirrorDescent(), lambda: solve(GAME, "mirror_descent")),
        (GAME, MirrorDescent(line_search=False), lambda: solve_mirror_descent(GAME, line_search=False)),
        (GAME, NoRegret(policy="optimistic"), lambda: solve_no_regret(GAME, policy="optimistic")),
        (COUPLED, DualAscent(step=0.1), lambda: solve_dual_ascent(COUPLED, step=0.1)),
        (EUCLIDEAN, MirrorDescent(), lambda: solve_bregman(EUCLIDEAN, "mirror_descent")),
    ],
)
def test_a_method_with_options_is_the_function_with_them(game, method, direct):
    found, expected = solve(game, method), direct()
    assert (found.method, found.iterations) == (expected.method, expected.iterations)
    np.testing.assert_array_equal(found.log_nu, expected.log_nu)


def test_options_change_the_path():
    assert solve(GAME, BestResponse(damping=0.5)).iterations != solve(GAME, BestResponse(damping=0.25)).iterations


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: solve(GAME, DualAscent()), "`method` must be one of auto"),
        (lambda: solve(COUPLED, BestResponse()), "`method` must be one of auto, dual_ascent"),
        (lambda: solve(EUCLIDEAN, MirrorDescent(line_search=False)), "mirror_descent has no options in a Bregman game"),
        (lambda: solve(GAME, BestResponse(damping=2.0)), "`damping` must be"),
        (lambda: solve(GAME, 3), "`method` must be a name or an object"),
        (lambda: solve(BUDGETED, MirrorDescent(line_search=False)), "has no options beside a Polytope"),
        (lambda: solve(GAME, BestResponse(), policies=TRACES), '`method` must be "auto" where `policies` is given'),
    ],
)
def test_a_method_that_does_not_suit_the_game_is_refused(call, message):
    with pytest.raises(DomainError, match=message):
        call()
