"""What several views agree on: geometric mean, arithmetic mean and majority, each a Bregman centroid.

A centroid is the q of least mean divergence to the views; which mean it is depends on the divergence and its side.
"""

import numpy as np
from scipy.special import logsumexp

from dagames import simplex
from dagames._errors import DomainError, InfeasibleError, ShapeError
from dagames._types import Consensus, Numbers, OverAnswers, PerPrompt, Reachable
from dagames.numerics.arrays import as_number
from dagames.numerics.float_errors import with_default_errors


def as_views(nu: Numbers, shares: Numbers | None) -> tuple[OverAnswers, PerPrompt]:
    """Validate the marginals of an orbit's views and their shares.

    Args:
        nu: Answer marginals, [X, Z].
        shares: Weights of the views, [X], positive, summing to 1; equal by default.

    Returns:
        The log-marginals [X, Z] and the shares [X].

    Raises:
        ShapeError: If `nu` is not a table, or if there is not one share per view.
        DomainError: If a share is 0.
    """
    array = simplex.as_distribution(nu, "nu")
    if array.ndim != 2:
        raise ShapeError(f"`nu` has shape {array.shape}; it must be [X, Z], one row per view.")
    n = array.shape[0]
    weights = simplex.as_distribution(np.full(n, 1 / n) if shares is None else shares, "shares")
    if weights.shape != (n,):
        raise ShapeError(f"`shares` has shape {weights.shape}; there are {n} views.")
    if (weights == 0).any():
        raise DomainError("`shares` has a 0; leave that view out instead.")
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(array)), weights


@with_default_errors
def geometric_mean(nu: Numbers, shares: Numbers | None = None) -> Consensus:
    """Compute the normalised geometric mean of the views.

    Math:
        q(z) proportional to prod_x nu_x(z)^(s_x) = argmin over q of sum_x s_x KL(q || nu_x).

    An answer that one view excludes is excluded.

    Args:
        nu: Answer marginals, [X, Z].
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        The mean, [Z]. An InfeasibleError names views without a common answer.

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
    """Find the answer of largest mean mass.

    Math:
        q = argmin over point masses of sum_x s_x |nu_x - q|^2, the arithmetic mean's nearest vertex.

    Args:
        nu: Answer marginals, [X, Z].
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        The point mass, [Z]; even mass on all winners of an exact tie.

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
    """Mix views with the uniform distribution, so that no answer is excluded.

    Math:
        (1 - share) nu + share / |Z|.

    The geometric mean of one-hot samples is degenerate unless they are unanimous. Smoothed, it is q(z) proportional to
    exp(T f(z)) with f the frequencies and T = log(1 + |Z| (1 - share) / share): a soft majority, not an estimate of the
    views' geometric mean, and it tends to the hard one as the share tends to 0.

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
        raise DomainError(f"`share` must lie in (0, 1], not {share}.")
    log_nu, _ = as_views(nu, None)
    return np.asarray((1 - share) * np.exp(log_nu) + share / log_nu.shape[-1])


@with_default_errors
def log_geometric_mean(log_nu: OverAnswers, shares: PerPrompt) -> Consensus:
    """Compute the log of the normalised geometric mean, where masses may lie below float64's least number.

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
    """Raise unless some answer has mass in every view.

    Args:
        support: Which answers have mass, bool [X, Z].

    Raises:
        InfeasibleError: Naming two views without a common answer, or all of them.
    """
    if support.all(axis=0).any():
        return
    counts = support.astype(np.int64)
    apart = np.argwhere(counts @ counts.T == 0)
    if apart.size:
        who = f"views {apart[0, 0]} and {apart[0, 1]} share no answer"
    else:
        who = f"views {', '.join(map(str, range(len(support))))} have no answer in common, though every two of them do"
    raise InfeasibleError(
        f"{who}, so no consensus has positive mass anywhere. Smooth the views (`orbits.smoothed`), or use the "
        "arithmetic mean."
    )
