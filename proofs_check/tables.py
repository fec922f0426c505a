"""What a reward table does, on a dense grid in float64: the slow and obvious way, to judge certified enclosures by.

Shares no code with `dagames.estimators`.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import binom

from dagames._types import Numbers

_PER_DEGREE = 40


class Measured(NamedTuple):
    """Largest values over a grid of p that resolves 1 / n^2; a little below the suprema.

    Attributes:
        bias: Of |p (P(p) - log p)|.
        second_moment: Of E c_X^2.
        variance: Of p^2 Var c_X.
    """

    bias: float
    second_moment: float
    variance: float


def measure(inner: Numbers) -> Measured:
    """Measure a table for independent counts; self-inclusive ones are those of one trace less, shifted.

    Args:
        inner: c_0..c_n.

    Returns:
        Its bias against the log, its second moment and its weighted variance.
    """
    c = np.asarray(inner, dtype=np.float64)
    number = _PER_DEGREE * (c.size + 1)
    p = np.sin(0.5 * np.pi * np.arange(1, number + 1) / number) ** 2
    masses = binom.pmf(np.arange(c.size), c.size - 1, p[:, None])
    mean, square = masses @ c, masses @ c**2
    bias = np.abs(p * (mean - np.log(p))).max()
    # At p = 0, which is not on the grid, the second moment is that of the first entry.
    return Measured(float(bias), float(max(square.max(), c[0] ** 2)), float((p**2 * (square - mean**2)).max()))
