"""Expectation of a reward by the count of a trace's answer, for views with different answer distributions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dagames_llm.forecast.vote_chances import Floats, Step


def count_step(nu: Floats, sizes: Sequence[int], by_count: Floats, bonus: Floats) -> Step:
    """Compute the expected rewards of a group, by_count[n] + bonus[z] for an answer z that n traces give.

    Math:
        a_x(z) = E[r_i - mean_(j != i) r_j | trace i of view x answers z],   counts are sums of binomials over views.

    Args:
        nu: Answer probabilities of each view, [R, M, C]; the last answer stands for traces without one.
        sizes: Traces of each view in a group, [M], at least 2 together.
        by_count: Reward at count 0, 1, ..., K, [K + 1].
        bonus: Reward by answer, [C]; the whole reward of a trace without an answer.

    Returns:
        The step, exact to rounding.

    >>> step = count_step(np.array([[[0.75, 0.25, 0.0]]]), [4], 1 - np.arange(5) / 4, np.zeros(3))
    >>> step.advantage[0, 0, 0] - step.advantage[0, 0, 1]
    np.float64(-0.25)
    """
    K = sum(sizes)
    reward_of_answer = np.broadcast_to(bonus, nu.shape).copy()
    effect_on_others = np.zeros(nu.shape)
    increments = np.diff(by_count)[1:]
    for x in range(len(sizes)):
        others = [size - (v == x) for v, size in enumerate(sizes)]
        reward_of_answer[:, x, :-1] += _counts(nu[..., :-1], others) @ by_count[1:]
        for y, size in enumerate(others):
            if size > 0:
                rest = [n - (v == y) for v, n in enumerate(others)]
                effect_on_others[:, x, :-1] += size * nu[:, y, :-1] * (_counts(nu[..., :-1], rest) @ increments)
    reward = np.einsum("v,rvc,rvc->r", np.asarray(sizes) / K, nu, reward_of_answer)
    return Step(reward_of_answer - effect_on_others / (K - 1), reward)


def _counts(nu: Floats, sizes: Sequence[int]) -> Floats:
    """Compute the probabilities of an answer's count, [R, C, K + 1], from masses [R, M, C]."""
    law = np.zeros((nu.shape[0], nu.shape[2], sum(sizes) + 1))
    law[..., 0] = 1.0
    for v, size in enumerate(sizes):
        p = nu[:, v, :, None]
        for _ in range(size):
            law[..., 1:] = law[..., 1:] * (1 - p) + law[..., :-1] * p
            law[..., :1] *= 1 - p
    return law
