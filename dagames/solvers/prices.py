"""Multipliers of the constraints from those of a face's rows: signs, and infinite values where rows forbid answers."""

import numpy as np

from dagames._types import Flags, PerConstraint
from dagames.numerics.faces import Face


def signed(multipliers: PerConstraint, face: Face, equal: Flags) -> PerConstraint:
    """Make the multipliers of budgets nonnegative where they hold with equality on the whole face.

    On the face the costs of such rows are constant, so that adding multiples of them changes no target.

    Args:
        multipliers: Prices of the face's rows, [d].
        face: The face.
        equal: Rows with equality in the game, bool [d].

    Returns:
        Multipliers, [d].
    """
    for prices in reversed(face.prices):
        binding = ~equal & (prices > 0)
        ratio = np.divide(-multipliers, prices, out=np.zeros_like(prices), where=binding)
        multipliers = multipliers + max(float(ratio.max(initial=0.0)), 0.0) * prices
    return np.asarray(np.where(equal, multipliers, np.maximum(multipliers, 0.0)))


def is_infinite(face: Face) -> Flags:
    """Mark the rows whose multiplier is infinite, bool [d]."""
    return np.asarray(face.infinite != 0)


def reported(multipliers: PerConstraint, face: Face) -> PerConstraint:
    """Turn multipliers of a face's rows into those of the constraints, infinite where a row forbids answers.

    Args:
        multipliers: Prices of the face's rows, in R-units, [d].
        face: The face.

    Returns:
        Prices in R-units per unit of cost, [d].
    """
    return np.asarray(np.where(face.infinite == 0, multipliers / face.unit, np.copysign(np.inf, face.infinite)))
