"""Objects that a user's function g accepts in place of floats: numpy's ufuncs call the methods of an array's objects.

Two kinds evaluate g in ball arithmetic: Taylor series (`Jet`), and growth near 0 (`Germ`). Neither can be compared or
converted to a float, because a branch that is right at one point may be wrong elsewhere in the interval, and the
certificate would be wrong without an error.
"""

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from flint import arb, fmpq

_LARGEST_WHOLE = 2**64
"""Integer powers of at least this size are computed by logarithms, for positive quantities only."""

Same = TypeVar("Same", bound="Operand")


class Operand(ABC):
    """A quantity with arithmetic and elementary functions, under numpy's names."""

    __slots__ = ()

    @abstractmethod
    def constant(self: Same, number: arb) -> Same:
        """Make a quantity of the same kind that does not depend on p."""

    @abstractmethod
    def plus(self: Same, other: Same) -> Same:
        """Add a quantity of the same kind."""

    @abstractmethod
    def times(self: Same, other: Same) -> Same:
        """Multiply by a quantity of the same kind."""

    @abstractmethod
    def inverse(self: Same) -> Same:
        """Divide 1 by the quantity; not finite if the quantity may be 0."""

    @abstractmethod
    def power(self: Same, exponent: Fraction) -> Same:
        """Raise to a power that is not an integer; not finite if the quantity may not be positive."""

    @abstractmethod
    def apply(self: Same, name: str) -> Same:
        """Apply an elementary function, by its name in flint; not finite where it may be undefined."""

    @abstractmethod
    def __abs__(self: Same) -> Same:
        """Compute the absolute value."""

    def __add__(self: Same, other: Any) -> Same:
        read = self._read(other)
        return NotImplemented if read is None else self.plus(read)

    def __mul__(self: Same, other: Any) -> Same:
        read = self._read(other)
        return NotImplemented if read is None else self.times(read)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self: Same) -> Same:
        return self * -1

    def __pos__(self: Same) -> Same:
        return self

    def __sub__(self: Same, other: Any) -> Same:
        read = self._read(other)
        return NotImplemented if read is None else self.plus(-read)

    def __rsub__(self: Same, other: Any) -> Same:
        return (-self).__add__(other)

    def __truediv__(self: Same, other: Any) -> Same:
        read = self._read(other)
        return NotImplemented if read is None else self.times(read.inverse())

    def __rtruediv__(self: Same, other: Any) -> Same:
        return self.inverse().__mul__(other)

    def __pow__(self: Same, exponent: Any) -> Same:
        if isinstance(exponent, type(self)):
            return (self.log() * exponent).exp()
        if as_ball_of(exponent) is None:
            return NotImplemented
        exact = Fraction(exponent.item() if isinstance(exponent, np.generic) else exponent)
        whole = exact.denominator == 1 and abs(exact) < _LARGEST_WHOLE
        return self._whole(int(exact)) if whole else self.power(exact)

    def __rpow__(self: Same, base: Any) -> Same:
        read = self._read(base)
        return NotImplemented if read is None else (read.log() * self).exp()

    def __lt__(self, other: Any) -> bool:
        raise TypeError("it compares p, or a function of p, with a number")

    __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __lt__

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("it uses p, or a function of p, as a truth value")

    def log(self: Same) -> Same:
        """Compute the natural logarithm."""
        return self.apply("log")

    def exp(self: Same) -> Same:
        """Compute the exponential."""
        return self.apply("exp")

    def sin(self: Same) -> Same:
        """Compute the sine."""
        return self.apply("sin")

    def cos(self: Same) -> Same:
        """Compute the cosine."""
        return self.apply("cos")

    def tan(self: Same) -> Same:
        """Compute the tangent."""
        return self.apply("tan")

    def arcsin(self: Same) -> Same:
        """Compute the inverse sine."""
        return self.apply("asin")

    def arccos(self: Same) -> Same:
        """Compute the inverse cosine."""
        return self.apply("acos")

    def arctan(self: Same) -> Same:
        """Compute the inverse tangent."""
        return self.apply("atan")

    def sqrt(self: Same) -> Same:
        """Compute the square root."""
        return self.power(Fraction(1, 2))

    def cbrt(self: Same) -> Same:
        """Compute the cubic root, of a positive quantity."""
        return self.power(Fraction(1, 3))

    def log1p(self: Same) -> Same:
        """Compute log(1 + x)."""
        return (self + 1).log()

    def expm1(self: Same) -> Same:
        """Compute exp(x) - 1."""
        return self.exp() - 1

    def log2(self: Same) -> Same:
        """Compute the logarithm to base 2."""
        return self.log() / self.constant(arb(2).log())

    def log10(self: Same) -> Same:
        """Compute the logarithm to base 10."""
        return self.log() / self.constant(arb(10).log())

    def exp2(self: Same) -> Same:
        """Raise 2 to the quantity."""
        return (self * self.constant(arb(2).log())).exp()

    def sinh(self: Same) -> Same:
        """Compute the hyperbolic sine."""
        return (self.exp() - (-self).exp()) / 2

    def cosh(self: Same) -> Same:
        """Compute the hyperbolic cosine."""
        return (self.exp() + (-self).exp()) / 2

    def tanh(self: Same) -> Same:
        """Compute the hyperbolic tangent."""
        return 1 - 2 / ((self * 2).exp() + 1)

    def _read(self: Same, other: Any) -> Same | None:
        if isinstance(other, type(self)):
            return other
        number = as_ball_of(other)
        return None if number is None else self.constant(number)

    def _whole(self: Same, exponent: int) -> Same:
        if exponent < 0:
            return self._whole(-exponent).inverse()
        result, square = self.constant(arb(1)), self
        while exponent:
            if exponent % 2:
                result = result.times(square)
            exponent //= 2
            if exponent:
                square = square.times(square)
        return result


def as_ball_of(number: Any) -> arb | None:
    """Convert a number to a ball that contains it, exactly but for fractions; None if it is not a number."""
    if isinstance(number, (int, np.integer)):
        return arb(int(number))
    if isinstance(number, (float, np.float64, np.float32, np.float16)):
        return arb(float(number))
    if isinstance(number, Fraction):
        return arb(fmpq(number.numerator, number.denominator))
    return None
