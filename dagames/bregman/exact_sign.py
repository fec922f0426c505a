"""The sign of a polynomial over an interval, decided in rational arithmetic."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import count, pairwise
from math import gcd, lcm

Coefficients = tuple[int, ...]


def negative_point(coefficients: Sequence[Fraction]) -> Fraction | None:
    """Return a point of [0, 1] where a polynomial, lowest degree first, is negative; None if it is at least 0 there.

    Roots at 0 and 1 are divided out, as x and 1 - x are not negative there. Sturm's theorem separates the others into
    intervals with at most one root each. A polynomial that is positive at both ends of such an interval is not negative
    inside, because it would have two roots there. Arithmetic is exact.

    >>> negative_point([Fraction(1, 4), Fraction(-1), Fraction(1)]) is None
    True
    >>> negative_point([Fraction(1, 5), Fraction(-1), Fraction(1)])
    Fraction(1, 2)
    """
    p = _without_ends(_integral(coefficients))
    if not p:
        return None
    chain = _sturm(p)
    stack = [(Fraction(0), Fraction(1))]
    while stack:
        low, high = stack.pop()
        for end in (low, high):
            if _value(p, end) < 0:
                return _inside(coefficients, end)
        if _changes(chain, low) - _changes(chain, high) > 1:
            middle = next(m for m in _between(low, high) if _value(p, m) != 0)
            stack += [(low, middle), (middle, high)]
    return None


def _inside(coefficients: Sequence[Fraction], end: Fraction) -> Fraction:
    """Return `end`, or a point next to it if the polynomial is 0 there by its roots at 0 and 1."""
    for k in count(1):
        shift = Fraction(1, 2**k)
        for point in (end, min(end + shift, Fraction(1)), max(end - shift, Fraction(0))):
            if sum(c * point**i for i, c in enumerate(coefficients)) < 0:
                return point
    raise AssertionError("unreachable")


def _between(low: Fraction, high: Fraction) -> Iterator[Fraction]:
    for parts in count(2):
        yield low + (high - low) / parts


def _integral(coefficients: Sequence[Fraction]) -> Coefficients:
    scale = lcm(*(Fraction(c).denominator for c in coefficients)) if coefficients else 1
    return _primitive(tuple(int(c * scale) for c in coefficients))


def _primitive(p: Coefficients) -> Coefficients:
    """Drop leading zeros and divide by the common factor, which is positive."""
    while p and p[-1] == 0:
        p = p[:-1]
    factor = gcd(*p) if p else 1
    return tuple(c // factor for c in p)


def _without_ends(p: Coefficients) -> Coefficients:
    while p and p[0] == 0:
        p = p[1:]
    while p and sum(p) == 0:
        # Divide by 1 - x: the quotient's coefficients are the partial sums.
        sums = [sum(p[: i + 1]) for i in range(len(p) - 1)]
        p = _primitive(tuple(sums))
    return p


def _value(p: Coefficients, x: Fraction) -> int:
    """Return a positive integer multiple of p(x)."""
    total, power = 0, 1
    for c in reversed(p):
        total = total * x.numerator + c * power
        power *= x.denominator
    return total


def _remainder(a: Coefficients, b: Coefficients) -> Coefficients:
    """Return a positive multiple of the remainder of a by b."""
    rest = list(a)
    lead = abs(b[-1])
    sign = 1 if b[-1] > 0 else -1
    while len(rest) >= len(b):
        top = rest[-1] * sign
        shift = len(rest) - len(b)
        rest = [lead * c for c in rest]
        for i, c in enumerate(b):
            rest[i + shift] -= top * c
        rest = rest[:-1]
    return _primitive(tuple(rest))


def _sturm(p: Coefficients) -> list[Coefficients]:
    """Return the Sturm chain p, p', -rem, ...; it counts repeated roots once between points that are not roots."""
    chain = [p, _primitive(tuple(i * c for i, c in enumerate(p))[1:])]
    while chain[-1]:
        chain.append(tuple(-c for c in _remainder(chain[-2], chain[-1])))
    return chain[:-1]


def _changes(chain: list[Coefficients], x: Fraction) -> int:
    signs = [s for s in (_value(p, x) for p in chain) if s != 0]
    return sum((a > 0) != (b > 0) for a, b in pairwise(signs))
