"""Expected rewards of targets without a formula, as means over a fixed sample of groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dagames_llm.forecast.vote_chances import Floats, Step

Counts = NDArray[np.int64]

RewardOfCounts = Callable[[Counts], Floats]
"""From counts by view and answer, [*x, M, C], to the reward of a trace; the last answer stands for none."""

DRAWN = 128
"""Number of groups for an expectation; for rewards in [0, 1] its standard error is at most .5 / sqrt(128) = .044."""


class DrawnGroups:
    """Groups drawn with fixed uniform numbers, the same for every distribution, so that paths are nearly smooth.

    For the expectation given the answer of a trace, the trace gets every answer in turn and the others are drawn.
    """

    def __init__(self, sizes: Sequence[int], reward: RewardOfCounts, seed: int = 0, drawn: int = DRAWN) -> None:
        """Draw the uniform numbers, stratified for each trace.

        Args:
            sizes: Traces of each view in a group, [M].
            reward: Reward of a trace.
            seed: Seed of the numbers.
            drawn: Number of groups.
        """
        rng = np.random.default_rng(seed)
        strata = np.stack([rng.permutation(drawn) for _ in range(sum(sizes))])
        self._uniform = (strata + rng.random(strata.shape)) / drawn  # [K, S]
        self._view = np.repeat(np.arange(len(sizes)), sizes)
        self._sizes, self._reward = np.asarray(sizes), reward

    def step(self, nu: Floats) -> Step:
        """Compute the mean step at distributions [R, M, C], one after the other."""
        parts = [self._one(row) for row in nu]
        return Step(np.stack([p.advantage for p in parts]), np.array([p.reward for p in parts]))

    def _one(self, nu: Floats) -> Step:
        M, C = nu.shape
        K, drawn = self._uniform.shape
        law = np.cumsum(nu, axis=1) / nu.sum(axis=1, keepdims=True)
        # The first answer whose cumulative sum exceeds the number has positive mass.
        codes = (self._uniform[:, :, None] >= law[self._view][:, None, :-1]).sum(axis=2)
        counts = np.zeros((drawn, M, C), dtype=np.int64)
        np.add.at(counts, (np.arange(drawn)[None], self._view[:, None], codes), 1)
        rewards = self._reward(counts)
        advantage = np.zeros((M, C))
        for x in range(M):
            first = codes[int(np.argmax(self._view == x))]
            changed = np.repeat(counts[:, None], C, axis=1)
            changed[np.arange(drawn), :, x, first] -= 1
            changed[:, np.arange(C), x, np.arange(C)] += 1
            rewards_given = self._reward(changed)
            of_trace = rewards_given[:, np.arange(C), x, np.arange(C)]
            rest = (changed * rewards_given).sum(axis=(2, 3)) - of_trace
            advantage[x] = (of_trace - rest / (K - 1)).mean(axis=0)
        return Step(advantage, np.float64((counts * rewards).sum(axis=(1, 2)).mean() / K))
