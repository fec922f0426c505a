"""Counterexamples and extreme cases of Part I that check by hand."""

from fractions import Fraction

import mpmath as mp
import pytest

from proofs_check.claims import i04_best_policy as i04
from proofs_check.claims import i11_sft_target as i11
from proofs_check.claims import i12_diversity_target as i12
from proofs_check.claims import i13_safety_target as i13
from proofs_check.claims import i14_coherence_target as i14
from proofs_check.claims import i15_entropy_for_coherence as i15
from proofs_check.claims import i15a_entropy_thresholds as i15a
from proofs_check.claims import i18_inverse_frequency_step as i18
from proofs_check.claims import i22_hellinger_range as i22

ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)


def close(found, wanted):
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 1e-12


def test_the_product_leaves_the_set_of_i4():
    choice = i04.Choice([HALF, HALF], (0, 1), [Fraction(1, 3), Fraction(2, 3)], [ZERO, ONE], HALF)
    assert list(choice.vertices()) == [[ONE, ZERO], [HALF, HALF]]
    assert close(i04.stated(choice), [mp.mpf(1) / 3, mp.mpf(2) / 3])
    assert close(i04.projected(choice), [0.5, 0.5])


def test_a_point_mass_costs_log_2_in_i11():
    game = i11.LogLoss([HALF, HALF], ONE)
    assert abs(game.objective(mp.mpf(1)) - mp.log(2)) < 1e-40
    assert abs(game.objective(mp.mpf(3) / 4) - (mp.log(mp.mpf(4) / 3) + 0.75 * mp.log(1.5) - 0.25 * mp.log(2))) < 1e-40
    assert game.objective(mp.mpf(3) / 4) < 0.42 < game.objective(mp.mpf(1))


def test_the_equilibrium_of_i12_is_rational():
    game = i12.EntropyGame([Fraction(1, 9), Fraction(8, 9)], ONE, Fraction(2))
    assert close(game.best(), [0.2, 0.8])
    assert close(i12.stated(game, game.best()), [0.8, 0.2])
    assert close(i12.amended(game, game.best()), [mp.mpf(2) / 3, mp.mpf(1) / 3])


def test_the_loop_of_i13_stands_still():
    game = i13.Budget([Fraction(1, 3), Fraction(2, 3)], [ZERO, ONE], HALF, ONE)
    reference = [mp.mpf(1) / 3, mp.mpf(2) / 3]
    assert close(i13.stated(game, reference), [0.5, 0.5])
    assert close(i13.stated(game, [mp.mpf(3) / 4, mp.mpf(1) / 4]), [0.75, 0.25])
    assert close(i13.amended(game, reference), [mp.mpf(2) / 3, mp.mpf(1) / 3])


def test_the_loop_of_i13_drifts_to_a_face():
    game = i13.Budget([Fraction(1, 6), Fraction(1, 3), HALF], [ZERO, ZERO, ONE], Fraction(1, 4), ONE)
    reference = nu = [mp.mpf(1) / 6, mp.mpf(1) / 3, mp.mpf(1) / 2]
    assert close(game.projection(reference), [0.25, 0.5, 0.25])
    for _ in range(60):
        weights = [p * q for p, q in zip(reference, i13.stated(game, nu), strict=True)]
        nu = [w / mp.fsum(weights) for w in weights]
    assert close(nu, [0, mp.mpf(2) / 3, mp.mpf(1) / 3])


def test_the_views_of_i14_need_targets_of_their_own():
    views = [[HALF, HALF], [Fraction(1, 5), Fraction(4, 5)]]
    third = mp.mpf(1) / 3
    assert all(close(q, [third, 2 * third]) for q in i14.stated(views))
    assert all(close(q, p) for q, p in zip(i14.amended(views), [[third, 2 * third], [2 * third, third]], strict=True))


def test_the_entropy_rises_between_point_masses():
    assert i15.stated([ONE, ZERO]) == 0
    assert abs(i15.stated([HALF, HALF]) - mp.log(2)) < 1e-40


@pytest.mark.parametrize(("weight", "first"), [(HALF, mp.mpf(1) / 5), (ONE, 0), (Fraction(2), 0)])
def test_the_phases_of_i15a(weight, first):
    phase = i15a.stated([Fraction(1, 3), Fraction(2, 3)], weight, ONE)
    assert close(phase.minimiser, [first, 1 - first])
    assert phase.traps is (weight > 1)


def test_two_traces_do_not_move_in_i18():
    nu = [Fraction(1, 3), Fraction(2, 3)]
    assert i18.expected_step(2, nu) == [0, 0]
    assert close(i18.stated(2, nu), [mp.log(2) * 2 / 9, -mp.log(2) * 2 / 9])


def test_three_views_may_overlap_in_pairs_and_share_nothing():
    views = [[HALF, HALF, ZERO], [HALF, ZERO, HALF], [ZERO, HALF, HALF]]
    assert i22.stated(views) == (False, True)
    assert i22.sabotage(views) == (False, False)
