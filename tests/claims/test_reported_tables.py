"""What the printed tables allow, as it checks by hand."""

from fractions import Fraction

import numpy as np
import pytest

from proofs_check.claims import i34_reported_numbers as i34
from proofs_check.claims import i67_enforced_budgets as i67
from proofs_check.claims import i68_counts_of_the_pilot as i68
from proofs_check.claims import i70_spread_of_accuracies as i70
from proofs_check.claims import i71_sampled_improvement as i71
from proofs_check.claims import i72_gains_and_chance as i72
from proofs_check.claims import i74_guarantee_for_both as i74

HALF, ONE = Fraction(1, 2), Fraction(1)


def test_counts_of_the_safety_pilot():
    before, after = i68.margins()
    assert (before, after) == (
        {"toxic": 11, "refused": 13, "other": 176},
        {"toxic": 10, "refused": 14, "other": 176},
    )
    assert i68.fisher(11, 11) == 1
    assert float(i68.fisher(11, 8)) == pytest.approx(0.64, abs=0.005)
    # One of one against none of one: both orders have probability 1/2.
    assert i68.fisher(1, 0) == 1


def test_the_loop_stays_where_the_reference_keeps_its_budget():
    """Answers of cost 0 and 1, half each: at a budget of 1/2 nothing moves, at .499 the multiplier rises by .001."""
    costs = [[Fraction(0), ONE]]
    assert i67.Constrained([HALF, HALF], costs, [HALF], ONE, ONE).multipliers() == [0]
    first, *_ = i67.Constrained([HALF, HALF], costs, [Fraction(499, 1000)], ONE, ONE).multipliers()
    assert 0 < first < 0.01


def test_five_gains_are_beyond_chance_however_they_are_paired():
    least = {}
    for name, row in i34.GSM8K.items():
        first, second = i72.right(row)
        values = [i72.paired(first, second, lost) for lost in range(i72.most_lost(first, second) + 1)]
        assert values == sorted(values, reverse=True)
        least[name] = values[-1]
    assert least.pop("coherence, Llama") == pytest.approx(42 / 850**0.5)
    assert 2.4 < min(least.values()) < 2.5


def test_no_question_more_can_be_lost_than_there_is_room_for():
    """873 right before and 915 after of 1319: 404 are wrong after, and 446 of those wrong before are won."""
    assert i72.most_lost(873, 915) == 404
    assert i34.QUESTIONS - 873 == 915 - 873 + 404


def test_a_share_of_the_questions_has_its_standard_error():
    assert i70.one_error(Fraction("92.1")) == pytest.approx(100 * (0.921 * 0.079 / 1319) ** 0.5)


def test_frequencies_are_the_ideal_by_chance_only():
    """Two draws of (1/2, 1/2) are one of each in half of all cases; two draws of (3/4, 1/4) never fit."""
    assert i71.unless_exact([HALF, HALF], 2) == HALF
    assert i71.unless_exact([Fraction(3, 4), Fraction(1, 4)], 2) == 1
    assert i71.worse_between(0.0, 1) == pytest.approx(0.5)
    # One draw of each view: 3/4 of 1/4 and 1/4 of 3/4 agree in 2 * 3/16.
    assert i71.worse_between(0.25, 1) == pytest.approx(3 / 8)
    assert i71.expected_loss(np.array([0.5, 0.5]), 2) == pytest.approx(0)


def test_the_disagreement_has_the_hull_zero():
    """(1/2, 1/2) keeps J at 1/2 with weight and beta 1, where the game says 0."""
    game = i74.Disagreement([HALF, HALF], None, ONE, ONE)
    assert i74.value_of_game(game) == 0
    assert float(i74.least(game)) == pytest.approx(0.5)
    assert [float(game.objective(t)) > 0.5 for t in (0.3, 0.6, 1)] == [True] * 3
    given = i74.Disagreement([HALF, HALF], [ONE, Fraction(0)], ONE, ONE)
    # R = nu(1): -log (1 + 1/e) / 2.
    assert float(i74.value_of_game(given)) == pytest.approx(-np.log((1 + np.exp(-1)) / 2))
