"""Look-up of rewards by count, bounds checked, at little more than the look-up itself costs."""

from math import isnan

import numpy as np

from dagames._types import AnyCounts, AnyRewards, PerCount

PART = 2**16
"""Counts looked up at a time: with what is found for them, a megabyte."""


def look_up(coefficients: PerCount, counts: AnyCounts, least: int) -> AnyRewards | None:
    """Look coefficients up, part by part, so that each part is checked while it is in the cache."""
    flat = np.ascontiguousarray(counts, dtype=np.int64).reshape(-1)
    unsigned, found = flat.view(np.uint64), np.empty(flat.size)
    # Counts that are too large, or too small where 0 is, are clipped to a mark that no coefficient is.
    marked = np.append(coefficients, np.nan)
    marked[:least] = np.nan
    for start in range(0, flat.size, PART):
        part = slice(start, start + PART)
        here = found[part]
        marked.take(flat[part], out=here, mode="clip")
        # As unsigned integers, negative counts are above every other.
        wrong = isnan(here.dot(here)) if least else np.maximum.reduce(unsigned[part]) >= coefficients.size
        if wrong:
            return None
    return found.reshape(np.shape(counts))
