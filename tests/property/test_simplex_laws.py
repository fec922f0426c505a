"""Laws of distributions: against definitions in 50 digits or in loops."""

import mpmath as mp
import numpy as np
from hypothesis import given

from dagames import simplex
from tests.cases import random_distribution, random_reference, seeds, sizes


@given(seeds, sizes)
def test_entropy_and_divergence_agree_with_their_definitions(seed, n):
    rng = np.random.default_rng(seed)
    p, q = random_distribution(rng, n), random_distribution(rng, n)
    entropy = -mp.fsum(mp.mpf(a) * mp.log(mp.mpf(a)) for a in p if a > 0)
    divergence = mp.fsum(mp.mpf(a) * mp.log(mp.mpf(a) / mp.mpf(b)) for a, b in zip(p, q, strict=True) if a > 0)
    scale = max(1.0, float(divergence))
    assert abs(simplex.entropy(p) - float(entropy)) < 1e-13
    assert abs(simplex.kl(p, q) - float(divergence)) < 1e-12 * scale
    assert abs(simplex.kl_from_logs(np.log(p), np.log(q)) - float(divergence)) < 1e-12 * scale


def test_divergence_at_the_edge():
    assert simplex.kl(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == np.inf
    assert simplex.kl(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == np.log(2)
    with np.errstate(divide="ignore"):
        logs = np.log([[0.5, 0.5], [1.0, 0.0]])
    assert simplex.kl_from_logs(logs[0], logs[1]) == np.inf
    assert simplex.kl_from_logs(logs[1], logs[0]) == np.log(2)
    assert simplex.kl_from_logs(logs[1], logs[1]) == 0
    assert simplex.entropy(np.array([1.0, 0.0])) == 0


@given(seeds, sizes)
def test_pushforward_sums_the_traces_of_each_answer(seed, n):
    rng = np.random.default_rng(seed)
    pi, E = random_reference(rng, n)
    log_nu = simplex.pushforward(np.log(pi), E, n + 1)
    for z in range(n):
        total = mp.fsum(mp.mpf(p) for p, answer in zip(pi, E, strict=True) if answer == z)
        assert abs(log_nu[z] - float(mp.log(total))) < 1e-12
    assert log_nu[n] == -np.inf


@given(seeds, sizes)
def test_lift_weighs_each_trace_by_its_answer(seed, n):
    rng = np.random.default_rng(seed)
    pi, E = random_reference(rng, n)
    weight = rng.normal(size=n)
    lifted = simplex.lift(np.log(pi), E, weight)
    np.testing.assert_allclose(lifted, [np.log(p) + weight[z] for p, z in zip(pi, E, strict=True)], atol=1e-12)


@given(seeds, sizes)
def test_euclidean_projection_meets_its_optimality_condition(seed, n):
    """<v - p, p' - p> <= 0 for every p' of the simplex: it is enough to try the corners."""
    rng = np.random.default_rng(seed)
    v = rng.normal(size=n) * 10 ** rng.uniform(-3, 3)
    p = simplex.project_euclidean(v)
    assert p.min() >= 0
    assert abs(p.sum() - 1) < 1e-12
    scale = max(1.0, np.abs(v).max())
    assert all((v - p) @ (corner - p) <= 1e-12 * scale for corner in np.eye(n))


@given(seeds, sizes)
def test_log_normalize(seed, n):
    weights = np.random.default_rng(seed).normal(size=(2, n)) * 500 - 1e4
    p = np.exp(simplex.log_normalize(weights))
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(np.diff(simplex.log_normalize(weights)), np.diff(weights), atol=1e-9)
