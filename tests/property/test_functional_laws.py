"""Laws that every functional obeys, over random instances with masses from 1 down to 1e-300."""

import numpy as np
import pytest
from hypothesis import given, settings

from dagames import InfeasibleError
from dagames.functionals import ChiSquare, KLToPrior, NegativeEntropy, SquaredDistance, Tsallis
from dagames.numerics.roots import increasing_root
from tests.cases import FUNCTIONALS, SEPARABLE, random_distribution, seeds, sizes, within

family = pytest.mark.parametrize("make", FUNCTIONALS.values(), ids=FUNCTIONALS.keys())

separable = pytest.mark.parametrize("make", SEPARABLE.values(), ids=SEPARABLE.keys())


few = settings(max_examples=max(settings.default.max_examples // 3, 4))
"""For laws whose every example evaluates many conjugates."""


def close(a: np.ndarray, b: np.ndarray, scale: float) -> None:
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-11 * max(1.0, scale))


def drawn(make, seed: int, n: int):
    """Draw a functional, and two distributions that it allows."""
    rng = np.random.default_rng(seed)
    R = make(rng, n)
    return rng, R, within(R, random_distribution(rng, n)), within(R, random_distribution(rng, n))


def against(nu: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Compute <nu, u> with 0 times infinity being 0."""
    return np.where(nu > 0, nu * np.where(nu > 0, u, 0.0), 0.0).sum(axis=-1)


def log(nu: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(nu)


def size_of(*arrays: np.ndarray) -> float:
    return float(max(np.abs(a[np.isfinite(a)]).max(initial=0.0) for a in arrays))


@separable
@given(seeds, sizes)
def test_slopes_are_finite_or_infinite_at_masses_below_float64(make, seed, n):
    """Searches start there: a slope beyond float64 is an infinity, without a warning, and never NaN."""
    rng = np.random.default_rng(seed)
    R, log_nu = make(rng, n), -(10.0 ** rng.uniform(0.0, 4.0, size=n))
    assert not np.isnan(R.gradient_at_log(log_nu)).any()
    assert (R.bend_at_log(log_nu) >= 0).all()


@family
@given(seeds, sizes)
def test_fenchel_young_inequality(make, seed, n):
    rng, R, nu, _ = drawn(make, seed, n)
    u = rng.normal(size=n) * 10 ** rng.uniform(-2, 3)
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
    _, R, nu, _ = drawn(make, seed, n)
    u = np.where(nu > 0, R.gradient_at_log(log(nu)), -np.inf)
    close(R.value(nu) + R.conjugate(u), against(nu, u), max(size_of(R.value(nu)), np.abs(against(nu, u))))


@family
@given(seeds, sizes)
def test_gradient_is_a_subgradient(make, seed, n):
    _, R, nu, mu = drawn(make, seed, n)
    u = R.gradient(nu)
    scale = max(1.0, size_of(against(nu, u), against(mu, u), R.value(nu)))
    assert R.value(mu) >= R.value(nu) + against(mu, u) - against(nu, u) - 1e-11 * scale


@family
@given(seeds, sizes)
def test_gradient_agrees_with_differences(make, seed, n):
    rng, R, _, _ = drawn(make, seed, n)
    nu = within(R, 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n)
    v = within(R, rng.dirichlet(np.ones(n))) - nu  # a direction that stays where R is finite, both ways
    h = 1e-3 / n
    # Richardson's extrapolation of the central difference: the error is of order h^4.
    coarse, fine = ((R.value(nu + s * v) - R.value(nu - s * v)) / (2 * s) for s in (h, h / 2))
    u = np.where(nu > 0, R.gradient(nu), 0.0)
    assert abs((4 * fine - coarse) / 3 - u @ v) <= 1e-6 * max(1.0, size_of(u) * np.abs(v).sum())


@family
@given(seeds, sizes)
def test_value_is_convex(make, seed, n):
    rng, R, nu, mu = drawn(make, seed, n)
    t = rng.random()
    chord = (1 - t) * R.value(nu) + t * R.value(mu)
    assert R.value((1 - t) * nu + t * mu) <= chord + 1e-11 * max(1.0, abs(chord))


@family
@given(seeds, sizes)
def test_shift_rule(make, seed, n):
    rng = np.random.default_rng(seed)
    R, u, c = make(rng, n), rng.normal(size=n), rng.normal() * 10
    close(R.conjugate(u + c), R.conjugate(u) + c, max(10.0, size_of(R.conjugate(u))))


@family
@given(seeds, sizes)
def test_biconjugate_gives_the_value_back(make, seed, n):
    """R**(nu) = sup_u <nu, u> - R*(u), attained at the gradient and nowhere exceeded."""
    rng, R, nu, _ = drawn(make, seed, n)
    at = np.where(nu > 0, R.gradient_at_log(log(nu)), -np.inf)
    scale = max(1.0, size_of(R.value(nu), against(nu, at)))
    close(against(nu, at) - R.conjugate(at), R.value(nu), scale)
    others = at + rng.normal(size=(20, n)) * 10 ** rng.uniform(-3, 2, size=(20, 1))
    size = scale * max(1.0, size_of(against(nu, others)))
    assert (against(nu, others) - R.conjugate(others) <= R.value(nu) + 1e-11 * size).all()


@family
@given(seeds, sizes)
def test_minus_infinity_forbids_an_answer(make, seed, n):
    """The conjugate with -inf entries is the supremum over the face without those answers."""
    rng = np.random.default_rng(seed)
    R, u = make(rng, n + 1), rng.normal(size=n + 1)
    u[rng.integers(n + 1)] = -np.inf
    faced = np.isfinite(u)
    try:
        R.check_reachable(faced)
    except InfeasibleError:
        assert R.conjugate(u) == -np.inf
        return
    if not R.allowed(faced).any():
        assert R.conjugate(u) == -np.inf
        return
    nu = R.conjugate_gradient(u)
    assert (nu[np.isneginf(u)] == 0).all()
    faces = rng.dirichlet(np.ones(n + 1), size=50) * R.allowed(faced)
    faces /= faces.sum(axis=-1, keepdims=True)
    payoff = faces @ np.where(np.isfinite(u), u, 0.0) - R.value(faces)
    assert payoff.max() <= R.conjugate(u) + 1e-11 * max(1.0, size_of(u))
    close(nu @ np.where(np.isfinite(u), u, 0.0) - R.value(nu), R.conjugate(u), size_of(u))


@family
@given(seeds, sizes)
def test_relative_smoothness_bounds_the_curvature(make, seed, n):
    """R(mu) - R(nu) - <grad R(nu), mu - nu> <= L KL(mu || nu): the law mirror descent lives on."""
    rng = np.random.default_rng(seed)
    R = make(rng, n)
    nu, mu = within(R, rng.dirichlet(np.ones(n)) * 0.999 + 0.001 / n), within(R, rng.dirichlet(np.ones(n)))
    divergence = R.value(mu) - R.value(nu) - against(mu, R.gradient(nu)) + against(nu, R.gradient(nu))
    kl = against(mu, log(mu) - log(np.where(nu > 0, nu, 1.0)))
    bound = R.relative_smoothness * kl if np.isfinite(R.relative_smoothness) else np.inf
    assert divergence <= bound + 1e-10 * max(1.0, size_of(R.gradient(nu), R.value(nu)))


@family
@few
@given(seeds, sizes)
def test_a_batch_is_its_prompts(make, seed, n):
    rng = np.random.default_rng(seed)
    R = make(rng, n)
    nu, u = within(R, rng.dirichlet(np.ones(n), size=3)), rng.normal(size=(3, n))
    for name, argument in (("value", nu), ("gradient", nu), ("conjugate", u), ("conjugate_gradient", u)):
        rows = np.stack([getattr(R, name)(row) for row in argument])
        np.testing.assert_allclose(getattr(R, name)(argument), rows, rtol=1e-12, atol=1e-12)


@separable
@given(seeds, sizes)
def test_bend_is_the_derivative_of_the_slope(make, seed, n):
    """d f'(e^t) / dt by Richardson's extrapolation, on the allowed answers, and never negative."""
    rng, R, _, _ = drawn(make, seed, n)
    allowed = R.allowed(np.ones(n, dtype=bool))
    t, h = -rng.uniform(0, 5, size=n), 1e-3
    coarse, fine = ((R.gradient_at_log(t + s) - R.gradient_at_log(t - s)) / (2 * s) for s in (h, h / 2))
    bend = R.bend_at_log(t)
    assert (bend >= 0).all()
    error = np.abs((4 * fine - coarse) / 3 - bend)[allowed]
    assert (error <= 1e-7 * np.maximum(1.0, np.abs(R.gradient_at_log(t)))[allowed]).all()


@given(seeds)
def test_increasing_root_finds_the_root_or_the_end(seed):
    rng = np.random.default_rng(seed)
    power, shift = rng.choice([1, 3, 7], size=20), rng.normal(size=20)
    root = np.sign(shift) * np.abs(shift) ** (1 / power)
    found = increasing_root(
        lambda x: (x**power - shift, power * x ** (power - 1.0)), np.full(20, -9.0), np.full(20, 9.0)
    )
    np.testing.assert_allclose(found, root, rtol=1e-12, atol=1e-12)
    ends = np.array([-1.0, 1.0])
    assert increasing_root(lambda x: (x - 5.0, np.ones_like(x)), *ends[:, None])[0] == 1.0
    assert increasing_root(lambda x: (x + 5.0, np.ones_like(x)), *ends[:, None])[0] == -1.0


def test_gradients_carry_the_constants_they_are_documented_with():
    """On the simplex a constant in the gradient changes nothing, so no law fixes it; its formula does."""
    nu = np.array([0.25, 0.75])
    np.testing.assert_allclose(NegativeEntropy(2.0).gradient(nu), 2 * (np.log(nu) + 1))
    np.testing.assert_allclose(KLToPrior([0.5, 0.5], 2.0).gradient(nu), 2 * np.log(nu / 0.5))
    np.testing.assert_allclose(Tsallis(3.0, 2.0).gradient(nu), 2 * (3 * nu**2 - 1) / 2)
    np.testing.assert_allclose(ChiSquare([0.5, 0.5], 2.0).gradient(nu), 4 * (nu / 0.5 - 1))
    np.testing.assert_allclose(SquaredDistance([0.5, 0.5], 2.0).gradient(nu), 2 * (nu - 0.5))
