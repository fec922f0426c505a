"""Sharpening: R(nu) = weight * H(nu), which is concave."""

from dataclasses import dataclass

import numpy as np

from dagames._types import OverAnswers, PerPrompt
from dagames.functionals.nonconvex import Nonconvex
from dagames.simplex import as_positive, entropy


@dataclass(frozen=True, eq=False, init=False)
class EntropyMinimisation(Nonconvex):
    """The Shannon entropy of the answers, in nats, times a weight; minimising it makes them agree.

    Math:
        R(nu) = -weight sum_z nu(z) log nu(z);   for beta > weight, nu* proportional to nu_0^(beta / (beta - weight)).

    At beta = weight every distribution on the modes of nu_0 is optimal; below, every vertex is a strict local minimum
    and the global ones are the modes of nu_0.

    Source:
        (paper, section 2.1, "minimizing entropy for coherence"); claim I.15

    >>> EntropyMinimisation(0.5).threshold
    0.5
    """

    per_prompt = ()
    weight: float

    def __init__(self, weight: float = 1.0) -> None:
        """Validate the weight.

        Args:
            weight: The functional's weight lambda, above 0.
        """
        object.__setattr__(self, "weight", as_positive(weight, "weight"))

    @property
    def threshold(self) -> float:
        """The weight: weight * H + L * sum nu log nu = (L - weight) * sum nu log nu is convex iff L >= weight."""
        return self.weight

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute weight * H(nu), [*x]."""
        return np.asarray(self.weight * entropy(nu))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute -weight * (log nu + 1), [*x, Z]; +inf where nu is 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(-self.weight * (np.log(nu) + 1.0))

    def convexified(self) -> None:
        """Return None: R + threshold * sum nu log nu is 0."""
