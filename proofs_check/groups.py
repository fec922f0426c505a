"""What a group does on average, in float64 by listing its counts, where tables and deviations are irrational.

Shares no code with `dagames.grpo`.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from proofs_check import oracles

Array = NDArray[np.float64]


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
    """Compute E[1/K sum_i A_i (e_{z_i} - nu)] for many nu.

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
    """Look rewards up by the count of the trace's own answer, [N, Z].

    Args:
        table: c_0..c_K.
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
