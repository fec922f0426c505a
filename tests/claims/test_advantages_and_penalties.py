"""Counterexamples about advantages, penalties and preferences that check by hand."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from proofs_check.claims import i16_preferences as i16
from proofs_check.claims import i16a_iterated_preferences as i16a
from proofs_check.claims import i17_standardised_advantages as i17
from proofs_check.claims import i17a_penalty_as_loss as i17a
from proofs_check.claims import i17b_penalty_per_token as i17b

ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)


def close(found, wanted):
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 1e-40


def test_two_traces_tell_only_which_reward_is_larger():
    """Ordered pairs of three answers: the best wins 4 of 9, the worst loses 4, the middle one 2 of each."""
    batch = i17.Batch(2, ((ONE, [Fraction(1, 3)] * 3, [ZERO, ONE, Fraction(3)]),))
    assert close(batch.gradient(), [mp.mpf(n) / 9 for n in (-4, -1, 5)])
    assert close(batch.step(i17.stated, ZERO), [sign * mp.sqrt(2) / 9 for sign in (-1, 0, 1)])
    assert close(batch.step(i17.centred, ZERO), [mp.mpf(n) / 18 for n in (-4, -1, 5)])


@pytest.mark.parametrize(("rule", "sign"), [(i17.stated, -1), (i17.centred, 1)])
def test_dividing_by_deviations_changes_what_two_prompts_want(rule, sign):
    """1/4 against 2/9 to move to answer 1; with a reward of 2 on the other side, 1/4 against 4/9."""
    third = Fraction(1, 3)
    batch = i17.Batch(2, ((HALF, [HALF, HALF], [ZERO, ONE]), (HALF, [2 * third, third], [Fraction(2), ZERO])))
    step = batch.step(rule, ZERO)
    assert mp.sign(step[0]) == sign
    assert close([step[0] + step[1]], [0])


def test_a_standardised_step_may_lower_the_expected_reward():
    batch = i17.Batch(2, ((ONE, [Fraction(1, 6), Fraction(4, 5), Fraction(1, 30)], [ZERO, ONE, Fraction(40)]),))
    gains = [
        mp.fsum(a * b for a, b in zip(batch.step(rule, ZERO), batch.gradient(), strict=True))
        for rule in (i17.stated, i17.centred)
    ]
    assert gains[0] < 0 < gains[1]


@pytest.mark.parametrize("power", ["0.05", "-0.05"])
def test_a_small_power_of_the_deviation_turns_the_step(power):
    def rule(counts, rewards, epsilon):
        full, plain = i17.stated(counts, rewards, epsilon), i17.centred(counts, rewards, epsilon)
        return [c * abs(s / c) ** mp.mpf(power) if s else s for s, c in zip(full, plain, strict=True)]

    for batches in (i17._instances, i17.pairs):
        batch = next(b for b in batches(np.random.default_rng(0)) if len(b.prompts[0][1]) > 2)
        step, gradient = i17.unit(batch.step(rule, ZERO)), i17.unit(batch.gradient())
        assert max(abs(a - b) for a, b in zip(step, gradient, strict=True)) > 1e-4


def test_one_pair_tells_the_target_whatever_the_reference():
    """Odds of e : 3 under a reference of 1 : 3 are a target of e : 1."""
    case = i16.Preferences([Fraction(1, 4), Fraction(3, 4)], (0, 1), [ONE, ZERO], ONE, ((0, 1), (1, 0)))
    q = i16.stated(case)
    assert close([q[0] / q[1]], [mp.e])
    assert close(case.best_response(q), [mp.e / (mp.e + 3), 3 / (mp.e + 3)])
    assert close(case.slopes(case.best_response(q)), [0, 0])
    assert case.slopes(case.best_response(i16.sabotage(case)))[0] < 0


def test_plain_rounds_of_preferences_go_to_and_fro():
    game = i16a.Dynamic("entropy", [Fraction(4, 5), Fraction(1, 5)], ONE, ONE)
    there = i16a.play([0.8, 0.2], game.rewards(np.array([0.8, 0.2])), 1.0)
    back = i16a.play([0.8, 0.2], game.rewards(there), 1.0)
    np.testing.assert_allclose([there, back], [[0.5, 0.5], [0.8, 0.2]], atol=1e-12)
    assert game.imbalance(np.array([2.0, 1.0]) / 3) < 1e-15 < game.imbalance(there)


def test_the_plain_penalty_pulls_as_the_reversed_divergence():
    """Its slopes are nu - nu_0, so that 2/9 r = 1/6 at nu = (1/3, 2/3)."""
    case = i17a.Rewarded([HALF, HALF], [ZERO, Fraction(3, 4)], ONE)
    nu = [mp.mpf(1) / 3, mp.mpf(2) / 3]
    assert close(case.penalty_slopes(i17a.stated, nu)["k3"], [-mp.mpf(1) / 6, mp.mpf(1) / 6])
    assert close(case.reward_slope(nu), [-mp.mpf(1) / 6, mp.mpf(1) / 6])
    assert close(case.divergence_slope(nu), [sign * mp.log(2) * 2 / 9 for sign in (-1, 1)])
    assert close(case.rest(i17a.stated, "k3"), nu)


def test_the_plain_penalty_holds_back_a_verified_answer():
    case = i17a.Rewarded([HALF, HALF], [ZERO, ONE], Fraction(1, 50))
    right = (49 + mp.sqrt(2501)) / 100
    nu = [1 - right, right]
    assert 0.99 < right < 0.9902
    assert close(case.reward_slope(nu), [s / 50 for s in case.penalty_slopes(i17a.stated, nu)["k3"]])
    assert close([case.equilibrium()[1] / case.equilibrium()[0] / mp.exp(50)], [1])


def mean_over_tokens(new, old, ref):
    """The weighed sum of k3 divided by the trace's length."""
    return {"mean": i17b.amended(new, old, ref)["summed k3, trace weight"] / len(new)}


def test_a_token_forgets_what_it_leads_to():
    """Stopping is 3/5 for 1/2, and spares log(3)/2: the slope is 6/25 of log(3/2), less that or not."""
    case = i17b.two_tokens()
    assert [len(trace) for trace in case.traces] == [1, 2, 2]
    rules = (i17b.stated, i17b.weighted, i17b.amended, mean_over_tokens)
    found = {name: slopes for rule in rules for name, slopes in case.slopes(rule).items()}
    right = (mp.log(1.5) - mp.log(3) / 2) * 6 / 25
    first = {name: slopes[0] for name, slopes in found.items()}
    assert close([first.pop("per-token k3")], [mp.mpf(1) / 10])
    assert close([first.pop("token weights")], [mp.log(1.5) * 6 / 25])
    assert first.pop("mean") > 0 > right
    assert close(first.values(), [right, right])
