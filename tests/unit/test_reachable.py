"""Which answers a game can reach: those with traces that the functional and the coupling allow, prompt by prompt."""

import numpy as np
import pytest

from dagames import AlignmentGame, CoupledGame, InfeasibleError
from dagames.functionals import ChiSquare, Gini, KLFromPrior, KLToPrior, Linear, LogScore, Point, Polytope
from dagames.games.couplings import Coherence, Equalities

PI_0 = [0.2, 0.3, 0.5]


def game(R, pi_0=PI_0, n_answers=3):
    return AlignmentGame(pi_0, range(len(np.transpose(pi_0))), R, beta=1.0, n_answers=n_answers)


@pytest.mark.parametrize("R", [KLToPrior([0.0, 0.4, 0.6]), ChiSquare([0.0, 0.4, 0.6]), Polytope([1.0, 0.0, 0.0], 0.0)])
def test_what_a_functional_forbids_is_unreachable_also_in_multiples_and_sums(R):
    for functional in (R, 2.0 * R, R + Gini(), Gini() + 2.0 * R):
        assert game(functional).reachable.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("R", "message"),
    [
        (LogScore(2), "no trace of the reference gives answer 2"),
        (Point(2), "no trace of the reference gives answer 2"),
        (KLFromPrior([0.4, 0.0, 0.6]), "answer 2 .*has positive prior, but no trace"),
        (Gini() + Point(2), "no trace of the reference gives answer 2"),
    ],
)
def test_an_answer_that_a_functional_needs_has_a_trace(R, message):
    for functional in (R, 2.0 * R):
        with pytest.raises(InfeasibleError, match=message):
            game(functional, pi_0=[0.5, 0.5])
        game(functional)
    game(KLFromPrior([0.4, 0.6, 0.0]), pi_0=[0.5, 0.5])


def test_an_answer_that_one_part_needs_is_allowed_by_the_others():
    with pytest.raises(InfeasibleError, match="answer 2"):
        game(KLToPrior([0.5, 0.5, 0.0]) + LogScore(2))


def test_every_prompt_has_an_answer():
    with pytest.raises(InfeasibleError, match="allows none of the answers that the reference reaches"):
        game(KLToPrior([0.0, 0.4, 0.6]), pi_0=[PI_0, [1.0, 0.0, 0.0]])


def test_each_prompt_has_the_face_of_its_own_costs():
    R = Polytope([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]], 0.0)
    assert game(R, pi_0=[PI_0, PI_0]).reachable.tolist() == [[False, True, True], [True, False, True]]


def test_a_coupling_in_two_games_has_the_face_of_the_shares_of_each():
    coupling, reachable = Equalities([[[0.0, 1.0]], [[0.0, 3.0]]], 1.0), np.ones((2, 2), dtype=bool)
    for shares in (np.array([0.5, 0.5]), np.array([0.9, 0.1])):
        assert coupling.rows(shares).violation(coupling.face(reachable, shares).centre) < 1e-12


def test_coherent_views_share_the_answers_that_all_of_them_reach():
    prompts = AlignmentGame([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]], range(3), Linear(np.zeros(3)), beta=1.0)
    assert CoupledGame(prompts, Coherence()).reachable.tolist() == [[True, True, False]] * 2


@pytest.mark.parametrize("R", [KLToPrior([0.0, 0.4, 0.6]), KLToPrior([0.0, 0.4, 0.6]) + Gini()])
def test_distributions_are_moved_to_the_answers_that_a_functional_allows(R):
    np.testing.assert_allclose(
        R.into_domain(np.array([[0.5, 0.25, 0.25], [0.2, 0.6, 0.2]])), [[0, 0.5, 0.5], [0, 0.75, 0.25]]
    )
