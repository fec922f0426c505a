"""Games of a user's own functional: with kinks, solved; with faults, named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames import AlignmentGame, CertificateError, SolveError, solve
from dagames.functionals import ChiSquare, Functional, Gini, KLToPrior, Point, broken_laws, from_convex
from dagames.solvers.accelerated_ascent import solve_accelerated_ascent
from dagames.solvers.cutting_planes import solve_cutting_planes
from dagames.solvers.mirror_descent import solve_mirror_descent
from tests.cases import seeds


def largest_of(rows, name="largest"):
    """The maximum of linear functions, a row each."""
    A = np.asarray(rows, dtype=float)
    return from_convex(lambda nu: (nu @ A.T).max(axis=-1), lambda nu: A[(nu @ A.T).argmax(axis=-1)], name=name)


def variation_from(prior, weight=1.0):
    """Total variation to a prior."""
    p = np.asarray(prior)
    return from_convex(
        lambda nu: 0.5 * weight * np.abs(nu - p).sum(axis=-1), lambda nu: 0.5 * weight * np.sign(nu - p), name="tv"
    )


def quartic():
    return from_convex(lambda nu: (nu**4).sum(axis=-1), lambda nu: 4 * nu**3, name="quartic")


@given(seed=seeds, n=st.integers(2, 8), kind=st.sampled_from(["max", "linear", "variation"]))
def test_functionals_with_kinks_are_solved_by_default(seed, n, kind):
    rng = np.random.default_rng(seed)
    nu_0, beta = rng.dirichlet(np.ones(n)), 10 ** rng.uniform(-1.5, 1)
    prior = rng.dirichlet(np.ones(n))
    R = {
        "max": lambda: largest_of(np.eye(n)),
        "linear": lambda: largest_of(rng.normal(size=(5, n))),
        "variation": lambda: variation_from(prior, 2.0),
    }[kind]()
    game = AlignmentGame(nu_0, np.arange(n), R, beta)
    solution = solve(game)
    assert solution.certificate.worst <= 1e-10
    # No policy nearby, or anywhere on the way to a random one, does better.
    for _ in range(20):
        other = solution.nu + 10 ** rng.uniform(-6, 0) * (rng.dirichlet(np.ones(n)) - solution.nu)
        assert game.objective(other) >= solution.value - 1e-10 * max(1.0, abs(solution.value))


def test_a_maximum_of_two_masses_has_the_equilibrium_found_by_hand():
    # On nu_1 = nu_2 = t, nu_3 = 1 - 2t: t + KL is least where 1/2 + log(t / sqrt(.18)) = log((1 - 2t) / .1).
    solution = solve_cutting_planes(AlignmentGame([0.6, 0.3, 0.1], [0, 1, 2], largest_of(np.eye(3)), beta=1.0))
    t = solution.nu[0]
    assert abs(solution.nu[1] - t) < 1e-9
    assert 0.5 + np.log(t / np.sqrt(0.18)) - np.log((1 - 2 * t) / 0.1) == pytest.approx(0.0, abs=1e-8)


def test_cutting_planes_solve_a_batch_whose_prompts_differ():
    prior = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    R = variation_from(prior, 3.0)
    game = AlignmentGame([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], [0, 1, 2], R, beta=0.5)
    together = solve(game)
    assert together.certificate.worst <= 1e-10
    for x in range(2):
        alone = solve(AlignmentGame(game.nu_0[x], [0, 1, 2], variation_from(prior[x], 3.0), beta=0.5))
        np.testing.assert_allclose(together.nu[x], alone.nu, atol=1e-8)


@pytest.mark.parametrize("other", [ChiSquare([0.2, 0.3, 0.5], 0.5), Gini(2.0)], ids=["ChiSquare", "Gini"])
def test_a_kink_beside_a_curved_functional_is_solved(other):
    game = AlignmentGame([0.7, 0.2, 0.1], [0, 1, 2], largest_of(np.eye(3)) + other, beta=0.2)
    assert solve(game).certificate.worst <= 1e-10


def test_cutting_planes_and_mirror_descent_agree_on_a_smooth_functional():
    game = AlignmentGame([0.7, 0.2, 0.1], [0, 1, 2], quartic(), beta=0.2)
    first, second = solve_cutting_planes(game), solve_mirror_descent(game)
    np.testing.assert_allclose(first.nu, second.nu, atol=1e-5)
    assert first.value == pytest.approx(float(second.value), abs=1e-9)


def test_tangents_and_numerical_conjugate_bound_the_same_value():
    game = AlignmentGame([0.5, 0.2, 0.2, 0.1], [0, 1, 2, 3], variation_from([0.1, 0.2, 0.3, 0.4], 2.0), beta=0.3)
    solution = solve_cutting_planes(game)
    by_conjugate = game.certify_marginal(solution.log_nu, solution.log_q)
    assert by_conjugate.worst <= 1e-10
    assert float(by_conjugate.dual) == pytest.approx(float(solution.certificate.dual), abs=1e-9)


def test_cutting_planes_count_their_tangents_and_stop_where_told():
    game = AlignmentGame([0.7, 0.2, 0.1], [0, 1, 2], quartic(), beta=0.01)
    with pytest.raises(SolveError, match=r"cutting_planes stopped after 2 tangents with gap .* give `from_convex` its"):
        solve_cutting_planes(game, max_iterations=2)


def concave(nu):
    return -(nu * nu).sum(axis=-1)


def test_a_concave_functional_is_refused_before_it_is_solved():
    R = from_convex(concave, lambda nu: -2 * nu, name="bent")
    with pytest.raises(CertificateError, match=r"bent is not convex, .* lies below the tangent .* `broken_laws`"):
        solve(AlignmentGame([0.7, 0.3], [0, 1], R, beta=0.1))


class Own(Functional):
    """A user's own half square, with whatever is wrong with it."""

    def __init__(self, bend=1.0, extra=0.0):
        self.bend, self.extra = bend, extra
        self._half = Gini(1.0)

    def value(self, nu):
        return self.bend * self._half.value(nu)

    def gradient(self, nu):
        return self.bend * self._half.gradient(nu)

    def conjugate(self, u):
        return self._half.conjugate(u) + self.extra

    def conjugate_gradient(self, u):
        return self._half.conjugate_gradient(u)


def test_a_conjugate_that_is_too_large_is_named():
    with pytest.raises(SolveError, match=r"gap is that of the `conjugate` of Own, which is too large; `broken_laws`"):
        solve(AlignmentGame([0.7, 0.3], [0, 1], Own(extra=0.1), beta=0.5), "mirror_descent", max_iterations=50)


def test_a_concave_subclass_is_named_when_it_is_not_solved():
    with pytest.raises((SolveError, CertificateError), match=r"not convex|Fenchel-Young inequality.*broken_laws"):
        solve(AlignmentGame([0.7, 0.3], [0, 1], Own(bend=-1.0), beta=0.5))


def test_a_conjugate_that_is_too_small_is_blamed_on_its_author():
    with pytest.raises(
        CertificateError, match=r"Own breaks the Fenchel-Young inequality.*Its `conjugate` is too small"
    ):
        solve(AlignmentGame([0.7, 0.3], [0, 1], Own(extra=-0.1), beta=0.5))


def test_broken_laws_reports_a_wrong_gradient_instead_of_raising():
    wrong = from_convex(lambda nu: (nu * nu).sum(axis=-1), lambda nu: nu, name="wrong")
    found = {violation.law: violation.excess for violation in broken_laws(wrong, 3, examples=3)}
    assert found["gradient is the slope of value"] > 1e-3


def test_broken_laws_reports_an_error_that_the_functional_raises():
    class Lost(Own):
        def conjugate(self, u):
            raise CertificateError("no bound: 3 at u")

    found = [violation for violation in broken_laws(Lost(), 3, examples=3) if "CertificateError" in violation.law]
    assert [(violation.law, violation.excess) for violation in found] == [
        ("no CertificateError is raised: no bound", np.inf)
    ]


@pytest.mark.parametrize("method", ["mirror_descent", "damped_response"])
def test_a_path_evaluates_the_conjugate_of_a_users_functional_only_where_it_may_be_solved(method):
    calls = []

    class Counted(Own):
        def conjugate(self, u):
            calls.append(1)
            return super().conjugate(u)

    solution = solve(AlignmentGame([0.7, 0.2, 0.1], [0, 1, 2], Counted(), beta=0.05), method)
    assert solution.iterations > 5
    assert len(calls) < solution.iterations


def test_accelerated_ascent_tries_a_bounded_number_of_steps():
    calls = []

    class Misled(Own):
        def conjugate(self, u):
            calls.append(1)
            return super().conjugate(u)

        def conjugate_gradient(self, u):
            return 1e7 * super().conjugate_gradient(u)[..., ::-1]

    with pytest.raises(SolveError, match="stuck at a kink of the dual: the conjugate of Misled"):
        solve_accelerated_ascent(AlignmentGame([0.7, 0.2, 0.1], [0, 1, 2], Misled(), beta=0.05), max_iterations=10)
    assert len(calls) < 10 * 120


@pytest.mark.parametrize("forbids", [KLToPrior([0.5, 0.5, 0.0]), Point(1)], ids=["prior", "point"])
def test_tangents_close_the_gap_where_the_functional_forbids_answers(forbids):
    game = AlignmentGame([0.5, 0.3, 0.2], range(3), Gini() + forbids, beta=0.7)
    solution = solve_cutting_planes(game)
    assert float(solution.value) == pytest.approx(float(solve(game).value), abs=1e-9)
