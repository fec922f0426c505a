"""Polynomials in the Bernstein basis, in exact rationals; the coefficients of a table's mean are its entries."""

from collections.abc import Sequence
from itertools import pairwise
from math import comb

import numpy as np
from flint import fmpq, fmpq_poly
from numpy.typing import NDArray

Vector = NDArray[np.float64]

LARGEST_EXACT = 1024
"""Largest degree of an exact conversion: the binomials' size grows with the degree, their number with its square."""


def as_rationals(values: Vector) -> list[fmpq]:
    """Convert finite floats [n] to rationals exactly."""
    return [fmpq(*float(value).as_integer_ratio()) for value in values]


def to_monomials(coefficients: Sequence[fmpq]) -> fmpq_poly:
    """Expand sum_k c_k B_{k,n}(p) in powers of p.

    Math:
        the coefficient of p^j is binom(n, j) times the j-th forward difference of c at 0.

    Args:
        coefficients: c_0..c_n.

    Returns:
        The polynomial.

    >>> to_monomials([fmpq(0), fmpq(1, 2), fmpq(1)])
    x
    """
    n, row, powers = len(coefficients) - 1, list(coefficients), []
    for j in range(n + 1):
        powers.append(row[0] * comb(n, j))
        row = [b - a for a, b in pairwise(row)]
    return fmpq_poly(powers)


def to_bernstein(polynomial: fmpq_poly, n: int) -> list[fmpq]:
    """Write a polynomial of degree at most n in the Bernstein basis of degree n.

    Math:
        c_k = sum_j binom(k, j) / binom(n, j) a_j: each power p^j is estimated by falling factorials.

    Args:
        polynomial: sum_j a_j p^j.
        n: Degree of the basis.

    Returns:
        c_0..c_n.

    >>> to_bernstein(fmpq_poly([0, 0, 1]), 3)
    [0, 0, 1/3, 1]
    """
    row = [polynomial[j] / comb(n, j) for j in range(n + 1)]
    coefficients = []
    for _ in range(n + 1):
        coefficients.append(row[0])
        row = [a + b for a, b in pairwise(row)]
    return coefficients


def raise_degree(coefficients: Sequence[fmpq], n: int) -> list[fmpq]:
    """Convert Bernstein coefficients to a higher degree n: the means over all subsets of m of the n samples."""
    return to_bernstein(to_monomials(coefficients), n)
