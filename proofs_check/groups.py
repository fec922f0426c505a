"""Expected updates of groups and errors of reward tables, in float64 by enumeration of counts.

It shares no code with `dagames.grpo` and `dagames.estimators`.
"""

from fractions import Fraction
from math import comb
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import gammaln

from dagames._types import Numbers
from proofs_check import oracles, stats
from proofs_check.attack import Array, attack


def counts_of(n_answers: int, group_size: int) -> Array:
    """List all counts of a group.

    Args:
        n_answers: Number of answers |Z|.
        group_size: Number of traces K.

    Returns:
        Counts, [N, Z].
    """
    return np.array(list(oracles.group_counts(n_answers, group_size)), dtype=np.float64)


def expected_step(nu: Array, counts: Array, advantages: Array) -> Array:
    """Compute the expected step E[1/K sum_i A_i (e_{z_i} - nu)] at each of several nu.

    Args:
        nu: Positive answer probabilities, [M, Z].
        counts: All counts, [N, Z].
        advantages: Advantage of a trace by its answer in each group, [N, Z].

    Returns:
        The expected steps, [M, Z].
    """
    log_ways = gammaln(counts[0].sum() + 1) - gammaln(counts + 1).sum(axis=1)
    pulls = np.exp(np.log(nu) @ counts.T + log_ways) @ (counts * advantages / counts[0].sum())
    return np.asarray(pulls - nu * pulls.sum(axis=1, keepdims=True))


def centred(counts: Array, rewards: Array) -> Array:
    """Subtract the group's mean reward, [N, Z].

    Args:
        counts: Counts, [N, Z].
        rewards: Reward of a trace by its answer, [N, Z].

    Returns:
        Advantages, [N, Z].
    """
    return np.asarray(rewards - (counts * rewards).sum(axis=1, keepdims=True) / counts[0].sum())


def by_count(table: Array, counts: Array) -> Array:
    """Return the reward of each answer from its count, [N, Z].

    Args:
        table: Rewards by count c_0..c_K.
        counts: Counts, [N, Z].

    Returns:
        Rewards, [N, Z].
    """
    return np.asarray(table[np.maximum(counts, 0).astype(np.int64)])


def gradient(nu: Array, rewards: Array) -> Array:
    """Compute the policy gradient nu_z (g_z - sum nu_w g_w), [M, Z].

    Args:
        nu: Answer probabilities, [M, Z].
        rewards: g, [M, Z].

    Returns:
        The gradient in the logits.
    """
    return np.asarray(nu * (rewards - (nu * rewards).sum(axis=1, keepdims=True)))


Noise = Literal["second_moment", "variance"]
_PER_DEGREE = 40


class Measured(NamedTuple):
    """Maxima over a grid of p with resolution 1 / n^2, slightly below the suprema.

    Attributes:
        bias: Maximum of |p (P(p) - log p)|.
        second_moment: Maximum of E c_X^2.
        variance: Maximum of p^2 Var c_X.
    """

    bias: float
    second_moment: float
    variance: float


def measure(inner: Numbers) -> Measured:
    """Compute bias and noise of a table for independent counts, or of a self-inclusive table without its first entry.

    Args:
        inner: c_0..c_n.

    Returns:
        Its bias against the log, its second moment and its weighted variance.
    """
    c = np.asarray(inner, dtype=np.float64)
    number = _PER_DEGREE * (c.size + 1)
    p = np.sin(0.5 * np.pi * np.arange(1, number + 1) / number) ** 2
    masses = stats.binom.pmf(np.arange(c.size), c.size - 1, p[:, None])
    mean, square = masses @ c, masses @ c**2
    bias = np.abs(p * (mean - np.log(p))).max()
    # At p = 0, which is not on the grid, the second moment is that of the first entry.
    return Measured(float(bias), float(max(square.max(), c[0] ** 2)), float((p**2 * (square - mean**2)).max()))


def noisiest(inner: Numbers, noise: Noise, rng: np.random.Generator) -> tuple[Fraction, float]:
    """Search for the p at which the noise of a table is largest, and compute the noise there exactly.

    Args:
        inner: c_0..c_n.
        noise: "second_moment" for E c_X^2, "variance" for p^2 Var c_X.
        rng: Random generator.

    Returns:
        The p, and the noise at p in exact arithmetic on the stored entries.
    """
    c = np.asarray(inner, dtype=np.float64)
    n = c.size - 1

    def ratio(x: Array) -> Array:
        p = 1 / (1 + np.exp(-x[:, 0]))
        masses = np.asarray(stats.binom.pmf(np.arange(n + 1), n, p[:, None]))
        mean, square = masses @ c, masses @ c**2
        return np.asarray(square if noise == "second_moment" else p**2 * (square - mean**2))

    starts = np.linspace(-12.0, 12.0, 400)[:, None]
    worst = attack(ratio, starts, rng, climbers=3, trials=6, rounds=30)
    places = [Fraction(float(1 / (1 + np.exp(-worst.place[0])))).limit_denominator(10**6), Fraction(0), Fraction(1)]
    values = [float(_exact_noise(c.tolist(), noise, p)) for p in places]
    return max(zip(places, values, strict=True), key=lambda pair: pair[1])


def _exact_noise(inner: list[float], noise: Noise, p: Fraction) -> Fraction:
    n, table = len(inner) - 1, [Fraction(c) for c in inner]
    masses = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    square = sum((m * c * c for m, c in zip(masses, table, strict=True)), Fraction(0))
    if noise == "second_moment":
        return square
    return p**2 * (square - sum((m * c for m, c in zip(masses, table, strict=True)), Fraction(0)) ** 2)
