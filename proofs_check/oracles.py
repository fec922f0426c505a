"""Quantities of games from their definitions, in exact rational or 50-digit arithmetic.

The module does not import the solvers and functionals that claims test.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import mpmath as mp
import numpy as np

DIGITS = 50
mp.mp.dps = DIGITS

Weights = Sequence[Fraction]


def number(value: Any) -> Any:
    """Convert a rational to a number of 50 digits.

    Args:
        value: The rational; an mpmath number is returned unchanged.

    Returns:
        An mpmath number.
    """
    if isinstance(value, mp.mpf):
        return value
    value = Fraction(value)
    return mp.mpf(value.numerator) / value.denominator


def log(value: Any) -> Any:
    """Compute the natural logarithm to 50 digits; -inf at 0.

    Args:
        value: A rational or mpmath number of at least 0.

    Returns:
        An mpmath number.
    """
    return mp.log(number(value)) if value > 0 else mp.mpf("-inf")


def marginal(pi: Weights, E: Sequence[int], n_answers: int) -> list[Fraction]:
    """Sum the traces of each answer, exactly.

    Args:
        pi: Probabilities of traces, [Y].
        E: Answer of each trace, [Y].
        n_answers: Number of answers.

    Returns:
        Probabilities of answers, [Z].
    """
    return [sum((p for p, answer in zip(pi, E, strict=True) if answer == z), Fraction(0)) for z in range(n_answers)]


def kl(p: Sequence[Any], q: Sequence[Any]) -> Any:
    """Compute KL(p || q) in nats to 50 digits.

    Args:
        p: Probabilities.
        q: Probabilities, positive where p is.

    Returns:
        An mpmath number.
    """
    return mp.fsum(number(a) * (log(a) - log(b)) for a, b in zip(p, q, strict=True) if a > 0)


def expectation(p: Weights, values: Sequence[Any]) -> Any:
    """Compute sum p(i) values(i) to 50 digits, with 0 times infinity being 0.

    Args:
        p: Probabilities.
        values: Numbers, which may be infinite where p is 0.

    Returns:
        An mpmath number.
    """
    return mp.fsum(number(a) * v for a, v in zip(p, values, strict=True) if a > 0)


def normalised(log_weights: Sequence[Any]) -> list[Any]:
    """Convert log-weights to probabilities, to 50 digits.

    Args:
        log_weights: mpmath numbers.

    Returns:
        Probabilities that sum to 1 to rounding.
    """
    top = max(log_weights)
    weights = [mp.exp(a - top) for a in log_weights]
    total = mp.fsum(weights)
    return [w / total for w in weights]


def by_thirds(convex: Callable[[Any], Any]) -> Any:
    """Minimise a convex function on [0, 1] by ternary search.

    Args:
        convex: The function.

    Returns:
        The minimiser to about 25 digits, at which the value has 50 digits.
    """
    low, high = mp.mpf(0), mp.mpf(1)
    for _ in range(160):
        left, right = (2 * low + high) / 3, (low + 2 * high) / 3
        low, high = (low, right) if convex(left) < convex(right) else (left, high)
    return (low + high) / 2


@dataclass(frozen=True)
class LinearGame:
    """A game with R(nu) = -<r, nu> and one trace per answer, where every quantity has a closed form.

    Attributes:
        nu_0: Reference.
        rewards: Reward of each answer.
        beta: Weight of the divergence.
    """

    nu_0: Sequence[Fraction]
    rewards: Sequence[Fraction]
    beta: Fraction

    def objective(self, pi: Sequence[Fraction]) -> Any:
        """Compute J(pi)."""
        value = -sum((r * p for r, p in zip(self.rewards, pi, strict=True)), Fraction(0))
        return number(value) + number(self.beta) * kl(pi, self.nu_0)

    def payoff(self, pi: Sequence[Fraction], q: Sequence[Fraction]) -> Any:
        """Compute G(pi, q); the conjugate of a linear R is max_z (u(z) + r(z))."""
        b = number(self.beta)
        u = [-b * log(mass) for mass in q]
        conjugate = max(v + number(r) for v, r in zip(u, self.rewards, strict=True))
        return b * kl(pi, self.nu_0) + expectation(pi, u) - conjugate

    def value(self) -> Any:
        """Compute min J = -beta log sum nu_0 exp(r / beta)."""
        b = number(self.beta)
        return -b * mp.log(expectation(self.nu_0, [mp.exp(number(r) / b) for r in self.rewards]))

    def lower_bound(self, q: Sequence[Fraction]) -> Any:
        """Compute min over policies of G(., q), attained at the policy proportional to nu_0 q."""
        weights = [p * mass for p, mass in zip(self.nu_0, q, strict=True)]
        return self.payoff([w / sum(weights) for w in weights], q)


def random_distribution(rng: np.random.Generator, n: int, denominator: int = 1000) -> list[Fraction]:
    """Draw a distribution of positive rationals.

    Args:
        rng: Random generator.
        n: Number of entries.
        denominator: Largest integer weight; the smallest is 1.

    Returns:
        Probabilities that sum to 1 exactly.
    """
    weights = [int(w) for w in rng.integers(1, denominator + 1, size=n)]
    return [Fraction(w, sum(weights)) for w in weights]


def rounded(p: Iterable[float], denominator: int = 10**6, *, least: int = 1) -> list[Fraction]:
    """Round a distribution to rationals, for an exact check of the result of a search.

    Args:
        p: Probabilities.
        denominator: Approximate denominator.
        least: Least numerator; with 0, rare answers may get probability 0.

    Returns:
        Probabilities that sum to 1 exactly.

    >>> rounded([0.25, 0.75], 8)
    [Fraction(1, 4), Fraction(3, 4)]
    """
    weights = [max(least, round(float(mass) * denominator)) for mass in p]
    return [Fraction(weight, sum(weights)) for weight in weights]


def group_counts(n_answers: int, group_size: int) -> Iterator[tuple[int, ...]]:
    """Enumerate all counts of K traces over the answers.

    Args:
        n_answers: Number of answers.
        group_size: Number of traces K.

    Yields:
        Counts per answer that sum to K.
    """
    if n_answers == 1:
        yield (group_size,)
        return
    for first in range(group_size + 1):
        for rest in group_counts(n_answers - 1, group_size - first):
            yield (first, *rest)


def multinomial(counts: Sequence[int], nu: Weights) -> Fraction:
    """Compute the probability of the counts under K independent draws, exactly.

    Args:
        counts: Counts per answer.
        nu: Probabilities of answers.

    Returns:
        The probability.
    """
    probability, remaining = Fraction(1), sum(counts)
    for count, p in zip(counts, nu, strict=True):
        probability *= comb(remaining, count) * p**count
        remaining -= count
    return probability


def as_text(values: Sequence[Fraction]) -> str:
    """Format rationals as text.

    Args:
        values: Rationals.

    Returns:
        Text such as "(1/2, 1/2)".
    """
    return "(" + ", ".join(str(v) for v in values) + ")"


def complexity(*groups: Sequence[Fraction]) -> int:
    """Compute the size of lists of rationals: their entries plus their digits.

    Args:
        groups: Lists of rationals.

    Returns:
        The size.
    """
    return sum(1 + len(str(v.numerator)) + len(str(v.denominator)) for group in groups for v in group)
