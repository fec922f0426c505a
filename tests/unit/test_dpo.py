"""Direct preference optimisation: errors for undetermined scores and for cycles."""

from itertools import islice

import numpy as np
import pytest

from dagames import AlignmentGame, DomainError, SolveError
from dagames.functionals import NegativeEntropy
from dagames.grpo import bradley_terry, iterated_dpo_path, solve_dpo, solve_iterated_dpo

HALVES = [0.5, 0.5]


def test_a_single_trace_has_nothing_to_learn():
    solution = solve_dpo([1.0], [[0.0]], 1.0)
    assert (solution.log_pi, solution.scores, solution.error) == (0.0, 0.0, 0.0)


def test_traces_without_mass_are_left_out():
    wins = bradley_terry([0.0, 1.0, 5.0])
    solution = solve_dpo([0.5, 0.5, 0.0], wins, 1.0)
    np.testing.assert_allclose(np.exp(solution.log_pi), [1 / (1 + np.e), np.e / (1 + np.e), 0.0], atol=1e-12)
    np.testing.assert_allclose(solution.scores, [-0.5, 0.5, 0.0], atol=1e-12)


def test_certain_preferences_are_refused():
    with pytest.raises(DomainError, match=r"no chain of wins from the traces \[0\]"):
        solve_dpo(HALVES, [[0.0, 3.0], [0.0, 0.0]], 1.0)
    with pytest.raises(DomainError, match="does not determine the scores"):  # two pairs that were never compared
        solve_dpo(np.full(4, 0.25), np.kron(np.eye(2), np.ones((2, 2))), 1.0)
    with pytest.raises(SolveError, match="nearly certain"):
        solve_dpo(HALVES, bradley_terry([0.0, 500.0]), 1.0)


def test_far_apart_rewards_are_still_found():
    r = np.array([0.0, 12.0, 25.0])
    solution = solve_dpo(np.full(3, 1 / 3), bradley_terry(r), 1.0)
    np.testing.assert_allclose(solution.scores, r - r.mean(), atol=1e-9)
    assert solution.iterations < 40


def test_undamped_rounds_cycle_where_best_response_does():
    """Claim I.7 in DPO's clothes: two points for ever at weight = beta, apart above, together below."""
    start = np.array([0.8, 0.2])
    at = [
        play.nu for play in islice(iterated_dpo_path(AlignmentGame(start, [0, 1], NegativeEntropy(1.0), 1.0), 1.0), 7)
    ]
    np.testing.assert_allclose(at[5], [0.5, 0.5], atol=1e-9)
    np.testing.assert_allclose(at[6], start, atol=1e-9)
    with pytest.raises(SolveError):
        solve_iterated_dpo(AlignmentGame(start, [0, 1], NegativeEntropy(1.5), 1.0), 1.0)
    below = solve_iterated_dpo(AlignmentGame(start, [0, 1], NegativeEntropy(0.6), 1.0), 1.0)
    np.testing.assert_allclose(below.nu, start ** (1 / 1.6) / (start ** (1 / 1.6)).sum(), atol=1e-5)


def test_masses_below_the_least_number_are_followed():
    log_pi_0 = np.array([0.0, -900.0])
    game = AlignmentGame.from_log(log_pi_0, [0, 1], NegativeEntropy(0.01), beta=1.0)
    log_nu = next(islice(iterated_dpo_path(game), 1, None)).log_nu
    assert log_nu[1] == pytest.approx(-900 / 1.01, rel=1e-10)


def test_contradicting_comparisons_need_short_steps():
    """A cycle of lopsided pairs, on which Newton's method with full steps does not converge."""
    wins = np.array([
        [0, 1e-2, 1e-4, 1e-2, 1],
        [1, 0, 1e4, 1e-4, 1e-3],
        [0.1, 1e-2, 0, 1e-2, 1e-2],
        [1e4, 1, 1e4, 0, 0.1],
        [1e-3, 1, 0.1, 0.1, 0],
    ])
    solution = solve_dpo(np.full(5, 0.2), wins, 1.0)
    surprise = wins / (1 + np.exp(solution.scores[:, None] - solution.scores[None, :]))
    np.testing.assert_allclose(surprise.sum(axis=0), surprise.sum(axis=1), atol=1e-9)
    assert solution.error < 1e-10
