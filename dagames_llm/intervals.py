"""Means over questions with 95 % intervals.

Completions of one prompt share its difficulty, so they are no independent evidence: the bootstrap draws questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dagames_llm._errors import DataError


@dataclass(frozen=True)
class Estimate:
    """A mean over questions.

    Attributes:
        mean: the estimate.
        low: lower end of its 95 % interval.
        high: upper end.
        n: questions it is over.
    """

    mean: float
    low: float
    high: float
    n: int


def bootstrap(values: npt.ArrayLike, level: float = 0.95, resamples: int = 10_000, seed: int = 0) -> Estimate:
    """Return the mean over questions with its percentile bootstrap interval.

    Args:
        values: one number a question, `[n]`, n >= 1: a mean over that question's completions.
        level: coverage aimed at. The interval has no width where all questions agree, however few they are.
        resamples: draws of n questions with replacement.
        seed: of the draws.

    Returns:
        The estimate.

    Raises:
        DataError: there is no question, or a value is not finite.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0 or not np.isfinite(sample).all():
        raise DataError("an interval needs one finite number for each of at least one question.")
    # Counts of a multinomial draw are the same resamples as drawn indices, without an n x resamples array of them.
    draws = np.random.default_rng(seed).multinomial(sample.size, np.full(sample.size, 1 / sample.size), resamples)
    low, high = np.quantile(draws @ sample / sample.size, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(sample.mean()), float(low), float(high), int(sample.size))
