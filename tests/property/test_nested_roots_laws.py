"""Nested roots alone solve every game and find every conjugate of a sum over answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames import AlignmentGame, simplex, solve
from dagames.functionals import KLToPrior
from dagames.functionals.conjugates.nested_roots import nested_roots, separable_supremum
from dagames.solvers import newton
from tests.cases import FUNCTIONALS, SEPARABLE, random_distribution, seeds, sizes

betas = st.sampled_from([1e-4, 0.3, 1.0, 30.0, 1e4])


def random_game(rng: np.random.Generator, name: str, n: int, beta: float) -> AlignmentGame:
    """Draw a game whose reference has masses of 0 and of 1e-300."""
    nu_0 = random_distribution(rng, n)
    nu_0[rng.random(n) < 0.2] += 1e-300
    return AlignmentGame(nu_0, range(n), FUNCTIONALS[name](rng, n), beta)


@pytest.mark.parametrize("name", SEPARABLE)
@given(seeds, sizes, betas)
def test_nested_roots_solve_without_a_joint_step(name, seed, n, beta):
    game = random_game(np.random.default_rng(seed), name, n, beta)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(newton, "_STEPS", 0)
        solution = solve(game, "newton")
    assert solution.certificate.worst <= 1e-10
    scale = max(1.0, float(np.abs(solution.value)))
    np.testing.assert_allclose(solution.value, solve(game).value, rtol=0, atol=2e-10 * scale)


@pytest.mark.parametrize("name", SEPARABLE)
@given(seeds, sizes, st.sampled_from([0.3, 1.0, 30.0]))
def test_the_equilibrium_maximises_the_sum_with_the_divergence(name, seed, n, beta):
    """The two calls of the engine: with an entropy weight, and with the divergence as a part of the functional."""
    rng = np.random.default_rng(seed)
    functional, nu_0 = FUNCTIONALS[name](rng, n), rng.dirichlet(np.ones(n))
    total = (functional + KLToPrior(nu_0, beta)).as_separable()
    allowed = functional.allowed(np.ones(n, dtype=bool))
    zero = np.where(allowed, 0.0, -np.inf)
    found = separable_supremum(total, zero)
    log_nu = nested_roots(functional.as_separable(), np.where(allowed, beta * np.log(nu_0), -np.inf), beta)
    np.testing.assert_allclose(found.nu, np.exp(log_nu), rtol=0, atol=1e-7)
    np.testing.assert_allclose(simplex.log_sum(log_nu), 0.0, atol=1e-14)
    scale = max(1.0, float(np.abs(found.upper)))
    np.testing.assert_allclose(found.upper, -total.value(np.exp(log_nu)), rtol=0, atol=1e-9 * scale)


def test_prompts_of_many_answers_are_solved_like_others():
    n = 300_000
    rng = np.random.default_rng(0)
    nu_0 = rng.dirichlet(np.ones(n))
    for name in ("Gini", "KLToPrior"):
        solution = solve(AlignmentGame(nu_0, np.arange(n), FUNCTIONALS[name](rng, n), beta=0.3))
        assert solution.certificate.worst <= 1e-10
