"""A test of a functional's convexity at random points."""

import numpy as np

from dagames._types import OverAnswers
from dagames.functionals.base import Functional

_PAIRS = 8
"""Pairs of points for each prompt; `broken_laws` tries more."""

_SLACK = 1e-9
"""Largest excess over a tangent, relative to values and slopes, that may be rounding."""


def nonconvexity(functional: Functional, batch: tuple[int, ...], n_answers: int) -> str | None:
    """Return a sentence with the point that lies farthest below a tangent of R, or None if R seems convex."""
    rng = np.random.default_rng(0)
    worst, sentence = 0.0, None
    for _ in range(_PAIRS):
        nu, mu = (functional.into_domain(rng.dirichlet(np.full(n_answers, 0.5), size=batch)) for _ in range(2))
        # Slopes may be infinite at the boundary.
        nu, mu = 0.9 * nu + 0.1 * mu, 0.1 * nu + 0.9 * mu
        excess, slope = _excess(functional, nu, mu)
        if excess.max() > worst:
            worst, place = float(excess.max()), np.unravel_index(int(excess.argmax()), excess.shape)
            sentence = (
                f"{functional.name} is not convex, or its `gradient` is not a subgradient: R at {_shown(mu[place])} "
                f"lies below the tangent at {_shown(nu[place])}, whose slope is {_shown(slope[place])}, by {worst:.3g} "
                "relatively. Theorem 2.1 needs a convex R; `broken_laws` tries every law."
            )
    return sentence


def _excess(functional: Functional, nu: OverAnswers, mu: OverAnswers) -> tuple[np.ndarray, OverAnswers]:
    """Compute by how much R(nu) + <grad R(nu), mu - nu> exceeds R(mu), relatively and beyond rounding, [*x]."""
    slope = np.where(nu > 0, functional.gradient(nu), 0.0)
    at_nu, at_mu = np.asarray(functional.value(nu)), np.asarray(functional.value(mu))
    size = np.maximum(1.0, np.maximum(np.abs(at_nu), np.maximum(np.abs(at_mu), np.abs(slope).max(axis=-1))))
    return np.asarray((at_nu + (slope * (mu - nu)).sum(axis=-1) - at_mu) / size - _SLACK), slope


def _shown(array: np.ndarray) -> str:
    return np.array2string(np.asarray(array), precision=4, threshold=8)
