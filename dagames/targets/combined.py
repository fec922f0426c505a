"""Sums, multiples and products of targets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.numerics.arrays import as_number, short
from dagames.targets.base import Operators, Target
from dagames.targets.group import AnswerGroup


@dataclass(frozen=True)
class _Parts(Target):
    """A target made of several `parts`."""

    parts: tuple[Target, ...]

    def __init__(self, parts: Sequence[Target]) -> None:
        """Combine targets, at least one; parts of the same class are flattened."""
        flat: list[Target] = []
        for place, part in enumerate(parts):
            check_target(part, f"parts[{place}]")
            flat += part.parts if isinstance(part, _Parts) and type(part) is type(self) else [part]
        if not flat:
            raise DomainError("`parts` is empty; pass at least one target.")
        object.__setattr__(self, "parts", tuple(flat))

    @property
    def needs(self) -> frozenset[str]:
        """The fields that any part needs."""
        return frozenset().union(*(part.needs for part in self.parts))

    @property
    def least_group_size(self) -> int:
        """Minimum number of traces of all parts."""
        return max(part.least_group_size for part in self.parts)

    def at(self, step: int) -> Target:
        """Return the combination of the parts of a training step."""
        return type(self)([part.at(step) for part in self.parts])

    def _combine_values(self, combine: Callable[[Any, Any], Any], values: Sequence[NDArray[np.float64]]) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            total = reduce(combine, values)
        if not np.isfinite(total).all() and all(np.isfinite(part).all() for part in values):
            raise DomainError(
                f"{type(self).__name__}: the combined rewards of the parts, up to "
                f"{max(float(np.abs(part).max()) for part in values):.1e} each, exceed float64. Scale them down."
            )
        return total


class TargetSum(_Parts):
    """The sum of targets, `a + b`, which is the target of the sum of their functionals.

    >>> from dagames.targets import FormatReward, MajorityVote
    >>> (MajorityVote() + 0.5 * FormatReward()).rewards(AnswerGroup(("a", "a", "b", None)))
    array([1.5, 1.5, 0.5, 0. ])
    """

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Add the exact rewards of the parts, [*x, Z]."""
        return np.asarray(self._combine_values(np.add, [part.exact_rewards(nu) for part in self.parts]))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Add the rewards of the parts for each trace, [K]."""
        return np.asarray(self._combine_values(np.add, [part.rewards(group) for part in self.parts]))


class TargetProduct(_Parts):
    """The product of targets, `a * b`, such as a diversity times a quality in DARLING.

    Factors should be at least 0, because the product of two negative ones is positive. In general it is not the best
    response for a functional.

    Source:
        Li et al., Jointly reinforcing diversity and quality in language model generations, arXiv:2509.02534

    >>> from dagames.targets import ExponentiatedReward, GiniDiversity
    >>> quality = ExponentiatedReward({"a": 1.0, "b": 1.0})
    >>> (GiniDiversity() * quality).rewards(AnswerGroup(("a", "a", "b", "c")))
    array([0.5 , 0.5 , 0.75, 0.  ])
    """

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Multiply the exact rewards of the parts, [*x, Z]."""
        return np.asarray(self._combine_values(np.multiply, [part.exact_rewards(nu) for part in self.parts]))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Multiply the rewards of the parts for each trace, [K]."""
        return np.asarray(self._combine_values(np.multiply, [part.rewards(group) for part in self.parts]))


@dataclass(frozen=True)
class Weighted(Target):
    """A multiple of a target, such as `0.5 * a`.

    Attributes:
        weight: The factor, a finite number; a negative one reverses the target.
        target: The target.

    >>> from dagames.targets import MajorityVote
    >>> (2.0 * MajorityVote()).rewards(AnswerGroup(("a", "a", "b")))
    array([2., 2., 0.])
    """

    weight: float
    target: Target

    def __post_init__(self) -> None:
        """Validate the weight and the target."""
        object.__setattr__(self, "weight", as_finite(self.weight, "weight"))
        check_target(self.target, "target")

    @property
    def needs(self) -> frozenset[str]:
        """The fields that the target needs."""
        return self.target.needs

    @property
    def least_group_size(self) -> int:
        """Minimum number of traces of the target."""
        return self.target.least_group_size

    def at(self, step: int) -> Target:
        """Return the multiple of the target of a training step."""
        return Weighted(self.weight, self.target.at(step))

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight times the exact rewards, [*x, Z]."""
        return np.asarray(self.weight * self.target.exact_rewards(nu))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute weight times the rewards of each trace, [K]."""
        return np.asarray(self.weight * self.target.rewards(group))


Operators.total, Operators.product, Operators.multiple = TargetSum, TargetProduct, Weighted


def check_target(target: object, name: str) -> None:
    """Raise unless an argument is a target."""
    if not isinstance(target, Target):
        raise DomainError(f"`{name}` must be a Target, such as MajorityVote(), not {short(target)}.")


def as_finite(value: Any, name: str) -> float:
    """Validate a finite number, and return it as a float."""
    number = as_number(value, name, "a finite number")
    if not np.isfinite(number):
        raise DomainError(f"`{name}` must be a finite number, not {number}.")
    return number


def as_share(value: Any, name: str) -> float:
    """Validate a number from 0 to 1, and return it as a float."""
    number = as_number(value, name, "a number from 0 to 1")
    if not 0 <= number <= 1:
        raise DomainError(f"`{name}` must be a number from 0 to 1, not {number}.")
    return number
