"""Answer-level functionals R: what is wanted of the distribution of answers."""

from typing import TYPE_CHECKING

import dagames.functionals.algebra  # noqa: F401 - the operators + and * of functionals
from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.functionals.algebra import mixture
    from dagames.functionals.base import ConstraintSet, Functional, Separable, Smooth, playable_answers
    from dagames.functionals.chi_square import ChiSquare
    from dagames.functionals.conjugates.numeric_conjugate import NumericConjugate
    from dagames.functionals.convexified import Convexified, WeaklyConvex
    from dagames.functionals.convexity import nonconvexity
    from dagames.functionals.entropy_minimisation import EntropyMinimisation
    from dagames.functionals.from_convex import FromConvex, from_convex
    from dagames.functionals.gini import Gini
    from dagames.functionals.hellinger import Hellinger
    from dagames.functionals.kl_from_prior import KLFromPrior
    from dagames.functionals.kl_to_prior import KLToPrior
    from dagames.functionals.laws import Violation, broken_laws
    from dagames.functionals.linear import Linear
    from dagames.functionals.log_score import LogScore
    from dagames.functionals.negative_entropy import NegativeEntropy
    from dagames.functionals.nonconvex import Nonconvex, as_functional
    from dagames.functionals.pairwise_incoherence import PairwiseIncoherence
    from dagames.functionals.parts import at_answers, at_prompts, is_cuttable, is_divisible
    from dagames.functionals.point import Point
    from dagames.functionals.polytope import Polytope
    from dagames.functionals.quadratic import Quadratic
    from dagames.functionals.scaled import Scaled, SeparableScaled, SmoothScaled
    from dagames.functionals.separable import RootConjugate
    from dagames.functionals.slopes import finite_slope
    from dagames.functionals.squared_distance import SquaredDistance
    from dagames.functionals.sums import SeparableSum, SmoothSum, Sum
    from dagames.functionals.tsallis import Tsallis
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "algebra": ["mixture"],
            "base": ["ConstraintSet", "Functional", "Separable", "Smooth", "playable_answers"],
            "chi_square": ["ChiSquare"],
            "convexified": ["Convexified", "WeaklyConvex"],
            "convexity": ["nonconvexity"],
            "entropy_minimisation": ["EntropyMinimisation"],
            "from_convex": ["FromConvex", "from_convex"],
            "gini": ["Gini"],
            "hellinger": ["Hellinger"],
            "kl_from_prior": ["KLFromPrior"],
            "kl_to_prior": ["KLToPrior"],
            "laws": ["Violation", "broken_laws"],
            "linear": ["Linear"],
            "log_score": ["LogScore"],
            "negative_entropy": ["NegativeEntropy"],
            "nonconvex": ["Nonconvex", "as_functional"],
            "conjugates.numeric_conjugate": ["NumericConjugate"],
            "pairwise_incoherence": ["PairwiseIncoherence"],
            "parts": ["at_answers", "at_prompts", "is_cuttable", "is_divisible"],
            "point": ["Point"],
            "polytope": ["Polytope"],
            "quadratic": ["Quadratic"],
            "scaled": ["Scaled", "SeparableScaled", "SmoothScaled"],
            "separable": ["RootConjugate"],
            "slopes": ["finite_slope"],
            "squared_distance": ["SquaredDistance"],
            "sums": ["SeparableSum", "SmoothSum", "Sum"],
            "tsallis": ["Tsallis"],
        },
    )

__all__ = [
    "ChiSquare",
    "ConstraintSet",
    "Convexified",
    "EntropyMinimisation",
    "FromConvex",
    "Functional",
    "Gini",
    "Hellinger",
    "KLFromPrior",
    "KLToPrior",
    "Linear",
    "LogScore",
    "NegativeEntropy",
    "Nonconvex",
    "NumericConjugate",
    "PairwiseIncoherence",
    "Point",
    "Polytope",
    "Quadratic",
    "RootConjugate",
    "Scaled",
    "Separable",
    "SeparableScaled",
    "SeparableSum",
    "Smooth",
    "SmoothScaled",
    "SmoothSum",
    "SquaredDistance",
    "Sum",
    "Tsallis",
    "Violation",
    "WeaklyConvex",
    "as_functional",
    "at_answers",
    "at_prompts",
    "broken_laws",
    "finite_slope",
    "from_convex",
    "is_cuttable",
    "is_divisible",
    "mixture",
    "nonconvexity",
    "playable_answers",
]
