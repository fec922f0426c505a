"""What the paper's prose says of rewards, targets and the steps between them, and what counts against it by hand."""

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from proofs_check import oracles
from proofs_check.claims import i40_log_of_target as i40
from proofs_check.claims import i41_supervised_step as i41
from proofs_check.claims import i46_targeted_exploration as i46
from proofs_check.claims import i49_soft_consistency as i49
from proofs_check.known import load_claims
from proofs_check.run import settle_reading
from proofs_check.show import evidence_text
from tests.claims.settled import settled

CLAIMS = load_claims()
NAMES = [*(f"I.{n}" for n in range(40, 50)), "I.43a", "I.46a"]
HALF = Fraction(1, 2)
each = pytest.mark.parametrize("name", NAMES)


def rng(seed=0):
    return np.random.default_rng(seed)


@each
def test_a_counterexample_is_a_sentence(name):
    for found in settled(name).readings:
        if found.outcome == "false":
            text = evidence_text(found)
            assert text.startswith("Take ")
            assert len(text) <= 400
    assert len(CLAIMS[name].title) <= 48
    assert CLAIMS[name].plain
    assert CLAIMS[name].printed


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_reward_without_beta_is_noticed_in_each_number_of_answers(n):
    step = i40.Step([Fraction(1, n)] * n, [Fraction(2 * (z + 1), n * (n + 1)) for z in range(n)], HALF)
    found = [i40._compared(formula, step).holds for formula in (i40.stated, i40.scaled, i40.near_miss)]
    assert found == [False, True, False]


def test_the_two_projections_of_i41_by_hand():
    """(s/2, s/2, 1 - s): log-loss 5/6 log s + 1/6 log(1 - s) at s = 5/6; s^2 / 4 = (1 - s)^2 (1/9) / (1/36) at 4/5."""
    q, ends = next(i41._segments(rng()))
    assert abs(i41.stated_between(q, ends) - mp.mpf(5) / 6) < 1e-20
    assert abs(i41.projected_between(q, ends) - mp.mpf(4) / 5) < 1e-20


def test_supervised_learning_finds_its_labels():
    q = [Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)]
    assert max(abs(a - oracles.number(b)) for a, b in zip(i41.stated(q), q, strict=True)) < 1e-7


def test_targeted_exploration_is_stopped_half_way():
    """Between (1/5, 4/5) and (4/5, 1/5) at beta = 1 the geometric mean is (1/2, 1/2), where J is 2 log(5/4)."""
    game = next(i46._instances(rng()))
    assert abs(game.best()[0] - HALF) < 1e-20
    assert abs(game.objective(game.best()) - 2 * mp.log(mp.mpf(5) / 4)) < 1e-40


def test_a_wrong_end_of_exploration_is_noticed_in_each_number_of_answers():
    (reading,) = i46.I46A.readings
    for n in (2, 3, 4):
        game = i46.Exploration([Fraction(1, n)] * n, [Fraction(2 * (z + 1), n * (n + 1)) for z in range(n)], HALF)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(i46, "_instances", lambda _, game=game: iter([game]))
            outcomes = [settle_reading(reading, f, rng()).outcome for f in (i46.between, i46.between_near)]
        assert outcomes == ["holds", "false"]


def test_the_rest_of_soft_consistency_by_hand():
    """K = 2: E log(Count/2) = -(1 - p) log 2, so the log-odds rest where (1 - 2p) log 2 = beta (start - log-odds)."""
    for minority, beta in ((Fraction(2, 5), HALF), (Fraction(1, 3), Fraction(1))):
        p, start = i49.rest_of(minority, beta, 2), math.log(float(minority / (1 - minority)))
        assert abs((1 - 2 * p) * math.log(2) - float(beta) * (start - math.log(p / (1 - p)))) < 1e-12
        assert p < minority


def test_soft_consistency_tends_to_the_game_of_the_entropy():
    """For beta = 2 and large K the rest tends to nu_0^2, normalised: (4/13, 9/13); the difference is O(1/K)."""
    once, twice = (i49.rest_of(Fraction(2, 5), Fraction(2), K) for K in (200, 400))
    assert abs(2 * twice - once - 4 / 13) < 2e-6


def test_one_log_odds_says_what_a_verified_reward_does():
    assert "0.731" in evidence_text(settled("I.47").readings[0])
    assert math.isclose(1 / (1 + math.exp(-1)), 0.731, abs_tol=5e-4)
