"""A penalty on the Jensen-Shannon divergence of the views' answer marginals."""

from dataclasses import dataclass

import numpy as np

from dagames._errors import SolveError
from dagames._types import OverAnswers, PerPrompt, Reachable
from dagames.games.coupled import Coupling
from dagames.orbits.hellinger import jensen_shannon
from dagames.simplex import as_positive

_STEPS = 200
_POLISH = 50
"""Multiplicative steps after the interior point; each increases the value."""

_PATIENCE = 8
"""Interior-point steps in which the gap does not decrease, after which the interior point stops."""

_CONVERGED_GAP = 4e-16
"""Gap between the bound on the conjugate and its value, in units of the weight, at which the interior point stops."""

_FAILED_GAP = 1e-9
"""Largest accepted value of this gap; the certificate's gap includes it."""


@dataclass(frozen=True, eq=False, init=False)
class SoftCoherence(Coupling):
    """A weight times the Jensen-Shannon divergence of the views' marginals.

    Math:
        C(nu) = weight min_m sum_x s_x KL(nu_x || m), attained at the mean m = sum_x s_x nu_x;
        C*(u) = weight max_m sum_x s_x log sum_z m(z) exp(u_x(z) / weight).

    With f(m) the sum in C*, concavity of the logarithm gives f(m) + log max_z f'(m)_z >= f(m') for all m, m'. The
    conjugate is returned as weight times this upper bound, at an m from an interior-point method, and so is never too
    small. As the weight tends to infinity, the equilibrium tends to that of `Coherence`, whose common marginal is the
    *geometric* mean of the references. Rounding errors grow with the weight: gaps of 1e-10 are reached for weights up
    to 1e4 times the other terms.

    Attributes:
        weight: Weight of the divergence, in R-units per nat.

    Source:
        (paper, appendix F.2: the arithmetic mean as centroid)

    >>> coupling = SoftCoherence(2.0)
    >>> coupling.value(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.5, 0.5]))  # 2 log 2
    1.3862943611198906
    """

    weight: float

    def __init__(self, weight: float = 1.0) -> None:
        """Make the penalty.

        Args:
            weight: Weight of the divergence, above 0, in R-units per nat.
        """
        object.__setattr__(self, "weight", as_positive(weight, "weight"))

    def value(self, nu: OverAnswers, shares: PerPrompt) -> float:
        """Compute weight times the Jensen-Shannon divergence of the marginals."""
        return self.weight * jensen_shannon(nu, shares)

    def conjugate(self, u: OverAnswers, shares: PerPrompt) -> float:
        """Compute an upper bound on C*(u), tight to rounding; -inf if u is -inf at every answer of a view."""
        top = u.max(axis=-1, keepdims=True)
        if not np.isfinite(top).all():
            return -np.inf
        return float(shares @ top[:, 0]) + self.weight * _log_mixture(np.exp((u - top) / self.weight), shares)

    def check_fits(self, reachable: Reachable, shares: PerPrompt) -> None:
        """Accept every game: there is no array parameter, and the divergence is finite for every policy."""


def _log_mixture(ratios: OverAnswers, shares: PerPrompt) -> float:
    """Bound max_m sum_x s_x log <m, ratios_x> over the simplex from above.

    Math:
        m >= 0, y = 1 - sum_x s_x ratios_x / <m, ratios_x> >= 0, m y = 0; these imply sum m = 1.

    A primal-dual interior point, then multiplicative steps. `ratios`, [X, Z], are in [0, 1] with a 1 in each row.

    Returns:
        The bound.

    Raises:
        SolveError: If it exceeds the value by more than `_FAILED_GAP`.
    """
    e = ratios[:, ratios.max(axis=0) > 0]
    m = shares @ (e / e.sum(axis=-1, keepdims=True))
    y = np.full_like(m, 0.5)
    bound, value, idle = np.inf, -np.inf, 0
    for _ in range(_STEPS):
        inner = e @ m
        pull = (shares / inner) @ e
        gap = bound - value
        bound = min(bound, float(shares @ np.log(inner) + np.log(pull.max())))
        value = max(value, float(shares @ np.log(inner) - np.log(m.sum())))
        idle = 0 if bound - value < gap else idle + 1
        if bound - value <= _CONVERGED_GAP or idle >= _PATIENCE:
            break
        centre = max(0.1 * float(m @ y) / m.size, np.finfo(np.float64).eps ** 2)
        residual = pull - 1.0 + centre / m  # of 1 - pull - y = 0, with y eliminated
        # (diag(y / m) + E' diag(s / inner^2) E) dm = residual, by Woodbury's identity: the second matrix has rank X.
        inverse = m / y
        scaled = e * (np.sqrt(shares) / inner)[:, None]
        size, axes = np.linalg.eigh((scaled * inverse) @ scaled.T)
        correction = axes @ ((axes.T @ (scaled @ (inverse * residual))) / (1.0 + np.maximum(size, 0.0)))
        dm = inverse * (residual - scaled.T @ correction)
        dy = centre / m - y - y / m * dm
        step = min(1.0, 0.99 * _largest_step(m, dm), 0.99 * _largest_step(y, dy))
        m, y = m + step * dm, y + step * dy
    # Where the views share few answers, the last Newton equations are inaccurate; multiplicative steps are not.
    for _ in range(_POLISH):
        if bound - value <= _CONVERGED_GAP:
            break
        m = m * pull / (m @ pull)
        inner = e @ m
        pull = (shares / inner) @ e
        bound = min(bound, float(shares @ np.log(inner) + np.log(pull.max())))
        value = max(value, float(shares @ np.log(inner)))
    if not bound - value <= _FAILED_GAP:
        raise SolveError(
            f"the conjugate of SoftCoherence has an error of up to {bound - value:.1e} times its weight; bring weight "
            "and beta to a common scale."
        )
    return bound


def _largest_step(v: PerPrompt, dv: PerPrompt) -> float:
    """Return the largest step at which no entry of v + step dv is negative."""
    return float(np.divide(-v, dv, out=np.full_like(v, np.inf), where=dv < 0).min())
