"""The expression of a functional for cvxpy is the functional."""

import cvxpy as cp
import numpy as np
import pytest

from dagames import AlignmentGame, SolveError, solve
from dagames.functionals import Functional, Gini, Hellinger, Linear, LogScore, Polytope, Quadratic, from_convex
from dagames.solvers.conic import solve_conic
from dagames.solvers.suited import obstacle
from tests.cases import FUNCTIONALS, random_gram, within

FORMS = {name: make for name, make in FUNCTIONALS.items() if name != "Convexified"}


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS.keys())
def test_the_form_has_the_value_of_the_functional_and_is_convex(make):
    rng = np.random.default_rng(0)
    for _ in range(5):
        R = make(rng, 4)
        nu = cp.Variable(4)
        form = R.conic_form(nu, cp)
        nu.value = within(R, rng.dirichlet(np.ones(4)))
        assert R.has_conic_form
        assert form.is_convex()
        np.testing.assert_allclose(form.value, R.value(nu.value), rtol=1e-9, atol=1e-9)


def test_the_prompts_of_a_batch_have_forms_of_their_own():
    rng = np.random.default_rng(0)
    grams = np.stack([random_gram(rng, 3) for _ in range(2)])
    R = (
        Quadratic(grams, rng.normal(size=(2, 3)))
        + [1.0, 2.0] * Gini([0.3, 0.7])
        + Linear(rng.normal(size=(2, 3)))
        + Hellinger(rng.dirichlet(np.ones(3), size=2), [0.4, 3.0])
        + LogScore([0, 2])
    )
    game = AlignmentGame(rng.dirichlet(np.ones(3), size=2), range(3), R, beta=0.5)
    np.testing.assert_allclose(solve(game, "conic").nu, solve(game).nu, atol=1e-5)


def quartic(nu):
    return (nu**4).sum(axis=-1)


UNKNOWN = from_convex(quartic, lambda nu: 4 * nu**3)


@pytest.mark.parametrize("R", [UNKNOWN, 2.0 * UNKNOWN, Gini() + UNKNOWN, UNKNOWN + Polytope([0.0, 1.0], 0.5)])
def test_a_functional_without_a_form_is_refused_by_name(R):
    assert not R.has_conic_form or R.conic_form(cp.Variable(2), cp) is None
    assert obstacle(R, "conic") == "quartic has no conic form; implement its method `conic_form`."
    game = AlignmentGame([0.5, 0.5], [0, 1], R, beta=1.0)
    for refused in (lambda: solve(game, "conic"), lambda: solve_conic(game)):
        with pytest.raises(SolveError, match=r'quartic has no conic form.* Use "auto"'):
            refused()


class Collisions(Functional):
    """A user's functional that does not list its parameters."""

    def __init__(self, weight: float, *, known: bool = True) -> None:
        self.gini, self.known = Gini(weight), known

    def value(self, nu):
        return self.gini.value(nu)

    def gradient(self, nu):
        return self.gini.gradient(nu)

    def conjugate(self, u):
        return self.gini.conjugate(u)

    def conjugate_gradient(self, u):
        return self.gini.conjugate_gradient(u)

    def conic_form(self, nu, cp):
        return self.gini.conic_form(nu, cp) if self.known else None


class Halved(Collisions):
    """A user's functional with a wrong conic form."""

    def conic_form(self, nu, cp):
        return 0.5 * self.gini.conic_form(nu, cp)


def test_a_wrong_form_is_named_as_the_cause_of_the_gap():
    message = r"the `conic_form` of Halved has the value 0\.\d+ at the solution, and its `value` is 1\.\d+: correct"
    with pytest.raises(SolveError, match=message):
        solve(AlignmentGame([0.7, 0.3], [0, 1], Halved(4.0), beta=0.5), "conic")


def test_a_form_of_a_users_own_is_solved_for_one_prompt_and_refused_for_a_batch():
    one, batch = ([0.7, 0.3], [[0.7, 0.3], [0.5, 0.5]])
    games = [AlignmentGame(one, [0, 1], R, beta=1.0) for R in (Collisions(2.0), Gini(2.0))]
    np.testing.assert_allclose(solve(games[0], "conic").nu, solve(games[1]).nu, atol=1e-6)
    with pytest.raises(SolveError, match=r"Collisions does not list all its arrays in `per_prompt`\. Use"):
        solve(AlignmentGame(batch, [0, 1], Collisions(2.0), beta=1.0), "conic")
    with pytest.raises(SolveError, match="`conic_form` of Collisions returned None"):
        solve(AlignmentGame(one, [0, 1], Collisions(2.0, known=False), beta=1.0), "conic")
