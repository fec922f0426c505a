"""What every reward that a table estimates has to offer, whether its formula is known or only how to evaluate it."""

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
        name: What it is called in messages, files and reports.
        features: Points of (0, 1] that show its shape, beside those that show a polynomial's.
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
        """The function, where it is known to be a polynomial."""
        return None

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Write the reward down as what JSON can hold."""


def weighted_bias(coefficients: Sequence[fmpq], estimates: Estimand) -> Interval:
    """Enclose sup over p of |p (sum_k c_k B_{k,n}(p) - g(p))|."""
    return estimates.bias_of(to_monomials(coefficients))
