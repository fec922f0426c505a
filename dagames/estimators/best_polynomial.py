"""The best polynomial of a degree in the weighted uniform norm, with certified bounds on its error."""

import math
from functools import lru_cache

import numpy as np
from flint import arb, fmpq

from dagames._errors import DomainError
from dagames.estimators.bernstein import to_bernstein
from dagames.estimators.estimand import Estimand, certified_bias
from dagames.estimators.exchange import certified_level, exchange
from dagames.estimators.supremum import Interval

LARGEST = 256
"""Largest group for which the least bias is certified: up to it, the exchange method in float64 is tested."""


@lru_cache(maxsize=256)
def best_polynomial(n: int, reward: Estimand) -> tuple[np.ndarray, Interval]:
    """Find the Bernstein coefficients of the best polynomial of degree n in float64, and certify its error."""
    if n > LARGEST:
        raise DomainError(f"`K` is too large: tables are certified for groups of up to {LARGEST} traces.")
    level, exact = best_exactly(n, reward)
    stored = np.array([int(c.p) / int(c.q) for c in exact])
    stored.flags.writeable = False
    if level == 0:
        return stored, Interval(0.0, 0.0)
    attained = certified_bias(exact, reward)
    lower = max(0.0, math.nextafter(float(level.lower()), -math.inf))
    return stored, Interval(min(lower, attained.upper), attained.upper)


@lru_cache(maxsize=256)
def best_exactly(n: int, reward: Estimand) -> tuple[arb, list[fmpq]]:
    """Return the levelled error, a certified lower bound of every table's, and the best polynomial's coefficients."""
    polynomial = reward.polynomial
    if polynomial is not None and polynomial.degree() <= n:
        # The estimate is unbiased, so the error has no alternation.
        return arb(0), to_bernstein(polynomial, n)
    return certified_level(exchange(n, reward).points, reward, 256 + 8 * n)
