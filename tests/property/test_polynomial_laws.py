"""Laws of the roots and signs of polynomials on [0, 1], against the factors they are made of and flint's own roots."""

from fractions import Fraction

import pytest
from flint import fmpq, fmpz_poly
from hypothesis import given
from hypothesis import strategies as st

from dagames import DomainError
from dagames.numerics.polynomial_roots import isolate_roots, negative_point

near_ends = st.integers(1, 60).flatmap(lambda k: st.sampled_from([Fraction(1, 2**k), 1 - Fraction(1, 2**k)]))
roots_of_factors = st.lists(
    st.one_of(st.fractions(-1, 2, max_denominator=40), st.sampled_from([Fraction(0), Fraction(1)]), near_ends),
    max_size=6,
)
"""Rational roots, some of them equal, at the ends of [0, 1], or near them."""

rests = st.lists(st.integers(-9, 9), min_size=1, max_size=4).filter(any)


def product(roots, rest):
    polynomial = fmpz_poly([1, 0, 1]) * fmpz_poly(rest)
    for root in roots:
        polynomial *= fmpz_poly([-root.numerator, root.denominator])
    return polynomial


def exactly(number):
    return fmpq(number.numerator, number.denominator)


@pytest.mark.parametrize(
    ("coefficients", "point"),
    [
        ([], None),
        ([0, 0], None),
        ([3], None),
        ([-3], Fraction(1, 2)),
        ([0, 1], None),
        ([0, -1], Fraction(1, 2)),
        ([-1, 1], Fraction(1, 2)),
        ([Fraction(1, 4), -1, 1], None),
        ([Fraction(1, 8), Fraction(-3, 4), Fraction(3, 2), -1], Fraction(1)),
    ],
    ids=str,
)
def test_signs_of_simple_polynomials(coefficients, point):
    assert negative_point([Fraction(c) for c in coefficients]) == point


@given(roots_of_factors, rests)
def test_every_root_is_isolated_once(roots, rest):
    """Roots at 0 and 1 are not inside; x^2 + 1 has none; multiple roots count once."""
    polynomial = product(roots, rest)
    brackets = isolate_roots(polynomial)
    for root in {exactly(root) for root in roots if 0 < root < 1}:
        assert sum(low < root < high or low == root == high for low, high in brackets) == 1
    assert brackets == sorted(brackets)
    real = [root.real for root, _ in polynomial.complex_roots() if root.imag == 0]
    assert len(brackets) == sum(bool(root > 0 and root < 1) for root in real)
    for low, high in brackets:
        assert 0 <= low <= high <= 1
        assert sum(not (root < low or root > high) for root in real) >= 1


@given(roots_of_factors, rests, st.lists(st.fractions(0, 1), min_size=30, max_size=30))
def test_a_point_is_negative_or_none_is(roots, rest, points):
    polynomial = product(roots, rest)
    found = negative_point([Fraction(int(c)) for c in polynomial.coeffs()])
    if found is None:
        around = [root + Fraction(step, 2**70) for root in roots for step in (-1, 0, 1)]
        assert all(polynomial(exactly(p)) >= 0 for p in [*points, *around] if 0 <= p <= 1)
    else:
        assert 0 <= found <= 1
        assert polynomial(exactly(found)) < 0


@given(roots_of_factors, st.sampled_from([-1, 1]))
def test_the_sign_changes_at_roots_of_odd_multiplicity(roots, sign):
    polynomial = product(roots, [sign])
    odd = [root for root in roots if roots.count(root) % 2 and 0 < root < 1]
    elsewhere = next(p for p in (Fraction(k, 97) for k in range(1, 97)) if p not in roots)
    negative = bool(odd) or polynomial(exactly(elsewhere)) < 0
    assert (negative_point([Fraction(int(c)) for c in polynomial.coeffs()]) is not None) == negative


def test_constants_have_no_roots_and_0_has_too_many():
    assert isolate_roots(fmpz_poly([7])) == []
    assert isolate_roots(fmpz_poly([0, 0, 5])) == []
    with pytest.raises(DomainError, match="0 everywhere"):
        isolate_roots(fmpz_poly([]))
