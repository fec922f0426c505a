"""Answer-level functionals R: what is wanted of the distribution of answers."""

from dagames.functionals.base import Functional, playable_answers
from dagames.functionals.chi_square import ChiSquare
from dagames.functionals.gini import Gini
from dagames.functionals.hellinger import Hellinger
from dagames.functionals.kl_from_prior import KLFromPrior
from dagames.functionals.kl_to_prior import KLToPrior
from dagames.functionals.laws import Violation, broken_laws
from dagames.functionals.linear import Linear
from dagames.functionals.log_score import LogScore
from dagames.functionals.negative_entropy import NegativeEntropy
from dagames.functionals.point import Point
from dagames.functionals.polytope import Polytope
from dagames.functionals.prompts import at_prompts, is_divisible
from dagames.functionals.separable import RootConjugate, Separable
from dagames.functionals.squared_distance import SquaredDistance
from dagames.functionals.tsallis import Tsallis

__all__ = [
    "ChiSquare",
    "Functional",
    "Gini",
    "Hellinger",
    "KLFromPrior",
    "KLToPrior",
    "Linear",
    "LogScore",
    "NegativeEntropy",
    "Point",
    "Polytope",
    "RootConjugate",
    "Separable",
    "SquaredDistance",
    "Tsallis",
    "Violation",
    "at_prompts",
    "broken_laws",
    "is_divisible",
    "playable_answers",
]
