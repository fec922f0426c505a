"""Quadratic functionals and sums at their extremes, against exact arithmetic, and what is refused."""

from fractions import Fraction

import jaxtyping
import numpy as np
import pytest

from dagames import AlignmentGame, DomainError, ShapeError, solve
from dagames.cli.game_file import FUNCTIONALS, load_game
from dagames.functionals import (
    Gini,
    Linear,
    NegativeEntropy,
    Quadratic,
    from_convex,
    mixture,
)
from dagames.functionals.algebra import total
from dagames.functionals.sums import Sum
from tests.cases import Quartic


@pytest.fixture(autouse=True)
def _as_a_user():
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_a_small_quadratic_program_in_exact_arithmetic():
    """max <nu, u> - nu'Q nu / 2 with Q = ((2, 1, 0), (1, 2, 0), (0, 0, 4)), u = (1, 0, 1): answer 1 is left out."""
    Q, u = [[2, 1, 0], [1, 2, 0], [0, 0, 4]], [1, 0, 1]
    # On answers 0 and 2: 1 - 2 a = 1 - 4 (1 - a), so a = 2/3; the slope of answer 1 is below theirs.
    nu = [Fraction(2, 3), Fraction(0), Fraction(1, 3)]
    left = [Fraction(u[i]) - sum(Fraction(Q[i][j]) * nu[j] for j in range(3)) for i in range(3)]
    assert left[0] == left[2] > left[1]
    value = sum(Fraction(u[i]) * nu[i] - sum(nu[i] * Q[i][j] * nu[j] for j in range(3)) / 2 for i in range(3))
    R = Quadratic(Q)
    assert R.conjugate(np.array(u, float)) == pytest.approx(float(value), abs=1e-15)
    np.testing.assert_allclose(R.conjugate_gradient(np.array(u, float)), [float(p) for p in nu], atol=1e-12)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("n", [1, 2, 6, 40])
def test_the_gap_is_rounding_whatever_the_rank_and_the_scale(n, scale):
    rng = np.random.default_rng(n)
    for rank in {0, 1, n // 2, n}:
        factor = rng.normal(size=(n, rank))
        R = Quadratic(scale * factor @ factor.T, scale * rng.normal(size=n))
        u = scale * 10 * rng.normal(size=(4, n))
        u[0, : n // 2] = -np.inf
        u[1, 0] -= 1e6
        assert (R.conjugate_gap(u) <= 1e-12 * max(1.0, scale)).all()
        assert (R.conjugate_gradient(u)[0, : n // 2] == 0).all()


def test_a_zero_matrix_is_linear():
    R = Quadratic(np.zeros((3, 3)), [1.0, -2.0, 0.0])
    np.testing.assert_allclose(R.conjugate(np.zeros(3)), 2.0, rtol=1e-15)
    assert R.relative_smoothness == 0


def test_what_is_convex_on_the_simplex_only_is_taken():
    distances = np.array([[0.0, 1.0], [1.0, 0.0]])
    R = Quadratic(-distances)
    # -2 nu_0 nu_1 / 2 on the simplex: conjugate at 0 is max nu_0 nu_1 = 1/4.
    assert R.conjugate(np.zeros(2)) == pytest.approx(0.25)
    np.testing.assert_allclose(R.hessian(np.array([0.5, 0.5])), [[0.5, -0.5], [-0.5, 0.5]])


def test_a_quadratic_game_with_tiny_masses():
    pi_0 = [1.0 - 1e-12, 1e-12 - 1e-300, 1e-300]
    solution = solve(AlignmentGame(pi_0, [0, 1, 2], Quadratic(0.1 * np.eye(3)), 1.0))
    assert solution.certificate.worst <= 1e-10
    np.testing.assert_allclose(solution.nu, solve(AlignmentGame(pi_0, [0, 1, 2], Gini(0.1), 1.0)).nu, atol=1e-11)
    assert -692 < solution.log_nu[2] < -690


@pytest.mark.parametrize(
    ("matrix", "linear", "error", "message"),
    [
        ([[1.0, 0.0]], None, ShapeError, r"`matrix` has shape \(1, 2\); a square matrix over answers is needed"),
        ([1.0], None, ShapeError, r"`matrix` has shape \(1,\)"),
        ([[1.0, np.nan], [0.0, 1.0]], None, DomainError, r"`matrix\[0, 1\]` is nan"),
        (
            [[1.0, 2.0], [0.0, 1.0]],
            None,
            DomainError,
            r"`matrix\[0, 1\]` is 2, but its mirror entry is 0\. A quadratic",
        ),
        (
            [[-1.0, 0.0], [0.0, 0.5]],
            None,
            DomainError,
            r"`matrix` makes R concave: along \[.*\], .* its curvature is -0\.25",
        ),
        ([np.eye(2), -np.eye(2)], None, DomainError, r"`matrix\[1\]` makes R concave.*`PairwiseIncoherence`"),
        (np.eye(2), [1.0, 2.0, 3.0], ShapeError, r"`linear` has shape \(3,\); `matrix` has \(2, 2\)"),
        ([np.eye(2)] * 3, np.zeros((2, 2)), ShapeError, r"`linear` has shape \(2, 2\)"),
        (np.eye(2), [np.inf, 0.0], DomainError, r"`linear\[0\]` is inf"),
    ],
)
def test_wrong_quadratics_are_refused(matrix, linear, error, message):
    with pytest.raises(error, match=message):
        Quadratic(matrix, linear)


def test_a_quadratic_must_fit_the_game():
    for R, message in (
        (Quadratic(np.eye(3)), r"`matrix` has shape \(3, 3\); the game needs \(2, 2\)"),
        (Quadratic(np.eye(2), np.zeros((3, 2))), r"`linear` has shape \(3, 2\); the game needs \(2,\)"),
        (2.0 * Quadratic(np.eye(3)), r"`matrix` has shape \(3, 3\)"),
        (Gini() + Quadratic(np.eye(3)), r"`matrix` has shape \(3, 3\)"),
        ([1.0, 2.0] * Quadratic(np.eye(2)), r"`weight` has shape \(2,\)"),
    ):
        with pytest.raises(ShapeError, match=message):
            AlignmentGame([0.5, 0.5], [0, 1], R, 1.0)


def test_wrong_sums_are_refused():
    with pytest.raises(DomainError, match="a sum needs at least one functional"):
        Sum()
    with pytest.raises(TypeError):
        Gini() + 1.0
    with pytest.raises(DomainError, match="only functionals can be added, not float"):
        total(Gini(), 1.0)
    with pytest.raises(DomainError, match=r"`weight` must be finite and above 0, not -1.*claim I\.15"):
        -1.0 * Gini()
    with pytest.raises(DomainError, match=r"`weights` has shape \(1,\); there are 2 functionals"):
        mixture([Gini(), Gini()], [1.0])
    with pytest.raises(DomainError, match="`weights` sum to 2"):
        mixture([Gini(), Gini()], [1.0, 1.0])

    class Rough(Quartic):
        pass

    from_convex_only = from_convex(lambda nu: nu[..., 0], lambda nu: np.eye(nu.shape[-1])[0] + 0 * nu)
    assert isinstance(Rough(1.0) + from_convex_only, Sum)


def test_a_list_in_a_file_is_a_sum(tmp_path):
    path = tmp_path / "game.yaml"
    text = "pi_0: [0.9, 0.1]\nE: [0, 1]\nbeta: 0.5\nfunctional: "
    path.write_text(
        text + "[{Gini: {weight: 1.0}}, {NegativeEntropy: {weight: 0.5}}, {Linear: {rewards: [0.0, 1.0]}}]\n"
    )
    expected = solve(AlignmentGame([0.9, 0.1], [0, 1], Gini() + NegativeEntropy(0.5) + Linear([0.0, 1.0]), 0.5))
    np.testing.assert_allclose(solve(load_game(path)).nu, expected.nu)
    path.write_text(text + "{Quadratic: {matrix: [[1.0, 0.0], [0.0, 1.0]]}}\n")
    assert isinstance(load_game(path).functional, Quadratic)
    path.write_text(text + "[]\n")
    with pytest.raises(DomainError, match="`functional` is an empty list; name at least one"):
        load_game(path)
    assert not {"Sum", "Scaled", "FromConvex", "SmoothSum", "Convexified"} & set(FUNCTIONALS)
