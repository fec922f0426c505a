"""Answer-level functionals R: what is wanted of the distribution of answers."""

from typing import TYPE_CHECKING

import dagames.functionals.algebra  # noqa: F401 - the operators + and * of functionals
from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.functionals.algebra import mixture
    from dagames.functionals.base import Functional, Separable, Smooth
    from dagames.functionals.chi_square import ChiSquare
    from dagames.functionals.entropy_minimisation import EntropyMinimisation
    from dagames.functionals.from_convex import from_convex
    from dagames.functionals.gini import Gini
    from dagames.functionals.hellinger import Hellinger
    from dagames.functionals.kl_from_prior import KLFromPrior
    from dagames.functionals.kl_to_prior import KLToPrior
    from dagames.functionals.laws import broken_laws
    from dagames.functionals.linear import Linear
    from dagames.functionals.log_score import LogScore
    from dagames.functionals.negative_entropy import NegativeEntropy
    from dagames.functionals.nonconvex import Nonconvex
    from dagames.functionals.pairwise_incoherence import PairwiseIncoherence
    from dagames.functionals.point import Point
    from dagames.functionals.polytope import Polytope
    from dagames.functionals.quadratic import Quadratic
    from dagames.functionals.squared_distance import SquaredDistance
    from dagames.functionals.tsallis import Tsallis
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "algebra": ["mixture"],
            "base": ["Functional", "Separable", "Smooth"],
            "chi_square": ["ChiSquare"],
            "entropy_minimisation": ["EntropyMinimisation"],
            "from_convex": ["from_convex"],
            "gini": ["Gini"],
            "hellinger": ["Hellinger"],
            "kl_from_prior": ["KLFromPrior"],
            "kl_to_prior": ["KLToPrior"],
            "laws": ["broken_laws"],
            "linear": ["Linear"],
            "log_score": ["LogScore"],
            "negative_entropy": ["NegativeEntropy"],
            "nonconvex": ["Nonconvex"],
            "pairwise_incoherence": ["PairwiseIncoherence"],
            "point": ["Point"],
            "polytope": ["Polytope"],
            "quadratic": ["Quadratic"],
            "squared_distance": ["SquaredDistance"],
            "tsallis": ["Tsallis"],
        },
    )

__all__ = [
    "ChiSquare",
    "EntropyMinimisation",
    "Functional",
    "Gini",
    "Hellinger",
    "KLFromPrior",
    "KLToPrior",
    "Linear",
    "LogScore",
    "NegativeEntropy",
    "Nonconvex",
    "PairwiseIncoherence",
    "Point",
    "Polytope",
    "Quadratic",
    "Separable",
    "Smooth",
    "SquaredDistance",
    "Tsallis",
    "broken_laws",
    "from_convex",
    "mixture",
]
