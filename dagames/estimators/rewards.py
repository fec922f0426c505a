"""The rewards that a table estimates: functions g of an answer's probability p.

A policy gradient weights the reward of an answer, and its error, by p. So p g(p) must tend to 0 with p.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from flint import arb, fmpq_poly

from dagames._choices import did_you_mean
from dagames._errors import DomainError
from dagames.estimators.callable_reward import CallableReward
from dagames.estimators.estimand import Estimand, Vector
from dagames.estimators.log_polynomial import LogPolynomial, Terms
from dagames.estimators.supremum import Interval, supremum

_LARGEST_POWER, _LARGEST_LOG, _LARGEST_BITS = 10_000, 64, 4096
"""Largest power of p, power of its logarithm, and size of a numerator or denominator."""

_LARGEST_NAMED = 256
"""Largest power of a reward given by name; larger powers make the certificates slow."""

AnyReward: TypeAlias = str | Estimand | Callable[..., Any]
"""The types that `as_reward` accepts."""


def _is_term(key: Any, coefficient: Any) -> bool:
    if not (isinstance(key, tuple) and len(key) == 2 and isinstance(key[1], int)):
        return False
    return isinstance(key[0], (Fraction, int)) and isinstance(coefficient, (Fraction, int))


@dataclass(frozen=True)
class Reward(Estimand):
    """A function g(p) = sum b p^alpha (log p)^m on (0, 1], with every alpha above -1.

    Attributes:
        name: A name that `as_reward` reads, or any other name.
        terms: Coefficient b of each (alpha, m): Fractions, by pairs of a Fraction and an integer.

    >>> twice = Reward("twice the log", {(Fraction(0), 1): Fraction(2)})
    >>> float(twice(np.array(1.0)))
    0.0
    """

    name: str
    terms: Terms = field(hash=False)

    def __post_init__(self) -> None:
        """Validate the terms.

        Raises:
            DomainError: If there are no terms, if p g(p) does not tend to 0 with p, or if a power of the log is
                negative.
        """
        if not (isinstance(self.terms, dict) and self.terms):
            raise DomainError(f"the reward {self.name!r} has no terms.")
        for key, b in self.terms.items():
            if not _is_term(key, b):
                raise DomainError(
                    f"the reward {self.name!r} has the term {key!r}: {b!r}; each must be (power, power of the log): "
                    "coefficient, of Fractions and an integer, as (Fraction(1, 2), 0): Fraction(3)."
                )
            alpha, m = key
            if not alpha > -1:
                raise DomainError(
                    f"the reward {self.name!r} has the power {float(alpha):g}; it must be above -1, because p g(p) has "
                    "to tend to 0 with p: no table approximates it otherwise."
                )
            bits = max(abs(b.numerator), b.denominator, alpha.denominator).bit_length()
            if alpha > _LARGEST_POWER or m > _LARGEST_LOG or bits > _LARGEST_BITS:
                raise DomainError(
                    f"the reward {self.name!r} has the power {float(min(alpha, Fraction(10**9))):g}, of the logarithm "
                    f"{m}, and numbers of {bits} bits; tables are certified for powers above -1 and up to "
                    f"{_LARGEST_POWER}, of the logarithm up to {_LARGEST_LOG}, and numbers of {_LARGEST_BITS} bits."
                )
            if m < 0:
                raise DomainError(f"the reward {self.name!r} is infinite at p = 1: its logarithm has the power {m}.")

    def __call__(self, p: Vector) -> Vector:
        """Compute g at p in (0, 1], any shape."""
        parts = [float(b) * p ** float(alpha) * np.log(p) ** m for (alpha, m), b in self.terms.items()]
        return np.asarray(sum(parts))

    def second_derivative(self, p: Vector) -> Vector:
        """Compute g'' at p in (0, 1], any shape."""
        log_p, total = np.log(p), np.zeros(np.shape(p))
        for (alpha, m), b in self.terms.items():
            # d^2/dp^2 of p^alpha log^m p, divided by p^(alpha - 2)
            lowered = ((m, alpha * (alpha - 1)), (m - 1, m * (2 * alpha - 1)), (m - 2, Fraction(m * (m - 1))))
            factor = sum(float(c) * log_p**power for power, c in lowered if c)
            total += float(b) * p ** (float(alpha) - 2) * factor
        return total

    @property
    def weighted(self) -> LogPolynomial:
        """The function p g(p)."""
        return LogPolynomial(None, {(alpha + 1, m): b for (alpha, m), b in self.terms.items()})

    def at(self, p: arb) -> arb:
        """Enclose g at p > 0, at the current precision."""
        return self.weighted(p) / p

    def weighted_at(self, p: arb) -> arb:
        """Enclose p g(p) at p > 0, at the current precision."""
        return self.weighted(p)

    def bias_of(self, mean: fmpq_poly) -> Interval:
        """Enclose sup over p of |p (P(p) - g(p))|, by the roots of exact polynomials."""
        return supremum(LogPolynomial(_P * mean) - self.weighted, absolute=True)

    def excess_of(self, square: fmpq_poly) -> Interval:
        """Enclose sup over p of p^2 (S(p) - g(p)^2), by the roots of exact polynomials."""
        return supremum(LogPolynomial(_P * _P * square) - self.weighted.squared())

    @cached_property
    def size(self) -> Interval:
        """Enclosure of sup over p of |p g(p)|."""
        return supremum(self.weighted, absolute=True)

    @property
    def polynomial(self) -> fmpq_poly | None:
        """The function, if it is a polynomial."""
        weighted = self.weighted
        return None if weighted.terms else fmpq_poly(weighted.polynomial.coeffs()[1:])

    def to_dict(self) -> dict[str, Any]:
        """Return the name and the terms as plain data for JSON."""
        return {"name": self.name, "terms": [[str(alpha), m, str(b)] for (alpha, m), b in self.terms.items()]}

    @staticmethod
    def of(g: Callable[..., Any], *, name: str = "", growth: tuple[float, float] | None = None) -> CallableReward:
        """Make a reward from a Python function, written with arithmetic and numpy's elementary functions.

        Args:
            g: The function, from an array of probabilities to an array of the same shape.
            name: Name of the reward; `g.__name__` by default.
            growth: (A, a) with a < 1 such that |g(p)| <= A p^(-a) on (0, 1/16], if that does not follow from the
                formula.

        Returns:
            The reward.

        >>> Reward.of(lambda p: (1 - np.cos(p)) / p**2, name="cosine", growth=(0.5, 0.0)).name
        'cosine'
        """
        return CallableReward(g, name, growth)


_P = fmpq_poly([0, 1])


LOG = Reward("log", {(Fraction(0), 1): Fraction(1)})
"""g(p) = log p, the reward of games with KL divergence."""


def power(a: float) -> Reward:
    """Return the reward g(p) = p^a.

    Args:
        a: The power, above -1 and up to 256.

    Returns:
        The reward.

    Raises:
        DomainError: If the power is out of its domain.

    >>> power(0.5)(np.array([0.25])).tolist()
    [0.5]
    """
    exact = _as_power(_exact(a))
    return Reward("sqrt" if a == 0.5 else f"power:{float(a)!r}", {(exact, 0): Fraction(1)})


def entropy(order: float) -> Reward:
    """Return the q-logarithm of an order, the reward of games with Tsallis entropy.

    Math:
        g(p) = (p^(order - 1) - 1) / (order - 1), which tends to log p as the order tends to 1.

    Args:
        order: The order, above 0 and up to 257.

    Returns:
        The reward; `LOG` at order 1.

    >>> entropy(2.0)(np.array([0.25])).tolist()
    [-0.75]
    """
    a = _as_power(_exact(order) - 1)
    return LOG if a == 0 else Reward(f"entropy:{float(order)!r}", {(a, 0): 1 / a, (Fraction(0), 0): -1 / a})


_NAMES = {"log": "log p", "sqrt": "sqrt p", "power:A": "p^A, A > -1", "entropy:ORDER": "(p^(ORDER-1) - 1)/(ORDER-1)"}


def as_reward(reward: AnyReward) -> Estimand:
    """Convert a name or a function to a reward.

    Args:
        reward: A `Reward`; a name: "log", "sqrt", "power:A" or "entropy:ORDER"; or a function of p, as in `Reward.of`.

    Returns:
        The reward.

    Raises:
        DomainError: If there is no reward of that name, or the function is not a valid reward.

    >>> as_reward("entropy:1.5").name
    'entropy:1.5'
    >>> as_reward(lambda p: np.log(p) / (1 + p)).name
    '<lambda>'
    """
    if isinstance(reward, Estimand):
        return reward
    if callable(reward):
        return CallableReward(reward)
    kind, colon, number = str(reward).partition(":")
    if not colon and kind in {"log", "sqrt"}:
        return LOG if kind == "log" else power(0.5)
    if colon and kind in {"power", "entropy"}:
        try:
            value = float(number)
        except ValueError:
            raise DomainError(f"`reward` is {reward!r}; after the colon there must be a number.") from None
        return power(value) if kind == "power" else entropy(value)
    hint = did_you_mean(reward, ["log", "sqrt", "power:0.5", "entropy:2"], 0.4)
    listed = "; ".join(f"{name} is {meaning}" for name, meaning in _NAMES.items())
    raise DomainError(
        f"there is no reward {reward!r}.{hint} Known: {listed}. For others pass a function of p, or "
        "`Reward(name, terms)`."
    )


def _as_power(a: Fraction) -> Fraction:
    if a > _LARGEST_NAMED:
        raise DomainError(
            f"the power of a reward must be above -1 and up to {_LARGEST_NAMED} (an order above 0 and up to "
            f"{_LARGEST_NAMED + 1}), not {float(a):g}: no small table approximates it."
        )
    return a


def _exact(number: float) -> Fraction:
    try:
        return Fraction(number)
    except (ValueError, OverflowError, TypeError):
        raise DomainError(f"the power of a reward must be a finite number, not {number!r}.") from None
