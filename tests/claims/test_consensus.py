"""Counterexamples and extreme cases of what is claimed of consensus, dynamics and tables, as they check by hand."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from dagames import InfeasibleError
from dagames.orbits import project_onto_marginal
from proofs_check.claims import i25_hybrid_improvement as i25
from proofs_check.claims import i27_two_projections as i27
from proofs_check.claims import i27a_one_divergence as i27a
from proofs_check.claims import i30_projecting_on_the_mean as i30
from proofs_check.claims import i31_concavity_in_the_target as i31
from proofs_check.claims import i33a_smoothed_samples as i33a
from proofs_check.claims import i34_reported_numbers as i34
from proofs_check.segment import Segment
from proofs_check.two_learners import Play

ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)


def close(found, wanted):
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 1e-12


@pytest.mark.parametrize("mass", [Fraction(1, 100), Fraction(1, 10**6)])
def test_the_loss_in_i25_does_not_depend_on_the_disagreement(mass):
    """The means have ratios 2 : 1 and 0 : 1 on the two answers, and project to one end each."""
    case = i25.simple(mass)
    mean, geometric, distance = case.means()
    assert close([mean[0] / mean[1], geometric[0]], [2, 0])
    assert close(case.project(mean), case.at(1))
    assert close(case.project(geometric), case.at(0))
    assert abs(case.loss() - mp.log(2) / 6) < 1e-30
    assert 1 < distance / mp.mpf(float(mass)) < 3


def test_two_answers_are_no_counterexample_to_i25():
    """There a projection clips: 1/2 stays, 3/4 comes to the end."""
    quarter = Fraction(1, 4)
    case = Segment([[HALF, HALF]], [HALF, HALF], ([quarter, 1 - quarter], [Fraction(2, 3), Fraction(1, 3)]))
    assert close(case.project([mp.mpf(1) / 2] * 2), [0.5, 0.5])
    assert close(case.project([mp.mpf(3) / 4, mp.mpf(1) / 4]), [mp.mpf(2) / 3, mp.mpf(1) / 3])


def test_distillation_leaves_the_direct_projection_in_i27():
    """Equal masses on the first two traces: their geometric mean before normalisation, or their arithmetic one."""
    second, first = list(i27a.instances(np.random.default_rng(0)))[:2]
    assert close(first.consensus(by_traces=False), [mp.mpf(1) / 6, mp.mpf(2) / 3, mp.mpf(1) / 6])
    assert close(i27.one_divergence(first)[0], [0.4, 0.4, 0.2])
    assert close(i27a.amended(first)[0], [0.4, 0.4, 0.2])
    assert close(i27.distilled(first)[0], [mp.mpf(5) / 12] * 2 + [mp.mpf(1) / 6])
    assert close(second.consensus(by_traces=True), [mp.mpf(9) / 14, mp.mpf(5) / 14])
    assert close(second.consensus(by_traces=False), [mp.mpf(5) / 8, mp.mpf(3) / 8])


def test_the_mean_is_not_the_equilibrium_in_i30():
    views = [[HALF, HALF], [Fraction(4, 5), Fraction(1, 5)]]
    assert close(i30.amended(views, ONE).limit, [0.65, 0.35])
    assert close(i30.stated(views, ONE).limit, [mp.mpf(2) / 3, mp.mpf(1) / 3])


def test_a_view_without_the_answer_cannot_follow_the_mean():
    with pytest.raises(InfeasibleError, match="view 0 has no trace of answer 1"):
        project_onto_marginal([[1.0, 0.0], [0.5, 0.5]], [0, 1], [0.75, 0.25])


def test_answering_the_mean_against_the_reference_may_stand_still():
    """The policies pi_0 q of q = mean = (1/2, 1/2) are the references, which do not agree."""
    views = [[Fraction(2, 3), Fraction(1, 3)], [Fraction(1, 3), Fraction(2, 3)]]
    weights = [[p * m for p, m in zip(nu, i30.mean_of(views), strict=True)] for nu in views]
    assert [[w / sum(row) for w in row] for row in weights] == views
    table, rounds = i30.loop(views)
    assert rounds == 1
    np.testing.assert_allclose(table, [[2 / 3, 1 / 3], [1 / 3, 2 / 3]])


def test_answering_the_mean_leads_to_the_best_mixture():
    """2q/3 + (1 - q)/3 and its mirror image are best at 1/2; views that both prefer an answer give it everything."""
    third, fifth = Fraction(1, 3), Fraction(1, 5)
    assert close(i30.best_mixture([[2 * third, third], [third, 2 * third]]), [0.5, 0.5])
    views = [[2 * third, third], [4 * fifth, fifth]]
    assert i30.best_mixture(views) == [1, 0]
    np.testing.assert_allclose(i30.loop(views)[0], [[1, 0], [1, 0]], atol=1e-12)


def test_three_answers_break_concavity_in_i31():
    """With R = sum nu log nu, beta = 1 and nu = (1, 0, 0), exp(-G) = q(0) sum 1/q: 7, 7/2, and 5 between them."""
    goal = i31.Goal("entropy", ONE, 3)
    q = np.array([[4, 2, 1], [2, 4, 1], [3, 3, 1]]) / 7
    np.testing.assert_allclose(np.exp(-goal.payoff(q, 0)), [7, 3.5, 5], rtol=1e-14)
    assert [i31.amended(i31.Goal("entropy", weight, 2)) for weight in (ONE, ONE + HALF)] == [True, False]
    k = i31.gini_limit()
    x = np.linspace(0, 1, 100_001)
    assert (k * (1 - x) * np.tanh(k * x / 2)).max() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("factor", [0.99, 1.01])
@pytest.mark.parametrize("name", ["entropy", "gini"])
def test_no_threshold_of_i31a_can_be_off_by_a_hundredth(name, factor):
    limits = {"entropy": 1.0, "gini": i31.gini_limit(), "reward": 0.0}
    moved = limits | {name: factor * limits[name]}

    def failing(limits):
        return [
            case
            for case in i31.evidence(lambda goal: i31.within(goal, limits), np.random.default_rng(0))
            if not case.holds
        ]

    assert not failing(limits)
    assert failing(moved)


def test_samples_do_not_cure_smoothing_in_i33a():
    """The temperatures that are right at (3/4, 1/4) and at (9/10, 1/10) differ."""
    assert abs(i33a.stated(Fraction(1, 5), 2) - mp.log(9)) < 1e-30
    assert abs(i33a.stated(HALF, 3) - mp.log(4)) < 1e-30
    right = [2 * mp.log(3), mp.log(9) / mp.mpf("0.8")]
    assert right[1] - right[0] > 0.5


def test_whole_numbers_of_right_answers_in_i34():
    """1093 less 972 of 1319 is 9.17 %, the difference of the rounded accuracies 9.18 %."""
    assert [round(100 * k / i34.QUESTIONS, 2) for k in (972, 1093, 1093 - 972)] == [73.69, 82.87, 9.17]
    assert [i34.whole(accuracy) for accuracy in ("73.69", "82.87")] == [972, 1093]
    failing = [case for case in i34.evidence_of_digits(i34.all_agree, np.random.default_rng(0)) if not case.holds]
    assert [case.measured for case in failing] == [5, 2, 0, 2]


def test_one_mean_of_the_sweep_is_above_its_budget():
    above = [row for row in i34.sweep() if row.mean > row.budget]
    assert [(row.budget, row.mean, row.toxic) for row in above] == [
        (Fraction("0.05"), Fraction("0.0673"), Fraction("0.04"))
    ]


def test_the_gap_of_i9_by_hand():
    """R = -nu(1), beta = 1, nu = nu_0 uniform: at u = 0 only the target gains, 1/2, and at u = -r only the policy."""
    uniform, one = np.array([[0.5, 0.5]]), np.ones((1, 1))
    play = Play("reward", np.array([[0.0, 1.0]]), uniform, one, "mw")
    assert play.gap(uniform, np.zeros((1, 2))) == pytest.approx(0.5)
    assert play.gap(uniform, np.array([[0.0, -1.0]])) == pytest.approx(np.log((1 + np.e) / 2) - 0.5)
