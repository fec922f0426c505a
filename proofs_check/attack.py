"""Attacks on inequalities: random starts, then a local ascent on the ratio of the measured to the claimed value."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GROW, SHRINK = 1.3, 0.5
"""Factors of the step length of an ascent after a success and after a failure."""


class Worst(NamedTuple):
    """The result of an attack.

    Attributes:
        ratio: The largest ratio that the attack found.
        place: The point with this ratio, [d].
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

    Ascents begin at the best starts. In each round, an ascent evaluates normal random steps and moves to the best
    point if its ratio is larger; its step length increases after a success and decreases after a failure. Every other
    step is along one coordinate, and one step is twice the last successful one, to follow ridges. Steps are scaled by
    coordinate, so that the search does not depend on units.

    Args:
        ratio: Function from points [M, d] to ratios [M]; NaN counts as -inf.
        starts: Random starting points, [N, d].
        rng: Random generator.
        climbers: Number of ascents.
        trials: Steps that an ascent evaluates in a round.
        rounds: Number of rounds.
        reach: Length of the first steps, in standard deviations of the starts.

    Returns:
        The largest ratio and its point.

    >>> rng = np.random.default_rng(0)
    >>> worst = attack(lambda x: 1 - ((x - 0.3) ** 2).sum(axis=1), rng.uniform(size=(50, 2)), rng)
    >>> round(worst.ratio, 9), worst.place.round(4)
    (1.0, array([0.3, 0.3]))
    """
    values = _ratios(ratio, starts)
    best = values.argsort()[-climbers:]
    places, reached = starts[best], values[best]
    scale, lengths = starts.std(axis=0) + 1e-12, np.full((len(places), 1, 1), reach)
    drift = np.zeros_like(places)
    for _ in range(rounds):
        steps = rng.normal(size=(len(places), trials, starts.shape[1])) * scale * lengths
        steps[:, ::2] *= np.eye(starts.shape[1])[rng.integers(starts.shape[1], size=steps[:, ::2].shape[:2])]
        steps[:, 0] = 2 * drift
        candidates = places[:, None] + steps
        ratios = _ratios(ratio, candidates.reshape(-1, starts.shape[1])).reshape(len(places), trials)
        top = ratios.argmax(axis=1)
        better = ratios.max(axis=1) > reached
        drift = np.where(better[:, None], steps[np.arange(len(places)), top], 0.0)
        places = places + drift
        reached = np.maximum(reached, ratios.max(axis=1))
        lengths = lengths * np.where(better, GROW, SHRINK)[:, None, None]
    return Worst(float(reached.max()), places[reached.argmax()])


def simplex(logits: Array) -> Array:
    """Compute the softmax over the last axis.

    Args:
        logits: Real numbers, [..., n].

    Returns:
        Positive numbers that sum to 1.

    >>> simplex(np.log([[1.0, 3.0]]))
    array([[0.25, 0.75]])
    """
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def attack_distributions(
    ratio: Callable[[Array], Array],
    shape: tuple[int, ...],
    rng: np.random.Generator,
    *,
    starts: int = 300,
    least: float = 1e-9,
    climbers: int = 4,
    trials: int = 16,
    rounds: int = 60,
) -> Worst:
    """Search for the distributions where a ratio is largest, in the logarithms of their masses.

    The starts are Dirichlet samples, from concentrated to even, so that steps reach corners and faces of the simplex.

    Args:
        ratio: Function from distributions [M, *shape], along the last axis, to ratios [M]; NaN counts as -inf.
        shape: Shape of one point: (Z,), or (K, Z) for several distributions.
        rng: Random generator.
        starts: Number of starting points.
        least: Least mass of an answer.
        climbers: Number of ascents.
        trials: Steps that an ascent evaluates in a round.
        rounds: Number of rounds.

    Returns:
        The largest ratio and its distributions, [*shape].

    >>> worst = attack_distributions(lambda nu: nu[:, 0] * nu[:, 1], (3,), np.random.default_rng(0))
    >>> round(worst.ratio, 6), worst.place.round(3)
    (0.25, array([0.5, 0.5, 0. ]))
    """

    def masses(logits: Array) -> Array:
        shares = simplex(logits.reshape(-1, *shape))
        return np.asarray((1 - shape[-1] * least) * shares + least)

    samples = [rng.dirichlet(np.full(shape[-1], a), (starts // 3, *shape[:-1])) for a in (0.2, 1.0, 5.0)]
    logits = np.log(np.maximum(np.concatenate(samples), least)).reshape(-1, int(np.prod(shape)))
    worst = attack(lambda x: ratio(masses(x)), logits, rng, climbers=climbers, trials=trials, rounds=rounds)
    return Worst(worst.ratio, masses(worst.place)[0])


def _ratios(ratio: Callable[[Array], Array], points: Array) -> Array:
    values = ratio(points)
    return np.asarray(np.where(np.isnan(values), -np.inf, values))
