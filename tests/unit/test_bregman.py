"""Bregman games: exact instances, the counterexample to claim II.10, ends of the scales, and bad input."""

from collections.abc import Iterator
from fractions import Fraction

import jaxtyping
import numpy as np
import pytest

from dagames import CertificateError, DomainError, InfeasibleError, ShapeError, SolveError
from dagames.bregman import Entropic, Euclidean, Polynomial, Power, consistency
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
    SquaredDistance,
)
from dagames.games.bregman import BregmanGame
from dagames.solvers.bregman import check_consistent, solve_bregman
from dagames.solvers.solution import BregmanSolution
from tests.cases_bregman import two_answers


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
