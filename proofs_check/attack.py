"""Attacks on inequalities: random restarts, then a local ascent on the ratio of measured to claimed."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Worst(NamedTuple):
    """Where an attack ended.

    Attributes:
        ratio: The largest ratio that was reached.
        place: The point where it was, [d].
    """

    ratio: float
    place: Array


def attack(
    ratio: Callable[[Array], Array],
    starts: Array,
    rng: np.random.Generator,
    *,
    climbers: int = 4,
    trials: int = 16,
    rounds: int = 60,
    reach: float = 1.0,
) -> Worst:
    """Search for the point where a ratio is largest.

    The best of the starts climb: each tries normal steps, whose length falls from `reach` by nine orders of magnitude,
    and moves where the ratio is larger. The steps are scaled by coordinate, so that a start's units do not matter.

    Args:
        ratio: From points [M, d] to ratios [M]; NaN counts as no success.
        starts: Random points to begin with, [N, d].
        rng: Source of randomness.
        climbers: How many of the starts climb.
        trials: Steps that each tries in a round.
        rounds: Number of rounds.
        reach: Length of the first steps, in standard deviations of the starts.

    Returns:
        The largest ratio and where.

    >>> rng = np.random.default_rng(0)
    >>> worst = attack(lambda x: 1 - ((x - 0.3) ** 2).sum(axis=1), rng.uniform(size=(50, 2)), rng)
    >>> round(worst.ratio, 9), worst.place.round(4)
    (1.0, array([0.3, 0.3]))
    """
    values = _valued(ratio, starts)
    best = values.argsort()[-climbers:]
    places, reached = starts[best], values[best]
    scale = starts.std(axis=0) + 1e-12
    for length in reach * np.geomspace(1.0, 1e-9, rounds):
        steps = rng.normal(size=(len(places), trials, starts.shape[1])) * scale * length
        tried = places[:, None] + steps
        found = _valued(ratio, tried.reshape(-1, starts.shape[1])).reshape(len(places), trials)
        top = found.argmax(axis=1)
        better = found.max(axis=1) > reached
        places = np.where(better[:, None], tried[np.arange(len(places)), top], places)
        reached = np.maximum(reached, found.max(axis=1))
    return Worst(float(reached.max()), places[reached.argmax()])


def simplex(logits: Array) -> Array:
    """Map the last axis of unconstrained points to distributions.

    Args:
        logits: Any numbers, [..., n].

    Returns:
        Positive numbers that sum to 1.

    >>> simplex(np.log([[1.0, 3.0]]))
    array([[0.25, 0.75]])
    """
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _valued(ratio: Callable[[Array], Array], points: Array) -> Array:
    values = ratio(points)
    return np.asarray(np.where(np.isnan(values), -np.inf, values))
