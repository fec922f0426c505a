"""What the sources say of targets, one goal after the other: counterexamples in words, and near misses one by one."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from proofs_check.claim import judge
from proofs_check.claims import i12_diversity_target as i12
from proofs_check.claims import i13_safety_target as i13
from proofs_check.known import load_claims
from proofs_check.run import settle_reading
from proofs_check.show import evidence_text
from tests.claims.settled import settled

CLAIMS = load_claims()
FIRST = [f"I.{n}" for n in ("10", "10a", "11", "11a", "12", "12a", "13", "13a", "13b", "13c", "14", "14a", "15", "15a")]
NAMES = [*FIRST, "I.16", "I.16a"]
each = pytest.mark.parametrize("name", NAMES)


def rng(seed=0):
    return np.random.default_rng(seed)


@each
def test_every_counterexample_has_a_sentence_without_digits_that_mean_nothing(name):
    for found in settled(name).readings:
        if found.outcome == "false":
            text = evidence_text(found)
            assert text.startswith("Take ")
            assert "e-4" not in text
            assert len(text) <= 400


@each
def test_a_claim_says_who_states_it_and_fits_the_page(name):
    claim = CLAIMS[name]
    assert len(claim.title) <= 48
    assert claim.plain
    assert claim.printed
    assert not claim.place.startswith(("paper,", "slides,"))


def test_three_answers_and_more_tell_a_wrong_target_of_diversity():
    """The near miss of I.12a is noticed in each number of answers by itself, and so is a wrong marginal."""
    (reading,) = i12.I12A.readings
    for n in (2, 3, 4, 5):
        game = i12.EntropyGame([Fraction(k + 1, n * (n + 1) // 2) for k in range(n)], Fraction(1), Fraction(2))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(i12, "_instances", lambda _, game=game: iter([game]))
            outcomes = [
                settle_reading(reading, formula, rng()).outcome
                for formula in (
                    i12.equilibrium,
                    i12.equilibrium_near,
                    lambda game: i12.equilibrium(game, Fraction(101, 100)),
                )
            ]
        assert outcomes == ["holds", "false", "false"]


def test_the_counterexample_to_i12_checks_by_hand():
    """At (1/5, 4/5) log nu + 2 log(nu / nu_0) is log(81 / 125) for both answers; 1 / nu leads to (1/3, 2/3)."""
    nu_0, star = [Fraction(1, 9), Fraction(8, 9)], [Fraction(1, 5), Fraction(4, 5)]
    assert {p * (p / r) ** 2 for p, r in zip(star, nu_0, strict=True)} == {Fraction(81, 125)}
    weights = [r / p for p, r in zip(star, nu_0, strict=True)]
    assert [w / sum(weights) for w in weights] == [Fraction(1, 3), Fraction(2, 3)]
    assert "(0.333, 0.667)" in evidence_text(settled("I.12").readings[0])


def test_the_vertices_of_a_budget():
    game = i13.Budget([Fraction(1, 3)] * 3, [Fraction(0), Fraction(1, 2), Fraction(1)], Fraction(1, 4), Fraction(1))
    corners = [tuple(map(str, corner)) for corner in game.corners()]
    assert corners == [("1", "0", "0"), ("1/2", "1/2", "0"), ("3/4", "0", "1/4")]
    star = game.projection([mp.mpf(1) / 3] * 3)
    assert abs(game.excess(star)) < 1e-40
    assert game.excess([mp.mpf("0.6"), mp.mpf("0.3"), mp.mpf("0.1")]) > 1e-3


def test_no_reading_of_i13_is_settled_by_the_others():
    outcomes = [found.outcome for found in settled("I.13").readings]
    assert outcomes == ["false", "holds", "false"]
    (found,) = [judge([e for e in reading_evidence("I.13", 0) if "dual value" in e.instance["compared"]])]
    assert found.outcome == "false"


def reading_evidence(name, number):
    reading = CLAIMS[name].readings[number]
    return list(reading.evidence(reading.stated, rng()))
