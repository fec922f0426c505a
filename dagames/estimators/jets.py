"""Taylor series in balls: values and derivatives of a user's function, at a point or over an interval."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

from flint import arb, arb_series, ctx

from dagames.estimators.log_polynomial import as_ball
from dagames.estimators.operand import Operand


class Jet(Operand):
    """A truncated Taylor series whose coefficients are balls.

    Attributes:
        series: The series; its length is that of `ctx.cap`.

    >>> with series_of_order(3):
    ...     print((Jet(arb_series([1, 1])).log() / 2).series)
    0.500000000000000*x + (-0.250000000000000)*x^2 + O(x^3)
    """

    __slots__ = ("series",)

    def __init__(self, series: arb_series) -> None:
        """Take the series."""
        self.series = series

    def constant(self, number: arb) -> "Jet":
        """Make a series that does not depend on p."""
        return Jet(arb_series([number]))

    def plus(self, other: "Jet") -> "Jet":
        """Add series."""
        return Jet(self.series + other.series)

    def times(self, other: "Jet") -> "Jet":
        """Multiply series."""
        return Jet(self.series * other.series)

    def inverse(self) -> "Jet":
        """Divide 1 by the series."""
        return self._undefined() if self.series[0].contains(0) else Jet(1 / self.series)

    def power(self, exponent: Fraction) -> "Jet":
        """Raise a positive series to a power."""
        return Jet(self.series ** arb_series([as_ball(exponent)])) if self.series[0] > 0 else self._undefined()

    def apply(self, name: str) -> "Jet":
        """Apply a function of flint."""
        return Jet(getattr(self.series, name)())

    def __abs__(self) -> "Jet":
        if self.series[0] > 0:
            return self
        return -self if self.series[0] < 0 else self._undefined()

    def _undefined(self) -> "Jet":
        return Jet(arb_series([arb("nan")] * int(ctx.cap)))


@contextmanager
def series_of_order(order: int) -> Iterator[None]:
    """Set the number of coefficients of series inside the context, at least 1."""
    before = ctx.cap
    ctx.cap = order
    try:
        yield
    finally:
        ctx.cap = before
