"""Answer-level functionals R: what is wanted of the distribution of answers."""

from dagames.functionals.base import Functional
from dagames.functionals.gini import Gini
from dagames.functionals.linear import Linear
from dagames.functionals.negative_entropy import NegativeEntropy

__all__ = ["Functional", "Gini", "Linear", "NegativeEntropy"]
