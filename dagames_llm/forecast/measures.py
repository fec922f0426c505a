"""Statistics of one question at one step, for each row of marginals: accuracy, agreement, divergence, gain or loss."""

from __future__ import annotations

import numpy as np

from dagames_llm.forecast.answer_dynamics import log_of
from dagames_llm.forecast.count_chances import count_step
from dagames_llm.forecast.reference_games import SampledQuestion
from dagames_llm.forecast.vote_chances import Floats

COLLAPSED = 0.99
"""Least share of the top answer, in the mean over views, at which a question counts as collapsed."""

CHANGED = 0.01
"""Change of the right answer's mass that counts as a gain or a loss; below this mass an answer counts as extinct."""


def measures(log_nu: Floats, nu_0: Floats, question: SampledQuestion, sizes: list[int]) -> dict[str, Floats]:
    """Compute the statistics of a question's marginals.

    Args:
        log_nu: Log-marginals by view, [R, M, C].
        nu_0: The reference, [R, M, C].
        question: The question.
        sizes: Traces of each view in a group.

    Returns:
        Statistics by name, [R] each: `kl` (nats a completion), `answer_entropy` (nats; of a group of K, as monitors
        measure it), `top_share` (of the most frequent answer), `collapsed`, `unread`; where gold is known `sampled`,
        `greedy` (the most probable answer of each view) and `vote` accuracy (that of the mean over views), each also by
        view, and of the right answer `gains`, `loses`, `extinct` and `unseen`.
    """
    nu = np.exp(log_nu)
    weights = np.asarray(sizes) / sum(sizes)
    pooled = np.einsum("v,rvc->rc", weights, nu)
    read = pooled[:, :-1]
    allowed = nu_0 > 0
    kl = np.where(allowed, nu * (np.where(allowed, log_nu, 0.0) - np.where(allowed, log_of(nu_0), 0.0)), 0.0)
    top = read.max(axis=1, initial=0.0)
    statistics = {
        "kl": np.einsum("v,rv->r", weights, kl.sum(axis=-1)),
        "answer_entropy": group_entropy(nu, sizes),
        "top_share": top,
        "collapsed": (top >= COLLAPSED).astype(np.float64),
        "unread": pooled[:, -1],
    }
    right = question.right
    return statistics if right is None else {**statistics, **_against_gold(nu, pooled, nu_0, right)}


def _against_gold(nu: Floats, pooled: Floats, nu_0: Floats, right: Floats) -> dict[str, Floats]:
    right_mass_by_view, greedy_by_view = nu[..., right].sum(axis=-1), mode_is_right(nu, right)
    right_mass_before, right_mass = nu_0[..., right].sum(axis=-1).mean(axis=1), right_mass_by_view.mean(axis=1)
    statistics = {
        "sampled": right_mass,
        "greedy": greedy_by_view.mean(axis=1),
        "vote": mode_is_right(pooled, right),
        "gains": right_mass > right_mass_before + CHANGED,
        "loses": right_mass < right_mass_before - CHANGED,
        "extinct": (right_mass_before >= CHANGED) & (right_mass < CHANGED),
        "unseen": right_mass_before == 0,
    }
    for view in range(nu.shape[1]):
        statistics |= {
            f"sampled, view {view + 1}": right_mass_by_view[:, view],
            f"greedy, view {view + 1}": greedy_by_view[:, view],
        }
    return {name: np.asarray(values, dtype=np.float64) for name, values in statistics.items()}


def mode_is_right(nu: Floats, right: Floats) -> Floats:
    """Return the probability that the most frequent answer, ties broken evenly, is right; last column: no answer."""
    read = nu[..., :-1]
    if not read.shape[-1]:
        return np.zeros(nu.shape[:-1])
    top = read.max(axis=-1, keepdims=True)
    modes = (read >= top * (1 - 1e-12)) & (top > 0)
    return np.asarray((modes & right[:-1]).sum(axis=-1) / np.maximum(modes.sum(axis=-1), 1))


def group_entropy(nu: Floats, sizes: list[int]) -> Floats:
    """Return the mean entropy of the answers of a group of K, [R]; no answer counts as one more answer."""
    K = sum(sizes)
    shares = np.arange(1, K + 1) / K
    surprisal = np.concatenate([[0.0], -np.log(shares)])
    widened = np.concatenate([nu, np.zeros((*nu.shape[:2], 1))], axis=-1)
    return count_step(widened, sizes, surprisal, np.zeros(widened.shape[-1])).reward
