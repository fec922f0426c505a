"""Look-up of rewards by count, with a fast check that every count is in range."""

from math import isnan

import numpy as np

from dagames._types import AnyCounts, AnyRewards, PerCount

PART = 2**16
"""Counts looked up at a time: counts and rewards together take 1 MB, which fits in the cache."""


def look_up(coefficients: PerCount, counts: AnyCounts, least: int) -> AnyRewards | None:
    """Return the coefficient of each count, in the shape of the counts; None if a count is below `least` or above K."""
    flat = np.ascontiguousarray(counts, dtype=np.int64).reshape(-1)
    unsigned, found = flat.view(np.uint64), np.empty(flat.size)
    # NaN marks invalid counts: those above K are clipped to the appended entry, those below `least` to entry 0.
    marked = np.append(coefficients, np.nan)
    marked[:least] = np.nan
    for start in range(0, flat.size, PART):
        part = slice(start, start + PART)
        here = found[part]
        marked.take(flat[part], out=here, mode="clip")
        # As an unsigned integer, a negative count is larger than any valid count.
        wrong = isnan(here.dot(here)) if least else np.maximum.reduce(unsigned[part]) >= coefficients.size
        if wrong:
            return None
    return found.reshape(np.shape(counts))
