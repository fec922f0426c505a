"""Every claim has the verdict its file expects, twice with equal numbers, and a sabotage that turns it."""

import json
import math
import re
from dataclasses import replace
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from dagames import DomainError
from proofs_check import approximation
from proofs_check.claim import Evidence, Settled, judge, verdict_of
from proofs_check.claims.b06_pooled_counts import moments, pooled_mean
from proofs_check.claims.b06a_pooled_bias import stated as pooled_bounds
from proofs_check.claims.i05_approximate_equilibrium import CLAIMS as ABOUT_EQUILIBRIA
from proofs_check.claims.i05_approximate_equilibrium import EntropyGame, gaps_of, largest_gain, stated
from proofs_check.claims.i07_best_response import exact_cycle
from proofs_check.claims.i19_gini_reward import expected_step
from proofs_check.claims.ii10_generalised_game import Game, expressible
from proofs_check.known import load_claims, select_claims
from proofs_check.oracles import LinearGame
from proofs_check.record import as_json
from proofs_check.run import not_turned, settle
from tests.claims.settled import SEED, settle_unchecked, settled

CLAIMS = load_claims()
each = pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS.keys())
TAKES_SECONDS = {
    *("I.8", "I.9a", "I.29", "I.29a", "II.5", "II.7", "II.8", "II.8b", "II.9", "II.9a", "II.10a"),
    *("I.5", "I.6", "I.9", "I.9b", "I.14", "I.17", "I.17c", "I.21", "I.25", "I.25b", "I.26", "I.32", "I.36", "I.41"),
    *("I.46", "I.74", "II.6b", "II.10", "II.12a", "B.2", "B.2a", "B.4", "B.5", "B.7"),
    *("I.5a", "I.7", "I.11", "I.12", "I.13", "I.14a", "I.16a", "I.17d", "I.18a", "I.23", "I.24", "I.31a", "I.35"),
    *("I.35a", "I.40", "I.46a", "I.47", "I.50", "I.50b", "I.53", "II.1", "II.1a", "II.4a", "II.11", "II.12", "II.27"),
    *("II.28", "B.3"),
}
"""Claims that take more than a quarter of a second; `make test-long` settles them a second time."""
twice = [
    pytest.param(claim, id=name, marks=[pytest.mark.long] if name in TAKES_SECONDS else [])
    for name, claim in CLAIMS.items()
]


@each
def test_the_verdict_is_the_expected_one(claim):
    result = settled(claim.id)
    assert result.as_expected, (result.shown, result.error)
    assert result.verdict == claim.expected
    assert result.comparisons > 0


@pytest.mark.parametrize("claim", twice)
def test_the_verdict_comes_out_twice(claim):
    first, second = settled(claim.id), settle_unchecked(claim, SEED)
    assert json.dumps(as_json([first], SEED)) == json.dumps(as_json([second], SEED))


@each
def test_sabotage_turns_the_verdict(claim):
    assert not_turned(settle_unchecked(claim, 1, "sabotage"), "sabotage") == []
    assert all(callable(reading.sabotage) for reading in claim.readings)


@each
def test_a_near_miss_turns_the_verdict(claim):
    """Or says why a formula cannot be a little wrong."""
    for reading in claim.readings:
        assert callable(reading.near_miss) or (reading.near_miss or "").endswith("."), reading.supposes
    assert not_turned(settle_unchecked(claim, 1, "near_miss"), "near_miss") == []


@each
def test_a_claim_is_told_in_words(claim):
    assert claim.plain.endswith(".")
    assert claim.printed
    assert len(claim.title) <= 48
    assert not re.match("paper|slides|amendment", claim.place)
    for reading, found in zip(claim.readings, settled(claim.id).readings, strict=True):
        if reading.expected == "false":
            assert found.shown.sentence.endswith("."), (claim.id, reading.supposes)


@each
def test_amendments_exist(claim):
    assert claim.amendment is None or claim.amendment in CLAIMS
    assert claim.amendment is not None or claim.expected != "false"


def test_the_refuted_claims_are_there():
    assert {"I.1", "I.2", "I.5", "I.7", "I.19"} <= set(CLAIMS)
    assert {name for name, claim in CLAIMS.items() if claim.expected == "false"} >= {"I.5", "I.7", "B.2"}


def test_no_multiple_of_the_slack_of_i5_is_enough():
    """R = 0 on two answers: G = log 2 - log 3 lies below the value 0, and J(pi) = log 2 above it."""
    half = Fraction(1, 2)
    game = LinearGame([half, half], [Fraction(0)] * 2, Fraction(1))
    pi, q = [Fraction(1), Fraction(0)], [Fraction(3, 4), Fraction(1, 4)]
    assert abs(float(game.payoff(pi, q)) - math.log(2 / 3)) < 1e-15
    assert abs(float(game.value())) < 1e-15
    assert abs(float(game.objective(pi)) - math.log(2)) < 1e-15
    assert stated(gaps_of(game, pi, q)) == 0


def test_the_counterexample_to_i5_checks_by_hand():
    """R = sum nu log nu: J(1, 0) = log 2, min J = -log 2 and G = log 2 + log 2 - log 4 = 0, between the two."""
    half = Fraction(1, 2)
    gaps = gaps_of(EntropyGame([half, half], Fraction(1)), [Fraction(1), Fraction(0)], [half, half])
    expected = (2 * math.log(2), math.log(2), 0.0)
    assert all(abs(float(gap) - value) < 1e-15 for gap, value in zip(gaps, expected, strict=True))
    assert abs(float(gaps.policy_gains) - math.log(2)) < 1e-15
    assert abs(float(gaps.target_gains) - math.log(2)) < 1e-15
    shown = settled("I.5").shown
    assert shown.measured == 2 * shown.claimed == 2 * float(largest_gain(gaps))


def test_both_definitions_of_i5_fail_at_one_pair():
    for found in settled("I.5").readings:
        assert found.shown.instance["q"] == "(1/2, 1/2)"
        assert found.shown.sentence.endswith("But J(pi) - min J = 0.693 - (-0.693) = 1.386.")
    assert [claim.id for claim in ABOUT_EQUILIBRIA] == ["I.5", "I.5a", "I.36"]


def test_the_counterexample_to_i7_is_an_exact_cycle():
    start, other = [Fraction(4, 5), Fraction(1, 5)], [Fraction(1, 2), Fraction(1, 2)]
    assert exact_cycle(start) == [start, other, start, other]


def test_the_counterexample_to_ii10_checks_by_hand():
    """J = t^2 - t is least at 1/2, where R' = -1; a target says gaps of size |s| beta, enough from s = 1 on."""
    zero, one = Fraction(0), Fraction(1)
    games = [Game([one, zero], [zero, one], zero, one, sign) for sign in (Fraction(1, 2), Fraction(9, 10), one, -one)]
    assert [expressible(game) for game in games] == [False, False, True, True]


def test_pooling_is_measured_from_the_definition():
    """Traces at 1 and 0 always give the answer once; a binomial count at 1/2 is 2 in a quarter of all groups."""
    table = [Fraction(0), Fraction(0), Fraction(1)]
    assert pooled_mean(table, [Fraction(1), Fraction(0)]) == 0
    assert pooled_mean(table, [Fraction(1, 2)] * 2) == Fraction(1, 4)
    assert moments([Fraction(1), Fraction(0)]) == (Fraction(1, 2), Fraction(1, 4))
    assert pooled_bounds(table, Fraction(0), Fraction(1), Fraction(1, 4)) == (Fraction(1, 4), Fraction(1, 4))


@pytest.mark.parametrize(("K", "factor"), [(3, Fraction(2, 9)), (4, Fraction(3, 8)), (8, Fraction(21, 32))])
def test_the_factor_of_i19_from_two_answers(K, factor):
    nu = [Fraction(1, 4), Fraction(3, 4)]
    gradient = nu[0] * nu[1] * (nu[1] - nu[0])
    assert expected_step(K, nu) == [factor * gradient, -factor * gradient]


def test_best_approximations_of_p_log_p_by_hand():
    """A line between the chord 0 and the tangent -1/e; a constant c whose error e^(c - 1) inside is -c, that at 1."""
    assert abs(approximation.best(1, free=True)[0] - mp.exp(-1) / 2) < 1e-16
    assert abs(approximation.best(0)[0] - mp.lambertw(mp.exp(-1)).real) < 1e-16
    assert abs(approximation.limit([1, 2, 4], [5 + 1.0, 5 + 1 / 4, 5 + 1 / 16]) - 5) < 1e-40


def test_a_verdict_needs_evidence_and_shows_the_smallest_failure():
    assert judge([]) == Settled("open")
    good = Evidence(1.0, 1.0, "equal", 0.0, {}, size=1)
    bad = replace(good, measured=2.0, size=9)
    smaller = replace(bad, size=5)
    assert judge([good]).outcome == "holds"
    assert judge([bad, good, smaller]) == Settled("false", 3, 2, smaller)


@pytest.mark.parametrize(
    ("relation", "measured", "holds"),
    [
        ("equal", 1.05, True),
        ("equal", 1.2, False),
        ("equal", 0.8, False),
        ("at most", 0.0, True),
        ("at most", 1.2, False),
        ("at least", 2.0, True),
        ("at least", 0.8, False),
        ("equal", math.nan, False),
        ("at most", math.nan, False),
    ],
)
def test_relations(relation, measured, holds):
    assert Evidence(1.0, measured, relation, 0.1, {}).holds is holds


def test_a_claim_that_raises_is_an_error_and_not_a_verdict():
    def broken(formula, rng):
        yield Evidence(0.0, 0.0, "equal", 0.0, {})
        raise ZeroDivisionError("by design")

    claim = CLAIMS["I.1"]
    result = settle(replace(claim, readings=(replace(claim.readings[0], evidence=broken),)))
    assert result.verdict == "error"
    assert not result.as_expected
    assert result.error == "ZeroDivisionError: by design"


def test_claims_are_selected_by_id_in_any_case():
    assert [claim.id for claim in select_claims(["i.7", "I.1", "I.7"])] == ["I.7", "I.1"]
    with pytest.raises(DomainError, match=r"there is no claim 'I\.500'.*Did you mean I\.5"):
        select_claims(["I.500"])


def test_a_seed_changes_the_search():
    shown = {settle(CLAIMS["I.1"], seed).shown.instance["pi"] for seed in range(5)}
    assert len(shown) > 1


def test_verdicts_do_not_depend_on_the_order_of_claims():
    alone = settle(CLAIMS["I.5a"], seed=2)
    settle(CLAIMS["I.5"], seed=2)
    np.random.default_rng(0).random(10)
    assert settle(CLAIMS["I.5a"], seed=2).shown == alone.shown


def a_claim(**changes):
    return replace(CLAIMS["I.5"], **changes)


def a_reading(expected, supposes="it stands there"):
    return replace(CLAIMS["I.5"].readings[0], expected=expected, supposes=supposes)


@pytest.mark.parametrize(
    ("outcomes", "missing", "verdict"),
    [
        (["holds"], "", "holds"),
        (["false"], "", "false"),
        (["false", "false"], "", "false"),
        (["holds", "false"], "", "depends"),
        (["false", "holds", "holds"], "", "depends"),
        (["holds"], "the rate", "open"),
        (["false", "holds"], "the rate", "open"),
        ([], "", "open"),
        (["open"], "", "open"),
        (["holds", "open"], "", "open"),
    ],
)
def test_readings_make_a_verdict(outcomes, missing, verdict):
    assert verdict_of(outcomes, missing) == verdict


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expected": "holds"}, "`expected` is 'holds', but its readings expect false, false, which makes 'false'"),
        ({"expected": "depends"}, "which makes 'false'"),
        ({"missing": "The rate."}, "and `missing` is given, which makes 'open'"),
        ({"readings": ()}, "at least one Reading"),
        ({"readings": [a_reading("false")]}, "must be a tuple"),
        ({"whose": "nobody"}, "`whose` is 'nobody'; it is one of paper, slides, practice, ours"),
        (
            {"readings": (a_reading("false"), a_reading("holds", "")), "expected": "depends"},
            "each of several readings must give what it `supposes`",
        ),
    ],
)
def test_a_claim_whose_parts_contradict_is_refused(changes, words):
    with pytest.raises(DomainError, match=re.escape(words)) as raised:
        a_claim(**changes)
    assert "claim I.5" in str(raised.value)


def test_every_reading_is_planted_and_settled_by_itself():
    """One reading that turns does not hide another that does not."""
    claim = a_claim(readings=(a_reading("false"), a_reading("false", "it stands here")))
    result = settle(claim)
    assert [found.outcome for found in result.readings] == ["false", "false"]
    assert result.as_expected
    assert not_turned(settle(claim, planted="sabotage"), "sabotage") == []
    blunt = replace(claim.readings[1], sabotage=claim.readings[1].stated)
    blunted = replace(claim, readings=(claim.readings[0], blunt))
    assert len(not_turned(settle(blunted, planted="sabotage"), "sabotage")) == 1
    unplanted = replace(claim, readings=(replace(claim.readings[0], near_miss="There is none."), blunt))
    found = settle(unplanted, planted="near_miss")
    assert found.readings[0].error == "There is none."
    assert not_turned(found, "near_miss") == []
