"""Sums of products of powers of p and of log p, with exact rational coefficients."""

from fractions import Fraction
from typing import TypeAlias

from flint import arb, fmpq, fmpq_poly

Terms: TypeAlias = dict[tuple[Fraction, int], Fraction]


class LogPolynomial:
    """A function sum_j a_j p^j + sum b p^alpha (log p)^m of p > 0, with rational coefficients and powers.

    The operator theta = p d/dp maps the class to itself; (theta - alpha)^(m + 1) removes the term p^alpha (log p)^m.
    After a few steps a polynomial remains, whose roots can be isolated; Rolle's theorem then isolates the zeros of the
    functions before.

    Attributes:
        polynomial: The terms of natural power without logarithm.
        terms: Coefficient b of each other term, by (alpha, m).

    >>> weighted = LogPolynomial(fmpq_poly([0, 1]), {(Fraction(1), 1): Fraction(2)})
    >>> weighted.theta().polynomial, weighted.theta().terms
    (3*x, {(Fraction(1, 1), 1): Fraction(2, 1)})
    """

    def __init__(self, polynomial: fmpq_poly | None = None, terms: Terms | None = None) -> None:
        """Take the parts."""
        self.polynomial = fmpq_poly() if polynomial is None else polynomial
        self.terms: Terms = {}
        for (alpha, m), coefficient in (terms or {}).items():
            if coefficient == 0:
                continue
            if m == 0 and alpha.denominator == 1 and alpha >= 0:
                power = fmpq_poly([0] * int(alpha) + [1])
                self.polynomial += fmpq(coefficient.numerator, coefficient.denominator) * power
            else:
                self.terms[alpha, m] = coefficient

    def __call__(self, p: arb) -> arb:
        """Enclose the value at p > 0, at the current precision."""
        total = self.polynomial.numer()(p) / self.polynomial.denom()
        for (alpha, m), coefficient in self.terms.items():
            total += as_ball(coefficient) * p ** as_ball(alpha) * p.log() ** m
        return total

    def __sub__(self, other: "LogPolynomial") -> "LogPolynomial":
        terms = dict(self.terms)
        for key, coefficient in other.terms.items():
            terms[key] = terms.get(key, Fraction(0)) - coefficient
        return LogPolynomial(self.polynomial - other.polynomial, terms)

    def squared(self) -> "LogPolynomial":
        """Multiply the function by itself; its polynomial part must be a multiple of a power of p."""
        parts = dict(self.terms)
        for j, a in enumerate(self.polynomial.coeffs()):
            if a != 0:
                parts[Fraction(j), 0] = Fraction(int(a.p), int(a.q))
        total: Terms = {}
        for (alpha, m), a in parts.items():
            for (gamma, k), b in parts.items():
                total[alpha + gamma, m + k] = total.get((alpha + gamma, m + k), Fraction(0)) + a * b
        return LogPolynomial(None, total)

    def theta(self, alpha: Fraction = Fraction(0)) -> "LogPolynomial":
        """Apply p d/dp - alpha."""
        terms: Terms = {}
        for (power, m), b in self.terms.items():
            terms[power, m] = terms.get((power, m), Fraction(0)) + (power - alpha) * b
            if m:
                terms[power, m - 1] = terms.get((power, m - 1), Fraction(0)) + m * b
        theta = fmpq_poly([0, 1]) * self.polynomial.derivative()
        return LogPolynomial(theta - fmpq(alpha.numerator, alpha.denominator) * self.polynomial, terms)

    @property
    def next_power(self) -> Fraction:
        """A power alpha such that `theta(alpha)` has fewer terms or lower powers of the log; 0 for a polynomial."""
        return max(self.terms)[0] if self.terms else Fraction(0)

    @property
    def is_zero(self) -> bool:
        """Whether the function is 0 everywhere."""
        return not self.terms and self.polynomial.degree() < 0

    def is_zero_at(self, p: fmpq) -> bool:
        """Whether the value is exactly 0, if it is rational: without terms, or at p = 1; False if it is not known."""
        if self.terms and p != 1:
            return False
        rest = sum((b for (_, m), b in self.terms.items() if m == 0), Fraction(0))
        return bool(self.polynomial(p) + fmpq(rest.numerator, rest.denominator) == 0)

    @property
    def bits(self) -> int:
        """Bits of the largest coefficient, at least 1."""
        return max([1, *(int(abs(c.p).bit_length() - c.q.bit_length()) for c in self.polynomial.coeffs())])


def as_ball(number: Fraction) -> arb:
    """Enclose a rational at the current precision."""
    return arb(fmpq(number.numerator, number.denominator))
