"""Growth of a user's function towards p = 0, derived from its formula by ball arithmetic."""

from fractions import Fraction

from flint import arb, arb_series

from dagames.estimators.jets import series_of_order
from dagames.estimators.log_polynomial import as_ball
from dagames.estimators.operand import Operand

_EPSILON = Fraction(1, 64)
"""The power that bounds a logarithm: |log p| <= p^(-1/64) 64 / e on (0, 1]."""

_ODD = {"sin": "sin", "tan": "tan", "asin": "asin", "atan": "atan"}


class Germ(Operand):
    """A function u(p) p^order on (0, end], with u(p) in a ball.

    Attributes:
        ball: Encloses u over (0, end].
        order: The power of p in the product.
        end: Upper end of the interval, at most 1.

    >>> tiny = Germ(arb(1), Fraction(1), arb(0.001))
    >>> (tiny * tiny.log() ** 2).order  # each logarithm costs 1/64
    Fraction(31, 32)
    """

    __slots__ = ("ball", "end", "order")

    def __init__(self, ball: arb, order: Fraction, end: arb) -> None:
        """Take the parts."""
        self.ball, self.order, self.end = ball, order, end

    @property
    def bounded(self) -> arb:
        """Enclosure of the function itself, not finite if it may grow."""
        if self.order == 0 or self.ball == 0:
            return self.ball
        return self.ball * self._share(self.order) if self.order > 0 else arb("nan")

    def weighted_bound(self) -> arb:
        """Bound |p f(p)| on (0, end] for the function f: a bound that tends to 0 with `end`, or NaN."""
        if self.order <= -1:
            return arb("nan")
        return abs(self.ball).upper() * self.end ** as_ball(1 + self.order)

    @property
    def is_too_large(self) -> bool:
        """Whether p f(p) certainly does not tend to 0."""
        return self.order <= -1 and bool(abs(self.ball) > 0)

    def constant(self, number: arb) -> "Germ":
        """Make a function that does not depend on p."""
        return Germ(number, Fraction(0), self.end)

    def plus(self, other: "Germ") -> "Germ":
        """Add functions; the sum has the smaller of the two orders."""
        small, large = (self, other) if self.order >= other.order else (other, self)
        share = self._share(small.order - large.order)
        return Germ(large.ball + small.ball * share, large.order, self.end)

    def times(self, other: "Germ") -> "Germ":
        """Multiply functions."""
        return Germ(self.ball * other.ball, self.order + other.order, self.end)

    def inverse(self) -> "Germ":
        """Divide 1 by the function."""
        return Germ(1 / self.ball, -self.order, self.end)

    def power(self, exponent: Fraction) -> "Germ":
        """Raise a positive function to a power."""
        if not self.ball > 0:
            return self.constant(arb("nan"))
        return Germ(self.ball ** as_ball(exponent), self.order * exponent, self.end)

    def apply(self, name: str) -> "Germ":
        """Apply a function of flint: by a rule for its growth if there is one, and else to the bounded function."""
        if name == "log":
            return self._log()
        if name == "exp" and self.order < 0 and self.ball <= 0:
            return self.constant(arb("0.5 +/- 0.5"))
        if name in _ODD:
            return self._mean_value(name)
        return self.constant(getattr(self.bounded, name)())

    def expm1(self) -> "Germ":
        """Compute exp(x) - 1, O(x) near 0."""
        return self._mean_value("exp")

    def log1p(self) -> "Germ":
        """Compute log(1 + x), O(x) near 0."""
        return self._mean_value("log", arb(1))

    def __abs__(self) -> "Germ":
        return Germ(abs(self.ball), self.order, self.end)

    def _log(self) -> "Germ":
        if not self.ball > 0:
            return self.constant(arb("nan"))
        # log p = u p^(-epsilon) with u in [-1 / (e epsilon), 0]
        least = as_ball(1 / _EPSILON) * arb(-1).exp()
        log_p = Germ(-least * arb("0.5 +/- 0.5"), -_EPSILON, self.end)
        log_u = self.constant(self.ball.log())
        return log_u if self.order == 0 else log_u + log_p * self.order

    def _mean_value(self, name: str, at: arb | None = None) -> "Germ":
        """Return h(at + x) - h(at) = x h'(y) for a y between at and at + x, by the mean value theorem."""
        x = self.bounded
        if not x.is_finite():
            return self.constant(arb("nan"))
        with series_of_order(2):
            slope = getattr(arb_series([(arb(0) if at is None else at) + x.union(arb(0)), 1]), name)()[1]
        return Germ(self.ball * slope, self.order, self.end)

    def _share(self, order: Fraction) -> arb:
        """Enclose p^order over (0, end], for an order of at least 0."""
        if order == 0:
            return arb(1)
        return self.end ** as_ball(order) * arb("0.5 +/- 0.5")
