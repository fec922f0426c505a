"""The slides' tables and games: tables of our own against the library's, and what checks by hand."""

import json
from fractions import Fraction

import numpy as np
import pytest

from dagames.estimators import aqp_table, elevated_table, minimax_table, split_table, taylor_table, variance_table
from proofs_check import groups, oracle_tables
from proofs_check.claims import ii08_split_in_variance as ii08
from proofs_check.claims import ii09_biased_reward as ii09
from proofs_check.claims import ii10_generalised_game as ii10
from proofs_check.claims import ii12_training as ii12
from proofs_check.claims import ii26_degree_of_the_reward as ii26
from proofs_check.known import load_claims
from proofs_check.record import as_json
from proofs_check.run import settle

CLAIMS = load_claims()


def test_tables_of_our_own_agree_with_the_librarys():
    """On grids of p, so that they differ a little; in groups of 16 the entries of the minimax table reach 10^3."""
    for name, table in {
        "Taylor": taylor_table(16, counts="centred"),
        "averaged split": elevated_table(split_table(16), 16, counts="centred"),
        "minimax": minimax_table(16, counts="centred"),
    }.items():
        assert np.abs(oracle_tables.TABLES[name](16) - table.coefficients[1:-1]).max() < 0.03, name


@pytest.mark.parametrize("n", [3, 6])
def test_the_cone_programs_agree_with_the_librarys(n):
    budget = 2 * minimax_table(n, counts="independent").bias.upper
    for excess, table in ((False, aqp_table), (True, variance_table)):
        ours = groups.measure(oracle_tables.least_noise(n, 2.0, excess=excess))
        theirs = groups.measure(table(n, bias=budget, unit="absolute", counts="independent").coefficients)
        assert ours.bias == pytest.approx(theirs.bias, rel=0.02)
        assert ours.second_moment == pytest.approx(theirs.second_moment, rel=0.02)
        assert ours.variance == pytest.approx(theirs.variance, rel=0.05)


def test_training_starts_at_the_reference_and_ends_near_the_equilibrium():
    reference = ii12.REFERENCES[0]
    path = ii12.train(reference, oracle_tables.taylor(16), 16)
    assert np.abs(path[:, 0] - reference).max() < 1e-15
    assert np.abs(path.sum(axis=2) - 1).max() < 1e-12
    assert ii12.suboptimality(path[:, -1], reference).mean() < 0.02 * ii12.suboptimality(path[0, 0], reference)


def test_times_leave_no_trace():
    first, second = (json.dumps(as_json([settle(CLAIMS["II.12"])], 0)) for _ in range(2))
    assert first == second
    assert all("second" not in key for e in settle(CLAIMS["II.12"]).readings[0].noted for key in e.instance)


def test_the_split_that_rewards_one_trace_by_hand():
    """One trace: c_0 = min over tables of bias eps; a middle entry changes nothing at p = 0."""
    split = ii08.split_of(1)
    table = ii08.stated(2, split.bias.upper)
    assert abs(table.coefficients[0] - split.coefficients[0]) < 1e-5
    assert table.coefficients.size == 3


def test_all_but_one_rare_answers_have_the_gap_of_a_formula():
    biased = ii09.programmed(4, 2.0)
    gap, _, _ = ii09.at_rest(biased, ii09.all_but_one_rare(11), Fraction(1))
    told = np.exp(float(biased.inner[0] - biased.inner[-1]))
    assert float(gap) == pytest.approx(np.log(1 + 10 * told), rel=1e-6)


def test_any_vector_says_what_a_distribution_cannot():
    """J = t^2 - t: min -1/4; distributions reach -9/16 only."""
    zero, one, half = Fraction(0), Fraction(1), Fraction(1, 2)
    game = ii10.Game([one, zero], [zero, one], zero, one, half)
    assert ii10._max_min(game, None) == Fraction(-1, 4)
    assert ii10._max_min(game, ii10.of_distributions(game)) == Fraction(-9, 16)
    assert ii10.needed(game) == 1


def test_products_of_answers_by_hand():
    """Two traces with different answers: of the two ordered pairs one has the answers (0, 1)."""
    assert ii26.joint((1, 1, 0), (1, 1, 0)) == Fraction(1, 2)
    assert ii26.each_alone((1, 1, 0), (1, 1, 0)) == Fraction(1, 4)
