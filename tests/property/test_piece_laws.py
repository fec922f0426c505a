"""A prompt of very many answers is solved in pieces: what a piece is must not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames import AlignmentGame, simplex, solve
from dagames.functionals import (
    Gini,
    Linear,
    NegativeEntropy,
    Quadratic,
    Tsallis,
    broken_laws,
)
from dagames.functionals.parts import at_answers, is_cuttable
from dagames.solvers import newton, pieces
from tests.cases import FUNCTIONALS, random_distribution, random_reference, seeds, sizes

CUTTABLE = [
    name for name, make in FUNCTIONALS.items() if name != "Point" and is_cuttable(make(np.random.default_rng(0), 3))
]
betas = st.sampled_from([1e-3, 0.3, 1.0, 30.0])


def in_pieces(patch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    patch.setattr(pieces, "MANY", 0)
    patch.setattr(pieces, "SIZE", int(rng.integers(1, 4)))


def random_game(rng: np.random.Generator, name: str, n: int, beta: float) -> AlignmentGame:
    pi_0, E = random_reference(rng, n)
    return AlignmentGame(pi_0, E, FUNCTIONALS[name](rng, n), beta, n_answers=n)


def test_what_is_a_sum_over_answers_can_be_cut():
    rng = np.random.default_rng(0)
    assert {"Gini", "Linear", "SeparableSum", "SeparableScaled"} <= set(CUTTABLE)
    for name in ("LogScore", "Point", "Polytope", "Quadratic", "Sum", "FromConvex", "SeparableSum of two kinks"):
        assert not is_cuttable(FUNCTIONALS[name](rng, 3))
    assert not pieces.is_long(AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), beta=1.0))
    assert isinstance(at_answers(Quadratic(np.eye(3)), slice(None)), Quadratic)


@pytest.mark.parametrize("name", CUTTABLE)
@given(seeds, sizes)
def test_values_of_the_parts_add_up(name, seed, n):
    rng = np.random.default_rng(seed)
    functional, nu = FUNCTIONALS[name](rng, n), random_distribution(rng, n)
    nu = functional.into_domain(0.9 * nu + 0.1 / n)
    cut = int(rng.integers(n + 1))
    parts = [at_answers(functional, span).value(nu[span]) for span in (slice(cut), slice(cut, n))]
    np.testing.assert_allclose(sum(parts), functional.value(nu), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CUTTABLE)
@given(seeds, sizes, betas)
def test_the_equilibrium_of_the_pieces_is_that_of_the_whole(name, seed, n, beta):
    rng = np.random.default_rng(seed)
    game = random_game(rng, name, n, beta)
    whole = solve(game, "newton")
    with pytest.MonkeyPatch.context() as patch:
        in_pieces(patch, rng)
        # One time in four the nested roots have to do it, which take a hundred times as long.
        patch.setattr(newton, "_STEPS", int(rng.choice([0, 40, 40, 40])))
        parts = solve(game)
    assert parts.method == "newton"
    assert parts.certificate.worst <= 1e-10
    scale = max(1.0, float(np.abs(whole.value)))
    np.testing.assert_allclose(parts.value, whole.value, rtol=0, atol=1e-10 * scale)
    # KL(nu || nu*) beta is at most the gap, and Pinsker bounds the distance by it.
    np.testing.assert_allclose(parts.nu, whole.nu, rtol=0, atol=2 * np.sqrt(2e-10 * scale / beta))
    np.testing.assert_array_equal(np.isneginf(parts.log_q), np.isneginf(whole.log_q))
    slope = np.abs(game.functional.gradient_at_log(parts.log_nu)[game.reachable]).max()
    rounding = 4 * np.finfo(float).eps * max(1.0, slope / beta)
    np.testing.assert_allclose(simplex.log_sum(parts.log_q), 0.0, atol=rounding)


@pytest.mark.parametrize("name", CUTTABLE)
@given(seeds, sizes, betas)
def test_the_tangent_bounds_the_conjugate_from_above(name, seed, n, beta):
    """So the certificate of the pieces is never better than the one of the conjugate, and as good at a best target."""
    rng = np.random.default_rng(seed)
    game = random_game(rng, name, n, beta)
    log_nu = simplex.log_normalize(np.where(game.reachable, rng.normal(size=n), -np.inf))
    other = simplex.log_normalize(np.where(game.reachable, rng.normal(size=n), -np.inf))
    with pytest.MonkeyPatch.context() as patch:
        in_pieces(patch, rng)
        cut = pieces.cut(game, game.functional)
        for at, best in ((other, False), (log_nu, True)):
            log_q = game.log_best_target(at)
            certificate, exact = pieces.certify_pieces(game, cut, log_nu, log_q), game.certify_marginal(log_nu, log_q)
            scale = max(1.0, float(np.abs(exact.primal)), float(np.abs(exact.dual)))
            np.testing.assert_allclose(certificate.primal, exact.primal, rtol=0, atol=1e-11 * scale)
            assert certificate.dual <= exact.dual + 1e-10 * scale
            if best:
                np.testing.assert_allclose(certificate.dual, exact.dual, rtol=0, atol=1e-9 * scale)
                solution = pieces.solution_of_pieces(game, cut, log_nu, "newton", 0)
                np.testing.assert_allclose(solution.log_q, log_q, rtol=1e-12, atol=1e-12)


def test_prompts_of_many_answers_are_cut_one_by_one(monkeypatch):
    rng = np.random.default_rng(0)
    nu_0, R = rng.dirichlet(np.ones(7), size=3), Tsallis(1.5, [0.5, 1.0, 2.0])
    whole = solve(AlignmentGame(nu_0, range(7), R, beta=0.3))
    in_pieces(monkeypatch, rng)
    parts = solve(AlignmentGame(nu_0, range(7), R, beta=0.3))
    np.testing.assert_allclose(parts.nu, whole.nu, rtol=1e-9)
    np.testing.assert_allclose(parts.value, whole.value, rtol=1e-12)


def test_a_slope_that_is_infinite_is_named_in_any_piece(monkeypatch):
    from dagames import DomainError

    in_pieces(monkeypatch, np.random.default_rng(1))
    game = AlignmentGame([0.2, 0.3, 0.5], range(3), NegativeEntropy(1.0), beta=1.0)
    cut = pieces.cut(game, game.functional)
    with pytest.raises(DomainError, match="NegativeEntropy has slope -inf"):
        pieces.solution_of_pieces(game, cut, np.array([np.log(0.5), np.log(0.5), -np.inf]), "newton", 0)


class Shifted(Linear):
    """A sum over answers but for a constant, which would be counted once for each piece."""

    def value(self, nu):
        return super().value(nu) + 1.0

    def conjugate(self, u):
        return super().conjugate(u) - 1.0


def test_the_checker_names_a_constant_that_no_answer_owns():
    assert [violation.law for violation in broken_laws(Shifted([1.0, 0.0, 0.5]), 3)] == ["values of parts add up"]
