"""A rigorous enclosure of the supremum of a sum of powers and logarithms on (0, 1]."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from flint import arb, ctx, fmpq

from dagames._errors import SolveError
from dagames.estimators.log_polynomial import LogPolynomial
from dagames.numerics.polynomial_roots import isolate_roots

_LEAST = fmpq(1, 1 << 2000)
"""Lower end of the search; below it functions that tend to 0 are negligible, and polynomials are constant."""

_STEPS = 4000
_WIDTH = 40
"""Bits to which a critical point is isolated, relative; the slope is 0 there, so the value has twice as many bits."""


class Interval(NamedTuple):
    """Lower and upper bound of a number.

    >>> Interval(1.0, 2.0).width
    0.5
    """

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """The difference of the bounds, relative to the larger absolute value; 0 if both are 0."""
        size = max(abs(self.lower), abs(self.upper))
        return (self.upper - self.lower) / size if size else 0.0


def supremum(function: LogPolynomial, *, absolute: bool = False) -> Interval:
    """Enclose the supremum over (0, 1] of a function that is bounded there, or of its absolute value.

    The critical points are the zeros of theta f, with theta = p d/dp. Between two zeros of (theta - alpha) h the
    function p^(-alpha) h is monotone, so that h has at most one zero there, and the signs of h at the ends decide
    whether it has one. The recursion ends at a polynomial, whose roots are isolated in exact arithmetic. All signs are
    decided by ball arithmetic, so that no critical point is missed.

    Args:
        function: The function.
        absolute: Whether to take absolute values.

    Returns:
        The enclosure, rounded outwards.
    """
    if function.is_zero:
        return Interval(0.0, 0.0)
    slope = function.theta()
    best = _Best(function, absolute=absolute)
    best.see_end(_LEAST)
    best.see(fmpq(1))
    for low, high in [] if slope.is_zero else _zeros(slope):
        best.see_between(low, high, slope)
    return Interval(math.nextafter(float(best.lower), -math.inf), math.nextafter(float(best.upper), math.inf))


def _zeros(function: LogPolynomial) -> list[tuple[fmpq, fmpq]]:
    """Bracket every zero of a function in (0, 1): by a narrow interval with a change of sign, or by one point."""
    alpha = function.next_power
    following = function.theta(alpha)
    if following.is_zero:
        return []
    turns = _zeros(following) if following.terms else isolate_roots(following.polynomial.numer())
    pieces = _Pieces(function, following)
    return [pieces.shrink(low, high) for low, high in pairwise(pieces.cuts(turns)) if pieces.changes(low, high)]


class _Pieces:
    """A function h, and (theta - alpha) h, whose zeros divide (0, 1] into pieces with at most one zero of h each."""

    def __init__(self, function: LogPolynomial, following: LogPolynomial) -> None:
        self.function, self.following = function, following

    def cuts(self, turns: Sequence[tuple[fmpq, fmpq]]) -> list[fmpq]:
        """Divide (0, 1] so that the signs of h at the ends of each piece decide whether h has a zero in it."""
        cuts = [_LEAST]
        for low, high in turns:
            cuts += self._settle(max(low, _LEAST), high)
        cuts.append(fmpq(1))
        return [cut for cut, after in zip(cuts, [*cuts[1:], None], strict=True) if cut != after]

    def changes(self, low: fmpq, high: fmpq) -> bool:
        """Whether the function has opposite signs at two points; a zero at a point counts as the sign after it."""
        return _sign_after(self.function, low) != _sign_after(self.function, high)

    def shrink(self, low: fmpq, high: fmpq) -> tuple[fmpq, fmpq]:
        """Bisect a bracket until it is narrow, on a logarithmic scale first, so that zeros near 0 take as few steps."""
        before = _sign_after(self.function, low)
        while (high - low) * (1 << _WIDTH) > low:
            middle = _between(low, high)
            if _sign_after(self.function, middle) == before:
                low = middle
            else:
                high = middle
        return low, high

    def _settle(self, low: fmpq, high: fmpq) -> list[fmpq]:
        """Shrink the bracket of a turn until its ends decide whether the function has a zero there.

        Up to a positive factor the function is monotone on either side of the turn. If its signs at the ends differ, it
        has one zero. If it moves away from 0 on the left side, it has none. Otherwise it approaches 0, and the bracket
        is bisected until ball arithmetic excludes 0.

        Returns:
            The ends, or the turn itself if a bisection hits it.

        Raises:
            SolveError: If thousands of bits do not decide.
        """
        for step in range(_STEPS):
            if low == high:
                return [low]
            before, turn = _sign_after(self.function, low), _sign_after(self.following, low)
            if before == turn or self.changes(low, high) or (step % 8 == 0 and self._stays_away(low, high)):
                return [low, high]
            middle = (low + high) / 2
            low, high = (middle, high) if _sign_after(self.following, middle) == turn else (low, middle)
        raise SolveError(
            f"a slope is 0 at p = {float(low):.6g}, to thousands of bits; change a coefficient by a rounding error.",
            "rounding",
        )

    def _stays_away(self, low: fmpq, high: fmpq) -> bool:
        with ctx.workprec(2 * (128 + self.function.bits) + high.q.bit_length()):
            value = self.function(arb(low).union(arb(high)))
        return bool(value > 0 or value < 0)


def _sign_after(function: LogPolynomial, p: fmpq) -> int:
    """Decide the sign just right of p: that of the value, or if it is 0, of the first derivative that is not 0."""
    while True:
        for factor in (1, 2, 6, 24):
            with ctx.workprec(factor * (128 + function.bits + p.q.bit_length())):
                value = function(arb(p))
            if value > 0 or value < 0:
                return 1 if value > 0 else -1
        if function.is_zero_at(p):
            function = function.theta()
            continue
        raise SolveError(
            f"the sign of a slope at p = {float(p):.6g} is not decided by thousands of bits; change a coefficient by a "
            "rounding error.",
            "rounding",
        )


def _between(low: fmpq, high: fmpq) -> fmpq:
    """Bisect an interval, on a logarithmic scale if the ends differ by orders of magnitude."""
    zeros = [end.q.bit_length() - end.p.bit_length() for end in (low, high)]
    return fmpq(1, 1 << (sum(zeros) // 2)) if zeros[0] - zeros[1] > 2 else (low + high) / 2


class _Best:
    """Bounds on the supremum: the largest value so far, and an upper bound on the parts examined so far."""

    def __init__(self, function: LogPolynomial, *, absolute: bool) -> None:
        self.function, self.absolute = function, absolute
        self.lower, self.upper = arb("-inf"), arb("-inf")

    def see(self, p: fmpq, change: arb | None = None) -> None:
        """Add a neighbourhood of p, in which the function differs from its value at p by at most `change`."""
        with ctx.workprec(128 + 2 * self.function.bits + p.q.bit_length()):
            value = self.function(arb(p))
            value = abs(value) if self.absolute else value
            self.lower = max(self.lower, value.lower())
            self.upper = max(self.upper, (value + (0 if change is None else change)).upper())

    def see_end(self, p: fmpq) -> None:
        """Add (0, p] for p = 2^-2000, where each term is monotone and changes by at most twice its absolute value."""
        with ctx.workprec(256):
            sizes = [abs(arb(c)) * arb(p) ** j for j, c in enumerate(self.function.polynomial.coeffs()) if j]
            rest = LogPolynomial(None, {key: abs(b) for key, b in self.function.terms.items()})
            sizes.append(sum((abs(rest_term) for rest_term in _terms_at(rest, arb(p))), arb(0)))
            self.see(p, 2 * sum(sizes, arb(0)))

    def see_between(self, low: fmpq, high: fmpq, slope: LogPolynomial) -> None:
        """Add a bracket of a critical point; up to a power of p the slope is monotone in it, and largest at an end."""
        with ctx.workprec(128 + 2 * self.function.bits + high.q.bit_length()):
            ratio = arb(high) / arb(low)
            largest = max(abs(slope(arb(low))).upper(), abs(slope(arb(high))).upper())
            change = largest * ratio ** (abs(_as_ball(slope)) + 1) * ratio.log()
        self.see(low, change)


def _terms_at(function: LogPolynomial, p: arb) -> list[arb]:
    return [LogPolynomial(None, {key: b})(p) for key, b in function.terms.items()]


def _as_ball(slope: LogPolynomial) -> arb:
    alpha = slope.next_power
    return arb(fmpq(alpha.numerator, alpha.denominator))
