"""Newton's joint steps: fast where they are meant to be, and not kept alive by the roots that catch them."""

import numpy as np
import pytest

from dagames import AlignmentGame, solve
from dagames.functionals import is_cuttable
from dagames.solvers import newton
from tests.cases import FUNCTIONALS

ORDINARY = [
    name
    for name, make in FUNCTIONALS.items()
    if name not in {"Hellinger", "SeparableSum"} and is_cuttable(make(np.random.default_rng(0), 3))
]
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
