"""A Python function as a reward; the same function is evaluated on floats and on Taylor series in balls."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
from flint import arb, arb_series, ctx, fmpq, fmpq_poly

from dagames._errors import DomainError, ShapeError
from dagames.estimators.branch_and_bound import Smooth, enclose_supremum
from dagames.estimators.estimand import Estimand, Vector
from dagames.estimators.germ import Germ
from dagames.estimators.jets import Jet, series_of_order
from dagames.estimators.operand import Operand, as_ball_of
from dagames.estimators.supremum import Interval

T = TypeVar("T", bound=Operand)

_BITS = 128
"""Precision of values that are rounded to float64, and of enclosures over boxes."""

_NEAR = fmpq(1, 16)
"""Upper end of the interval on which the argument `growth` holds."""

_DEPTHS = (4, 8, 16, 32, 64, 128)
"""Growth is derived on (0, 2^-depth], for the first of these depths where it is bounded."""

_AGREEMENT = 1e-6
"""Largest difference between floats and balls, as a share of the largest |p g(p)|."""

_SMALLEST, _LARGEST = 1e-140, 1e140
"""Range of the largest |p g(p)|."""

_SAMPLES = np.unique(np.concatenate([np.sin(0.5 * np.pi * np.arange(1, 65) / 64) ** 2, np.arange(1, 65) / 64]))
_SAMPLES = np.concatenate([0.5 ** np.arange(40.0, 10.0, -1.0), _SAMPLES])

_FAILURES = (TypeError, AttributeError, ValueError, ArithmeticError, NotImplementedError, IndexError)


@dataclass(frozen=True)
class CallableReward(Estimand):
    """A Python function with derivatives on (0, 1], written with arithmetic and numpy's elementary functions.

    The function is evaluated on arrays of floats, and on arrays of objects for Taylor series or growth near 0, so that
    it must not compare or convert the values.

    Attributes:
        g: The function, from an array to an array of the same shape.
        name: Name of the reward; `g.__name__` by default.
        growth: (A, a) with a < 1 such that |g(p)| <= A p^(-a) on (0, 1/16], if that does not follow from the formula.
            The bound is checked at points, and assumed between them.

    >>> reward = CallableReward(lambda p: np.log(p) / (1 + p), "tamed log")
    >>> round(reward.size.upper, 10)
    0.2784645428
    """

    g: Callable[..., Any] = field(hash=False)
    name: str = ""
    growth: tuple[float, float] | None = None
    features: ClassVar[int] = 512

    def __post_init__(self) -> None:
        """Validate the function; this includes an enclosure of p g(p) on (0, 1]."""
        object.__setattr__(self, "name", self.name or str(getattr(self.g, "__name__", type(self.g).__name__)))
        weighted = _SAMPLES * self(_SAMPLES)
        self._check_scale()
        self._check_agreement(weighted)
        if self.growth is None:
            self._follow_growth()
        else:
            object.__setattr__(self, "growth", _as_growth(self.growth, self.name))
            self._check_growth()
        # The enclosure includes peaks between the samples.
        self.__dict__["_scale"] = max(self._scale, self.size.lower)
        self._check_scale()

    def __call__(self, p: Vector) -> Vector:
        """Compute g at p in (0, 1], any shape; raise a DomainError or ShapeError if a value is not valid."""
        p = np.asarray(p, dtype=np.float64)
        try:
            with np.errstate(all="ignore"):
                values = np.asarray(self.g(p.copy()), dtype=np.float64)
        except _FAILURES as error:
            raise DomainError(
                f"the reward {self.name!r} fails on an array of floats: {error}. Write it with arithmetic and numpy's "
                "functions."
            ) from error
        if values.shape != p.shape:
            raise ShapeError(
                f"the reward {self.name!r} returns the shape {values.shape} for an argument of shape {p.shape}; it "
                "must be evaluated entry by entry. A constant is b + 0 * p."
            )
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise DomainError(
                f"the reward {self.name!r} is {values[wrong].flat[0]} at p = {p[wrong].flat[0]:.9g}; it must be finite "
                "on (0, 1]."
            )
        return values

    def second_derivative(self, p: Vector) -> Vector:
        """Compute g'' at p in (0, 1], any shape."""
        with ctx.workprec(_BITS), series_of_order(3):
            jets = self._follow([Jet(arb_series([arb(float(x)), 1])) for x in np.ravel(p)])
            return np.array([2 * float(jet.series[2].mid()) for jet in jets]).reshape(np.shape(p))

    def at(self, p: arb) -> arb:
        """Enclose g at p > 0, at the current precision."""
        with series_of_order(1):
            return self._follow([Jet(arb_series([p]))])[0].series[0]

    def bias_of(self, mean: fmpq_poly) -> Interval:
        """Enclose sup over p of |p (P(p) - g(p))|, by branch and bound."""
        smooth = Smooth(self.name, self._weighted_series, self._near_zero, self._scale)
        return enclose_supremum(fmpq_poly([0, 1]) * mean, smooth, absolute=True)

    def excess_of(self, square: fmpq_poly) -> Interval:
        """Enclose sup over p of p^2 (S(p) - g(p)^2), by branch and bound."""
        smooth = Smooth(self.name, self._squared_series, lambda end: self._near_zero(end) ** 2, self._scale**2)
        return enclose_supremum(fmpq_poly([0, 0, 1]) * square, smooth)

    @cached_property
    def size(self) -> Interval:
        """Enclosure of sup over p of |p g(p)|."""
        return self.bias_of(fmpq_poly([]))

    def to_dict(self) -> dict[str, Any]:
        """Return the name as plain data for JSON, which cannot hold the function."""
        return {"name": self.name, "callable": True}

    @cached_property
    def _scale(self) -> float:
        return float(np.abs(_SAMPLES * self(_SAMPLES)).max())

    def _follow(self, operands: Sequence[T]) -> list[T]:
        """Evaluate g on objects."""
        argument = np.empty(len(operands), dtype=object)
        argument[:] = operands
        try:
            values = np.asarray(self.g(argument), dtype=object)
            if values.shape == argument.shape:
                return [_as_kind(value, operand) for value, operand in zip(values, operands, strict=True)]
        except _FAILURES as error:
            raise DomainError(
                f"the reward {self.name!r} cannot be evaluated in ball arithmetic: {error}. Write it with + - * / "
                "** and numpy's log, exp, sqrt, sin, cos, tan, arcsin, arccos, arctan, sinh, cosh, tanh, log1p, expm1, "
                "and without comparisons, `where`, `maximum`, or functions of other libraries."
            ) from error
        raise ShapeError(
            f"the reward {self.name!r} returns the shape {values.shape} for an array of objects of shape "
            f"{argument.shape}."
        )

    def _weighted_series(self, centre: arb, radius: arb, order: int) -> tuple[list[arb], list[arb]]:
        return self._series(centre, radius, order, lambda w: w)

    def _squared_series(self, centre: arb, radius: arb, order: int) -> tuple[list[arb], list[arb]]:
        return self._series(centre, radius, order, lambda w: w * w)

    def _series(
        self, centre: arb, radius: arb, order: int, change: Callable[[Jet], Jet]
    ) -> tuple[list[arb], list[arb]]:
        """Expand `change` of p g(p) at the centre and over the box."""
        found = []
        for bits, place in ((ctx.prec, centre), (_BITS, centre + arb(0, 1) * radius)):
            with ctx.workprec(bits), series_of_order(order):
                p = Jet(arb_series([place, radius]))
                series = change(p * self._follow([p])[0]).series
                found.append([series[j] if j < series.prec else arb("nan") for j in range(order)])
        return found[0], found[1]

    def _near_zero(self, end: arb) -> arb:
        """Bound |p g(p)| on (0, end]."""
        if self.growth is None:
            return self._germ(end).weighted_bound()
        A, a = map(arb, self.growth)
        return A * end ** (1 - a) if end <= arb(_NEAR) else arb("nan")

    def _germ(self, end: arb) -> Germ:
        return self._follow([Germ(arb(1), Fraction(1), end)])[0]

    def _check_scale(self) -> None:
        if self._scale and not _SMALLEST < self._scale < _LARGEST:
            raise DomainError(
                f"|p g(p)| of the reward {self.name!r} is up to {self._scale:.3g}; tables are certified for rewards "
                f"from {_SMALLEST:g} to {_LARGEST:g}, whose squares float64 holds. Change its unit."
            )

    def _check_agreement(self, weighted: Vector) -> None:
        for p, seen in zip(_SAMPLES[::5], weighted[::5], strict=True):
            with ctx.workprec(_BITS):
                enclosed = self.weighted_at(arb(float(p)))
            if not enclosed.is_finite():
                raise DomainError(
                    f"the reward {self.name!r} is not finite, or not smooth, at p = {p:.9g}, as far as ball arithmetic "
                    "can tell. Change it there, or write it another way."
                )
            if abs(float(enclosed.mid()) - seen) > _AGREEMENT * self._scale:
                raise DomainError(
                    f"the reward {self.name!r} is not one function: at p = {p:.9g} it is {seen / p:.9g} in floats and "
                    f"{float(enclosed.mid()) / p:.9g} in ball arithmetic. Either it depends on more than its argument, "
                    "or float64 is not accurate enough there; write it another way."
                )

    def _follow_growth(self) -> None:
        """Derive from the formula that p g(p) tends to 0 with p, or raise a DomainError."""
        for depth in _DEPTHS:
            with ctx.workprec(_BITS):
                germ = self._germ(arb(fmpq(1, 1 << depth)))
            if germ.is_too_large:
                raise DomainError(
                    f"the reward {self.name!r} grows like p^{float(germ.order):.4g} towards p = 0; p g(p) has to "
                    "tend to 0 with p: no table approximates it otherwise."
                )
            if germ.weighted_bound().is_finite():
                return
        raise DomainError(
            f"that p g(p) tends to 0 with p could not be derived from the formula of the reward {self.name!r}. If it "
            "does, give a bound: `Reward.of(g, growth=(A, a))` means |g(p)| <= A p^(-a) on (0, 1/16], with a < 1."
        )

    def _check_growth(self) -> None:
        """Compare the bound `growth` with values, down to p = 2^-400."""
        assert self.growth is not None  # noqa: S101
        A, a = self.growth
        for step in range(8, 801):
            with ctx.workprec(2 * _BITS + 2 * step):
                p = arb(fmpq(2 + step % 2, 1 << (step // 2 + 1)))
                value, bound = abs(self.at(p)), arb(A) * p ** -arb(a)
            if not value <= bound and not value.overlaps(bound):
                raise DomainError(
                    f"the `growth` of the reward {self.name!r} is wrong: |g| is {value.str(6, radius=False)} at "
                    f"p = {p.str(6, radius=False)}, and A p^(-a) with A = {A:g}, a = {a:g} is "
                    f"{bound.str(6, radius=False)}."
                )


def _as_kind(value: Any, operand: T) -> T:
    """Convert a value of g to the type of its operand; a number becomes a constant."""
    if isinstance(value, type(operand)):
        return value
    number = as_ball_of(value)
    if number is None:
        raise TypeError(f"it returns {value!r}")
    return operand.constant(number)


def _as_growth(growth: Sequence[float], name: str) -> tuple[float, float]:
    """Validate (A, a)."""
    try:
        A, a = map(float, growth)
    except (TypeError, ValueError):
        A, a = math.nan, math.nan
    if not (0 <= A < math.inf and -math.inf < a < 1):
        raise DomainError(
            f"the growth of the reward {name!r} must be (A, a) with A >= 0 and a < 1, not {growth!r}: p g(p) has to "
            "tend to 0 with p."
        )
    return A, a
