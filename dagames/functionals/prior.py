"""Functionals that compare the answers with a prior."""

from dataclasses import dataclass

import numpy as np

from dagames._errors import InfeasibleError
from dagames._types import Numbers, OverAnswers, PerPrompt, Reachable
from dagames.functionals.base import Separable, as_weight
from dagames.simplex import as_distribution


@dataclass(frozen=True, eq=False, init=False)
class ToPrior(Separable):
    """A separable functional that compares the answers with a prior.

    Attributes:
        prior: Probabilities of answers, [Z], or per prompt, [*x, Z].
        weight: The functional's weight lambda, [] or [*x].
    """

    per_prompt = ("weight", "prior Z")
    prior: OverAnswers
    weight: PerPrompt

    def __init__(self, prior: Numbers, weight: Numbers = 1.0) -> None:
        """Take prior and weight.

        Args:
            prior: Probabilities of answers, [Z], or per prompt, [*x, Z].
            weight: The functional's weight lambda, above 0, or one per prompt, [*x].
        """
        array = as_distribution(prior, "prior")
        # The weight would multiply the difference of the sum from 1.
        object.__setattr__(self, "prior", array / array.sum(axis=-1, keepdims=True))
        object.__setattr__(self, "weight", as_weight(weight))


def kl_terms(p: np.ndarray, q: np.ndarray) -> OverAnswers:
    """Compute p log(p / q) - p + q, whose sum over the answers is KL(p || q) for two distributions.

    Every term is at least 0, and its rounding error is proportional to |p - q|. The terms p log(p / q) are of order
    |p - q| with both signs; a large weight would multiply the rounding error of their sum.

    Args:
        p: Masses, [*x, Z].
        q: Masses, broadcast with `p`.

    Returns:
        The terms, [*x, Z]; +inf where p > 0 = q.

    >>> kl_terms(np.array([0.5, 0.5]), np.array([0.5, 0.25])).round(6)
    array([0.      , 0.096574])
    """
    from scipy.special import rel_entr

    difference = p - q
    near = np.abs(difference) < 0.5 * q
    step = np.where(near, difference, 0.0) / np.where(near, q, 1.0)
    return np.asarray(np.where(near, p * np.log1p(step), rel_entr(p, q)) - difference)


def check_finite_somewhere(infinite: Reachable, name: str, why: str) -> None:
    """Raise an InfeasibleError if some answer, bool [*x, Z], makes the functional infinite for every policy."""
    if infinite.any():
        answer = int(np.argwhere(infinite)[0][-1])
        raise InfeasibleError(f"{name} is infinite for every policy: answer {answer} {why}.")
