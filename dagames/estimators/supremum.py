"""The largest value of a sum of powers and logarithms on (0, 1], enclosed with proof."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from flint import arb, ctx, fmpq

from dagames._errors import SolveError
from dagames.estimators.log_polynomial import LogPolynomial
from dagames.numerics.polynomial_roots import isolate_roots

_LEAST = fmpq(1, 1 << 2000)
"""Where the search begins; nearer to 0 every function that tends to 0 has got there, and polynomials are constant."""

_STEPS = 4000
_WIDTH = 40
"""Bits of relative width of a critical point; the function is flat there, its value has twice as many."""


class Interval(NamedTuple):
    """Two numbers that enclose a third.

    >>> Interval(1.0, 2.0).width
    0.5
    """

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """Their difference, relative to the larger; 0 if both are 0."""
        size = max(abs(self.lower), abs(self.upper))
        return (self.upper - self.lower) / size if size else 0.0


def supremum(function: LogPolynomial, *, absolute: bool = False) -> Interval:
    """Enclose the supremum over (0, 1] of a function that is bounded there, or of its absolute value.

    Critical points are the zeros of theta f. Between two zeros of (theta - alpha) h the function p^(-alpha) h is
    monotone, so that h has at most one zero there, and its signs at the ends decide whether it has. The tower ends at a
    polynomial, whose roots are isolated in exact arithmetic; all signs are decided by ball arithmetic. So no critical
    point can be missed.

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
    """Bracket every zero of a function in (0, 1), each tightly and with a change of sign, or as one point."""
    alpha = function.next_power
    following = function.theta(alpha)
    if following.is_zero:
        return []
    turns = _zeros(following) if following.terms else isolate_roots(following.polynomial.numer())
    pieces = _Pieces(function, following)
    return [pieces.shrink(low, high) for low, high in pairwise(pieces.cuts(turns)) if pieces.changes(low, high)]


class _Pieces:
    """A function whose zeros are sought, and the one whose zeros cut (0, 1] into pieces with at most one of them."""

    def __init__(self, function: LogPolynomial, following: LogPolynomial) -> None:
        self.function, self.following = function, following

    def cuts(self, turns: Sequence[tuple[fmpq, fmpq]]) -> list[fmpq]:
        """Cut (0, 1] so that the signs at the ends of each piece decide whether there is a zero in it."""
        cuts = [_LEAST]
        for low, high in turns:
            cuts += self._settle(max(low, _LEAST), high)
        cuts.append(fmpq(1))
        return [cut for cut, after in zip(cuts, [*cuts[1:], None], strict=True) if cut != after]

    def changes(self, low: fmpq, high: fmpq) -> bool:
        """Whether the function has opposite signs at two points; a zero at a point counts as the sign after it."""
        return _sign_after(self.function, low) != _sign_after(self.function, high)

    def shrink(self, low: fmpq, high: fmpq) -> tuple[fmpq, fmpq]:
        """Halve a bracket until it is tight; its logarithm first, so that zeros near 0 are found as fast as others."""
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

        It is monotone on either side of the turn, up to a positive factor: if its signs at the ends differ it has one
        zero, and if it goes away from 0 first, none. Else it comes nearer to 0, and must be seen to stay away.

        Returns:
            The ends, or the turn itself if it is met.

        Raises:
            SolveError: If thousands of bits do not decide it.
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
            f"a slope touches 0 at p = {float(low):.6g}, to thousands of bits; change a coefficient by a rounding.",
            "rounding",
        )

    def _stays_away(self, low: fmpq, high: fmpq) -> bool:
        with ctx.workprec(2 * (128 + self.function.bits) + high.q.bit_length()):
            value = self.function(arb(low).union(arb(high)))
        return bool(value > 0 or value < 0)


def _sign_after(function: LogPolynomial, p: fmpq) -> int:
    """Decide the sign just right of p: that at p, or where this is 0 that of the first derivative that is not."""
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
            "rounding.",
            "rounding",
        )


def _between(low: fmpq, high: fmpq) -> fmpq:
    """Halve an interval, or its logarithm if the ends differ by orders of magnitude."""
    zeros = [end.q.bit_length() - end.p.bit_length() for end in (low, high)]
    return fmpq(1, 1 << (sum(zeros) // 2)) if zeros[0] - zeros[1] > 2 else (low + high) / 2


class _Best:
    """The largest value seen so far: a bound from below, attained, and one from above."""

    def __init__(self, function: LogPolynomial, *, absolute: bool) -> None:
        self.function, self.absolute = function, absolute
        self.lower, self.upper = arb("-inf"), arb("-inf")

    def see(self, p: fmpq, change: arb | None = None) -> None:
        """Take a point in, and that the function differs from its value there by `change` at most nearby."""
        with ctx.workprec(128 + 2 * self.function.bits + p.q.bit_length()):
            value = self.function(arb(p))
            value = abs(value) if self.absolute else value
            self.lower = max(self.lower, value.lower())
            self.upper = max(self.upper, (value + (0 if change is None else change)).upper())

    def see_end(self, p: fmpq) -> None:
        """Take (0, p] in, for p of 2^-2000: each term is monotone there, and changes by twice its size at most."""
        with ctx.workprec(256):
            sizes = [abs(arb(c)) * arb(p) ** j for j, c in enumerate(self.function.polynomial.coeffs()) if j]
            rest = LogPolynomial(None, {key: abs(b) for key, b in self.function.terms.items()})
            sizes.append(sum((abs(rest_term) for rest_term in _terms_at(rest, arb(p))), arb(0)))
            self.see(p, 2 * sum(sizes, arb(0)))

    def see_between(self, low: fmpq, high: fmpq, slope: LogPolynomial) -> None:
        """Take a critical point in: up to a power of p the slope is monotone around it, and largest at an end."""
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
