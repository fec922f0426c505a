"""Unbiased estimates by falling factorials: of polynomial rewards, and of the truncated series of log p."""

from collections.abc import Sequence
from fractions import Fraction
from math import comb

import numpy as np
from flint import fmpq, fmpq_poly

from dagames._errors import DomainError
from dagames.estimators.bernstein import LARGEST_EXACT, to_bernstein
from dagames.estimators.reward_table import CountsKind, RewardTable, inner_degree
from dagames.estimators.rewards import LOG, Reward
from dagames.numerics.integers import as_count
from dagames.simplex import as_real


def falling_factorials(n: int, m: int) -> tuple[Fraction, ...]:
    """Tabulate k (k - 1) ... (k - m + 1) / (n (n - 1) ... (n - m + 1)) in exact rationals.

    Math:
        its mean under Binomial(n, p) is p^m. The count is a complete sufficient statistic, so this is the only unbiased
        estimate that is a function of the count, and the one of least variance.

    Args:
        n: Number of independent traces.
        m: The power, 0 to n.

    Returns:
        The table for k = 0..n.

    Raises:
        DomainError: If `n` is not an integer from 0 to 1024, or `m` is not an integer from 0 to n.

    Source:
        (slides, U-statistics); claim II.2

    >>> [str(c) for c in falling_factorials(3, 2)]
    ['0', '0', '1/3', '1']
    """
    if as_count(n, "n", 0) > LARGEST_EXACT:
        raise DomainError(f"`n` must be an integer from 0 to {LARGEST_EXACT}, whose binomials are exact, not {n!r}.")
    if as_count(m, "m", 0) > n:
        raise DomainError(
            f"`m` must be an integer from 0 to {n}, not {m!r}: an estimate of p^m needs m independent traces."
        )
    n, m = int(n), int(m)
    return tuple(Fraction(comb(k, m), comb(n, m)) for k in range(n + 1))


def ustatistic_table(K: int, m: int, *, counts: CountsKind = "self-inclusive") -> RewardTable:
    """Tabulate the unbiased estimate of g(p) = p^m.

    Args:
        K: Number of traces in a group.
        m: The power, at most K, or K - 1 for self-inclusive counts.
        counts: Whether a count includes the trace that is rewarded.

    Returns:
        The table, [K + 1]; its bias is the rounding error of float64.

    Source:
        (slides, U-statistics); claims II.2 and II.3

    >>> ustatistic_table(4, 1).coefficients.round(4)  # (k - 1) / (K - 1), and not k / K
    array([0.    , 0.    , 0.3333, 0.6667, 1.    ])
    """
    entries = falling_factorials(inner_degree(K, counts), m)
    reward = Reward(f"power:{float(m)!r}", {(Fraction(m), 0): Fraction(1)})
    return RewardTable.from_inner(K, np.array([float(c) for c in entries]), counts, reward, "ustatistic")


def polynomial_table(K: int, coefficients: Sequence[float], *, counts: CountsKind = "self-inclusive") -> RewardTable:
    """Tabulate the unbiased estimate of a polynomial reward g(p) = sum_m a_m p^m.

    Args:
        K: Number of traces in a group.
        coefficients: a_0, a_1, ..., finite; of degree at most K, or K - 1 for self-inclusive counts.
        counts: Whether a count includes the trace that is rewarded.

    Returns:
        The table, [K + 1]; its bias is the rounding error of float64.

    Raises:
        DomainError: If the degree is too high: no table estimates such a reward without bias.

    Source:
        (slides, change the geometry); claims II.2 and II.3

    >>> polynomial_table(4, [1.0, -1.0], counts="independent").coefficients  # 1 - k / K
    array([1.  , 0.75, 0.5 , 0.25, 0.  ])
    """
    n, a = inner_degree(K, counts), as_real(coefficients, "coefficients")
    if n > LARGEST_EXACT:
        raise DomainError(f"`K` is {K}; polynomials are estimated exactly by up to {LARGEST_EXACT} other traces.")
    if a.ndim != 1 or a.size > n + 1:
        raise DomainError(
            f"`coefficients` has shape {a.shape}; {n} independent traces estimate powers up to {n} without bias."
        )
    exact = [Fraction(float(c)) for c in a]
    polynomial = fmpq_poly([fmpq(c.numerator, c.denominator) for c in exact])
    inner = np.array([int(c.p) / int(c.q) for c in to_bernstein(polynomial, n)])
    terms = {(Fraction(m), 0): c for m, c in enumerate(exact) if c} or {(Fraction(0), 0): Fraction(0)}
    name = "polynomial:" + ",".join(repr(float(c)) for c in a)
    return RewardTable.from_inner(K, inner, counts, Reward(name, terms), "ustatistic")


def harmonic_table(K: int, *, counts: CountsKind = "self-inclusive") -> RewardTable:
    """Tabulate the unbiased estimate of the series of log p around 1, truncated at the degree n of the table.

    Math:
        log p = -sum_{m >= 1} (1 - p)^m / m. The estimate of the terms up to m = n by falling factorials of n - k is
        c_k = H_k - H_n, with the harmonic numbers H_k = 1 + 1/2 + ... + 1/k.

    Args:
        K: Number of traces in a group.
        counts: Whether a count includes the trace that is rewarded; n = K if it does not, and else K - 1.

    Returns:
        The table, [K + 1], in nats.

    Source:
        ours; claim II.2 applied to the series

    >>> harmonic_table(3, counts="independent").coefficients.round(4)
    array([-1.8333, -0.8333, -0.3333,  0.    ])
    """
    n = inner_degree(K, counts)
    harmonic = np.append(0.0, np.cumsum(1.0 / np.arange(1, n + 1)))
    return RewardTable.from_inner(K, harmonic - harmonic[-1], counts, LOG, "harmonic")
