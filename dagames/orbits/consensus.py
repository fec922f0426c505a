"""Geometric mean, arithmetic mean and majority of several views, each a Bregman centroid.

A centroid is the q of least mean divergence to the views; the divergence and its order of arguments determine the mean.
"""

import numpy as np
from scipy.special import logsumexp

from dagames import simplex
from dagames._errors import DomainError, InfeasibleError, ShapeError
from dagames._types import Consensus, Numbers, OverAnswers, PerPrompt, Reachable
from dagames.numerics.arrays import as_number
from dagames.numerics.float_errors import with_default_errors


def as_views(nu: Numbers, shares: Numbers | None) -> tuple[OverAnswers, PerPrompt]:
    """Validate marginals of views, [X, Z], and positive shares, [X]; return the log-marginals and the shares."""
    array = simplex.as_distribution(nu, "nu")
    if array.ndim != 2:
        raise ShapeError(f"`nu` has shape {array.shape}; it must be [X, Z], one row per view.")
    n = array.shape[0]
    weights = simplex.as_distribution(np.full(n, 1 / n) if shares is None else shares, "shares")
    if weights.shape != (n,):
        raise ShapeError(f"`shares` has shape {weights.shape}; there are {n} views.")
    if (weights == 0).any():
        raise DomainError("`shares` has a 0; every share must be above 0. Omit the view instead.")
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(array)), weights


@with_default_errors
def geometric_mean(nu: Numbers, shares: Numbers | None = None) -> Consensus:
    """Compute the normalised geometric mean of the views.

    Math:
        q(z) proportional to prod_x nu_x(z)^(s_x) = argmin over q of sum_x s_x KL(q || nu_x).

    Answers with mass 0 in some view have mass 0.

    Args:
        nu: Answer marginals, [X, Z].
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        The mean, [Z]. Raises an InfeasibleError if no answer has positive mass in all views.

    Source:
        (paper, appendix F.1, eq. 15); claim I.21

    >>> geometric_mean([[0.8, 0.2], [0.2, 0.8]])
    array([0.5, 0.5])
    """
    return np.asarray(np.exp(log_geometric_mean(*as_views(nu, shares))))


@with_default_errors
def arithmetic_mean(nu: Numbers, shares: Numbers | None = None) -> Consensus:
    """Compute the mixture of the views.

    Math:
        q = sum_x s_x nu_x = argmin over q of sum_x s_x KL(nu_x || q) = argmin over q of sum_x s_x |nu_x - q|^2.

    Its entropy is at least the views' mean entropy.

    Args:
        nu: Answer marginals, [X, Z].
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        The mean, [Z].

    Source:
        (paper, appendix F.2); claim I.21

    >>> arithmetic_mean([[1.0, 0.0], [0.0, 1.0]], [0.25, 0.75])
    array([0.25, 0.75])
    """
    log_nu, weights = as_views(nu, shares)
    return np.asarray(weights @ np.exp(log_nu))


@with_default_errors
def majority(nu: Numbers, shares: Numbers | None = None) -> Consensus:
    """Compute the point mass on the answer of largest mean mass.

    Math:
        q = argmin over point masses of sum_x s_x |nu_x - q|^2, the vertex nearest to the arithmetic mean.

    Args:
        nu: Answer marginals, [X, Z].
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        The point mass, [Z]; uniform over the answers of an exact tie.

    Source:
        (paper, appendix F.3)

    >>> majority([[0.6, 0.4, 0.0], [0.1, 0.4, 0.5]])
    array([0., 1., 0.])
    """
    mean = arithmetic_mean(nu, shares)
    winners = mean >= mean.max() * (1 - 4 * np.finfo(np.float64).eps)
    return np.asarray(winners / winners.sum())


@with_default_errors
def smoothed(nu: Numbers, share: float) -> OverAnswers:
    """Mix views with the uniform distribution, so that all masses are positive.

    Math:
        (1 - share) nu + share / |Z|.

    The geometric mean of one-hot samples exists only if they are equal. That of smoothed samples is q(z) proportional
    to exp(T f(z)) with f the frequencies and T = log(1 + |Z| (1 - share) / share): a soft majority vote, not an
    estimate of the geometric mean of the views. It tends to the majority vote as the share tends to 0.

    Args:
        nu: Answer marginals, [X, Z].
        share: Weight of the uniform distribution, in (0, 1].

    Returns:
        Marginals, [X, Z], positive.

    Raises:
        DomainError: If the share is not in (0, 1].

    Source:
        claim I.33

    >>> geometric_mean(smoothed([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 0.2)).round(4)
    array([0.6753, 0.3247])
    """
    share = as_number(share, "share", "a number in (0, 1]")
    if not 0 < share <= 1:
        raise DomainError(f"`share` must be in (0, 1], not {share}.")
    log_nu, _ = as_views(nu, None)
    return np.asarray((1 - share) * np.exp(log_nu) + share / log_nu.shape[-1])


@with_default_errors
def log_geometric_mean(log_nu: OverAnswers, shares: PerPrompt) -> Consensus:
    """Compute the log of the normalised geometric mean from log-marginals, whose masses may be below 1e-308.

    Args:
        log_nu: Log-marginals, [X, Z], of any normalisation; -inf for mass 0.
        shares: Weights of the views, [X], summing to 1.

    Returns:
        Log of the mean, [Z].
    """
    check_common_support(np.isfinite(log_nu))
    common = np.isfinite(log_nu).all(axis=0)
    total = np.where(common, shares @ np.where(common, log_nu, 0.0), -np.inf)
    return np.asarray(total - logsumexp(total))


def check_common_support(support: Reachable) -> None:
    """Raise unless some answer has mass in every view, `support` [X, Z]."""
    if support.all(axis=0).any():
        return
    counts = support.astype(np.int64)
    disjoint = np.argwhere(counts @ counts.T == 0)
    if disjoint.size:
        which = f"views {disjoint[0, 0]} and {disjoint[0, 1]} have no answer in common"
    else:
        which = (
            f"views {', '.join(map(str, range(len(support))))} have no answer in common, though every two of them do"
        )
    raise InfeasibleError(
        f"{which}, so the geometric mean is 0 everywhere. Smooth the views (`orbits.smoothed`), or use the arithmetic "
        "mean."
    )
