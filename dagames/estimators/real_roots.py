"""All real roots of a polynomial between 0 and 1, isolated in exact arithmetic."""

from itertools import pairwise
from typing import NamedTuple

from flint import fmpq, fmpz_poly

_SHIFT = fmpz_poly([1, 1])


class Bracket(NamedTuple):
    """Two rationals with exactly one root between them, or at both if they are equal."""

    low: fmpq
    high: fmpq


def isolate_roots(polynomial: fmpz_poly) -> list[Bracket]:
    """Isolate the roots of a polynomial in the open interval (0, 1), each once, by Descartes' rule of signs.

    The variations of sign of (x + 1)^n A(1 / (x + 1)) are at least the roots of A in (0, 1), and equal to them if they
    are 0 or 1; an interval with more is halved (Vincent, Collins and Akritas). For a polynomial without multiple roots
    that ends.

    Args:
        polynomial: The polynomial, not 0; multiple roots are found once.

    Returns:
        Brackets in increasing order, which share at most end points.

    Source:
        Collins and Akritas, SYMSAC 1976, 272

    >>> [(str(low), str(high)) for low, high in isolate_roots(fmpz_poly([3, -16, 16]))]
    [('0', '1/2'), ('1/2', '1')]
    """
    found: list[Bracket] = []
    stack = [(_square_free(polynomial), 0, 0)]
    while stack:
        part, k, level = stack.pop()
        low, high = fmpq(k, 1 << level), fmpq(k + 1, 1 << level)
        variations = _variations(fmpz_poly(part.coeffs()[::-1])(_SHIFT))
        if variations == 1:
            found.append(Bracket(low, high))
        if variations <= 1:
            continue
        left = fmpz_poly([c << (part.degree() - i) for i, c in enumerate(part.coeffs())])
        right = left(_SHIFT)
        if right[0] == 0:
            found.append(Bracket(fmpq(2 * k + 1, 2 << level), fmpq(2 * k + 1, 2 << level)))
            right = fmpz_poly(right.coeffs()[1:])
        stack += [(left, 2 * k, level + 1), (right, 2 * k + 1, level + 1)]
    return sorted(found)


def _square_free(polynomial: fmpz_poly) -> fmpz_poly:
    """Divide multiple roots and roots at 0 out."""
    coefficients = polynomial.coeffs()
    while coefficients[0] == 0:
        coefficients = coefficients[1:]
    polynomial = fmpz_poly(coefficients)
    return polynomial // polynomial.gcd(polynomial.derivative())


def _variations(polynomial: fmpz_poly) -> int:
    signs = [c > 0 for c in polynomial.coeffs() if c != 0]
    return sum(a != b for a, b in pairwise(signs))
