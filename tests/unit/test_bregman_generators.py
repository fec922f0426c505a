"""Generators: divergences, convexity, and functionals as generators."""

from fractions import Fraction

import numpy as np
import pytest

from dagames import DomainError, ShapeError
from dagames.bregman import Entropic, Euclidean, Generator, Polynomial, Power
from dagames.functionals import (
    Gini,
    KLToPrior,
    Linear,
    LogScore,
    NegativeEntropy,
    Point,
    Polytope,
    Quadratic,
    Separable,
    SquaredDistance,
    Tsallis,
)
from dagames.games.bregman import BregmanGame
from dagames.games.generators import FromFunctional
from dagames.solvers.bregman import check_consistent, solve_bregman
from tests.cases_bregman import GENERATORS, two_answers


def test_divergences_at_the_edge():
    p, q = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    assert Entropic().divergence(p, q) == pytest.approx(np.log(2))
    assert Euclidean().divergence(p, q) == 0.25
    assert Power(0.5).divergence(q, p) == np.inf
    assert Entropic().divergence(q, p) == np.inf
    # By hand: phi = p^a / (a (a - 1)) and its tangent.
    a = 3.0
    assert Power(a).divergence(p, q) == pytest.approx(1 / 6 - 2 * 0.125 / 6)
    assert Power(a).divergence(q, p) == pytest.approx(2 * 0.125 / 6 - 1 / 6 + 0.5 / 2)
    a = 0.5
    by_hand = -4 * (1 - 2 * 0.5**a) + 2 * 0.5 ** (a - 1) * (0.5 - 0.5)
    assert Power(a).divergence(p, q) == pytest.approx(by_hand)
    assert Power(2.0).divergence(p, q) == pytest.approx(0.25)
    near = Power(1 + 1e-9).divergence(np.array([0.2, 0.8]), q)
    assert near == pytest.approx(float(Entropic().divergence(np.array([0.2, 0.8]), q)), rel=1e-8)
    assert Polynomial([5, 7, 0, 1]).value(q) == pytest.approx(2 * (5 + 3.5 + 0.125))


@pytest.mark.parametrize(
    ("coefficients", "convex"),
    [
        ([0, 0, 1], True),
        ([0, 0, 0, 1], True),
        ([0, 0, 0, -1], False),
        ([0, 0, Fraction(2, 3), Fraction(-4, 3), 1], True),  # phi'' = 12 (x - 1/3)^2
        ([0, 0, Fraction(2, 3) - Fraction(1, 10**30), Fraction(-4, 3), 1], False),
        ([0, 0, 3, -1], True),  # phi'' = 6 - 6 x, zero at 1
        ([0, 0, 2.9, -1], False),
        ([0, 0, -1, 1, 0, 1], False),
        ([0, 0, 0, 0, 0, 0, 0, 0, 1], True),
    ],
)
def test_convexity_is_decided_exactly(coefficients, convex):
    if convex:
        Polynomial(coefficients)
        return
    with pytest.raises(DomainError, match=r"not convex on \[0, 1\]: its second derivative is -"):
        Polynomial(coefficients)


def test_a_flat_generator_gives_no_mass_by_rounding():
    """Where phi'' vanishes at 0, a slope's last digit is a mass of 1e-5: the projection must not hand it out."""
    F, rng = Polynomial([0, 0, 0, 0, 1]), np.random.default_rng(3)
    p = np.append(rng.dirichlet(np.ones(4), size=50), np.zeros((50, 3)), axis=-1)
    np.testing.assert_allclose(F.conjugate_gradient(F.gradient(p))[:, 4:], 0.0, atol=1e-7)


def test_every_generator_is_put_through_the_laws():
    own = {cls.__name__ for cls in Generator.__subclasses__() if cls.__module__.startswith("dagames.")}
    assert own == {name.split()[0] for name in GENERATORS}


class Squares(Separable):
    """A user's functional without a formula for masses: w |nu|^2 / 2."""

    def __init__(self, weight):
        self.weight = np.asarray(weight, dtype=float)

    def value(self, nu):
        return np.asarray(0.5 * self.weight * (nu * nu).sum(axis=-1))

    def gradient(self, nu):
        return np.asarray(self.weight[..., None] * nu)

    def bend_at_log(self, log_nu):
        return np.asarray(self.weight[..., None] * np.exp(log_nu))

    def conjugate(self, u):
        raise NotImplementedError

    def conjugate_gradient(self, u):
        raise NotImplementedError


SQUARES = {
    "Gini": Gini,
    "Tsallis": lambda w: Tsallis(2.0, 0.5 * w),
    "user's": Squares,
    "multiple of a user's": lambda w: w * Squares(1.0),
}
"""Functionals whose divergence is w |p - q|^2 / 2."""


@pytest.mark.parametrize("make", SQUARES.values(), ids=SQUARES)
def test_a_functional_serves_as_a_generator(make):
    expected = solve_bregman(two_answers(0.2, Euclidean(), beta=1.5))
    solution = solve_bregman(two_answers(0.2, make(3.0), make(3.0)))
    np.testing.assert_allclose(solution.pi, expected.pi, atol=1e-15)
    assert solution.value == pytest.approx(float(expected.value), abs=1e-15)
    assert solution.consistency.required == pytest.approx(float(expected.consistency.required) / 3.0, rel=1e-12)
    assert solution.game.foreign == make(3.0).foreign
    check_consistent(two_answers(0.2, make(3.0), make(3.0)))


@pytest.mark.parametrize("make", SQUARES.values(), ids=SQUARES)
def test_weights_of_a_generator_may_be_one_per_prompt(make):
    pi_0, E, R = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]), [0, 1, 1], SquaredDistance([0.2, 0.8], 2.0)
    weights = np.array([0.5, 7.0])
    batch = solve_bregman(
        BregmanGame(pi_0, E, R, 0.4, generator=make(weights), target_generator=make(weights), sign=1.0)
    )
    for x, w in enumerate(weights):
        game = BregmanGame(pi_0[x], E, R, 0.4 * w, generator=Euclidean(), target_generator=Euclidean(), sign=1.0)
        alone = solve_bregman(game)
        np.testing.assert_allclose(batch.pi[x], alone.pi, atol=1e-15)
        assert batch.value[x] == pytest.approx(float(alone.value), abs=1e-14)
        assert batch.consistency.required[x] == pytest.approx(float(alone.consistency.required) / w, rel=1e-12)
        assert batch.consistency.by_prompt[x] == alone.consistency.consistent


@pytest.mark.parametrize("R", [NegativeEntropy(2.0), Gini(2.0), Tsallis(1.5), Squares(1.0), Gini() + NegativeEntropy()])
def test_functionals_as_generators_at_the_ends(R):
    geometry = {"generator": R, "target_generator": R}
    one_trace = solve_bregman(BregmanGame([1.0], [0], Gini(), 1.0, **geometry))
    assert (one_trace.pi.tolist(), one_trace.q.tolist(), float(one_trace.value)) == ([1.0], [1.0], 0.5)
    one_answer = solve_bregman(BregmanGame([0.7, 0.3], [0, 0], Gini(), 1.0, **geometry))
    np.testing.assert_allclose(one_answer.pi, [0.7, 0.3], atol=1e-15)
    tiny = solve_bregman(BregmanGame([1.0, 1e-300, 1e-300], [0, 1, 1], NegativeEntropy(), 1.0, **geometry))
    assert tiny.pi[1] == tiny.pi[2] > 1e-210
    F = tiny.game.generator
    empty = solve_bregman(BregmanGame([0.5, 0.5, 0.0], [0, 1, 2], Linear([0.0, 0.1, 0.3]), 1.0, **geometry))
    assert (empty.pi[2] == 0) == F.steep
    assert F.divergence(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0
    assert np.isinf(F.divergence(np.array([0.5, 0.5]), np.array([1.0, 0.0]))) == F.steep
    far = F.divergence_from_logs(np.array([0.0, -2000.0]), np.array([0.0, -np.inf]))
    assert far == (np.inf if F.steep else 0.0)


def test_a_generator_of_a_user_finds_masses_below_the_least_float():
    F = BregmanGame([1.0], [0], Gini(), 1.0, generator=Gini() + NegativeEntropy()).generator
    np.testing.assert_allclose(F.log_mass_at_slope(np.array([-2000.0, -np.inf, np.inf, 2.0])), [-2001, -np.inf, 0, 0])
    assert F.divergence_from_logs(np.array([-1000.0]), np.array([-1000.1])) == 0


@pytest.mark.parametrize("w", [1e-8, 1e8])
@pytest.mark.parametrize("R", [NegativeEntropy(), Gini(), Tsallis(3.0), Squares(1.0), Gini() + Tsallis(3.0)])
def test_generators_of_extreme_weights(R, w):
    game = BregmanGame([0.5, 0.3, 0.2], [0, 1, 1], SquaredDistance([0.1, 0.9]), 1.0 / w, generator=w * R)
    expected = solve_bregman(BregmanGame([0.5, 0.3, 0.2], [0, 1, 1], SquaredDistance([0.1, 0.9]), 1.0, generator=R))
    solution = solve_bregman(game)
    np.testing.assert_allclose(solution.pi, expected.pi, atol=1e-14)
    heavy = solve_bregman(BregmanGame([0.5, 0.3, 0.2], [0, 1, 1], SquaredDistance([0.1, 0.9]), 1.0, generator=w * R))
    np.testing.assert_allclose(heavy.pi, [0.5, 0.3, 0.2] if w > 1 else heavy.pi, atol=1e-7)
    assert heavy.certificate.worst <= 1e-10


class Steeper(Squares):
    def bend_at_log(self, log_nu):
        return 2 * super().bend_at_log(log_nu)


class Doubled(Squares):
    def value(self, nu):
        return 2 * super().value(nu)


class Concave(Squares):
    def bend_at_log(self, log_nu):
        return -super().bend_at_log(log_nu)


class Unbounded(Squares):
    def value(self, nu):
        with np.errstate(divide="ignore"):
            return -np.log(nu).sum(axis=-1)

    def gradient(self, nu):
        return -1 / nu


class Undefined(Squares):
    def gradient(self, nu):
        return np.where(nu < 0.2, np.nan, 1.0) * nu


class Wavy(Squares):
    """Concave between masses .55 and .7 only."""

    def value(self, nu):
        bump = np.where((nu > 0.55) & (nu < 0.7), 1 - np.cos(2 * np.pi * (nu - 0.55) / 0.15), 0.0)
        return (0.5 * nu**2 - 0.004 * bump).sum(axis=-1)

    def gradient(self, nu):
        bump = np.where((nu > 0.55) & (nu < 0.7), np.sin(2 * np.pi * (nu - 0.55) / 0.15), 0.0)
        return nu - 0.004 * 2 * np.pi / 0.15 * bump

    def bend_at_log(self, log_nu):
        nu = np.exp(log_nu)
        bump = np.where((nu > 0.55) & (nu < 0.7), np.cos(2 * np.pi * (nu - 0.55) / 0.15), 0.0)
        return nu * (1 - 0.004 * (2 * np.pi / 0.15) ** 2 * bump)


class Weighted(Squares):
    """Its value weights the entries, and its gradient does not."""

    def value(self, nu):
        return (0.5 * (1 + np.arange(nu.shape[-1])) * nu**2).sum(axis=-1)


class Bent(Squares):
    def bend_at_log(self, log_nu):
        return (1 + np.arange(log_nu.shape[-1])) * super().bend_at_log(log_nu)


@pytest.mark.parametrize("generator", [Tsallis(0.5) + Gini(), Tsallis(0.5) + NegativeEntropy(), Tsallis(0.99) + Gini()])
def test_a_steep_functional_gives_no_mass_where_the_reference_has_none(generator):
    solution = solve_bregman(BregmanGame([0.0, 0.4, 0.6], [0, 1, 1], Gini(1.0), 0.5, generator=generator))
    assert solution.certificate.worst <= 1e-10
    assert solution.log_policy[0] == -np.inf


@pytest.mark.parametrize(
    ("R", "message"),
    [
        (Wavy(1.0), "is Wavy: its second derivative is not above 0"),
        (Weighted(1.0), "is Weighted, which is not the sum of the same function"),
        (Bent(1.0), "is Bent, which is not the sum of the same function"),
        (Quadratic(np.eye(3)), "is Quadratic, which is not a sum over the entries; a generator is a sum of one"),
        (Polytope([0.0, 1.0, 1.0], 0.5), "is Polytope, which is not a sum over the entries"),
        (
            SquaredDistance([0.2, 0.3, 0.5]),
            "is SquaredDistance, which is not the sum of the same function .* `Gini` has the divergence",
        ),
        (
            KLToPrior([0.2, 0.3, 0.5]),
            "is KLToPrior, which is not the sum of the same function .* `NegativeEntropy` that of `KLToPrior`",
        ),
        (LogScore(1), "is LogScore, which is not the sum of the same function"),
        (Point(1), "is Point, which is not the sum of the same function"),
        (Gini() + Linear([0.0, 1.0, 2.0]), r"is Gini \+ Linear, which is not the sum of the same function"),
        (Linear([1.0, 1.0, 1.0]), "is Linear, which is not the sum of the same function"),
        (
            Concave(1.0),
            "is Concave: its second derivative is not above 0, so that it is not strictly convex, at mass 1e-09",
        ),
        (2.0 * Concave(1.0), "is Concave: its second derivative is not above 0"),
        (Undefined(1.0), "is Undefined: its slope is infinite or not a number at mass 1e-09"),
        (Unbounded(1.0), "is Unbounded, which is infinite at mass 0"),
        (Doubled(1.0), "is Doubled, whose `gradient_at_log` is not the derivative of `value` at mass 1.77828e-06"),
        (Steeper(1.0), "is Steeper, whose `bend_at_log` is not the derivative of `gradient_at_log` at mass 1e-09"),
        (Gini([1.0, 2.0]), r"does not fit the game: `weight` has shape \(2,\)"),
    ],
)
@pytest.mark.parametrize("name", ["generator", "target_generator"])
def test_a_functional_that_generates_no_divergence_is_refused(R, message, name):
    with pytest.raises((DomainError, ShapeError), match=f"`{name}` {message}"):
        BregmanGame([0.5, 0.3, 0.2], [0, 1, 2], Gini(), 1.0, **{name: R})


def test_the_divergence_of_small_masses_is_at_least_0():
    """f(p) - f(q) has the rounding error of the linear part of f, which is larger than the divergence."""
    log_p = np.log(10.0) * np.linspace(-8, -3, 501)
    assert (FromFunctional(Tsallis(6.0)).excess(log_p, log_p + 0.2) >= 0).all()
