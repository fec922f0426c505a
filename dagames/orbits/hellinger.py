"""Disagreement of views: generalised squared Hellinger distance, Jensen-Shannon divergence, and bounds."""

import math

import numpy as np
from scipy.special import rel_entr

from dagames._types import Numbers, OverAnswers
from dagames.numerics.float_errors import with_default_errors
from dagames.numerics.integers import as_count
from dagames.orbits.consensus import arithmetic_mean, as_views, geometric_mean


@with_default_errors
def generalised_hellinger(nu: Numbers, shares: Numbers | None = None) -> float:
    """Compute the generalised squared Hellinger distance of the views.

    Math:
        H^2 = 1 - sum_z prod_x nu_x(z)^(s_x), in [0, 1]: 0 iff all are equal, 1 iff no answer is common to all.

    It is computed as a sum of differences of arithmetic and geometric mean, to avoid cancellation for close views.

    Args:
        nu: Answer marginals, [X, Z].
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        The distance.

    Source:
        (paper, definition F.1); claim I.22

    >>> generalised_hellinger([[1.0, 0.0], [0.0, 1.0]])
    1.0
    """
    log_nu, weights = as_views(nu, shares)
    common = np.isfinite(log_nu).all(axis=0)
    mean = weights @ np.exp(log_nu)
    logs = np.where(common, log_nu, 0.0)
    # The mean underflows only if all masses do; the term is then 0.
    ratio = weights @ logs - np.log(np.where(common & (mean > 0), mean, 1.0))
    loss = np.where(common, -np.expm1(np.minimum(ratio, 0.0)), 1.0)
    return float(min(mean @ loss, 1.0))


@with_default_errors
def jensen_shannon(nu: Numbers, shares: Numbers | None = None) -> float:
    """Compute the Jensen-Shannon divergence of the views in nats.

    Math:
        JS = sum_x s_x KL(nu_x || sum_x' s_x' nu_x').

    Args:
        nu: Answer marginals, [X, Z].
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        The divergence, in [0, entropy of the shares].

    >>> jensen_shannon([[1.0, 0.0], [0.0, 1.0]])
    0.6931471805599453
    """
    log_nu, weights = as_views(nu, shares)
    views: OverAnswers = np.exp(log_nu)
    return max(float(weights @ rel_entr(views, weights @ views).sum(axis=-1)), 0.0)


@with_default_errors
def distance_of_means(nu: Numbers, shares: Numbers | None = None) -> float:
    """Compute the L1 distance between arithmetic and geometric mean, which is at most 2 H^2.

    Args:
        nu: Answer marginals, [X, Z], with an answer in common.
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        sum_z |AM(z) - GM(z)|.

    Source:
        (paper, proof of Thm F.2); claim I.24

    >>> round(distance_of_means([[0.9, 0.1], [0.5, 0.5]]), 6)
    0.1
    """
    return float(np.abs(arithmetic_mean(nu, shares) - geometric_mean(nu, shares)).sum())


@with_default_errors
def hellinger_bounds(n_views: int) -> tuple[float, float]:
    """Compute the best constants c, C with c JS <= H^2 <= C JS for all choices of K equally weighted views.

    Math:
        Both sides are sums over answers of functions h(x) = 1 - prod x_k^(1/K) and j(x) = mean x_k log x_k of the
        ratios x = nu_k / mean, so c and C are the extremes of h / j over x >= 0 of mean 1.
        C = 1 / log(K / (K - 1)), attained where K - 1 views are equal and one is disjoint from them. c is the minimum
        over points x with two different values. Two values suffice: at an interior stationary point of h / j,
        G / x_k + c log x_k with G = prod x_k^(1/K) is the same for all k, and this function of x_k decreases and then
        increases; on the boundary h = 1, and j is at most log K, which two values attain; as x tends to 1, the ratio
        tends to 1. For K > 2, c < 1 / log K, because near the point where one view has all mass 1 - h increases like
        x^((K - 1) / K), faster than j decreases; the difference is below 1e-8 from K = 9 on.

    Args:
        n_views: Number of views K, at least 2.

    Returns:
        c and C, per nat. For K = 2, c = 1 is an infimum that is not attained.

    Raises:
        DomainError: If there are fewer than two views.

    Source:
        claim I.23

    >>> c, C = hellinger_bounds(3)
    >>> round(c, 12), round(C, 12)
    (0.861671773764, 2.466303462376)
    """
    from scipy.optimize import minimize_scalar

    K = as_count(n_views, "n_views", 2)
    # The limit of the ratio as all x tend to 1, which for two views is the infimum.
    least = 1.0
    depth = np.linspace(1e-3, 60.0, 2000)
    for high in range(1, K):
        place = int(_ratio(depth, high, K).argmin())
        around = (depth[max(place - 1, 0)], depth[min(place + 1, depth.size - 1)])
        minimum = minimize_scalar(
            lambda y, m=high: float(_ratio(np.asarray(y), m, K)),
            bounds=around,
            method="bounded",
            options={"xatol": 1e-9},
        )
        least = min(least, float(minimum.fun))
    return least, 1.0 / math.log(K / (K - 1))


def _ratio(depth: np.ndarray, high: int, K: int) -> np.ndarray:
    """Compute h / j where `high` entries are equal and the others are exp(-depth), of mean 1."""
    low = np.exp(-depth)
    rest = (K - high) * low
    top = (K - rest) / high
    product = np.exp((high * np.log(top) - (K - high) * depth) / K)
    return np.asarray((1.0 - product) * K / (high * top * np.log(top) - rest * depth))
