"""At the edges of float64 every functional and method solves or refuses: only our own errors leave, and no warning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames import AlignmentGame, DagamesError, solve
from dagames.functionals import ChiSquare, Hellinger, KLFromPrior, KLToPrior
from dagames.solvers import METHODS
from tests.cases import FUNCTIONALS, seeds

ITERATIVE = sorted(set(METHODS) - {"auto", "conic", "closed_form", "newton"})


def extreme_distribution(rng, n):
    """Draw a distribution, some of whose masses are as small as 1e-300."""
    p = rng.dirichlet(np.ones(n)) * np.where(rng.random(n) < 0.3, 10 ** rng.uniform(-300, -3, size=n), 1.0)
    p[rng.integers(n)] += 1e-3
    return p / p.sum()


def check(game, method, **options):
    """Solve with every floating-point signal raised; a solution must be one, anything else an error of our own."""
    with np.errstate(all="raise"):
        try:
            solution = solve(game, method, **options)
        except DagamesError as error:
            return str(error)
        nu, pi, value = solution.nu, solution.pi, game.objective(solution.pi)
    assert nu.sum(axis=-1) == pytest.approx(1.0, abs=1e-12)
    assert np.isfinite(solution.certificate.worst)
    assert value == pytest.approx(solution.certificate.primal, rel=1e-9, abs=1e-9 * max(1.0, game.beta))
    # No policy on the way to the reference is better than the dual bound.
    bound = solution.certificate.dual - 1e-9 * max(1.0, game.beta, np.abs(solution.certificate.dual))
    assert game.objective(0.5 * pi + 0.5 * game.nu_0) >= bound
    return None


@pytest.mark.parametrize("name", FUNCTIONALS)
@given(seed=seeds, n=st.integers(1, 6), beta=st.sampled_from([1e-4, 1e-2, 1.0, 1e2, 1e4]))
def test_every_functional_is_solved_or_refused_by_default(name, seed, n, beta):
    rng = np.random.default_rng(seed)
    try:
        game = AlignmentGame(extreme_distribution(rng, n), np.arange(n), FUNCTIONALS[name](rng, n), beta)
    except DagamesError:
        return
    check(game, "auto", max_iterations=200)


@pytest.mark.parametrize("method", [*ITERATIVE, "closed_form", "newton"])
@given(
    seed=seeds, n=st.integers(1, 5), name=st.sampled_from(sorted(FUNCTIONALS)), beta=st.sampled_from([1e-4, 1.0, 1e4])
)
def test_every_method_solves_or_refuses(method, seed, n, name, beta):
    rng = np.random.default_rng(seed)
    try:
        game = AlignmentGame(extreme_distribution(rng, n), np.arange(n), FUNCTIONALS[name](rng, n), beta)
    except DagamesError:
        return
    check(game, method, **({"max_iterations": 5} if method in ITERATIVE else {}))


@pytest.mark.parametrize("family", [KLToPrior, KLFromPrior, Hellinger, ChiSquare], ids=lambda F: F.__name__)
@given(seed=seeds, n=st.integers(1, 8), weight=st.sampled_from([1e-4, 1.0, 1e4, 1e8]))
def test_distances_to_an_extreme_prior_are_solved_whatever_the_weight(family, seed, n, weight):
    rng = np.random.default_rng(seed)
    R = family(extreme_distribution(rng, n), weight)
    game = AlignmentGame(extreme_distribution(rng, n), np.arange(n), R, 10 ** rng.uniform(-2, 2))
    assert check(game, "auto") is None
