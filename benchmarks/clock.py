"""Best-of timings, and the slope of a log-log plot."""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def fastest(action: Callable[[], T], repeats: int = 3) -> tuple[float, T]:
    """Time an action.

    Args:
        action: What to do.
        repeats: How often.

    Returns:
        Seconds of the fastest run, and what the last one returned.
    """
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        result = action()
        best = min(best, time.perf_counter() - start)
    return best, result


def times_as_long(ours: Callable[[], object], theirs: Callable[[], object], repeats: int = 100) -> float:
    """Compare two short actions, in turn, so that a change in the machine's speed meets both.

    Args:
        ours: One action.
        theirs: The other.
        repeats: How often.

    Returns:
        Median over the repeats of our time over theirs.
    """
    ratios = []
    for _ in range(repeats):
        first, _ = fastest(ours, repeats=1)
        ratios.append(first / fastest(theirs, repeats=1)[0])
    return float(np.median(ratios))


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Fit the power of the size that the time grows like, over the upper half of the sizes.

    Args:
        sizes: Sizes, increasing.
        seconds: Time at each.

    Returns:
        Slope of log seconds against log size.
    """
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(seconds[half:]), 1)[0])
