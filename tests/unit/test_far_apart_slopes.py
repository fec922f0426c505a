"""Conjugates of sums whose slopes differ by many orders of magnitude: bounded, or refused."""

import numpy as np
import pytest

from dagames import AlignmentGame, CertificateError, solve
from dagames.functionals import Gini, Hellinger, KLFromPrior, Linear, Tsallis
from dagames.functionals.conjugates.interior_point import Supremum


def test_a_tiny_prior_leaves_the_conjugate_finite():
    R, u = KLFromPrior([1e-40, 1.0]) + Gini(1.0), np.ones(2)
    attained = np.array([1e-16, 1.0]) @ u - R.value(np.array([1e-16, 1.0]))
    assert attained <= R.conjugate(u) <= attained + 1e-12
    assert R.conjugate_gap(u) <= 1e-12
    assert np.isfinite(R.value(R.conjugate_gradient(u)))


@pytest.mark.parametrize("seed", range(40))
def test_games_of_tiny_priors_are_solved(seed):
    rng = np.random.default_rng(seed)
    prior, mass = 10 ** rng.uniform(-80, -40), 10 ** rng.uniform(-10, -1)
    R = KLFromPrior([prior, 1.0 - prior], weight=0.6) + Gini(10 ** rng.uniform(-2, 1))
    assert solve(AlignmentGame([mass, 1.0 - mass], [0, 1], R, 0.3)).certificate.worst <= 1e-10


def test_steep_answers_of_an_ordinary_reference_are_solved():
    R = Hellinger([2.5e-148, 5e-30, 4.6e-124, 1.0], 7.26) + Tsallis(3.0, 1.29e-4)
    assert solve(AlignmentGame([0.11, 0.28, 0.48, 0.13], range(4), R, 0.118)).certificate.worst <= 1e-13


def test_a_constant_in_u_costs_no_accuracy():
    R = KLFromPrior([0.0201, 0.7371, 0.2210, 0.0218], 0.00333) + Hellinger([1.0, 7e-82, 5e-63, 7e-95], 9.62)
    u = np.array([0.0, 0.125, 0.25, 0.375])
    shift = 2.0**25
    np.testing.assert_allclose(R.conjugate(u + shift) - shift, R.conjugate(u), rtol=0, atol=2.0**-27)
    assert R.conjugate_gap(u + shift) <= 1e-12


def test_a_point_of_infinite_value_certifies_nothing(monkeypatch):
    """Its gap must not be small next to its value."""
    R = KLFromPrior([0.5, 0.5]) + Gini(1.0)
    wrong = Supremum(np.array([0.0, 1.0]), np.asarray(-np.inf), np.asarray(1e200))
    monkeypatch.setattr(type(R), "supremum", lambda *_: wrong)
    assert R.conjugate_gap(np.ones(2)) == np.inf
    with pytest.raises(CertificateError, match="could not be bounded: gap inf"):
        R.conjugate(np.ones(2))


def test_flat_answers_take_the_rest():
    R = Linear([0.0, 0.3, 0.1]) + KLFromPrior([0.0, 1.0, 0.0])
    u = np.array([0.2, 0.0, 0.1])
    found = R.supremum(u) if hasattr(R, "supremum") else None
    nu = R.conjugate_gradient(u)
    np.testing.assert_allclose(nu.sum(), 1.0)
    assert found is None or found.gap <= 1e-12
    np.testing.assert_allclose(R.conjugate(u), nu @ u - R.value(nu), atol=1e-12)
