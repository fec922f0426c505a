"""Coherent projection: the nearest policies with equal answer marginals, directly or onto a consensus."""

from typing import SupportsIndex

import numpy as np
from scipy.special import logsumexp

from dagames import simplex
from dagames._choices import as_choice
from dagames._errors import DomainError, InfeasibleError, ShapeError
from dagames._types import Consensus, Extraction, Numbers, OverTraces, PerPrompt
from dagames.numerics.float_errors import with_default_errors
from dagames.numerics.roots import increasing_root
from dagames.orbits.consensus import arithmetic_mean, check_common_support, geometric_mean

DIVERGENCES = ("kl", "euclidean")


@with_default_errors
def direct_projection(
    pi_0: Numbers,
    E: Numbers,
    shares: Numbers | None = None,
    divergence: str = "kl",
    n_answers: SupportsIndex | None = None,
) -> OverTraces:
    """Compute the coherent policies nearest to those given.

    Math:
        min sum_x s_x D(pi_x, pi_0x) over policies whose answer marginals are all equal,
        D = KL(pi || pi_0) or |pi - pi_0|^2 / 2, over traces.

    For KL, the common marginal is the geometric mean of the views' marginals. For the Euclidean distance, it is their
    arithmetic mean if each answer has the same number of traces in all views and all traces stay positive. Otherwise it
    differs, because moving an answer's mass costs less in a view where it has more traces.

    Args:
        pi_0: Policies of the views, [X, Y].
        E: Answer of each trace, [Y] or [X, Y].
        shares: Weights of the views, [X], summing to 1; equal by default.
        divergence: "kl" or "euclidean".
        n_answers: Number of answers |Z|; by default the largest index in `E` plus one.

    Returns:
        Policies, [X, Y]. Raises an InfeasibleError if no answer has traces in all views.

    Source:
        (paper, section 4.1 and appendix G.2); claim I.27

    >>> direct_projection([[0.8, 0.2], [0.2, 0.8]], [0, 1])
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    policies, answers, weights, n = _as_orbit(pi_0, E, shares, divergence, n_answers)
    if divergence == "euclidean":
        mass = _common_marginal(policies, answers, weights, n)
        return _project_euclidean(policies, answers, mass)
    with np.errstate(divide="ignore"):
        log_pi_0 = np.log(policies)
    log_nu = simplex.pushforward(log_pi_0, answers, n)
    check_common_support(np.isfinite(log_nu))
    common = np.isfinite(log_nu).all(axis=0)
    logs = np.where(common, log_nu, 0.0)
    # By stationarity, log pi_x - log pi_0x is a function of the answer, whose mean over views is constant.
    tilt = np.where(common, weights @ logs - logs, -np.inf)
    log_pi = simplex.lift(log_pi_0, answers, tilt)
    return np.asarray(np.exp(log_pi - logsumexp(log_pi, axis=-1, keepdims=True)))


@with_default_errors
def two_step_projection(
    pi_0: Numbers,
    E: Numbers,
    shares: Numbers | None = None,
    divergence: str = "kl",
    n_answers: SupportsIndex | None = None,
) -> OverTraces:
    """Compute the views' consensus, then project each policy on the policies with that marginal.

    The consensus is the geometric mean for KL and the arithmetic mean for the Euclidean distance. The result is that of
    `direct_projection` for KL, and for the Euclidean distance if each answer has the same number of traces in all views
    and all traces stay positive.

    Args:
        pi_0: Policies of the views, [X, Y].
        E: Answer of each trace, [Y] or [X, Y].
        shares: Weights of the views, [X], summing to 1; equal by default.
        divergence: "kl" or "euclidean".
        n_answers: Number of answers |Z|; by default the largest index in `E` plus one.

    Returns:
        Policies, [X, Y].

    Source:
        (paper, appendix G.2); claim I.27

    >>> two_step_projection([[0.8, 0.2], [0.4, 0.6]], [0, 1], divergence="euclidean")
    array([[0.6, 0.4],
           [0.6, 0.4]])
    """
    policies, answers, weights, n = _as_orbit(pi_0, E, shares, divergence, n_answers)
    with np.errstate(divide="ignore"):
        nu = np.exp(simplex.pushforward(np.log(policies), answers, n))
    consensus = geometric_mean if divergence == "kl" else arithmetic_mean
    return project_onto_marginal(policies, answers, consensus(nu, weights), divergence)


@with_default_errors
def project_onto_marginal(pi_0: Numbers, E: Numbers, q: Numbers, divergence: str = "kl") -> OverTraces:
    """Project each policy on the policies whose answer marginal is q.

    Math:
        KL: pi(y) = pi_0(y) q(E(y)) / nu_0(E(y)).
        Euclidean: pi(y) = max(pi_0(y) - tau(E(y)), 0), tau fixed by the mass of each answer.

    Args:
        pi_0: Policies, [X, Y].
        E: Answer of each trace, [Y] or [X, Y].
        q: Answer marginal, [Z].
        divergence: "kl" or "euclidean".

    Returns:
        Policies, [X, Y].

    Raises:
        ShapeError: If `q` is not one distribution.
        InfeasibleError: If a view has no trace of an answer with q > 0.

    >>> project_onto_marginal([[0.4, 0.4, 0.2]], [0, 0, 1], [0.4, 0.6])
    array([[0.2, 0.2, 0.6]])
    """
    target = simplex.as_distribution(q, "q")
    if target.ndim != 1:
        raise ShapeError(f"`q` has shape {target.shape}; it must be one distribution over answers, [Z].")
    policies, answers, _, n = _as_orbit(pi_0, E, None, divergence, target.size)
    with np.errstate(divide="ignore"):
        log_pi_0, log_q = np.log(policies), np.log(target)
    # In the Euclidean distance a trace of probability 0 can get mass.
    log_weights = log_pi_0 if divergence == "kl" else np.zeros_like(policies)
    log_nu = simplex.pushforward(log_weights, answers, n)
    missing = (target > 0) & ~np.isfinite(log_nu)
    if missing.any():
        x, z = (int(i) for i in np.argwhere(missing)[0])
        raise InfeasibleError(
            f"view {x} has no trace of answer {z}, but `q[{z}]` is {target[z]:g}. Set `q[{z}]` to 0, or add a trace."
        )
    if divergence == "euclidean":
        return _project_euclidean(policies, answers, target)
    ratio = np.where(np.isfinite(log_nu), log_q - np.where(np.isfinite(log_nu), log_nu, 0.0), -np.inf)
    return np.asarray(np.exp(simplex.lift(log_pi_0, answers, ratio)))


def _as_orbit(
    pi_0: Numbers, E: Numbers, shares: Numbers | None, divergence: str, n_answers: SupportsIndex | None
) -> tuple[OverTraces, Extraction, PerPrompt, int]:
    as_choice(divergence, "divergence", DIVERGENCES)
    policies = simplex.as_distribution(pi_0, "pi_0", kept=False)
    if policies.ndim != 2:
        raise ShapeError(f"`pi_0` has shape {policies.shape}; it must be [X, Y], one row per view.")
    answers, n = simplex.as_extraction(E, policies.shape, n_answers, kept=False)
    views = policies.shape[0]
    weights = simplex.as_distribution(np.full(views, 1 / views) if shares is None else shares, "shares")
    if weights.shape != (views,):
        raise ShapeError(f"`shares` has shape {weights.shape}; there are {views} views.")
    if (weights == 0).any():
        raise DomainError("`shares` has a 0; every share must be above 0. Omit the view instead.")
    return policies, np.broadcast_to(answers, policies.shape), weights, n


class _Thresholds:
    """Thresholds tau, per view and answer, at which sum_y max(pi_0(y) - tau, 0) over the answer's traces is a mass m.

    With the traces sorted in decreasing order and S_k the sum of the k largest, tau(m) = max_k (S_k - m) / k.
    """

    def __init__(self, policies: OverTraces, E: Extraction, n_answers: int) -> None:
        X, Y = policies.shape
        order = np.lexsort((-policies, E), axis=-1)
        answers = np.take_along_axis(np.asarray(E), order, axis=-1)
        sizes = np.stack([np.bincount(row, minlength=n_answers) for row in np.asarray(E)])
        starts = np.cumsum(sizes, axis=-1) - sizes
        rank = np.arange(Y) - np.take_along_axis(starts, answers, axis=-1)
        masses = np.zeros((X, n_answers, int(sizes.max())))
        masses[np.arange(X)[:, None], answers, rank] = np.take_along_axis(policies, order, axis=-1)
        self.counts = np.arange(1, masses.shape[-1] + 1)
        self.sums = np.where(self.counts <= sizes[..., None], np.cumsum(masses, axis=-1), -np.inf)
        self.has_trace = sizes > 0

    def at(self, mass: Consensus) -> tuple[np.ndarray, np.ndarray]:
        """Compute tau and the number of traces above it, [X, Z] each."""
        values = (self.sums - mass[:, None]) / self.counts
        best = values.argmax(axis=-1)
        return np.take_along_axis(values, best[..., None], axis=-1)[..., 0], self.counts[best]


def _project_euclidean(policies: OverTraces, E: Extraction, mass: Consensus) -> OverTraces:
    tau, _ = _Thresholds(policies, E, mass.size).at(mass)
    return np.asarray(np.maximum(policies - np.take_along_axis(tau, np.asarray(E), axis=-1), 0.0))


def _common_marginal(policies: OverTraces, E: Extraction, shares: PerPrompt, n_answers: int) -> Consensus:
    """Compute the masses m, [Z], at which the mean slope -sum_x s_x tau_x(z) is equal for all z with m(z) > 0."""
    thresholds = _Thresholds(policies, E, n_answers)
    check_common_support(thresholds.has_trace)
    common = thresholds.has_trace.all(axis=0)

    def slope(mass: Consensus) -> tuple[Consensus, Consensus]:
        tau, count = thresholds.at(mass)
        return -(shares @ np.where(common, tau, 0.0)), shares @ (1.0 / count)

    ends = [slope(np.full(n_answers, end))[0] for end in (0.0, 1.0)]

    def masses(c: np.ndarray) -> Consensus:
        def excess(m: Consensus) -> tuple[Consensus, Consensus]:
            value, growth = slope(m)
            return value - c, growth

        roots = increasing_root(excess, np.zeros(n_answers), np.ones(n_answers))
        return np.asarray(np.where(common, roots, 0.0))

    def surplus(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        m = masses(c)
        growth = np.where(m > 0, 1.0 / slope(m)[1], 0.0).sum()
        return np.array([m.sum() - 1.0]), np.array([max(growth, np.finfo(np.float64).tiny)])

    low, high = ends[0][common].min(), ends[1][common].max()
    mass = masses(increasing_root(surplus, np.array([low]), np.array([high])))
    return np.asarray(mass / mass.sum())
