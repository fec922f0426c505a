"""Sizes of one, masses of 1e-300, betas at both ends: solved, never NaN."""

from fractions import Fraction
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames import AlignmentGame, CertificateError, InfeasibleError, solve
from dagames.functionals import (
    ChiSquare,
    Functional,
    Gini,
    Hellinger,
    KLFromPrior,
    KLToPrior,
    Linear,
    LogScore,
    NegativeEntropy,
    Point,
    Tsallis,
)
from dagames.functionals.conjugates.interior_point import Supremum
from dagames.functionals.conjugates.numeric_conjugate import NumericConjugate
from dagames.solvers import best_response_path, mirror_descent_path
from tests.cases import FUNCTIONALS as FUNCTIONALS_BY_NAME
from tests.cases import SEPARABLE, random_distribution, seeds, sizes

FUNCTIONALS = [Linear([1.0]), NegativeEntropy(2.0), Gini(2.0)]


@pytest.mark.parametrize("R", FUNCTIONALS, ids=lambda R: type(R).__name__)
def test_one_answer_leaves_the_reference_alone(R):
    pi_0 = np.array([0.2, 0.3, 0.5])
    solution = solve(AlignmentGame(pi_0, [0, 0, 0], R, beta=0.3))
    np.testing.assert_allclose(solution.pi, pi_0, rtol=1e-14)
    assert solution.nu == pytest.approx([1.0])


@pytest.mark.parametrize("beta", [1e-4, 1.0, 1e4])
def test_masses_of_1e_300_are_ordinary_numbers(beta):
    log_nu_0 = np.array([0.0, np.log(1e-300)])
    game = AlignmentGame.from_log(log_nu_0, [0, 1], NegativeEntropy(1.0), beta)
    power = mp.mpf(beta) / (mp.mpf(beta) + 1)
    rare = mp.exp(power * mp.log(mp.mpf("1e-300")))
    expected = rare / (1 + rare)
    solution = solve(game)
    assert abs(solution.log_nu[1] / float(mp.log(expected)) - 1) < 1e-12
    assert solution.certificate.worst < 1e-10


def test_masses_below_the_least_float_are_kept_in_log_space():
    game = AlignmentGame.from_log([0.0, -5000.0], [0, 1], Linear([0.0, 6000.0]), beta=1.0)
    solution = solve(game)
    np.testing.assert_allclose(solution.log_nu, [-1000.0, 0.0], atol=1e-9)


def test_a_tiny_beta_puts_everything_on_the_best_answer_without_overflow():
    solution = solve(AlignmentGame([0.5, 0.25, 0.25], [0, 1, 1], Linear([0.0, 1.0]), beta=1e-4))
    np.testing.assert_array_equal(solution.nu, [0.0, 1.0])
    np.testing.assert_allclose(solution.pi, [0.0, 0.5, 0.5])
    assert solution.log_q[0] == pytest.approx(-1e4)


def test_traces_of_probability_zero_stay_at_zero():
    solution = solve(AlignmentGame([0.5, 0.5, 0.0], [0, 1, 1], Gini(3.0), beta=0.1))
    assert solution.pi[2] == 0.0


def test_a_policy_off_the_support_costs_infinity_not_nan():
    game = AlignmentGame([1.0, 0.0], [0, 1], Gini(1.0), beta=0.5)
    assert game.objective([0.5, 0.5]) == np.inf
    assert game.gap([0.5, 0.5], [0.5, 0.5]) == np.inf


def test_the_marginal_keeps_an_answer_whose_traces_are_all_tiny():
    pi = np.full(1000, 1e-300)
    pi[0] = 1.0
    game = AlignmentGame(pi / pi.sum(), np.r_[0, np.ones(999, int)], Gini(1.0), beta=1.0)
    assert game.nu_0[1] == pytest.approx(999e-300, rel=1e-12)


def test_best_response_at_equality_is_an_exact_two_cycle():
    game = AlignmentGame([0.8, 0.2], [0, 1], NegativeEntropy(1.0), beta=1.0)
    path = best_response_path(game)
    iterates = [next(path).nu for _ in range(5)]
    for even, odd in ((0, 1), (2, 3)):
        np.testing.assert_allclose(iterates[even], [0.8, 0.2], atol=1e-12)
        np.testing.assert_allclose(iterates[odd], [0.5, 0.5], atol=1e-12)


def test_mirror_descent_contracts_at_its_promised_rate():
    """KL(nu* || nu_t) shrinks by at most the factor L / (beta + L) per step (claim I.8), on a game with curvature."""
    game = AlignmentGame([0.7, 0.2, 0.1], [0, 1, 2], Gini(4.0), beta=0.5)
    star = solve(game, tolerance=1e-14).log_nu
    factor = 2.0 / 2.5
    path = mirror_descent_path(game, np.log([0.05, 0.05, 0.9]))
    distances = [float(np.sum(np.exp(star) * (star - next(path).log_nu))) for _ in range(30)]
    ratios = [b / a for a, b in pairwise(distances) if b > 1e-12]
    assert len(ratios) > 10
    assert max(ratios) <= factor


@pytest.mark.parametrize(("nu_0", "exact"), [(Fraction(4, 5), Fraction(2, 3)), (Fraction(9, 10), Fraction(3, 4))])
def test_the_entropy_game_at_weight_beta_has_a_rational_solution(nu_0, exact):
    game = AlignmentGame([float(nu_0), float(1 - nu_0)], [0, 1], NegativeEntropy(1.0), beta=1.0)
    assert solve(game).nu[0] == pytest.approx(float(exact), abs=1e-12)
    assert solve(game, "mirror_descent").nu[0] == pytest.approx(float(exact), abs=1e-12)


def test_the_linear_game_has_the_exponential_solution():
    rewards, nu_0, beta = [0.3, -1.0, 2.0], [0.5, 0.3, 0.2], 0.7
    weights = [mp.mpf(p) * mp.exp(mp.mpf(r) / mp.mpf(beta)) for p, r in zip(nu_0, rewards, strict=True)]
    expected = [float(w / mp.fsum(weights)) for w in weights]
    np.testing.assert_allclose(solve(AlignmentGame(nu_0, [0, 1, 2], Linear(rewards), beta)).nu, expected, rtol=1e-12)


@pytest.mark.parametrize("beta", [1e-4, 0.01, 1.0, 100.0, 1e4])
@pytest.mark.parametrize("mass", ["0.2", "1e-300", "0.999999"])
def test_the_log_score_has_a_one_dimensional_solution(mass, beta):
    """Against fifty digits: beta (logit x - logit nu_0) = weight / x."""
    weight, start = mp.mpf("0.7"), mp.mpf(mass)
    with mp.workdps(50):
        logit = mp.log(start / (1 - start))
        low, high = logit, max(logit, mp.mpf(0)) + 2 * weight / beta
        for _ in range(400):
            middle = (low + high) / 2
            low, high = (middle, high) if beta * (middle - logit) < weight * (1 + mp.exp(-middle)) else (low, middle)
        right, wrong = float(-mp.log1p(mp.exp(-low))), float(-mp.log1p(mp.exp(low)))
    log_nu_0 = [float(mp.log(start)), float(mp.log((1 - start) / 4)), float(mp.log((1 - start) * 3 / 4))]
    solution = solve(AlignmentGame.from_log(log_nu_0, range(3), LogScore(0, 0.7), beta))
    assert solution.method == "closed_form"
    assert solution.certificate.worst <= 1e-10
    expected = [right, wrong + np.log(0.25), wrong + np.log(0.75)]
    np.testing.assert_allclose(solution.log_nu, expected, rtol=1e-9, atol=1e-12)


@given(seeds, sizes)
def test_closed_forms_are_what_newton_finds(seed, n):
    rng = np.random.default_rng(seed)
    nu_0 = random_distribution(rng, n)
    for name in ("Linear", "NegativeEntropy", "KLToPrior", "Point", "LogScore"):
        try:
            game = AlignmentGame(nu_0, np.arange(n), FUNCTIONALS_BY_NAME[name](rng, n), 10 ** rng.uniform(-2, 2))
        except InfeasibleError:  # the right answer's mass is 0
            continue
        written, found = solve(game, "closed_form"), solve(game, "newton")
        np.testing.assert_allclose(written.nu, found.nu, atol=1e-10)


def test_verified_rewards_condition_the_reference_on_the_answer():
    game = AlignmentGame([0.1, 0.2, 0.3, 0.4], [0, 1, 1, 2], Point(1), beta=0.5)
    solution = solve(game)
    np.testing.assert_allclose(solution.pi, [0.0, 0.4, 0.6, 0.0])
    assert solution.value == pytest.approx(-0.5 * np.log(0.5))
    assert game.objective([0.25, 0.25, 0.25, 0.25]) == np.inf
    assert game.payoff([0.25, 0.25, 0.25, 0.25], [0.2, 0.6, 0.2]) == np.inf


def test_the_target_of_the_log_score_is_no_point_mass():
    """Claim I.11: at the equilibrium q(g) is proportional to exp(weight / (beta nu(g))), the others to 1."""
    solution = solve(AlignmentGame([0.2] * 5, range(5), LogScore(0, weight=0.7), beta=1.3))
    expected = np.array([np.exp(0.7 / (1.3 * solution.nu[0])), 1, 1, 1, 1])
    np.testing.assert_allclose(solution.q, expected / expected.sum(), rtol=1e-12)
    assert 0.2 < solution.nu[0] < 1


@pytest.mark.parametrize("functional", [LogScore(1), Point(1), KLFromPrior([0.5, 0.5])])
def test_a_wanted_answer_without_a_trace_is_said_to_be_infeasible(functional):
    with pytest.raises(InfeasibleError, match="infinite for every policy"):
        AlignmentGame([1.0, 0.0], [0, 1], functional, beta=1.0)


def test_a_prior_on_answers_that_nobody_gives_is_infeasible():
    with pytest.raises(InfeasibleError, match="ChiSquare allows none of the answers"):
        AlignmentGame([1.0, 0.0], [0, 1], ChiSquare([0.0, 1.0]), beta=1.0)


def test_tsallis_entropies_join_the_entropy_and_the_collision_probability():
    nu_0 = [0.6, 0.3, 0.1]
    same = solve(AlignmentGame(nu_0, [0, 1, 2], Gini(2.0), beta=0.4)).nu
    np.testing.assert_allclose(solve(AlignmentGame(nu_0, [0, 1, 2], Tsallis(2.0), beta=0.4)).nu, same, atol=1e-12)
    near = solve(AlignmentGame(nu_0, [0, 1, 2], Tsallis(1 + 1e-9, weight=0.7), beta=0.4)).nu
    limit = solve(AlignmentGame(nu_0, [0, 1, 2], NegativeEntropy(0.7), beta=0.4)).nu
    np.testing.assert_allclose(near, limit, atol=1e-8)


@pytest.mark.parametrize("beta", [1e-4, 1e4])
@pytest.mark.parametrize("make", SEPARABLE.values(), ids=SEPARABLE.keys())
def test_newton_at_both_ends_of_beta(make, beta):
    rng = np.random.default_rng(5)
    R = make(rng, 6)
    log_nu_0 = np.log(rng.dirichlet(np.ones(6)))
    log_nu_0[2] = -690.0
    log_nu_0 -= np.log(np.exp(log_nu_0).sum())
    game = AlignmentGame.from_log(log_nu_0, range(6), R, beta)
    assert solve(game, "newton").certificate.worst <= 1e-10


class _Wrong(Functional):
    """A user's functional whose conjugate is too small by one."""

    def value(self, nu):
        return np.asarray((nu * nu).sum(axis=-1))

    def gradient(self, nu):
        return 2 * nu

    def conjugate(self, u):
        return np.asarray(Gini(2.0).conjugate(u) - 10.0)

    def conjugate_gradient(self, u):
        return Gini(2.0).conjugate_gradient(u)

    @property
    def relative_smoothness(self):
        return np.asarray(1.0)


class _NaN(_Wrong):
    """A user's functional that yields NaN."""

    def gradient(self, nu):
        return nu * np.nan


def test_a_broken_functional_is_named_as_the_users():
    with pytest.raises(CertificateError, match="_Wrong breaks the Fenchel-Young inequality"):
        solve(AlignmentGame([0.5, 0.3, 0.2], [0, 1, 2], _Wrong(), 1.0))
    with pytest.raises(CertificateError, match=r"the `gradient` of _NaN returned NaN"):
        solve(AlignmentGame([0.5, 0.3, 0.2], [0, 1, 2], _NaN(), 1.0))


@pytest.mark.parametrize("weight", [1e3, 1e4, 1e6, 1e9])
@pytest.mark.parametrize("family", [KLToPrior, KLFromPrior, Hellinger, ChiSquare], ids=lambda F: F.__name__)
@given(seed=seeds, n=sizes)
def test_a_weight_far_above_beta_is_solved_to_rounding(family, weight, seed, n):
    rng = np.random.default_rng(seed)
    nu_0, prior = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n))
    solution = solve(AlignmentGame(nu_0, np.arange(n), family(prior, weight), beta=1.0))
    assert solution.certificate.worst <= 1e-10
    # The equilibrium tends to the prior, and its price is the divergence of the prior itself.
    limit = float(np.sum(prior * np.log(prior / nu_0)))
    spread = float(np.log(prior / nu_0).max() - np.log(prior / nu_0).min())
    assert float(solution.value) <= limit + 1e-9 * max(1.0, limit)
    assert float(solution.value) >= limit - 10 * max(spread, 1.0) ** 2 / (weight * prior.min())


@pytest.mark.parametrize("family", [KLToPrior, KLFromPrior, Hellinger], ids=lambda F: F.__name__)
@given(seed=seeds, log_step=st.floats(-12.0, -1.0))
def test_a_distance_to_a_near_prior_keeps_its_leading_digits(family, seed, log_step):
    rng = np.random.default_rng(seed)
    prior, other = rng.dirichlet(np.full(4, 3.0)), rng.dirichlet(np.full(4, 3.0))
    nu = prior + 10**log_step * (other - prior)
    with mp.workdps(60):
        p, q = ([mp.mpf(float(x)) for x in v] for v in (nu, prior))
        p, q = ([x / sum(v) for x in v] for v in (p, q))
        if family is KLFromPrior:
            p, q = q, p
        exact = (
            1 - sum(mp.sqrt(a * b) for a, b in zip(p, q, strict=True))
            if family is Hellinger
            else sum(a * mp.log(a / b) for a, b in zip(p, q, strict=True))
        )
    assert abs(float(family(prior).value(nu)) - float(exact)) <= 1e-15 * 10**log_step + 1e-30


@pytest.mark.parametrize("family", [KLToPrior, KLFromPrior, Hellinger, ChiSquare], ids=lambda F: F.__name__)
@given(seed=seeds, n=st.integers(2, 10))
def test_priors_and_references_down_to_1e_300_are_solved(family, seed, n):
    rng = np.random.default_rng(seed)
    nu_0, prior = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n))
    nu_0[rng.integers(n)] = 10 ** rng.uniform(-300, -3)
    prior[rng.integers(n)] = 10 ** rng.uniform(-300, -3)
    weight, beta = 10 ** rng.uniform(-4, 4, size=2)
    solution = solve(AlignmentGame(nu_0 / nu_0.sum(), np.arange(n), family(prior / prior.sum(), weight), beta))
    assert solution.certificate.worst <= 1e-10
    assert solution.nu.sum() == pytest.approx(1.0, abs=1e-12)


def test_a_chi_square_of_a_prior_near_0_is_found_at_once():
    R = ChiSquare([0.5, 0.5 - 1e-298, 1e-298], 5e-4)
    solution = solve(AlignmentGame([0.3, 0.5, 0.2], [0, 1, 2], R, beta=0.01))
    assert solution.certificate.worst <= 1e-12
    # weight * 2 (nu / prior - 1) + beta log(nu / nu_0) is one number for the two others.
    slope = 2 * 5e-4 * (solution.nu / R.prior - 1) + 0.01 * (solution.log_nu - np.log([0.3, 0.5, 0.2]))
    assert slope[0] == pytest.approx(slope[1], abs=1e-14)


@pytest.mark.parametrize("seed", [7, 28, 55, 58, 59, 63, 76])
def test_a_sum_whose_slopes_hardly_change_with_the_mass_is_solved(seed):
    # Beside one answer of mass near 1 the others have slopes of order nu^3, which float64 cannot tell apart.
    rng = np.random.default_rng(seed)
    R = LogScore(rng.integers(10), 7.5) + Tsallis(rng.uniform(0.2, 4), 10 ** rng.uniform(-2, 2))
    game = AlignmentGame(rng.dirichlet(np.ones(10)), np.arange(10), R, 10 ** rng.uniform(-2, 2))
    assert solve(game).certificate.worst <= 1e-10


def test_a_conjugate_of_our_own_that_cannot_be_bounded_is_not_blamed_on_the_user():
    class Unbounded(NumericConjugate):
        __module__ = "dagames.functionals.elsewhere"

        def value(self, nu):
            return 0.5 * (nu * nu).sum(axis=-1)

        def gradient(self, nu):
            return nu

        def supremum(self, u):
            return Supremum(np.full_like(u, 1 / u.shape[-1]), np.ones(u.shape[:-1]), np.ones(u.shape[:-1]))

    with pytest.raises(CertificateError, match=r"could not be bounded.*bring weights and priors to a common scale"):
        Unbounded().conjugate(np.zeros(3))


@pytest.mark.parametrize("family", [KLToPrior, KLFromPrior, Hellinger], ids=lambda F: F.__name__)
def test_a_prior_that_sums_to_1_within_tolerance_only_is_divided_by_its_sum(family):
    R = family(np.array([0.2, 0.3, 0.5]) * (1 + 5e-9), 1e6)
    assert R.prior.sum() == pytest.approx(1.0, abs=1e-15)
    assert solve(AlignmentGame([0.5, 0.3, 0.2], [0, 1, 2], R, beta=1.0)).certificate.worst <= 1e-10


def test_a_chi_square_is_infinite_at_any_mass_off_its_prior():
    assert ChiSquare([1.0, 0.0]).value(np.array([1.0, 1e-200])) == np.inf
    assert ChiSquare([1.0, 0.0]).value(np.array([1.0, 0.0])) == 0.0


@pytest.mark.parametrize("family", [KLToPrior, KLFromPrior, Hellinger, ChiSquare], ids=lambda F: F.__name__)
def test_prompts_that_share_a_prior_are_solved_as_each_alone(family):
    R, nu_0 = family([0.2, 0.3, 0.5], 2.0), np.array([[0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    together = solve(AlignmentGame(nu_0, [0, 1, 2], R, beta=0.5))
    for x in range(2):
        np.testing.assert_allclose(together.nu[x], solve(AlignmentGame(nu_0[x], [0, 1, 2], R, beta=0.5)).nu, rtol=1e-9)


@pytest.mark.parametrize("beta", [1.0, 1e5, 1e8, 1e12])
@pytest.mark.parametrize("total", [1.0, 1.0 + 5e-9], ids=["normalised", "sum off by 5e-9"])
def test_values_and_bounds_are_exact_for_large_beta(beta, total):
    """The rounding of the divergence and of the dual bound is not multiplied by beta."""
    rng = np.random.default_rng(0)
    for n in (2, 3, 10, 40):
        nu_0, rewards = rng.dirichlet(np.ones(n)) * total, rng.normal(size=n)
        solution = solve(AlignmentGame(nu_0, np.arange(n), Gini(1.3) + Linear(rewards), beta))
        with mp.workdps(60):
            p, q = ([mp.mpf(float(x)) for x in row] for row in (np.exp(solution.log_nu), nu_0))
            p, q = ([x / mp.fsum(row) for x in row] for row in (p, q))
            value = mp.fsum(mp.mpf(1.3) / 2 * x * x - mp.mpf(float(r)) * x for x, r in zip(p, rewards, strict=True))
            value += mp.mpf(beta) * mp.fsum(x * mp.log(x / y) for x, y in zip(p, q, strict=True))
            for bound in (solution.certificate.primal, solution.certificate.dual):
                assert abs(float(bound) - value) < 1e-14


def test_the_bound_of_a_target_that_is_not_normalised_loses_a_few_bits_only():
    """Dividing the target by its mean leaves a remainder of the size of its rounding, which the bound contains."""
    rng, errors = np.random.default_rng(0), []
    for _ in range(100):
        n, beta = int(rng.integers(2, 10)), 10 ** rng.uniform(0, 9)
        rewards = rng.normal(size=n)
        game = AlignmentGame(rng.dirichlet(np.ones(n)), np.arange(n), Linear(rewards), beta)
        log_q = rewards / beta * rng.uniform(0.5, 2) + rng.normal() * 10 ** rng.uniform(-3, 3)
        with mp.workdps(50):
            nu_0, q = ([mp.exp(mp.mpf(float(x))) for x in row] for row in (game.log_nu_0, log_q))
            mean = mp.fsum(x * y for x, y in zip(nu_0, q, strict=True)) / mp.fsum(nu_0)
            potential = max(mp.mpf(float(r)) - mp.mpf(beta) * mp.log(x) for r, x in zip(rewards, q, strict=True))
            exact = -mp.mpf(beta) * mp.log(mean) - potential
            size = 1 + beta * np.abs(log_q).max()
            errors.append(float(abs(game.certify_marginal(game.log_nu_0, log_q).dual - exact)) / size)
    assert np.mean(errors) < 2e-17
