"""Consensus, distances and bounds of orbits by example: the numbers of the claims, and ties."""

import numpy as np
import pytest

from dagames.orbits import (
    arithmetic_mean,
    generalised_hellinger,
    geometric_mean,
    hellinger_bounds,
    hybrid_bound,
    hybrid_loss,
    jensen_shannon,
    majority,
)


@pytest.mark.parametrize(("K", "constant"), [(3, 0.861671773764278), (4, 0.715972), (5, 0.620832), (6, 0.558072)])
def test_the_lower_constants_of_the_hellinger_bound(K, constant):
    """Claim I.23, and no random point does better."""
    c, C = hellinger_bounds(K)
    assert c == pytest.approx(constant, abs=1e-6 if K > 3 else 1e-13)
    x = np.random.default_rng(K).dirichlet(np.ones(K), size=20_000) * K
    ratio = (1 - np.exp(np.log(x).mean(axis=1))) / (x * np.log(x)).mean(axis=1)
    assert c - 1e-9 <= ratio.min()
    assert ratio.max() <= C
    assert c < 1 / np.log(K)


def test_the_bounds_of_the_hellinger_distance_are_attained():
    for K in (2, 3, 5, 9):
        views = (1 - np.eye(K)) / (K - 1)
        assert generalised_hellinger(views) == 1
        assert hellinger_bounds(K)[1] * jensen_shannon(views) == pytest.approx(1)
    assert hellinger_bounds(2)[0] == 1
    x = np.array([1 + np.sqrt(3), 1 - np.sqrt(3) / 2, 1 - np.sqrt(3) / 2]) / 3
    views = np.stack([np.roll(x, k) for k in range(3)])
    assert generalised_hellinger(views) / jensen_shannon(views) == pytest.approx(hellinger_bounds(3)[0], rel=1e-12)
    # Below 1 / log K for every K > 2, by an amount that mpmath finds to be 1.3265e-7, 6.279e-9 and 2.645e-10.
    for K, below in ((8, 1.3265074e-7), (9, 6.2792638e-9), (10, 2.6446621e-10)):
        assert 1 / np.log(K) - hellinger_bounds(K)[0] == pytest.approx(below, rel=5e-3)


def test_the_hybrid_bound_fails_for_a_restricted_set_of_models():
    """Claim I.25: models (t, .5 - t, .5), t in [.1, .43]; the loss .0600 exceeds the bound .0179."""
    e = 1e-4
    nu = np.array([[9 * e, e, 1 - 10 * e], [e, e, 1 - 2 * e]])
    truth, ends = np.array([0.2, 0.2, 0.6]), np.array([[0.1, 0.4, 0.5], [0.43, 0.07, 0.5]])
    bound = hybrid_bound(nu, truth, models=ends)
    assert bound.lipschitz == pytest.approx(3.13, abs=0.005)
    assert bound.gradient == pytest.approx(14.3, abs=0.05)
    assert bound.as_stated == pytest.approx(0.0179, abs=1e-4)
    assert bound.as_stated == pytest.approx(bound.amended * bound.gradient)
    # The KL projection of a mean on the models keeps the ratio of its first two masses.
    losses = [
        float(np.sum(truth * np.log(truth / np.array([t, 0.5 - t, 0.5]))))
        for mean in (arithmetic_mean(nu), geometric_mean(nu))
        for t in [float(np.clip(0.5 * mean[0] / (mean[0] + mean[1]), 0.1, 0.43))]
    ]
    assert losses[0] - losses[1] == pytest.approx(0.0600, abs=1e-4)
    assert losses[0] - losses[1] > bound.as_stated
    assert hybrid_loss(nu, truth) <= hybrid_bound(nu, truth).amended


def test_majority_of_a_tie_is_split():
    np.testing.assert_array_equal(majority([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2]]), [0.5, 0.5, 0])
    np.testing.assert_array_equal(majority([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2]], [0.6, 0.4]), [1, 0, 0])
