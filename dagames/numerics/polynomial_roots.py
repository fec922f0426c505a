"""Roots and signs of polynomials on [0, 1], in exact arithmetic."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import count, pairwise
from typing import NamedTuple

from flint import fmpq, fmpq_poly, fmpz_poly

from dagames._errors import DomainError

_SHIFT = fmpz_poly([1, 1])


class Bracket(NamedTuple):
    """Two rationals with exactly one root strictly between them, or two equal ones that are the root."""

    low: fmpq
    high: fmpq


def isolate_roots(polynomial: fmpz_poly) -> list[Bracket]:
    """Isolate the roots of a polynomial in the open interval (0, 1), each once, by Descartes' rule of signs.

    The variations of sign of (x + 1)^n A(1 / (x + 1)) are at least the roots of A in (0, 1), and equal to them if they
    are 0 or 1; an interval with more is halved (Vincent, Collins and Akritas). For a polynomial without multiple roots
    that ends. For the degree 200 of a table's slope it takes 0.1 s; flint's `complex_roots` takes 20 s.

    Args:
        polynomial: The polynomial; multiple roots are found once.

    Returns:
        Brackets in increasing order, which share at most end points.

    Raises:
        DomainError: If the polynomial is 0.

    Source:
        Collins and Akritas, SYMSAC 1976, 272

    >>> [(str(low), str(high)) for low, high in isolate_roots(fmpz_poly([3, -16, 16]))]
    [('0', '1/2'), ('1/2', '1')]
    """
    if polynomial.degree() < 0:
        raise DomainError("`polynomial` is 0 everywhere; its roots cannot be isolated.")
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


def negative_point(coefficients: Sequence[Fraction]) -> Fraction | None:
    """Find a point of [0, 1] where a polynomial is negative, or prove that there is none.

    The sign changes at the roots of odd multiplicity and nowhere else. If none of them is in (0, 1), the sign at one
    point decides; otherwise the polynomial is negative on one side of each.

    Args:
        coefficients: Coefficients, lowest degree first.

    Returns:
        A rational point where the polynomial is negative; None if it is at least 0 on all of [0, 1].

    >>> negative_point([Fraction(1, 4), Fraction(-1), Fraction(1)]) is None
    True
    >>> negative_point([Fraction(1, 5), Fraction(-1), Fraction(1)])
    Fraction(1, 2)
    """
    polynomial = fmpq_poly([fmpq(c.numerator, c.denominator) for c in map(Fraction, coefficients)]).numer()
    if polynomial.degree() < 0:
        return None
    odd = fmpz_poly([1])
    for factor, multiplicity in polynomial.factor_squarefree()[1]:
        odd *= factor if multiplicity % 2 else 1
    crossings = isolate_roots(odd)
    if crossings:
        return _beside(polynomial, odd, crossings[0])
    inside = next(fmpq(1, parts) for parts in count(2) if polynomial(fmpq(1, parts)) != 0)
    return _as_fraction(inside) if polynomial(inside) < 0 else None


def _beside(polynomial: fmpz_poly, odd: fmpz_poly, bracket: Bracket) -> Fraction:
    """Halve a bracket of a root of odd multiplicity until the polynomial is negative at one of its ends."""
    low, high = bracket
    width = fmpq(1)
    while low == high:
        # The other roots are at a distance, and 0 and 1 as well.
        width /= 2
        for point in (low - width, low + width):
            if 0 <= point <= 1 and polynomial(point) < 0:
                return _as_fraction(point)
    after = _sign_after(odd, low)
    while True:
        middle = (low + high) / 2
        for point in (low, middle, high):
            if polynomial(point) < 0:
                return _as_fraction(point)
        if odd(middle) == 0:
            low, high = (low + middle) / 2, (middle + high) / 2
        elif _sign_after(odd, middle) == after:
            low = middle
        else:
            high = middle


def _sign_after(square_free: fmpz_poly, point: fmpq) -> bool:
    """Whether a polynomial without multiple roots is positive just right of a point."""
    value = square_free(point)
    return bool((value if value != 0 else square_free.derivative()(point)) > 0)


def _as_fraction(number: fmpq) -> Fraction:
    return Fraction(int(number.p), int(number.q))


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
