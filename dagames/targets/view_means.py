"""Power means over views of the frequencies of an answer."""

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dagames._choices import did_you_mean
from dagames._errors import DomainError, ShapeError
from dagames._types import OverAnswers
from dagames.numerics.arrays import as_number
from dagames.targets.group import AnswerGroup

Mean: TypeAlias = Literal["arithmetic", "geometric", "harmonic"]
By: TypeAlias = Literal["view", "trace"]

_POWERS = {"arithmetic": 1.0, "geometric": 0.0, "harmonic": -1.0}


def as_power(mean: Any) -> float:
    """Return the power of a mean from its name or number: 1, 0, -1 for arithmetic, geometric, harmonic."""
    if isinstance(mean, str):
        if mean not in _POWERS:
            names = ", ".join(_POWERS)
            raise DomainError(f"`mean` must be one of {names}, or a power, not {mean!r}.{did_you_mean(mean, _POWERS)}")
        return _POWERS[mean]
    power = as_number(mean, "mean", "a name or a power")
    if not abs(power) <= 100:
        raise DomainError(f"`mean` must be a power from -100 to 100, not {power}.")
    return power


def as_smoothing(smoothing: Any) -> float:
    """Validate a pseudo-count: a finite number of at least 0."""
    number = as_number(smoothing, "smoothing", "a number of at least 0")
    if not 0 <= number < np.inf:
        raise DomainError(f"`smoothing` must be a finite number of at least 0, not {number}.")
    return number


def log_power_mean(nu: OverAnswers, power: float, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the log of the weighted power mean over views.

    Math:
        m(z) = (sum_x w_x nu_x(z)^p)^(1/p), or prod_x nu_x(z)^(w_x) for p = 0; not normalised.

    Args:
        nu: Masses, [*x, M, Z].
        power: p.
        weights: Weights of the views, [M], positive, summing to 1.

    Returns:
        Logarithms, [*x, Z]; -inf where the mean is 0, as for p <= 0 where any view has mass 0.

    >>> log_power_mean(np.array([[0.5, 0.5], [0.125, 0.875]]), 0.0, np.array([0.5, 0.5])).round(4)
    array([-1.3863, -0.4133])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs, log_weights = np.log(nu), np.log(weights)[:, None]
        excluded = (power <= 0) & (nu == 0).any(axis=-2)
        logs = np.where(excluded[..., None, :], 0.0, logs)
        if power == 0:
            mean = (weights[:, None] * logs).sum(axis=-2)
        else:
            terms = power * logs + log_weights
            top = terms.max(axis=-2)
            shift = np.where(np.isfinite(top), top, 0.0)
            mean = (np.log(np.exp(terms - shift[..., None, :]).sum(axis=-2)) + shift) / power
    return np.asarray(np.where(excluded, -np.inf, mean))


def exact_log_mean(nu: OverAnswers, mean: Mean | float, reader: str) -> NDArray[np.float64]:
    """Compute the log of the mean of marginals, [*x, M, Z], with equal weights of the views, [*x, Z]."""
    check_view_axis(nu, reader)
    return log_power_mean(nu, as_power(mean), np.full(nu.shape[-2], 1.0 / nu.shape[-2]))


def sampled_log_mean(group: AnswerGroup, shares: OverAnswers, mean: Mean | float, by: By) -> NDArray[np.float64]:
    """Compute the log of the mean over the views of a group of `shares`, [M, n], for each distinct answer, [n]."""
    sizes = group.view_sizes
    weights = np.full(sizes.size, 1.0 / sizes.size) if by == "view" else sizes / sizes.sum()
    return log_power_mean(shares, as_power(mean), weights)


def view_shares(group: AnswerGroup, smoothing: float) -> NDArray[np.float64]:
    """Return (count_x(z) + c) / (K_x + c n) of the n distinct answers in each view, [M, n], with c = `smoothing`."""
    n = group.totals.size
    return np.asarray((group.view_totals + smoothing) / (group.view_sizes[:, None] + smoothing * n))


def check_view_axis(nu: OverAnswers, reader: str) -> None:
    """Raise unless `nu` has one row per view."""
    if nu.ndim < 2:
        raise ShapeError(f"`nu` has shape {nu.shape}; {reader} compares views and needs one row per view, [*x, M, Z].")
