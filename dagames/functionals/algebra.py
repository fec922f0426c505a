"""Sums, multiples and mixtures of functionals, each of the most special class that its parts allow."""

from collections.abc import Sequence

import numpy as np

from dagames._errors import DomainError
from dagames._types import Numbers
from dagames.functionals.base import Functional, Operators, as_weight
from dagames.functionals.linear import Linear
from dagames.functionals.scaled import Scaled, SeparableScaled, SmoothScaled
from dagames.functionals.sums import SeparableSum, SmoothSum, Sum
from dagames.simplex import as_distribution


def total(*functionals: Functional) -> Functional:
    """Add functionals, as the operator + does.

    Args:
        *functionals: At least one functional; sums are split into their terms, and linear terms are merged.

    Returns:
        The functional if there is one term, else the sum: separable if all terms are, or smooth if all terms are.

    Raises:
        DomainError: If there is none, or if one is not a functional.

    >>> from dagames.functionals import Gini, NegativeEntropy
    >>> type(total(Gini(), NegativeEntropy())).__name__
    'SeparableSum'
    """
    parts: list[Functional] = []
    for functional in functionals:
        if not isinstance(functional, Functional):
            raise DomainError(f"only functionals can be added, not {type(functional).__name__}.")
        parts += functional.terms()
    slopes = [slope for part in parts if (slope := part.constant_slope()) is not None]
    if len(slopes) > 1:
        parts = [part for part in parts if part.constant_slope() is None]
        parts.append(Linear(np.asarray(-sum(slopes))))
    if len(parts) == 1:
        return parts[0]
    separable = [part.as_separable() for part in parts]
    if all(separable):
        return SeparableSum(*filter(None, separable))
    smooth = [part.as_smooth() for part in parts]
    return SmoothSum(*filter(None, smooth)) if all(smooth) else Sum(*parts)


def multiple(functional: Functional, weight: Numbers) -> Functional:
    """Multiply a functional by a number, as the operator * does.

    Args:
        functional: The functional.
        weight: The factor, above 0, or one per prompt, [*x].

    Returns:
        The multiple: separable if the functional is, smooth if it is; of a sum, the sum of the parts' multiples; of an
        indicator, the indicator.

    >>> from dagames.functionals import Gini
    >>> float(multiple(Gini(), 3.0).relative_smoothness)
    1.5
    """
    factor = as_weight(weight)
    if (special := functional.times(factor)) is not None:
        return special
    if (separable := functional.as_separable()) is not None:
        return SeparableScaled(separable, weight)
    smooth = functional.as_smooth()
    return Scaled(functional, weight) if smooth is None else SmoothScaled(smooth, weight)


def mixture(functionals: Sequence[Functional], weights: Numbers) -> Functional:
    """Average functionals: R(nu) = sum_i w_i R_i(nu).

    Args:
        functionals: The functionals R_i.
        weights: Their weights w_i, [n], summing to 1; a functional of weight 0 is left out, an indicator too.

    Returns:
        The average, a sum of multiples.

    Raises:
        DomainError: If there is not one weight for each functional.

    Source:
        ours

    >>> from dagames.functionals import Gini, NegativeEntropy
    >>> half = mixture([Gini(2.0), NegativeEntropy(1.0)], [0.5, 0.5])
    >>> float(half.value(np.array([1.0, 0.0])))
    0.5
    """
    shares = as_distribution(weights, "weights")
    if shares.shape != (len(functionals),):
        raise DomainError(f"`weights` has shape {shares.shape}; there are {len(functionals)} functionals.")
    kept = [(R, w) for R, w in zip(functionals, shares, strict=True) if w > 0]
    return total(*(multiple(R, w) for R, w in kept))


Operators.total, Operators.multiple = total, multiple
