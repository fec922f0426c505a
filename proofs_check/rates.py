"""Exponents and leading constants of measured sequences, with confidence intervals."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from proofs_check import stats


class Rate(NamedTuple):
    """A power law fitted to a sequence, value = constant size^exponent.

    Attributes:
        exponent: Slope of log value against log size.
        low: Lower end of the 95 % confidence interval of the exponent, by Student's t distribution.
        high: Upper end of this interval.
        constant: The constant of the claimed exponent at the last point; of the fitted exponent if none is claimed.
    """

    exponent: float
    low: float
    high: float
    constant: float

    def as_instance(self) -> dict[str, Any]:
        """Return the numbers by name, for the instance of a comparison."""
        interval = f"[{self.low:.6g}, {self.high:.6g}]"
        return {"exponent": round(self.exponent, 6), "95 % interval": interval, "constant": f"{self.constant:.6g}"}


def fit_rate(sizes: Sequence[float], values: Sequence[float], power: float | None = None) -> Rate:
    """Fit a power law by least squares in the logarithms.

    Args:
        sizes: Sizes, at least three.
        values: Positive values.
        power: The claimed exponent, for the leading constant; None without one.

    Returns:
        The exponent with its confidence interval, and the constant.

    >>> rate = fit_rate([1, 2, 4, 8], [3.0, 0.75, 0.1875, 0.046875], power=-2)
    >>> round(rate.exponent, 9), round(rate.constant, 9)
    (-2.0, 3.0)
    """
    x, y = np.log(np.asarray(sizes, dtype=float)), np.log(np.asarray(values, dtype=float))
    line = stats.linregress(x, y)
    half = float(stats.t.ppf(0.975, len(x) - 2)) * float(line.stderr)
    slope = float(line.slope)
    constant = np.exp(y[-1] - power * x[-1]) if power is not None else np.exp(line.intercept)
    return Rate(slope, slope - half, slope + half, float(constant))


def extrapolated(values: Sequence[float]) -> float:
    """Extrapolate values at sizes n, 2 n, 4 n, ... to infinite size, as a polynomial in 1 / size.

    Args:
        values: Value at each size.

    Returns:
        The limit.

    >>> round(extrapolated([5 + 1 / n + 2 / n**2 for n in (4, 8, 16)]), 9)
    5.0
    """
    row = list(values)
    for k in range(1, len(row)):
        row = [(2**k * b - a) / (2**k - 1) for a, b in itertools.pairwise(row)]
    return row[0]
