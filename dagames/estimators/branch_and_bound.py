"""Branch and bound: the supremum on (0, 1] of a polynomial minus a function with Taylor series in balls, enclosed.

The boxes (intervals of p) with the largest bounds are bisected until the largest value at a point is within the
tolerance of the bound. On a box the function is a Taylor polynomial plus a ball, and its second derivative an interval.
If that has one sign, the bound is the value at an end, or at the top of a parabola, so that few boxes are needed even
for many digits.
"""

import heapq
import math
from collections.abc import Callable
from typing import NamedTuple

from flint import arb, arb_poly, ctx, fmpq, fmpq_poly

from dagames._errors import DomainError, SolveError
from dagames.estimators.supremum import Interval

_ORDERS = (20, 40, 80, 160)
"""Numbers of Taylor coefficients of a box, tried in turn; the larger ones for polynomial and function that cancel."""

_TOLERANCE = 1e-12
"""Relative width at which to stop."""

_BOXES, _BOXES_PER_DEGREE = 2000, 40
"""Boxes (in all, and per degree) after which the next order is tried; after the last order the search stops."""

_WIDEST, _NOTHING = 2.0, 1e-3
"""An enclosure is accepted if upper <= 2 lower, or if its width is at most 1e-3 of the function's size."""

_NARROW = fmpq(1, 1 << 36)
"""Width of a box, relative to p, below which a function without a finite bound there is refused."""


class Smooth(NamedTuple):
    """A function w on (0, 1] that tends to 0 with p.

    Attributes:
        name: Name of the function in error messages.
        series: For a centre, a radius and a number of coefficients: the Taylor coefficients of w(centre + radius t) in
            t at the centre, and balls that contain those at every point of the box.
        near_zero: A bound of |w| on (0, end]; not finite if none is known.
        size: Roughly the largest |w|.
    """

    name: str
    series: Callable[[arb, arb, int], tuple[list[arb], list[arb]]]
    near_zero: Callable[[arb], arb]
    size: float


class _Box(NamedTuple):
    upper: float
    lower: float


def enclose_supremum(polynomial: fmpq_poly, smooth: Smooth, *, absolute: bool = False) -> Interval:
    """Enclose the supremum over (0, 1] of polynomial - smooth, or of its absolute value.

    Args:
        polynomial: The polynomial, 0 at 0.
        smooth: The function that is subtracted.
        absolute: Whether to take absolute values.

    Returns:
        The enclosure, rounded outwards. Its relative width is 10^-12, or larger if the number of boxes, or the working
        precision where the two functions cancel, does not suffice.

    Raises:
        DomainError: If the function is not finite, or not smooth, somewhere in (0, 1].
        SolveError: If the enclosure is not even of the right order of magnitude after many boxes.
    """
    degree = max(polynomial.degree(), 0)
    bits = [abs(c.p).bit_length() - c.q.bit_length() for c in polynomial.coeffs()]
    floor = math.ldexp(smooth.size, -min(128 + 8 * degree, 900))
    lower, upper, boxes = -math.inf, math.inf, 0
    with ctx.workprec(256 + 12 * degree + max([0, *bits])):
        for order in _ORDERS:
            search = _Search(polynomial, smooth, order, absolute=absolute)
            found = search.run(floor)
            lower, upper, boxes = max(lower, found.lower), min(upper, found.upper), boxes + search.boxes
            if upper <= max(lower * (1 + _TOLERANCE), floor) or upper == math.inf:
                break
    if upper > max(_WIDEST * lower, lower + _NOTHING * smooth.size):
        raise SolveError(
            f"branch and bound stopped after {boxes} boxes with the enclosure [{lower:.6g}, {upper:.6g}] for the "
            f"reward {smooth.name!r}: in the box with the largest bound, {search.place}, the function bends or "
            "oscillates too fast for a certificate. Use a smoother function that is close to it.",
            "steps",
        )
    return Interval(lower, upper)


class _Search:
    """A heap of boxes, and the largest value so far."""

    def __init__(self, polynomial: fmpq_poly, smooth: Smooth, order: int, *, absolute: bool) -> None:
        self.order, self.limit = order, _BOXES + _BOXES_PER_DEGREE * max(polynomial.degree(), 0)
        self.polynomial, self.smooth, self.signs = arb_poly(polynomial), smooth, (1, -1) if absolute else (1,)
        # The limit for p to 0 is a lower bound of the supremum.
        self.lower = 0.0
        # Of the boxes without a finite bound the narrowest comes first, so that the error message can name its place.
        self.heap: list[tuple[float, fmpq, fmpq, fmpq]] = []
        self.boxes = 0

    def run(self, floor: float) -> Interval:
        """Bisect boxes until the bounds agree to the tolerance, or the upper bound is below `floor`."""
        self.push(fmpq(0), fmpq(1))
        while True:
            upper, low, high = -self.heap[0][0], *self.heap[0][2:]
            if upper <= max(self.lower * (1 + _TOLERANCE), floor):
                break
            if upper == math.inf and high - low < _NARROW * high:
                raise DomainError(
                    f"the reward {self.smooth.name!r} is not finite, or not smooth, at p = {float(low):.9g} or very "
                    "near; a table is certified for functions with derivatives on (0, 1]. Change it there, or use a "
                    "smooth function that is close to it."
                )
            if self.boxes >= self.limit:
                break
            heapq.heappop(self.heap)
            middle = (low + high) / 2
            self.push(low, middle)
            self.push(middle, high)
        return Interval(self.lower, max(upper, self.lower))

    @property
    def place(self) -> str:
        """The box with the largest bound."""
        low, high = self.heap[0][2:]
        return f"of width {float(high - low):.3g} at p = {float((low + high) / 2):.9g}"

    def push(self, low: fmpq, high: fmpq) -> None:
        """Bound the function on a box, and put the box on the heap."""
        box = self.bound(low, high)
        upper = min(box.upper, self.near_zero(high)) if low == 0 else box.upper
        self.lower = max(self.lower, box.lower)
        heapq.heappush(self.heap, (-upper, high - low, low, high))
        self.boxes += 1

    def near_zero(self, end: fmpq) -> float:
        """Bound the function on (0, end] by the absolute values of its terms."""
        p = arb(end)
        sizes = sum((abs(a) * p**j for j, a in enumerate(self.polynomial.coeffs())), arb(0))
        return _up(sizes + self.smooth.near_zero(p))

    def bound(self, low: fmpq, high: fmpq) -> _Box:
        """Bound the function on a box by its Taylor polynomial."""
        centre, radius = arb((low + high) / 2), arb((high - low) / 2)
        exact = self.polynomial(arb_poly([centre, radius])).coeffs()
        N = self.order
        exact += [arb(0)] * (N + 1 - len(exact))
        here, around = self.smooth.series(centre, radius, N + 1)
        rest = sum((math.comb(j, N) * abs(a) for j, a in enumerate(exact) if j >= N), arb(0))
        size = rest.upper() + abs(around[N]).upper()
        if not (size.is_finite() and all(a.is_finite() for a in here[:N])):
            return _Box(math.inf, 0.0)
        taylor = [a - b for a, b in zip(exact[:N], here[:N], strict=True)]
        boxes = [_bound([sign * a for a in taylor], size) for sign in self.signs]
        return _Box(max(box.upper for box in boxes), max(box.lower for box in boxes))


def _bound(a: list[arb], size: arb) -> _Box:
    """Bound sum_j a_j t^j + r(t) t^N on [-1, 1] with |r| <= `size`, also for the remainders of the derivatives."""
    N = len(a)
    swing = sum((j * (j - 1) * abs(a[j]) for j in range(3, N)), arb(0)) + N * (N - 1) * size
    bend = 2 * a[2] + arb(0, 1) * swing.upper()
    if abs(a[1]) > abs(bend):
        return _at(a, size, 1.0 if a[1] > 0 else -1.0)
    if bend >= 0:
        ends = _at(a, size, -1.0), _at(a, size, 1.0)
        return _Box(max(end.upper for end in ends), max(end.lower for end in ends))
    if bend < 0:
        top = _top(a)
        value = _at(a, size, top)
        slope = sum((j * a[j] * arb(top) ** (j - 1) for j in range(1, N)), arb(0)) + arb(0, 1) * (N * size)
        if (top == 1 and slope >= 0) or (top == -1 and slope <= 0):
            return value
        # A concave function with this slope and this least curvature is at most the parabola.
        return _Box(_up(_value(a, size, top) + slope * slope / (2 * abs(bend).lower())), value.lower)
    return _Box(_up(a[0] + abs(a[1]) + bend.upper() / 2), _at(a, size, 0.0).lower)


def _top(a: list[arb]) -> float:
    """Find, in float64, the maximiser of a concave polynomial on [-1, 1]."""
    largest = max(abs(b).mid() for b in a[1:])
    b = [float((c / largest).mid()) for c in a]
    t = 0.0
    for _ in range(5):
        slope = sum(j * b[j] * t ** (j - 1) for j in range(1, len(b)))
        bend = sum(j * (j - 1) * b[j] * t ** (j - 2) for j in range(2, len(b)))
        if not bend < 0:
            break
        t = min(1.0, max(-1.0, t - slope / bend))
    return t


def _at(a: list[arb], size: arb, t: float) -> _Box:
    value = _value(a, size, t)
    return _Box(_up(value), -_up(-value))


def _value(a: list[arb], size: arb, t: float) -> arb:
    total, point = arb(0, 1) * size, arb(t)
    for b in reversed(a):
        total = total * point + b
    return total


def _up(ball: arb) -> float:
    """Round the largest number in a ball up; infinity if the ball is not finite."""
    if not ball.is_finite():
        return math.inf
    upper = ball.upper()
    return 0.0 if upper == 0 else math.nextafter(float(upper), math.inf)
