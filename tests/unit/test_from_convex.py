"""A user's own convex function: what it gives, and what is said when it is wrong."""

import jaxtyping
import numpy as np
import pytest

from dagames import AlignmentGame, CertificateError, DomainError, ShapeError, solve
from dagames.functionals import Gini, Linear, Quadratic, broken_laws, from_convex


@pytest.fixture(autouse=True)
def _as_a_user():
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def square(nu):
    return (nu * nu).sum(axis=-1)


def absolute(w):
    """|w . nu|, which has a kink where that is 0."""
    w = np.asarray(w)
    return from_convex(lambda nu: np.abs(nu @ w), lambda nu: np.sign(nu @ w)[..., None] * w, name="absolute")


def test_a_users_square_is_gini():
    R, gini = from_convex(square, lambda nu: 2 * nu, smoothness=1.0), Gini(2.0)
    for u in ([0.3, -1.0, 0.4], [0.0, 0.0, 0.0], [1e6, 0.0, 0.0], [-np.inf, 1.0, 1.5], [-np.inf, -np.inf, 2.0]):
        row = np.array(u)
        np.testing.assert_allclose(R.conjugate(row), gini.conjugate(row), rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(R.conjugate_gradient(row), gini.conjugate_gradient(row), atol=1e-6)
        assert R.conjugate_gap(row) <= 1e-13
    assert R.conjugate(np.full(3, -np.inf)) == -np.inf
    assert R.conjugate_gap(np.full(3, -np.inf)) == 0
    assert broken_laws(R, 4, examples=20) == []
    solution = solve(AlignmentGame([0.5, 0.3, 0.2], [0, 1, 2], R, 1.0))
    np.testing.assert_allclose(solution.nu, solve(AlignmentGame([0.5, 0.3, 0.2], [0, 1, 2], gini, 1.0)).nu, atol=1e-5)


def test_a_kink_is_certified_by_cutting_planes():
    """sup of <nu, u> - |nu_0 - nu_1| for u = (.2, .5, 0): all on 1 gives -.5, the kink (.5, .5, 0) gives .35."""
    R = absolute([1.0, -1.0, 0.0])
    u = np.array([0.2, 0.5, 0.0])
    assert R.conjugate(u) == pytest.approx(0.35, abs=1e-10)
    np.testing.assert_allclose(R.conjugate_gradient(u), [0.5, 0.5, 0.0], atol=1e-9)
    assert 0 <= R.conjugate_gap(u) <= 1e-10
    batch = R.conjugate(np.stack([u, [0.0, 0.0, 1.0], [-np.inf, 0.5, 0.2]]))
    np.testing.assert_allclose(batch, [0.35, 1.0, 0.2], atol=1e-10)


def test_a_kink_and_a_curve_together():
    """sup of <nu, u> - |nu_0 - nu_1| - |nu|^2 over two answers, u = (0, .5): still at the kink, where it is -.25."""
    R = absolute([1.0, -1.0]) + Gini(2.0)
    assert R.conjugate(np.array([0.0, 0.5])) == pytest.approx(-0.25, abs=1e-10)
    assert R.name == "absolute + Gini"
    with_quadratic = absolute([1.0, -1.0]) + Quadratic(2 * np.eye(2)) + Linear([0.0, 0.5])
    assert with_quadratic.conjugate(np.zeros(2)) == pytest.approx(-0.25, abs=1e-10)


def test_slopes_at_the_edge_may_be_infinite():
    log_loss = from_convex(lambda nu: -np.log(nu[..., 0]), lambda nu: -np.eye(nu.shape[-1])[0] / nu[..., :1])
    assert log_loss.value(np.array([0.0, 1.0])) == np.inf
    # mass m on answer 0 gains -9 m + log m: m = 1/9.
    assert log_loss.conjugate(np.array([-9.0, 0.0])) == pytest.approx(-1 - np.log(9), abs=1e-12)


@pytest.mark.parametrize(
    ("value", "gradient", "error", "message"),
    [
        (lambda nu: np.nan * nu[..., 0], lambda nu: nu, CertificateError, r"the value of goal returned nan at nu = \["),
        (lambda nu: -np.inf + nu[..., 0], lambda nu: nu, CertificateError, "the value of goal returned -inf"),
        (square, lambda nu: nu * np.nan, CertificateError, r"the gradient of goal returned \[nan nan nan\] at nu"),
        (square, lambda nu: nu + np.inf, CertificateError, r"the gradient of goal returned \[inf inf inf\] at nu"),
        (square, lambda nu: nu, CertificateError, "`gradient` of goal disagrees with its `value`"),
        (square, lambda nu: -2 * nu, CertificateError, "`broken_laws` tries more points"),
        (lambda nu: (nu * nu).sum(), lambda nu: 2 * nu, ShapeError, r"the value of goal returned shape \(\) for"),
        (square, lambda nu: nu[..., :1], ShapeError, r"the gradient of goal returned shape \(2, 1\)"),
        (lambda _: "no", lambda nu: nu, CertificateError, "the value of goal returned 'no', which is not a number"),
    ],
)
def test_a_users_mistake_is_named_when_the_game_is_made(value, gradient, error, message):
    R = from_convex(value, gradient, name="goal")
    with pytest.raises(error, match=message):
        AlignmentGame([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], [0, 1, 2], R, 1.0)


def test_what_cannot_be_certified_is_an_error():
    noisy = from_convex(square, lambda nu: 2 * nu + 1e-4 * np.sin(1e6 * nu), name="noisy")
    with pytest.raises(
        CertificateError, match=r"the conjugate of noisy could not be bounded: gap .* > 1.0e-10 at u = \["
    ):
        noisy.conjugate(np.array([0.0, 0.1, 0.2]))
    with pytest.raises(CertificateError, match="the conjugate of noisy could not be bounded"):
        noisy.conjugate_gradient(np.array([0.0, 0.1, 0.2]))


def test_the_checker_names_the_broken_law():
    def laws(value, gradient):
        return [v.law for v in broken_laws(from_convex(value, gradient), 3, examples=5)]

    assert "gradient is the slope of value" in laws(square, lambda nu: 2.0005 * nu)
    assert "value is convex" in laws(lambda nu: -square(nu), lambda nu: -2 * nu)


def test_names_and_arguments():
    assert from_convex(square, lambda nu: 2 * nu).name == "square"
    assert from_convex(square, lambda nu: 2 * nu).relative_smoothness == np.inf
    with pytest.raises(DomainError, match="`gradient` must be a function of distributions"):
        from_convex(square, 2.0)
    with pytest.raises(DomainError, match="`smoothness` must be at least 0, not -1"):
        from_convex(square, square, smoothness=-1.0)
    with pytest.raises(DomainError, match="`smoothness` must be real numbers, not 'x'"):
        from_convex(square, square, smoothness="x")
    with pytest.raises(DomainError, match="`tolerance` must be"):
        from_convex(square, square, tolerance=0.0)
