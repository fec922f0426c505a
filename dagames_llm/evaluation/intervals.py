"""Means over questions with 95 % intervals: Wilson's for proportions of one draw each, the bootstrap for other means.

Completions of one prompt are not independent, as they share its difficulty: the bootstrap resamples questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from dagames_llm._errors import DataError

LEVEL = 0.95
"""Nominal coverage of the intervals."""


@dataclass(frozen=True)
class Estimate:
    """A mean over questions.

    Attributes:
        mean: The estimate.
        low: Lower end of its 95 % interval.
        high: Upper end.
        n: Number of questions.
        method: Kind of interval.
    """

    mean: float
    low: float
    high: float
    n: int
    method: Literal["bootstrap", "wilson"] = "bootstrap"


def bootstrap(values: npt.ArrayLike, level: float = LEVEL, resamples: int = 10_000, seed: int = 0) -> Estimate:
    """Return the mean over questions with its percentile bootstrap interval.

    Args:
        values: One number per question, `[n]`, n >= 1: a mean over that question's completions.
        level: Nominal coverage. If all values are equal, the interval has width 0, however few they are.
        resamples: Draws of n questions with replacement.
        seed: Seed of the draws.

    Returns:
        The estimate.

    Raises:
        DataError: There is no question, or a value is not finite.

    >>> bootstrap([0.0, 0.5, 1.0, 0.5]).mean
    0.5
    """
    sample = _checked(values)
    # Counts of a multinomial draw are the same resamples as drawn indices (scipy.stats.bootstrap, method="percentile"),
    # without an n x resamples array of them.
    draws = np.random.default_rng(seed).multinomial(sample.size, np.full(sample.size, 1 / sample.size), resamples)
    low, high = np.quantile(draws @ sample / sample.size, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(sample.mean()), float(low), float(high), int(sample.size))


def wilson(values: npt.ArrayLike, level: float = LEVEL) -> Estimate:
    """Return the share of questions with outcome 1, with Wilson's score interval.

    Args:
        values: 0 or 1 for each question, `[n]`, n >= 1: the outcome of one draw. For means over several
            completions of a question use `bootstrap`.
        level: Nominal coverage. The interval has a positive width even if all outcomes are equal.

    Returns:
        The estimate.

    Raises:
        DataError: There is no question, or a value is neither 0 nor 1.

    >>> shares = wilson([1, 1, 1, 0])
    >>> round(shares.low, 3), shares.mean, round(shares.high, 3)
    (0.301, 0.75, 0.954)
    """
    from scipy.stats import binomtest

    sample = _checked(values)
    if not np.isin(sample, (0.0, 1.0)).all():
        raise DataError("Wilson's interval needs one outcome per question, 0 or 1; use `bootstrap` for means.")
    hits, n = int(sample.sum()), int(sample.size)
    interval = binomtest(hits, n).proportion_ci(level, method="wilson")
    mean = hits / n
    # If all outcomes are equal, one end equals the mean in exact arithmetic, and rounding may move it beyond.
    return Estimate(mean, min(mean, float(interval.low)), max(mean, float(interval.high)), n, "wilson")


def _checked(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0 or not np.isfinite(sample).all():
        raise DataError("an interval needs one finite number for each of at least one question.")
    return sample
