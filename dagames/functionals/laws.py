"""A test of a functional's laws at random points, for functionals of one's own."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dagames._errors import CertificateError, DomainError
from dagames._types import Numbers
from dagames.functionals.base import Functional

Vector = NDArray[np.float64]

_ROUNDING = 1e-9
"""Relative slack of every law except the difference quotient's: above rounding, below the effect of a wrong factor."""

_QUOTIENT = 1e-4
"""Relative slack of the difference quotient, which has an error of order 1e-6."""


@dataclass(frozen=True, eq=False)
class Violation:
    """A law that a functional breaks, and where.

    Attributes:
        law: What should hold.
        excess: The violation, in R-units, relative to max(1, the size of the terms); NaN if one is NaN.
        at: The point, a distribution or a dual variable, [Z].
    """

    law: str
    excess: float
    at: Vector


def broken_laws(functional: Functional, n_answers: int, *, examples: int = 200, seed: int = 0) -> list[Violation]:
    """Test every law of `Functional` at random points, and return the worst violation of each law that fails.

    Args:
        functional: The functional; its parameters must be those of one prompt.
        n_answers: Number of answers |Z|, at least 1.
        examples: Number of random points.
        seed: Seed of the points.

    Returns:
        One violation for each broken law, in the order: value, gradient, conjugate. Empty if none was found. A
        CertificateError that the functional raises counts as one, of excess inf.

    Raises:
        DomainError: If `n_answers` or `examples` is below 1.

    >>> from dagames.functionals import Gini
    >>> broken_laws(Gini(2.0), n_answers=4)
    []
    """
    if n_answers < 1 or examples < 1:
        raise DomainError(f"`n_answers` and `examples` must be at least 1, not {n_answers} and {examples}.")
    rng = np.random.default_rng(seed)
    worst: dict[str, Violation] = {}
    with contextlib.suppress(CertificateError):
        # `from_convex` compares value and gradient here; below they are compared at more points, and reported.
        functional.check_fits((), n_answers)
    for _ in range(examples):
        nu, mu = (_inside(functional, rng, n_answers) for _ in range(2))
        u = rng.normal(size=n_answers) * 10 ** rng.uniform(-1, 1)
        for checks in (_value_checks(functional, nu, mu, rng), _conjugate_checks(functional, nu, u)):
            for law, excess, at in _reported(checks, u):
                known = worst.get(law)
                # A NaN is a violation, and remains the worst one: comparisons with it are false.
                if not excess <= 0 and (known is None or not excess <= known.excess):
                    worst[law] = Violation(law, excess, at)
    return list(worst.values())


def _reported(checks: Iterator[tuple[str, float, Vector]], u: Vector) -> Iterator[tuple[str, float, Vector]]:
    """Yield the checks, and a CertificateError that one of them raises as a violation in place of the rest."""
    try:
        yield from checks
    except CertificateError as error:
        # The numbers in the message differ from point to point, and are not part of the law's name.
        yield f"no CertificateError is raised: {str(error).split(':')[0]}", np.inf, u


def _inside(functional: Functional, rng: np.random.Generator, n: int) -> Vector:
    return functional.into_domain(0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n)


def _value_checks(
    R: Functional, nu: Vector, mu: Vector, rng: np.random.Generator
) -> Iterator[tuple[str, float, Vector]]:
    """Yield each law of value and gradient with its excess over the slack: above 0, or NaN, where it is broken."""
    t = rng.random()
    slope = np.where(nu > 0, R.gradient(nu), 0.0)
    chord = (1 - t) * R.value(nu) + t * R.value(mu)
    yield _law("value is convex", R.value((1 - t) * nu + t * mu) - chord, [chord], nu)
    yield _law("gradient is a subgradient", R.value(nu) + slope @ (mu - nu) - R.value(mu), [slope, chord], nu)
    yield _quotient(R, nu, mu - nu, slope)
    logs = np.log(np.where(nu > 0, nu, 1.0))
    at_log = np.where(nu > 0, R.gradient_at_log(np.where(nu > 0, logs, -np.inf)), 0.0)
    yield _law("gradient_at_log is the gradient", np.abs(at_log - slope).max(), [slope], nu)
    if np.isfinite(R.relative_smoothness):
        divergence = R.value(mu) - R.value(nu) - slope @ (mu - nu)
        kl = np.sum(np.where(mu > 0, mu * np.log(np.where(mu > 0, mu, 1.0) / np.where(nu > 0, nu, 1.0)), 0.0))
        bound = R.relative_smoothness * kl
        yield _law("relative_smoothness bounds the curvature", divergence - bound, [slope, chord], nu)


def _conjugate_checks(R: Functional, nu: Vector, u: Vector) -> Iterator[tuple[str, float, Vector]]:
    """Yield each law of the conjugate with its excess over the slack."""
    slope = np.where(nu > 0, R.gradient(nu), 0.0)
    conjugate = R.conjugate(u)
    young = R.value(nu) + conjugate - nu @ u
    yield _law("R(nu) + R*(u) >= <nu, u>", -young, [u, R.value(nu)], u)
    shifted = R.conjugate(u + 3.0) - conjugate - 3.0
    yield _law("R*(u + c) = R*(u) + c", abs(shifted), [u, conjugate], u)
    best = R.conjugate_gradient(u)
    yield _law("conjugate_gradient is a distribution", max(abs(best.sum() - 1), -best.min()), [], u)
    attained = R.value(best) + conjugate - best @ u
    yield _law("conjugate_gradient attains the conjugate", abs(attained), [u, conjugate], u)
    dual = np.where(nu > 0, slope, -np.inf)
    attained = R.value(nu) + R.conjugate(dual) - nu @ slope
    yield _law("the gradient attains the value", abs(attained), [slope, R.value(nu)], nu)


def _quotient(R: Functional, nu: Vector, v: Vector, slope: Vector) -> tuple[str, float, Vector]:
    """Compare the gradient with a central difference in a direction that stays within the domain."""
    h = 1e-3 * np.where(nu > 0, nu, np.inf).min()
    quotient = (R.value(nu + h * v) - R.value(nu - h * v)) / (2 * h)
    return _law("gradient is the slope of value", abs(quotient - slope @ v), [slope], nu, _QUOTIENT)


def _law(
    law: str, excess: Numbers, terms: Sequence[Numbers], at: Vector, slack: float = _ROUNDING
) -> tuple[str, float, Vector]:
    """Divide an excess by the largest of 1 and the terms that it is a difference of."""
    scale = max([1.0, *(float(np.abs(term).max()) for term in terms)])
    relative = float(np.asarray(excess)) / scale
    return law, relative - slack if relative <= slack else relative, at
