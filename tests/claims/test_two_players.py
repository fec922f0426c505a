"""What the claims about the game and its solution say, against numbers that can be found by hand."""

import math
from fractions import Fraction

import numpy as np
import pytest

from proofs_check.claims import i06_uniqueness as i06
from proofs_check.claims import i08_damped_response as i08
from proofs_check.claims import i09_no_regret as i09
from proofs_check.claims import i09b_for_rewards as i09b
from proofs_check.claims import i35_one_target_for_all_prompts as i35
from proofs_check.claims import i39_many_traces as i39
from proofs_check.two_answer_games import restricted
from proofs_check.two_learners import Duel, Play, softmax
from tests.claims.settled import settled

HALF = Fraction(1, 2)


def test_a_duel_is_the_game_of_i9():
    """The same plays as those of the vector game, which the library's plays are compared with."""
    for policy in ("mw", "best_response"):
        duel = Duel(0.5, policy)
        play = Play("reward", np.array([[0.0, 1.0]]), np.array([[0.8, 0.2]]), np.array([[0.5]]), policy)
        nu_sum, u_sum = np.zeros((1, 2)), np.zeros((1, 2))
        for nu, u in (step for step, _ in zip(play.run(100), range(100), strict=False)):
            nu_sum, u_sum = nu_sum + nu, u_sum + u
        seen = duel.run([100])[100]
        assert seen.worse == pytest.approx(nu_sum[0, 0] / 100, rel=1e-10)
        assert seen.d == pytest.approx((u_sum[0, 1] - u_sum[0, 0]) / 100 + 1, rel=1e-9)
        assert duel.gap(seen) == pytest.approx(float(play.gap(nu_sum / 100, u_sum / 100)[0]), rel=1e-9)


def test_the_constants_of_a_duel_by_hand():
    """At beta = 1/5 the odds are e^5 / 4; the turn from one rate to the other is where .8 / t meets c / sqrt(t)."""
    duel = Duel(0.2, "mw")
    m = 1 / (1 + math.exp(5) / 4)
    assert duel.star == pytest.approx(m, rel=1e-14)
    late = i09b.two_rates(duel, 1).late
    assert late == pytest.approx(2 * m * (1 - 2 * m), rel=1e-14)
    assert (0.8 / late) ** 2 == pytest.approx(259, abs=1)


@pytest.mark.parametrize(
    ("beta", "low", "high"), [(0.5, -0.55, -0.45), (0.1, -1.1, -0.9), (0.05, -1.1, -1.05), (0.02, -1.04, -1.0)]
)
def test_the_exponents_over_rounds_256_to_2048(beta, low, high):
    for policy in ("mw", "best_response"):
        duel = Duel(beta, policy)
        seen = duel.run([256, 2048])
        exponent = math.log(duel.gap(seen[2048]) / duel.gap(seen[256])) / math.log(8)
        assert low < exponent < high


def test_the_regret_of_slow_play_by_hand():
    """With x = t^(-1/4) / 4 it is 6 sum x^2 + 2 T mean(x)^2 to lowest order, which is (6 / 8 + 2 / 9) sqrt(T)."""
    reading = i09.I9.readings[2]
    regret = next(reading.evidence(reading.stated, np.random.default_rng(0)))
    assert regret.measured == pytest.approx(6 / 8 + 2 / 9, rel=0.01)


def test_the_equilibria_of_the_games_of_i9_are_their_own_answers():
    for play in i09.plays(np.random.default_rng(0)):
        star = play.equilibrium
        assert star.sum(axis=1) == pytest.approx(1, abs=1e-12)
        answer = softmax(np.log(play.nu_0) - play.slope(star) / play.beta)
        assert np.abs(answer - star).max() < 1e-12


def test_two_values_of_a_game_of_two_prompts_by_hand():
    case = next(i35._cases(np.random.default_rng(0)))
    assert i35.stated(case) == pytest.approx(-math.log(1.6), abs=1e-9)
    assert i35.of_the_mean(case) == pytest.approx(-math.log(2), abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_noise_of_two_even_answers_by_hand(n):
    """Squares of mean 1/2 (1 - 1/(2n)), over 2 n times (1 / (4 n))^2; and a coin that moves nu(1) or does not."""
    spread = i39.Spread([HALF, HALF], [Fraction(0), Fraction(1)], n)
    assert spread.noise_of_gradient() == 4 * n - 2
    assert spread.noise_of_answers() == 2


def test_the_best_targets_of_a_kink_by_hand():
    """Against (1/2, 1/2) in pi(0) <= 1/2, those with q(0) >= q(1) and a ratio of at most e^2."""
    game = restricted([HALF, HALF], Fraction(1), ((1, 2), (3, 4), (1, 4), (9, 10)))
    assert game.best_targets() == [[HALF, HALF], [Fraction(3, 4), Fraction(1, 4)]]
    assert i06.targets_that_answer(game) == 2


def test_the_factor_of_i8_is_nearly_used_up_by_a_rare_answer():
    few, rare = Fraction(1, 1000), Fraction(1, 10**300)
    found = i08._compare(i08.stated, "collisions", [1 - few, few], [1 - rare, rare], Fraction(2), Fraction(1))
    assert 0.9984 < found.measured < 0.9986


@pytest.mark.parametrize(
    ("name", "words"), [("I.3", "equals .693 for no s > 0"), ("I.7", "and so on with period 2"), ("I.35", "-0.693")]
)
def test_what_is_shown_of_a_reading_that_fails_is_a_sentence(name, words):
    shown = settled(name).shown
    assert shown.sentence.startswith("Take R = sum nu log nu")
    assert words in shown.sentence
