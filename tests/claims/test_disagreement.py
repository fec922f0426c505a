"""Disagreement of views and of sampled groups, its price, and what projections gain, as they check by hand."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from proofs_check.claims import i25_hybrid_improvement as i25
from proofs_check.claims import i26_pythagorean_improvement as i26
from proofs_check.claims import i27_two_projections as i27
from proofs_check.claims import i60_groups_of_samples as i60

HALF, QUARTER, ZERO, ONE = Fraction(1, 2), Fraction(1, 4), Fraction(0), Fraction(1)


def sentences(evidence, formula):
    return [found.sentence for found in evidence(formula, np.random.default_rng(0)) if found.sentence]


def test_the_loss_of_i25_where_every_policy_is_allowed():
    """AM = (.7, .3), GM = (3/4, 1/4), ideal (1, 0): log(.75 / .7), H^2 = 1 - 4 sqrt(.05)."""
    case = i25.Free([[HALF, HALF], [Fraction(9, 10), Fraction(1, 10)]], [ONE, ZERO], Fraction(10))
    loss, L, B, distance = case.quantities()
    assert abs(loss - mp.log(mp.mpf(15) / 14)) < 1e-40
    assert abs(L - mp.mpf(10) / 7) < 1e-40
    assert L == B
    assert abs(distance - 1 + 4 * mp.sqrt(mp.mpf(1) / 20)) < 1e-40
    assert i25.in_parameters(case) < loss < i25.unscaled(case) < i25.in_masses(case)


@pytest.mark.parametrize("n", [2, 3, 6, 9])
def test_the_constant_of_i25b_is_the_best(n):
    case = i25.tight(n)
    assert 0.999 < case.loss() / i25.curved(case) < 1


def test_the_curvature_of_i25b_is_of_the_order_of_the_disagreement():
    """In the simple instance m is about e, so that its bound does not fall with e."""
    first, second = (i25.curved(i25.simple(Fraction(1, 10**k))) for k in (6, 9))
    assert abs(first / second - 1) < 1e-4
    assert first > mp.log(2) / 6


def test_an_ideal_outside_is_left_behind_in_i26():
    """KL((3/4, 1/4) || .) is log 2 - H at (1/2, 1/2), and log(3) / 2 at (1/4, 3/4)."""
    orbit = i26.Orbit([[HALF, HALF]], (0, 1), [[3 * QUARTER, QUARTER]], [ONE], "direct", "kl", QUARTER)
    assert max(abs(p - q) for p, q in zip(i26.stated(orbit)[0], [0.25, 0.75], strict=True)) < 1e-40
    assert abs(i26.improved(orbit)) < 1e-40
    assert abs(i26.improved_less(orbit) - mp.log(3) / 2) < 1e-40


def test_sentences_stand_at_what_fails_and_nowhere_else():
    assert len(sentences(i25.evidence, i25.stated)) == 2
    assert len(sentences(i26.outside, i26.improved)) == 1
    assert len(sentences(i27.fine_tuned, i27.distilled)) == 1
    assert len(sentences(i60.one_hot, i60.small)) == 4
    assert sentences(i25.evidence, i25.curved) == sentences(i26.outside, i26.improved_less) == []
    assert sentences(i27.fine_tuned, i27.one_divergence) == sentences(i60.one_hot, i60.all_or_nothing) == []


def test_one_sample_that_differs_makes_the_disagreement_of_i60_whole():
    assert [i60._distance(counts) for counts in ((32, 0), (31, 1), (16, 16), (0, 1))] == [0, 1, 1, 0]
    assert i60.stated(24, [HALF, HALF]) == 1 - mp.mpf(2) ** -23
    assert 0.91 < i60.stated(24, [Fraction(9, 10), Fraction(1, 10)]) < 0.93
