"""Attacks find maxima that are known, wherever they are; every bound is attacked, and every rate fitted."""

import math
import re
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from proofs_check import groups
from proofs_check.attack import attack, attack_distributions
from proofs_check.claims import i06_uniqueness as i06
from proofs_check.known import load_claims
from proofs_check.oracles import rounded
from tests.claims.settled import settled

CLAIMS = load_claims()
BOUNDS = [name for name, claim in CLAIMS.items() if claim.kind in {"upper bound", "lower bound"}]
RATES = [name for name, claim in CLAIMS.items() if claim.kind == "rate"]
SLACK = 2e-6
"""How far above 1 the ratio of a bound that holds may be: the relative gap of the programs that make tables."""
SIZES = pytest.mark.parametrize("n", [2, 3, 4, 5, 6])


def rng(seed=0):
    return np.random.default_rng(seed)


@SIZES
def test_a_maximum_inside_the_simplex_is_found(n):
    """Entropy over its bound log n."""
    worst = attack_distributions(lambda nu: -(nu * np.log(nu)).sum(axis=1) / np.log(n), (n,), rng())
    assert 1 - 1e-8 < worst.ratio <= 1 + 1e-15
    assert np.abs(worst.place - 1 / n).max() < 1e-4


@SIZES
def test_a_maximum_on_a_face_is_found(n):
    """4 nu(0) nu(1) is 1 where all else vanishes."""
    worst = attack_distributions(lambda nu: 4 * nu[:, 0] * nu[:, 1], (n,), rng())
    assert 1 - 1e-6 < worst.ratio <= 1
    assert worst.place[2:].max(initial=0.0) < 1e-6


@SIZES
def test_a_maximum_in_a_corner_is_found(n):
    worst = attack_distributions(lambda nu: (nu**2).sum(axis=1), (n,), rng())
    assert 1 - 1e-6 < worst.ratio <= 1
    assert worst.place.max() > 1 - 1e-6


@SIZES
def test_several_distributions_are_found_apart(n):
    """Half the distance of two distributions is 1 only if they share nothing."""
    worst = attack_distributions(lambda nu: np.abs(nu[:, 0] - nu[:, 1]).sum(axis=1) / 2, (2, n), rng())
    assert worst.place.shape == (2, n)
    assert 1 - 1e-6 < worst.ratio <= 1


def test_a_narrow_ridge_is_climbed():
    """Along x = y the ratio rises slowly, and falls at once beside it."""
    worst = attack(lambda x: -((x[:, 0] - 3) ** 2) - 100 * (x[:, 0] - x[:, 1]) ** 2, rng().normal(size=(50, 2)), rng())
    assert worst.ratio > -1e-6


def test_nan_is_no_success():
    def ratio(x):
        return np.where(x[:, 0] > 0.5, np.nan, x[:, 0])

    worst = attack(ratio, rng().uniform(size=(50, 1)), rng())
    assert 0.5 - 1e-6 < worst.ratio <= 0.5
    assert np.isneginf(attack(lambda x: np.full(len(x), np.nan), np.zeros((5, 2)), rng()).ratio)


def test_a_seed_decides_the_course():
    def found(seed):
        return attack_distributions(lambda nu: -(nu * np.log(nu)).sum(axis=1), (3,), rng(seed), rounds=5)

    assert found(1).ratio == found(1).ratio
    assert (found(1).place == found(1).place).all()
    assert found(1).ratio != found(2).ratio


def test_an_attack_never_ends_below_its_starts():
    starts = rng().uniform(size=(20, 3))
    assert attack(lambda x: -x.sum(axis=1), starts, rng(), rounds=1).ratio >= (-starts.sum(axis=1)).max()


@pytest.mark.parametrize("name", BOUNDS)
def test_every_bound_is_attacked_and_broken_only_if_it_is_false(name):
    pairs = list(zip(CLAIMS[name].readings, settled(name).readings, strict=True))
    attacked = [(reading, found.attacked) for reading, found in pairs if found.attacked is not None]
    assert attacked
    for reading, end in attacked:
        assert end.ratio is not None
        assert math.isfinite(end.ratio)
        assert (end.ratio > 1 + SLACK) is (reading.expected == "false")
        assert end.holds is (reading.expected == "holds")


@pytest.mark.parametrize("name", ["I.5a", "I.6", "I.21", "I.22", "I.23", "I.24", "I.25a", "II.9a", "B.6a", "B.8"])
def test_bounds_that_an_attack_touches_are_tight(name):
    assert any(found.is_tight for found in settled(name).readings)


@pytest.mark.parametrize("name", ["I.8", "I.15", "II.1a", "II.8b", "B.2a", "B.3", "B.4"])
def test_other_bounds_are_not(name):
    assert not any(found.is_tight for found in settled(name).readings)


@pytest.mark.parametrize(
    ("name", "least"),
    [("I.8", 0.95), ("I.18a", 0.967), ("II.1a", 0.99), ("II.9", 1.5), ("B.2a", 0.999), ("B.2", 2.1), ("I.25b", 0.999)],
)
def test_attacks_reach_as_far_as_is_known(name, least):
    assert settled(name).attacked.ratio > least


@pytest.mark.parametrize("name", RATES)
def test_every_rate_is_fitted_with_an_interval_and_a_constant(name):
    fits = [noted for noted in settled(name).readings[0].noted if "exponent" in noted.instance]
    assert fits
    for fit in fits:
        low, high = map(float, re.findall(r"[-+.e\d]+", fit.instance["95 % interval"].strip("[]")))
        assert low <= fit.instance["exponent"] <= high
        assert float(fit.instance["constant"]) > 0
        assert fit.holds


def test_a_kink_touches_the_loss_of_i6():
    """At nu* = (1/2, 1/2) the loss is beta KL(nu* || response), the response in proportion to (.6 .48, .4 .52)."""
    nu_0, q = [Fraction(3, 5), Fraction(2, 5)], [Fraction(12, 25), Fraction(13, 25)]
    game = i06._kinked(Fraction(3, 10), nu_0, Fraction(1))
    response = [mp.mpf(288) / 496, mp.mpf(208) / 496]
    by_hand = -mp.log(4 * response[0] * response[1]) / 2
    assert abs(game.least() - game.lower_bound(q) - by_hand) < 1e-30
    assert abs(i06.stated(game, q) - by_hand) < 1e-30


def test_the_noise_of_a_table_is_exact():
    """c = (0, 2) has the second moment 4 p, and p^2 (4 p - 4 p^2) is largest at 3/4; c = (3, 0) is largest at 0."""
    place, noise = groups.noisiest([0.0, 2.0], "variance", rng())
    assert abs(place - Fraction(3, 4)) < Fraction(1, 10**4)
    assert noise == pytest.approx(27 / 64, rel=1e-9)
    assert noise <= 27 / 64
    assert groups.noisiest([0.0, 2.0], "second_moment", rng()) == (1, 4.0)
    assert groups.noisiest([3.0, 0.0], "second_moment", rng()) == (0, 9.0)


def test_rounding_keeps_a_distribution():
    assert rounded([0.25, 0.75], 8) == [Fraction(1, 4), Fraction(3, 4)]
    assert rounded([1e-12, 1.0], 10) == [Fraction(1, 11), Fraction(10, 11)]
    assert rounded([1e-12, 1.0], 10, least=0) == [0, 1]
