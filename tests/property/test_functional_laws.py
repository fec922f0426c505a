"""Laws that every functional obeys, over random instances with masses from 1 down to 1e-300."""

import numpy as np
import pytest
from hypothesis import given

from tests.cases import FUNCTIONALS, random_distribution, seeds, sizes

family = pytest.mark.parametrize("make", FUNCTIONALS.values(), ids=FUNCTIONALS.keys())


def close(a: np.ndarray, b: np.ndarray, scale: float) -> None:
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-11 * max(1.0, scale))


def size_of(*arrays: np.ndarray) -> float:
    return float(max(np.abs(a[np.isfinite(a)]).max(initial=0.0) for a in arrays))


@family
@given(seeds, sizes)
def test_fenchel_young_inequality(make, seed, n):
    rng = np.random.default_rng(seed)
    R, nu, u = make(rng, n), random_distribution(rng, n), rng.normal(size=n) * 10 ** rng.uniform(-2, 3)
    slack = R.value(nu) + R.conjugate(u) - nu @ u
    assert slack >= -1e-11 * max(1.0, size_of(u, R.value(nu)))


@family
@given(seeds, sizes)
def test_fenchel_young_is_attained_at_the_conjugate_gradient(make, seed, n):
    rng = np.random.default_rng(seed)
    R, u = make(rng, n), rng.normal(size=n) * 10 ** rng.uniform(-2, 3)
    nu = R.conjugate_gradient(u)
    assert nu.min() >= 0
    close(nu.sum(), 1.0, 1.0)
    close(R.value(nu) + R.conjugate(u), nu @ u, size_of(u))


@family
@given(seeds, sizes)
def test_fenchel_young_is_attained_at_the_gradient(make, seed, n):
    rng = np.random.default_rng(seed)
    R, nu = make(rng, n), random_distribution(rng, n)
    u = R.gradient_at_log(np.log(nu))
    close(R.value(nu) + R.conjugate(u), nu @ u, size_of(u))


@family
@given(seeds, sizes)
def test_gradient_is_a_subgradient(make, seed, n):
    rng = np.random.default_rng(seed)
    R, nu, mu = make(rng, n), random_distribution(rng, n), random_distribution(rng, n)
    u = R.gradient(nu)
    assert R.value(mu) >= R.value(nu) + u @ (mu - nu) - 1e-11 * max(1.0, size_of(u))


@family
@given(seeds, sizes)
def test_gradient_agrees_with_differences(make, seed, n):
    rng = np.random.default_rng(seed)
    R, nu = make(rng, n), 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n
    v = rng.normal(size=n)
    v -= v.mean()
    h = 1e-3 / n / max(1.0, np.abs(v).max())
    # Richardson's extrapolation of the central difference: the error is of order h^4.
    coarse, fine = ((R.value(nu + s * v) - R.value(nu - s * v)) / (2 * s) for s in (h, h / 2))
    slope = R.gradient(nu) @ v
    assert abs((4 * fine - coarse) / 3 - slope) <= 1e-6 * max(1.0, size_of(R.gradient(nu)) * np.abs(v).sum())


@family
@given(seeds, sizes)
def test_value_is_convex(make, seed, n):
    rng = np.random.default_rng(seed)
    R, nu, mu, t = make(rng, n), random_distribution(rng, n), random_distribution(rng, n), rng.random()
    chord = (1 - t) * R.value(nu) + t * R.value(mu)
    assert R.value((1 - t) * nu + t * mu) <= chord + 1e-11 * max(1.0, abs(chord))


@family
@given(seeds, sizes)
def test_shift_rule(make, seed, n):
    rng = np.random.default_rng(seed)
    R, u, c = make(rng, n), rng.normal(size=n), rng.normal() * 10
    close(R.conjugate(u + c), R.conjugate(u) + c, 10.0)


@family
@given(seeds, sizes)
def test_biconjugate_gives_the_value_back(make, seed, n):
    """R**(nu) = sup_u <nu, u> - R*(u), attained at the gradient and nowhere exceeded."""
    rng = np.random.default_rng(seed)
    R, nu = make(rng, n), random_distribution(rng, n)
    at = R.gradient_at_log(np.log(nu))
    close(nu @ at - R.conjugate(at), R.value(nu), size_of(at))
    others = at + rng.normal(size=(20, n)) * 10 ** rng.uniform(-3, 2, size=(20, 1))
    assert (others @ nu - R.conjugate(others) <= R.value(nu) + 1e-11 * max(1.0, size_of(others))).all()


@family
@given(seeds, sizes)
def test_minus_infinity_forbids_an_answer(make, seed, n):
    """The conjugate with -inf entries is the supremum over the face without those answers."""
    rng = np.random.default_rng(seed)
    R, u = make(rng, n + 1), rng.normal(size=n + 1)
    u[rng.integers(n + 1)] = -np.inf
    nu = R.conjugate_gradient(u)
    assert (nu[np.isneginf(u)] == 0).all()
    inside = rng.dirichlet(np.ones(n), size=50)
    faces = np.zeros((50, n + 1))
    faces[:, np.isfinite(u)] = inside
    payoff = faces @ np.where(np.isfinite(u), u, 0.0) - R.value(faces)
    assert payoff.max() <= R.conjugate(u) + 1e-11 * max(1.0, size_of(u))
    close(nu @ np.where(np.isfinite(u), u, 0.0) - R.value(nu), R.conjugate(u), size_of(u))


@family
@given(seeds, sizes)
def test_relative_smoothness_bounds_the_curvature(make, seed, n):
    """R(mu) - R(nu) - <grad R(nu), mu - nu> <= L KL(mu || nu): the law mirror descent lives on."""
    rng = np.random.default_rng(seed)
    R, nu, mu = make(rng, n), rng.dirichlet(np.ones(n)) * 0.999 + 0.001 / n, rng.dirichlet(np.ones(n))
    divergence = R.value(mu) - R.value(nu) - R.gradient(nu) @ (mu - nu)
    kl = float(np.sum(np.where(mu > 0, mu * np.log(np.where(mu > 0, mu, 1.0) / nu), 0.0)))
    assert divergence <= R.relative_smoothness * kl + 1e-11 * max(1.0, size_of(R.gradient(nu)))


@family
@given(seeds, sizes)
def test_a_batch_is_its_prompts(make, seed, n):
    rng = np.random.default_rng(seed)
    R, nu, u = make(rng, n), rng.dirichlet(np.ones(n), size=3), rng.normal(size=(3, n))
    for name, argument in (("value", nu), ("gradient", nu), ("conjugate", u), ("conjugate_gradient", u)):
        rows = np.stack([getattr(R, name)(row) for row in argument])
        np.testing.assert_allclose(getattr(R, name)(argument), rows, rtol=1e-14, atol=1e-14)
