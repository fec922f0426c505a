"""Attacks find maxima that are known, wherever they are."""

import numpy as np
import pytest

from proofs_check.attack import attack, attack_distributions

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
