"""Expected rewards of a vote, exactly, over groups whose views have different answer distributions.

The counts of a group have the generating function prod_w exp(sum_v nu_v(w) x_v). A vote bounds the count of every
answer by c, so that exp becomes its Taylor polynomial of degree c in the linear form sum_v nu_v(w) x_v. Coefficients
are read from values on a torus whose radius keeps aliasing and rounding below `ERROR`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import lgamma, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

LARGEST_TORUS = 256
"""Maximum number of points of a generating function: two views of 16 traces need 390, four of 4 need 10,000."""

ERROR = 1e-8
"""Largest aliasing, and largest amplified rounding, of a probability."""

LARGEST_ARRAY = 2**21
"""Maximum number of complex numbers in one array."""


class Step(NamedTuple):
    """The expected rewards of a group.

    Attributes:
        advantage: Expected leave-one-out advantage of a trace by its view and answer, up to a constant per view,
            [R, M, C], in R-units.
        reward: Expected reward of a trace, mean over the group, [R], in R-units.
    """

    advantage: Floats
    reward: Floats


class Torus(NamedTuple):
    """Points of a generating function and the weights that read a coefficient from its values.

    Attributes:
        points: [P, M].
        weights: For the group without one trace of view x, [P, M]: the real part of the weighted sum is a probability.
    """

    points: Complexes
    weights: Complexes


def vote_step(nu: Floats, sizes: Sequence[int], threshold: float = 0.0) -> Step:
    """Compute the expected rewards of a pooled majority vote with split ties.

    Math:
        a_x(z) = E[r_i - mean_(j != i) r_j | trace i of view x answers z].

    Args:
        nu: Answer probabilities of each view, [R, M, C]; the last answer stands for traces without one, which have no
            vote.
        sizes: Traces of each view in a group, [M], at least 1 each, at least 2 together.
        threshold: Least share of the group that the winner needs.

    Returns:
        The step. Above `LARGEST_TORUS` the views of a group are pooled: its traces are taken as independent from the
        mean of the views.

    >>> step = vote_step(np.array([[[0.75, 0.25, 0.0]]]), [3])
    >>> step.reward.round(4), (step.advantage[0, 0, 0] - step.advantage[0, 0, 1]).round(4)
    (array([0.8125]), np.float64(0.5))
    """
    R, M, C = nu.shape
    if C == 1:  # no trace has an answer, so that no group has a winner
        return Step(np.zeros((R, M, 1)), np.zeros(R))
    if M > 1 and views_are_pooled(sizes):
        mean = np.einsum("v,rvc->rc", np.asarray(sizes) / sum(sizes), nu)[:, None]
        pooled = vote_step(mean, [sum(sizes)], threshold)
        return Step(np.repeat(pooled.advantage, M, axis=1), pooled.reward)
    points = len(torus(tuple(sizes)).points)
    at_once = max(1, LARGEST_ARRAY // (points * C))
    parts = [_vote_step(nu[i : i + at_once], tuple(sizes), threshold) for i in range(0, R, at_once)]
    return Step(np.concatenate([p.advantage for p in parts]), np.concatenate([p.reward for p in parts]))


def views_are_pooled(sizes: Sequence[int]) -> bool:
    """Return whether the groups of several views are too large for exact expectations."""
    return bool(np.prod([float(_grid(size, len(sizes))[1]) for size in sizes]) / 2 > LARGEST_TORUS)


def _vote_step(nu: Floats, sizes: tuple[int, ...], threshold: float) -> Step:
    K = sum(sizes)
    grid = torus(sizes)
    linear_forms = np.einsum("rvc,pv->rcp", nu[..., :-1], grid.points)
    unread_factor = np.exp(np.einsum("rv,pv->rp", nu[..., -1], grid.points))[:, None]
    below, term = np.ones_like(linear_forms), np.ones_like(linear_forms)
    own_reward = np.zeros(nu.shape)
    group_reward = np.zeros(nu.shape)
    least = max(1, int(np.ceil(threshold * K * (1 - 1e-12))))
    # P(no count exceeds c - 1 | the trace's answer): at c = 1 that no trace has an answer.
    bounded_before = np.zeros(nu.shape)
    bounded_before[..., -1:] = _read(unread_factor, grid)
    for c in range(1, K + 1):
        previous_below, previous_term = below, term
        term = term * linear_forms / c
        below = below + term
        others = _without_each(below) * unread_factor
        bounded = np.concatenate(
            [_read(previous_below * others, grid), _read(below.prod(axis=1, keepdims=True) * unread_factor, grid)],
            axis=-1,
        )
        if c >= least:
            group_reward += c * (bounded - bounded_before)
            own_reward[..., :-1] += _wins(previous_term, below, term, others, unread_factor, K // c - 1, grid)
        bounded_before = bounded
    advantage = own_reward - (group_reward - own_reward) / (K - 1)
    reward = np.einsum("v,rvc,rvc->r", np.asarray(sizes) / K, nu, group_reward) / K
    return Step(advantage, reward)


def _wins(
    previous_term: Complexes,
    below: Complexes,
    term: Complexes,
    others: Complexes,
    unread_factor: Complexes,
    ties: int,
    grid: Torus,
) -> Floats:
    """Compute the expected share of a winner with c votes: with T ties it is 1 / (1 + T), the integral of s^T."""
    if ties <= 0:
        return _read(previous_term * others, grid)
    nodes, weights = _legendre(ties // 2 + 1)
    expected_share = np.zeros((previous_term.shape[0], grid.weights.shape[1], previous_term.shape[1]))
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        expected_share += weight * _read(previous_term * _without_each(below - (1 - node) * term) * unread_factor, grid)
    return expected_share


@lru_cache(maxsize=64)
def _legendre(n: int) -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(n)


def _without_each(factors: Complexes) -> Complexes:
    """Multiply the factors of all other answers, without a division, as factors can vanish."""
    one = np.ones_like(factors[:, :1])
    left = np.cumprod(np.concatenate([one, factors[:, :-1]], axis=1), axis=1)
    right = np.cumprod(np.concatenate([one, factors[:, :0:-1]], axis=1), axis=1)[:, ::-1]
    return np.asarray(left * right)


def _read(values: Complexes, grid: Torus) -> Floats:
    """Return the coefficient of each view's remaining group, [R, M, n], of values [R, n, P]."""
    coefficients = (values.reshape(-1, values.shape[-1]) @ grid.weights).real
    return np.asarray(coefficients.reshape(*values.shape[:2], -1).swapaxes(1, 2))


@lru_cache(maxsize=64)
def torus(sizes: tuple[int, ...]) -> Torus:
    """Return the points and weights for groups of given sizes.

    Args:
        sizes: Traces of each view, [M].

    Returns:
        The torus; conjugate points are left out and their weight is given to the others.
    """
    grids = [_grid(size, len(sizes)) for size in sizes]
    angles = [2 * np.pi * np.arange(n) / n for _, n in grids]
    half = grids[0][1] // 2
    angles[0] = angles[0][: half + 1]
    fold = np.full(half + 1, 2.0)
    fold[[0, half]] = 1.0
    mesh = np.stack([m.ravel() for m in np.meshgrid(*angles, indexing="ij")], axis=1)
    radii = np.array([radius for radius, _ in grids])
    folded = np.repeat(fold, mesh.shape[0] // fold.size) / np.prod([n for _, n in grids])
    weights = np.empty((mesh.shape[0], len(sizes)), dtype=np.complex128)
    for x in range(len(sizes)):
        left = np.asarray(sizes) - (np.arange(len(sizes)) == x)
        log_scale = sum(lgamma(k + 1) - k * log(r) for k, r in zip(left.tolist(), radii.tolist(), strict=True))
        weights[:, x] = folded * np.exp(log_scale - 1j * (mesh @ left))
    return Torus(radii * np.exp(1j * mesh), weights)


@lru_cache(maxsize=256)
def _grid(size: int, views: int) -> tuple[float, int]:
    """Return the radius of a view's variable and its number of angles, even: the fewest with errors below `ERROR`."""
    least_log_precision = (log(1e-16) - log(ERROR)) / views
    best = (size / 2, 64 + 4 * size)
    for radius in size * np.geomspace(1 / 32, 0.75, 40):
        n = 2 * (size // 2) + 2  # above the size, so that no smaller power is taken for the coefficient
        while n * log(radius) + lgamma(size + 1) - lgamma(size + n + 1) > log(ERROR):
            n += 2
        log_precision = size * log(radius) - radius - lgamma(size + 1)
        if log_precision >= least_log_precision and n < best[1]:
            best = (float(radius), n)
    return best
