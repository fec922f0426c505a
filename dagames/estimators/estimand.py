"""The interface of the rewards that a table can estimate."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
from flint import arb, fmpq, fmpq_poly
from numpy.typing import NDArray

from dagames.estimators.bernstein import to_monomials
from dagames.estimators.supremum import Interval

Vector: TypeAlias = NDArray[np.float64]


class Estimand(ABC):
    """A function g of an answer's probability p in (0, 1], such that p g(p) tends to 0 with p.

    Attributes:
        name: Name in messages, files and reports.
        features: Number of samples of (0, 1] that resolve the function, besides those that resolve a polynomial.
    """

    name: str
    features: ClassVar[int] = 0

    @abstractmethod
    def __call__(self, p: Vector) -> Vector:
        """Compute g at p in (0, 1], any shape."""

    @abstractmethod
    def second_derivative(self, p: Vector) -> Vector:
        """Compute g'' at p in (0, 1], any shape."""

    @abstractmethod
    def at(self, p: arb) -> arb:
        """Enclose g at p > 0, at the current precision."""

    def weighted_at(self, p: arb) -> arb:
        """Enclose p g(p) at p > 0, at the current precision."""
        return p * self.at(p)

    @abstractmethod
    def bias_of(self, mean: fmpq_poly) -> Interval:
        """Enclose sup over p of |p (P(p) - g(p))|."""

    @abstractmethod
    def excess_of(self, square: fmpq_poly) -> Interval:
        """Enclose sup over p of p^2 (S(p) - g(p)^2)."""

    @property
    @abstractmethod
    def size(self) -> Interval:
        """Enclosure of sup over p of |p g(p)|."""

    @property
    def polynomial(self) -> fmpq_poly | None:
        """The function, if it is known to be a polynomial; else None."""
        return None

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the name, and the terms if there are any, as plain data for JSON."""


def certified_bias(coefficients: Sequence[fmpq], estimand: Estimand) -> Interval:
    """Certify the worst weighted bias of a table: enclose sup over p of |p (sum_k c_k B_{k,n}(p) - g(p))|."""
    return estimand.bias_of(to_monomials(coefficients))
