"""The expected update in closed form: the policy gradient of an effective reward.

Theorem. Let the reward of a trace with answer z be c_n, with n the number of traces in its group of K that have answer
z, itself included. With a baseline that is independent of the trace, the expected update is the policy gradient of

    a(p) = E c(1 + Bin(K - 1, p)) = sum_j c_{j+1} B_{j,K-1}(p).

With the mean reward of the other traces as baseline, it is the policy gradient of

    b(p) = E c(1 + Bin(K - 2, p)) = a(p) - p a'(p) / (K - 1),

and with the mean of the whole group it is (K - 1) / K times that. For a power or the logarithm, p a'(p) is affine in
a(p), so the choice of baseline changes only the scale: claims I.19 and B.1.
"""

import numpy as np

from dagames._errors import DomainError
from dagames._types import Numbers, OverAnswers, PerCount
from dagames.estimators.reward_table import as_group_size
from dagames.grpo.advantages import check_others
from dagames.grpo.enumeration import Rule, check_rule
from dagames.grpo.group_rewards import ByAnswer, ByCount
from dagames.numerics.float_errors import with_default_errors
from dagames.simplex import as_real


def bernstein(coefficients: PerCount, p: OverAnswers) -> OverAnswers:
    """Return sum_k c_k (n choose k) p^k (1 - p)^(n - k), of p's shape, by de Casteljau's scheme.

    Every step is an average, so rounding is of the size of the coefficients that matter at p. Binomial weights, or
    their logarithms, lose more digits for large n.
    """
    at = np.asarray(p)[..., None]
    values = np.broadcast_to(coefficients, (*p.shape, coefficients.size))
    for _ in range(coefficients.size - 1):
        values = (1 - at) * values[..., :-1] + at * values[..., 1:]
    return np.asarray(values[..., 0])


@with_default_errors
def effective_reward(
    p: Numbers, reward: ByCount | ByAnswer, group_size: int, normalise: Rule = "center"
) -> OverAnswers:
    """Compute the reward whose policy gradient is the expected update, up to the factor of `effective_scale`.

    Math:
        E[1/K sum_i A_i (e_{z_i} - nu)]_z = scale * nu_z (g_z - sum_w nu_w g_w),   g_z = a(nu_z) or b(nu_z).

    Args:
        p: Answer probabilities, [*x, Z].
        reward: Reward by count or by answer.
        group_size: Number of traces K.
        normalise: "center" or "leave-one-out" for b, "decoupled" or "none" for a.

    Returns:
        The reward g, [*x, Z], in R-units; 0 for a group of one trace with a baseline.

    Raises:
        DomainError: If the rule is "standardise", which has no closed form in moments, or `p` is not in [0, 1].

    Source:
        claims I.19, B.1, B.2

    >>> from dagames.grpo.group_rewards import as_group_reward
    >>> from dagames.targets import GiniDiversity
    >>> reward = as_group_reward(GiniDiversity(), 4)
    >>> effective_reward([0.0, 0.5, 1.0], reward, 4), effective_reward([0.0, 0.5, 1.0], reward, 4, "none")
    (array([0.75, 0.5 , 0.25]), array([0.75 , 0.375, 0.   ]))
    """
    check_rule(normalise)
    if normalise == "standardise":
        raise DomainError(
            "`normalise` is 'standardise': the mean of a ratio is not a function of the moments of the counts. "
            "Use route='enumeration' with few enough answers."
        )
    group_size = as_group_size(group_size)
    if normalise in {"leave-one-out", "decoupled"}:
        check_others(group_size)
    p = as_real(p, "p")
    if ((p < 0) | (p > 1)).any():
        raise DomainError(f"`p` must hold probabilities, numbers from 0 to 1, not {p[(p < 0) | (p > 1)][0]:g}.")
    if not isinstance(reward, ByAnswer | ByCount):
        raise DomainError(
            f"`reward` must be ByCount or ByAnswer, as by `as_group_reward`, not {type(reward).__name__}."
        )
    if isinstance(reward, ByAnswer):
        return np.broadcast_to(reward.rewards, p.shape).copy()
    if normalise in {"decoupled", "none"}:
        return bernstein(reward.rewards[1:], p)
    return bernstein(reward.rewards[1:-1], p) if group_size > 1 else np.zeros(p.shape)


def effective_scale(group_size: int, normalise: Rule) -> float:
    """Return the factor of the policy gradient in the expected update: (K - 1) / K for "center", else 1."""
    return (group_size - 1) / group_size if normalise == "center" else 1.0
