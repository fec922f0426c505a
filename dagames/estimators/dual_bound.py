"""A lower bound, by weak duality, on the worst second moment of all tables within a bias budget."""

import math
from typing import NamedTuple

import numpy as np
from flint import arb, ctx

from dagames._errors import CertificateError
from dagames.estimators.estimand import Estimand
from dagames.estimators.program import Balls, Objective, balls, basis, squared, weighted


class Measures(NamedTuple):
    """A measure for the objective and a signed measure for the bias, on finitely many points; any pair gives a bound.

    Attributes:
        moments: Points p in [0, 1], [J].
        mu: Their weights, at least 0, not all 0, [J].
        errors: Points p in (0, 1], [M].
        weights: Their weights, of any sign, [M].
    """

    moments: list[float]
    mu: Balls
    errors: list[float]
    weights: Balls


def certified_lower_bound(n: int, budget: float, reward: Estimand, objective: Objective, measures: Measures) -> float:
    """Bound the least objective of all tables of degree n within a bias budget from below, in ball arithmetic.

    Math:
        sup_p S(p) - h(p) >= sum_j mu_j (S(p_j) - h(p_j)) + sum_i lambda_i e(p_i) - budget sum_i |lambda_i|
        for mu of mass 1, and the right side is sum_k m_k c_k^2 + L_k c_k + constants, at least
        - sum_k L_k^2 / (4 m_k) - sum_j mu_j h(p_j) - sum_i lambda_i p_i g(p_i) - budget sum_i |lambda_i|,
        where m_k = sum_j mu_j B_k(p_j) (times p_j^2 for the variance) and L_k = sum_i lambda_i p_i B_k(p_i).

    Args:
        n: Degree.
        budget: Largest weighted bias, exactly this float.
        reward: g.
        objective: "second_moment" (h = 0) or "variance" (h = (p g)^2, S times p^2).
        measures: The weights; the centres of the balls are used, and mu is scaled to mass 1.

    Returns:
        The bound, rounded down; at least 0, the limit of the excess for p to 0.

    Raises:
        CertificateError: If a weight is negative.

    Source:
        claims II.7 and II.8

    >>> from dagames.estimators.rewards import LOG
    >>> lone = Measures([0.0], balls([1.0]), [0.3], balls([1.0]))
    >>> round(certified_lower_bound(0, 0.2, LOG, "second_moment", lone), 6)
    0.138692
    """
    mu, weights = (balls([ball.mid() for ball in part]) for part in (measures.mu, measures.weights))
    if any(not ball >= 0 for ball in mu):
        raise CertificateError("a weight of the objective's points is negative.")
    with ctx.workprec(256 + 8 * n):
        p = balls(measures.moments)
        h = squared(weighted(reward, measures.moments)) if objective == "variance" else 0 * p
        m = (mu * (p * p if objective == "variance" else 1)) @ basis(measures.moments, n)
        pull = (weights * balls(measures.errors)) @ basis(measures.errors, n)
        least = sum((_least(a, b) for a, b in zip(m, pull, strict=True)), arb(0))
        constants = (mu * h).sum() + (weights * weighted(reward, measures.errors)).sum()
        total = least - constants - arb(budget) * np.abs(weights).sum()
        bound = float((total / mu.sum()).lower())
    return max(0.0, math.nextafter(bound, -math.inf)) if bound == bound else 0.0


def _least(m: arb, pull: arb) -> arb:
    """Enclose the minimum of m c^2 + pull c over c, where m is at least 0."""
    if pull == 0:
        return arb(0)
    return -pull * pull / (4 * m) if m > 0 else arb("-inf")
