"""Intervals over the draws of questions and of completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dagames_llm.forecast.vote_chances import Floats

Estimates = dict[str, dict[str, Any]]
"""Statistic -> `mean`, `low`, `high` and `n`, the number of questions."""

DRAWS = 1000
"""Number of draws of questions for an interval."""


def estimates_of(
    questions: Sequence[Mapping[str, Floats]], places: int, seed: int = 0, level: float = 0.95
) -> list[Estimates]:
    """Average statistics over questions, with intervals.

    A draw takes N of the N questions, with replacement, and one resample of each. The interval contains the central
    part of the means of the draws, and is widened if the estimate is outside: a resample is noisier than the samples,
    which can shift all draws to one side.

    Args:
        questions: statistics of each question by name, [places, 1 + resamples], of the samples and of resamples.
        places: places at which the statistics are known.
        seed: of the draws.
        level: of the intervals.

    Returns:
        For each place the estimates by name; a statistic that some questions lack is a mean over the others.
    """
    names = dict.fromkeys(name for question in questions for name in question)
    estimates: list[Estimates] = [{} for _ in range(places)]
    for name in names:
        values = np.stack([question[name] for question in questions if name in question])  # [N, places, 1 + resamples]
        mean = values[..., 0].mean(axis=0)
        low, high = _interval(values[..., 1:], seed, level)
        for place in range(places):
            estimates[place][name] = {
                "mean": float(mean[place]),
                "low": float(min(low[place], mean[place])),
                "high": float(max(high[place], mean[place])),
                "n": len(values),
            }
    return estimates


def _interval(values: Floats, seed: int, level: float) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    N, places, resamples = values.shape
    means = np.empty((DRAWS, places))
    for draw in range(DRAWS):
        means[draw] = values[rng.integers(N, size=N), :, rng.integers(resamples, size=N)].mean(axis=0)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
