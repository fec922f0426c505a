"""What a certificate says, computed again by hand."""

import numpy as np
import pytest

from dagames import AlignmentGame
from dagames.functionals import Gini, KLToPrior, Linear, Point


@pytest.mark.parametrize(
    ("functional", "beta", "of_scale"),
    [
        (Linear([0.1, 0.2, 0.0]), 0.5, "one"),
        (Linear([300.0, 100.0, 0.0]), 0.5, "value"),
        (Gini(1.0), 5000.0, "divergence"),
    ],
)
def test_the_gap_is_relative_to_the_largest_of_one_value_and_divergence(functional, beta, of_scale):
    nu_0, pi, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.1, 0.7]), np.array([0.3, 0.3, 0.4])
    game = AlignmentGame(nu_0, [0, 1, 2], functional, beta)
    value, divergence = abs(float(functional.value(pi))), beta * float(np.sum(pi * np.log(pi / nu_0)))
    scale = {"one": 1.0, "value": value, "divergence": divergence}[of_scale]
    assert scale == max(1.0, value, divergence)
    certificate = game.certify(np.log(pi), np.log(q))
    u = -beta * np.log(q)
    dual = -beta * np.log(np.sum(nu_0 * q)) - float(functional.conjugate(u))
    assert certificate.primal == pytest.approx(float(functional.value(pi)) + divergence, rel=1e-12)
    assert certificate.dual == pytest.approx(dual, rel=1e-12)
    assert certificate.gap == pytest.approx((certificate.primal - dual) / scale, rel=1e-12)
    assert certificate.worst == float(certificate.gap)


def test_the_worst_gap_is_the_largest_over_prompts():
    game = AlignmentGame([[0.5, 0.5], [0.9, 0.1]], [0, 1], Gini(1.0), 1.0)
    pi = np.log([[0.5, 0.5], [0.5, 0.5]])
    certificate = game.certify(pi, np.log([[0.5, 0.5], [0.5, 0.5]]))
    assert certificate.gap.shape == (2,)
    assert certificate.worst == certificate.gap[1] > certificate.gap[0]


@pytest.mark.parametrize(
    ("nu_0", "functional"), [([1.0, 0.0], Gini(1.0)), ([0.5, 0.5], Point(0)), ([0.5, 0.5], KLToPrior([1.0, 0.0]))]
)
def test_a_policy_of_infinite_objective_is_infinitely_far(nu_0, functional):
    game = AlignmentGame(nu_0, [0, 1], functional, beta=1.0)
    certificate = game.certify(np.log([0.5, 0.5]), np.log([0.5, 0.5]))
    assert certificate.primal == np.inf
    assert certificate.gap == np.inf
    assert np.isfinite(certificate.dual)
