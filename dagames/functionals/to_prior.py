"""The base of the functionals with a prior: `KLToPrior`, `KLFromPrior`, `ChiSquare`, `Hellinger`, `SquaredDistance`."""

from dataclasses import dataclass

from dagames._types import Numbers, OverAnswers, PerPrompt
from dagames.functionals.base import Separable, as_weight
from dagames.simplex import as_distribution


@dataclass(frozen=True, eq=False, init=False)
class ToPrior(Separable):
    """A separable functional with a prior and a weight.

    Attributes:
        prior: Probabilities of answers, [Z], or per prompt, [*x, Z].
        weight: The functional's weight lambda, [] or [*x].
    """

    per_prompt = ("weight", "prior Z")
    prior: OverAnswers
    weight: PerPrompt

    def __init__(self, prior: Numbers, weight: Numbers = 1.0) -> None:
        """Validate prior and weight.

        Args:
            prior: Probabilities of answers, [Z], or per prompt, [*x, Z].
            weight: The functional's weight lambda, above 0, or one per prompt, [*x].
        """
        array = as_distribution(prior, "prior")
        # The weight would multiply the difference of the sum from 1.
        object.__setattr__(self, "prior", array / array.sum(axis=-1, keepdims=True))
        object.__setattr__(self, "weight", as_weight(weight))
