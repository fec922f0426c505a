"""Bregman games: exact instances, the counterexample to claim II.10, ends of the scales, and bad input."""

from collections.abc import Iterator
from fractions import Fraction

import jaxtyping
import numpy as np
import pytest

from dagames import CertificateError, DomainError, InfeasibleError, ShapeError, SolveError
from dagames.bregman import Entropic, Euclidean, Generator, Polynomial, Power, consistency
from dagames.bregman.base import mix_to_one
from dagames.functionals import (
    Functional,
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
from dagames.solvers.bregman import check_consistent, solve_bregman
from dagames.solvers.solution import BregmanSolution
from tests.cases_bregman import GENERATORS


def two_answers(weight=2.0, F=None, Phi=None, sign=1.0, beta=0.5, a=0.95, p=0.05) -> BregmanGame:
    R = SquaredDistance([p, 1 - p], weight)
    geometry = {"generator": F or Euclidean(), "target_generator": Phi or Euclidean(), "sign": sign}
    return BregmanGame([a, 1 - a], [0, 1], R, beta, **geometry)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("F", "weight", "value", "best"),
    [
        (Euclidean(), 2.0, 0.324, 0.29375),
        (Euclidean(), 0.2, 0.115714285714, 0.115714285714),
        (Entropic(), 2.0, 0.8112354, 0.4025389),
        (Entropic(), 0.4, 0.2909932, 0.2775389),
        (Entropic(), 0.2, 0.1547337, 0.1547337),
    ],
)
def test_the_counterexample_to_the_generalised_game(F, weight, value, best, sign):
    """Claim II.10: min J_F against max over q, on a grid of targets; they part where the range condition fails."""
    game = two_answers(weight, F, sign=sign)
    solution = solve_bregman(game)
    assert solution.value == pytest.approx(value, abs=1e-7)
    grid = np.linspace(1e-9, 1 - 1e-9, 2001)
    batch = np.broadcast_to([0.95, 0.05], (2001, 2))
    many = BregmanGame(
        batch, [0, 1], game.functional, 0.5, generator=F, target_generator=Euclidean(), sign=sign, n_answers=2
    )
    at_best = float(many.dual_value(many.dual_variable(np.stack([grid, 1 - grid], axis=-1))).max())
    assert at_best == pytest.approx(best, abs=2e-6)
    assert solution.consistency.consistent == (value == best)


@pytest.mark.parametrize("weight", [Fraction(1, 5), Fraction(5, 8), Fraction(2), Fraction(7)])
@pytest.mark.parametrize(("a", "p"), [(Fraction(19, 20), Fraction(1, 20)), (Fraction(3, 4), Fraction(1, 3))])
def test_the_euclidean_game_on_two_answers_is_rational(weight, a, p):
    beta = Fraction(1, 2)
    x = (weight * p + beta * a) / (weight + beta)
    value = weight * (x - p) ** 2 + beta * (x - a) ** 2
    required = 2 * weight * abs(x - p)
    solution = solve_bregman(two_answers(float(weight), a=float(a), p=float(p)))
    assert solution.pi[0] == pytest.approx(float(x), abs=1e-12)
    assert solution.value == pytest.approx(float(value), abs=1e-12)
    assert solution.consistency.required == pytest.approx(float(required), abs=1e-12)
    assert solution.consistency.available == 0.5


def test_the_threshold_of_the_counterexample_is_five_eighths():
    assert solve_bregman(two_answers(0.625)).consistency.required == pytest.approx(0.5, abs=1e-12)
    verdict = check_consistent(two_answers(0.625 * (1 - 1e-7)))
    np.testing.assert_allclose(verdict.q, [1.0, 0.0], atol=1e-6)
    with pytest.raises(DomainError, match=r"not consistent.*needs \|s\| beta of at least 0\.72, and the game has 0\.5"):
        check_consistent(two_answers(2.0))
    assert check_consistent(two_answers(2.0, sign=1.44)).consistent
    assert check_consistent(two_answers(2.0, Phi=Entropic())).required == 0


def test_the_euclidean_condition_is_a_sum_of_differences():
    u, all_ = np.array([0.3, -0.2, 0.1]), np.ones(3, bool)
    assert consistency(Euclidean(), u, u, 1.0, all_).required == pytest.approx(0.5 + 0.3)
    assert consistency(Euclidean(), u, u, -1.0, all_).required == pytest.approx(0.5 + 0.2)
    assert consistency(Euclidean(), u, u, -1.0, np.array([True, False, True])).required == pytest.approx(0.2)
    assert consistency(Euclidean(), u, u, 0.9, all_).q == pytest.approx((u + 0.2) / 0.9 + 0.1 / 2.7)
    assert consistency(Euclidean(), u, u, -1.0, all_).q == pytest.approx(0.3 - u + 0.1)
    # For phi = q^3 / 6 masses are square roots: with v = (0, w, w) the sum 2 sqrt(2 w / strength) is 1 at 8 w.
    v = np.array([0.0, 0.1, 0.1])
    assert consistency(Polynomial([0, 0, 0, Fraction(1, 6)]), v, v, 1.0, all_).required == pytest.approx(0.8)
    assert consistency(Polynomial([0, 3, 0.5]), u, u, 1.0, all_).required == pytest.approx(0.8)
    flat = np.full(3, 4.0)
    assert consistency(Euclidean(), flat, flat, 1e-9, all_).required == 0


def test_an_answer_without_mass_leaves_its_dual_variable_free_in_between():
    low, high, all_ = np.array([0.0, 0.2, -1.0]), np.array([0.0, 0.2, 3.0]), np.ones(3, bool)
    up, down = (consistency(Euclidean(), low, high, s, all_) for s in (1.0, -1.0))
    np.testing.assert_allclose(up.u, [0.0, 0.2, 0.0])
    np.testing.assert_allclose(down.u, [0.0, 0.2, 0.2])
    assert (float(up.required), float(down.required)) == pytest.approx((0.2, 0.2))


def test_the_normal_cone_can_save_consistency():
    """The third answer is too dear to be given: a lower slope than its 5, down to c, serves as well."""
    game = BregmanGame(
        [0.5, 0.4, 0.1], [0, 1, 2], Linear([0.0, 0.1, -5.0]), 0.5, generator=Euclidean(), target_generator=Euclidean(),
        sign=1.0,
    )  # fmt: skip
    solution = solve_bregman(game)
    assert solution.nu[2] == 0
    verdict = solution.consistency
    assert np.ptp(solution.u) == pytest.approx(5.1)
    assert verdict.consistent
    # c = -0.025 by hand, so that the lower end is c + beta 0.1.
    np.testing.assert_allclose(verdict.u, [0.0, -0.1, 0.025], atol=1e-12)
    assert game.dual_value(game.dual_variable(verdict.q)) == pytest.approx(float(solution.value), abs=1e-12)
    # Below the lower end the policy would give the answer again, and the dual value falls.
    bent = verdict.u - np.array([0.0, 0.0, 0.2])
    assert game.dual_value(bent) < solution.value - 1e-4
    assert game.dual_value(verdict.u) == pytest.approx(float(solution.value), abs=1e-12)


def test_a_best_target_answers_where_the_range_allows():
    game = two_answers(0.2)
    pi = np.array([0.3, 0.7])
    q = game.best_target(pi)
    assert game.payoff(pi, q) == pytest.approx(float(game.objective(pi)), abs=1e-12)
    with pytest.raises(
        DomainError, match=r"no target q has .* the slope of SquaredDistance up to a constant: this needs \|s\| beta"
    ):
        two_answers(2.0).best_target(np.array([0.9, 0.1]))
    geometry = {"generator": Euclidean(), "target_generator": Euclidean(), "sign": 1.0}
    dear = BregmanGame([0.5, 0.4, 0.1], [0, 1, 2], Linear([0.0, 0.1, -5.0]), 0.5, **geometry)
    pi = np.array([0.5, 0.5, 0.0])
    assert dear.payoff(pi, dear.best_target(pi)) == pytest.approx(float(dear.objective(pi)), abs=1e-12)
    with pytest.raises(DomainError, match="no best target exists: NegativeEntropy has slope -inf at answer 1"):
        BregmanGame([0.5, 0.5], [0, 1], NegativeEntropy(1.0), 1.0).best_target([1.0, 0.0])


def test_traces_without_reference_mass():
    """With the Euclidean F such a trace is reachable, with the entropy it is not."""
    pi_0, E, R = [0.6, 0.4, 0.0], [0, 1, 2], Gini(5.0)
    euclidean = BregmanGame(pi_0, E, R, 1.0, generator=Euclidean())
    solution = solve_bregman(euclidean)
    assert solution.pi[2] > 0.2
    assert np.isfinite(euclidean.objective([0.0, 0.0, 1.0]))
    entropic = BregmanGame(pi_0, E, R, 1.0)
    assert solve_bregman(entropic).pi[2] == 0
    assert entropic.objective([0.0, 0.0, 1.0]) == np.inf
    assert entropic.payoff([0.0, 0.0, 1.0], [0.3, 0.3, 0.4]) == np.inf
    assert entropic.reachable.tolist() == [True, True, False]
    with pytest.raises(InfeasibleError, match="no trace of the reference gives answer 2"):
        BregmanGame(pi_0, E, Point(2), 1.0)
    np.testing.assert_allclose(solve_bregman(BregmanGame(pi_0, E, Point(2), 1.0, generator=Euclidean())).pi, [0, 0, 1])


@pytest.mark.parametrize("F", [Entropic(), Euclidean(), Power(0.5), Power(3.0), Polynomial([0, 0, 1, 0, 1])])
@pytest.mark.parametrize("beta", [1e-4, 1e4])
def test_both_ends_of_beta_with_ties_and_an_answer_without_traces(F, beta):
    E = [0, 0, 1, 2, 2, 4]
    pi_0 = [0.2, 0.2, 0.1, 0.2, 0.2, 0.1]
    for R in (Linear([1.0, 0.5, 1.0, 9.0, 0.0]), Gini(1.0), LogScore(1), KLToPrior([0.1, 0.2, 0.3, 0.1, 0.3])):
        game = BregmanGame(pi_0, E, R, beta, generator=F)
        solution = solve_bregman(game, tolerance=1e-12)
        assert solution.nu[3] == 0
        assert solution.pi[0] == pytest.approx(solution.pi[1], abs=1e-12)
        if beta > 1:
            np.testing.assert_allclose(solution.pi, pi_0, atol=2e-2)


@pytest.mark.parametrize("F", [Entropic(), Euclidean(), Power(1.5), Power(3.0)])
def test_one_answer_and_tiny_masses(F):
    one = solve_bregman(BregmanGame([0.7, 0.3], [0, 0], Gini(1.0), 2.0, generator=F, target_generator=Euclidean()))
    np.testing.assert_allclose(one.pi, [0.7, 0.3], atol=1e-12)
    assert (one.consistency.required, one.q.tolist()) == (0.0, [1.0])
    tiny = BregmanGame([1.0, 1e-300, 1e-300], [0, 1, 1], NegativeEntropy(1.0), 1.0, generator=F)
    solution = solve_bregman(tiny, tolerance=1e-12)
    assert solution.pi[1] == solution.pi[2] > 1e-160
    if isinstance(F, Entropic):
        # nu* is proportional to the square root of the reference.
        assert solution.log_nu[1] - solution.log_nu[0] == pytest.approx(0.5 * np.log(2e-300), rel=1e-12)


@pytest.mark.parametrize("F", [Entropic(), Euclidean(), Power(0.5), Power(1.5)])
def test_prompts_of_a_batch_may_reach_different_answers(F):
    pi_0 = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.2, 0.3, 0.5]])
    E = np.array([[0, 1, 2, 2], [1, 2, 0, 0]])
    R = SquaredDistance([[0.2, 0.7, 0.1], [0.1, 0.1, 0.8]], weight=[0.3, 4.0])
    batch = solve_bregman(BregmanGame(pi_0, E, R, 0.4, generator=F, target_generator=Euclidean(), sign=-1.0))
    for x, weight in enumerate([0.3, 4.0]):
        prior = SquaredDistance(R.prior[x], weight)
        game = BregmanGame(pi_0[x], E[x], prior, 0.4, generator=F, target_generator=Euclidean(), sign=-1.0, n_answers=3)
        alone = solve_bregman(game)
        np.testing.assert_allclose(batch.pi[x], alone.pi, atol=1e-12)
        assert batch.consistency.required[x] == pytest.approx(float(alone.consistency.required), abs=1e-9)
        assert batch.consistency.by_prompt[x] == alone.consistency.consistent
        np.testing.assert_allclose(batch.q[x], alone.q, atol=1e-8)


def test_a_box_without_lower_ends_is_served_by_one_constant():
    high = np.array([[1.0, 3.0], [5.0, 4.0]])
    for strength in (1.0, -1.0):
        verdict = consistency(Euclidean(), np.full((2, 2), -np.inf), high, strength, np.ones((2, 2), bool))
        assert verdict.u.tolist() == [[1.0, 1.0], [4.0, 4.0]]
        assert verdict.required.tolist() == [0.0, 0.0]


def test_references_below_the_least_float():
    game = BregmanGame.from_log([0.0, -2000.0], [0, 1], NegativeEntropy(1.0), 1.0)
    assert solve_bregman(game).log_nu[1] == pytest.approx(-1000.0)
    assert Entropic().divergence_from_logs(np.array([0.0, -2000.0]), np.array([-2000.0, 0.0])) == pytest.approx(2000.0)


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
        (Linear([1.0, 1.0, 1.0]), "is Linear, which is not the sum of the same function|not strictly convex"),
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


def test_mixing_keeps_the_sum():
    low, high = np.log([0.5, 1e-3]), np.log([0.5, 0.6])
    np.testing.assert_allclose(np.exp(mix_to_one(low, high)), [0.5, 0.5])
    np.testing.assert_allclose(np.exp(mix_to_one(low, low)).sum(), 1.0)


class Tilted(Functional):
    """A user's functional that is no sum over answers: 3 (nu_0 - nu_1)^2 / 2."""

    def value(self, nu):
        return np.asarray(1.5 * (nu[..., 0] - nu[..., 1]) ** 2)

    def gradient(self, nu):
        d = 3.0 * (nu[..., :1] - nu[..., 1:2])
        return np.concatenate([d, -d, np.zeros_like(nu[..., 2:])], axis=-1)

    def conjugate(self, u):
        a, b = u[..., 0], u[..., 1]
        d = np.clip((a - b) / 6, -1, 1)
        return np.asarray((a + b + d * (a - b)) / 2 - 1.5 * d * d)

    def conjugate_gradient(self, u):
        raise NotImplementedError


@pytest.mark.parametrize("F", [Entropic(), Euclidean(), Power(1.5)])
def test_a_functional_that_is_no_sum_is_solved_by_mirror_descent(F):
    game = BregmanGame([0.6, 0.3, 0.1], [0, 1, 1], Tilted(), 0.5, generator=F)
    solution = solve_bregman(game)
    assert isinstance(solution, BregmanSolution)
    assert solution.method == "mirror_descent"
    x = np.linspace(0.001, 0.999, 999)
    values = [game.objective([a, (1 - a) / 2, (1 - a) / 2]) for a in x]
    assert solution.value <= min(values) + 1e-9
    with pytest.raises(SolveError, match="Polytope is an indicator"):
        solve_bregman(BregmanGame([0.5, 0.5], [0, 1], Polytope([0.0, 1.0], 0.25), 1.0))
    with pytest.raises(SolveError, match="Tilted is not separable; use method 'mirror_descent'"):
        solve_bregman(game, "newton")


class TooSmall(Gini):
    def conjugate(self, u):
        return np.asarray(super().conjugate(u) - 1.0)


def test_a_broken_functional_of_the_user_is_named():
    with pytest.raises(CertificateError, match=r"TooSmall in the geometry of Euclidean breaks .* below the dual"):
        solve_bregman(BregmanGame([0.5, 0.5], [0, 1], TooSmall(1.0), 1.0, generator=Euclidean()))


def test_a_solver_that_stops_early_says_so():
    game = two_answers(2.0)
    with pytest.raises(SolveError, match=r"mirror_descent stopped after 0 steps with gap .* > 1\.0e-10"):
        solve_bregman(game, "mirror_descent", max_iterations=0)
    # The slopes of a power below 1 are 1e100 here, and their differences, which the dual needs, are lost.
    with pytest.raises(SolveError, match=r"newton reached gap .* the rounding of float64 on this game"):
        solve_bregman(BregmanGame([1.0, 1e-200], [0, 1], LogScore(1), 1.0, generator=Power(0.5)))


@pytest.fixture
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off, which would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("_as_a_user")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Power(1.0), "`order` must not be 1; use `Entropic`, the limit at 1"),
        (lambda: Power(-1.0), "`order` must be a finite number above 0"),
        (lambda: Polynomial([0, 0, float("nan")]), r"`coefficients\[2\]` is nan"),
        (lambda: Polynomial([0, "x", 1]), "`coefficients` must be real numbers, not text"),
        (lambda: Polynomial([1, 2]), "`coefficients` give a polynomial of degree below 2"),
        (lambda: Polynomial([]), "of degree below 2"),
        (
            lambda: BregmanGame([0.5, 0.5], [0, 1], Gini(), 1.0, generator="kl"),
            "`generator` must be a Generator .* or a Functional that",
        ),
        (lambda: BregmanGame([0.5, 0.5], [0, 1], Gini(), 1.0, target_generator=2), "`target_generator` must be a"),
        (lambda: BregmanGame([0.5, 0.5], [0, 1], Gini(), 1.0, sign=0.0), "`sign` must be finite and not 0"),
        (lambda: BregmanGame([0.5, 0.5], [0, 1], Gini(), 1.0, sign="-"), "`sign` must be a number, not '-'"),
        (lambda: BregmanGame([0.5, 0.5], [0, 1], "gini", 1.0), "`functional` must be a Functional, not str"),
        (lambda: BregmanGame([0.5, 0.6], [0, 1], Gini(), 1.0), "`pi_0` sum to 1.1"),
        (lambda: two_answers().payoff([0.5, 0.5], [0.2, 0.3, 0.5]), r"`q` has shape \(3,\)"),
        (lambda: two_answers().objective([0.5, 0.3, 0.2]), r"`pi` has shape \(3,\)"),
        (lambda: two_answers(Phi=Entropic()).payoff([0.5, 0.5], [1.0, 0.0]), r"`q\[1\]` is 0 at a reachable answer"),
        (lambda: solve_bregman(two_answers(), "simplex"), "`method` must be one of auto, newton, mirror_descent"),
        (lambda: solve_bregman(two_answers(), tolerance=0.0), "`tolerance` must be above 0"),
        (lambda: solve_bregman(two_answers(), max_iterations=-1), "`max_iterations` must be at least 0"),
        (lambda: BregmanGame([1.0, 0.0], [0, 1], KLToPrior([0.0, 1.0]), 1.0), "KLToPrior allows none of the answers"),
    ],
)
def test_bad_input_is_answered_by_name(call, message):
    with pytest.raises((DomainError, ShapeError, InfeasibleError), match=message):
        call()
