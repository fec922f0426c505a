"""Newton's joint steps: fast where they are meant to be, and not kept alive by the roots that catch them."""

import numpy as np
import pytest

from dagames import AlignmentGame, solve
from dagames.functionals import Quadratic
from dagames.solvers import newton
from tests.cases import FUNCTIONALS, SEPARABLE

ORDINARY = sorted(set(SEPARABLE) - {"Hellinger", "SeparableSum", "LogScore", "Point"})
"""Hellinger's slope is -infinity at mass 0, where a linearised mass can be negative; and the conjugate of the sum of
Gini and KLFromPrior is itself found by roots, so that its certificate can stay above 1e-10 at the very equilibrium."""


@pytest.mark.parametrize("beta", [0.3, 1.0, 10.0])
@pytest.mark.parametrize("name", ORDINARY)
def test_joint_steps_converge_by_themselves_and_quadratically(name, beta, monkeypatch):
    def no_roots(*_):
        raise AssertionError("the nested roots were needed")

    monkeypatch.setattr(newton, "nested_roots", no_roots)
    rng = np.random.default_rng(0)
    for n in (1, 2, 5, 20):
        game = AlignmentGame(0.5 * rng.dirichlet(np.ones(n)) + 0.5 / n, range(n), FUNCTIONALS[name](rng, n), beta)
        solution = solve(game, "newton")
        assert solution.certificate.worst <= 1e-11
        assert solution.iterations <= 16


@pytest.mark.parametrize(("lightest", "beta"), [(1e-142, 1e-4), (1e-178, 2e-4), (1e-300, 5e-4)])
def test_an_answer_of_next_to_no_mass_is_lifted_where_it_pays(lightest, beta):
    """Its Newton step promises next to nothing, because the promise is weighted by the mass."""
    R = Quadratic(np.array([[2.0, 0.5], [0.5, 1.0]]))
    solution = solve(AlignmentGame([lightest, 1.0], range(2), R, beta), "newton")
    assert solution.certificate.worst <= 1e-13
    assert solution.nu[0] > 0.05


def test_a_large_beta_does_not_keep_newton_busy_with_its_rounding():
    R = Quadratic(np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.0], [0.1, 0.0, 1.0]]), np.array([1e-4, 0.0, -1e-4]))
    for beta in (1e3, 1e4):
        solution = solve(AlignmentGame([0.3, 1e-170, 0.7], range(3), R, beta), "newton")
        assert solution.certificate.worst <= 1e-11
        assert solution.iterations <= 5
