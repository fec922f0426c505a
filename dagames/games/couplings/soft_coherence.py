"""Coherence at a price: how far equivalent prompts' answers lie from their mean."""

from dataclasses import dataclass

import numpy as np

from dagames._errors import SolveError
from dagames._types import OverAnswers, PerPrompt, Reachable
from dagames.games.coupled import Coupling
from dagames.orbits.hellinger import jensen_shannon
from dagames.simplex import as_positive

_STEPS = 200
_POLISH = 50
"""Multiplicative steps at the end, each an ascent."""

_PATIENCE = 8

_CLOSE = 4e-16
"""Distance between the conjugate's bound and its value, in units of the weight, at which the interior point stops."""

_BELIEVED = 1e-9
"""That distance above which the interior point counts as failed; below, the certificate shows what is lost."""


@dataclass(frozen=True, eq=False, init=False)
class SoftCoherence(Coupling):
    """The Jensen-Shannon divergence of the views' marginals, times a weight: disagreement is paid for, not forbidden.

    Math:
        C(nu) = weight min_m sum_x s_x KL(nu_x || m), least at the arithmetic mean m = sum_x s_x nu_x;
        C*(u) = weight max_m sum_x s_x log sum_z m(z) exp(u_x(z) / weight).

    The conjugate is returned as the bound weight (f(m) + log max_z f'(m)_z) >= weight f(m') for every m', by
    concavity of the logarithm, at an m found by an interior point: it is never too small. As the weight grows the
    equilibrium tends to that of `Coherence`, whose consensus is the *geometric* mean of the references. Rounding grows
    with the weight: up to 1e4 times the other terms a gap of 1e-10 is certified, beyond it a larger one.

    Attributes:
        weight: Price of disagreement, in R-units per nat.

    Source:
        (paper, appendix F.2: the arithmetic mean as centroid)

    >>> coupling = SoftCoherence(2.0)
    >>> coupling.value(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.5, 0.5]))  # 2 log 2
    1.3862943611198906
    """

    weight: float

    def __init__(self, weight: float = 1.0) -> None:
        """Take the weight.

        Args:
            weight: Price of disagreement, above 0.
        """
        object.__setattr__(self, "weight", as_positive(weight, "weight"))

    def value(self, nu: OverAnswers, shares: PerPrompt) -> float:
        """Compute weight times the Jensen-Shannon divergence of the marginals."""
        return self.weight * jensen_shannon(nu, shares)

    def conjugate(self, u: OverAnswers, shares: PerPrompt) -> float:
        """Compute the bound on C*(u), tight to rounding; -inf if a view forbids every answer."""
        top = u.max(axis=-1, keepdims=True)
        if not np.isfinite(top).all():
            return -np.inf
        return float(shares @ top[:, 0]) + self.weight * _log_mixture(np.exp((u - top) / self.weight), shares)

    def check_fits(self, reachable: Reachable, shares: PerPrompt) -> None:
        """Accept every game: the divergence has no parameter of a shape, and is finite for every policy."""


def _log_mixture(ratios: OverAnswers, shares: PerPrompt) -> float:
    """Maximise sum_x s_x log <m, ratios_x> over the simplex, by a primal-dual interior point.

    Math:
        m >= 0, y = 1 - sum_x s_x ratios_x / <m, ratios_x> >= 0, m y = 0; the sum of m is then 1 by itself.

    Args:
        ratios: Non-negative, [X, Z], with a 1 in each row and no entry above.
        shares: Weights, [X].

    Returns:
        The least upper bound found.

    Raises:
        SolveError: If the bound stays away from the value.
    """
    e = ratios[:, ratios.max(axis=0) > 0]
    m = shares @ (e / e.sum(axis=-1, keepdims=True))
    y = np.full_like(m, 0.5)
    bound, value, idle = np.inf, -np.inf, 0
    for _ in range(_STEPS):
        inner = e @ m
        pull = (shares / inner) @ e
        known = bound - value
        bound = min(bound, float(shares @ np.log(inner) + np.log(pull.max())))
        value = max(value, float(shares @ np.log(inner) - np.log(m.sum())))
        idle = 0 if bound - value < known else idle + 1
        if bound - value <= _CLOSE or idle >= _PATIENCE:
            break
        centre = max(0.1 * float(m @ y) / m.size, np.finfo(np.float64).eps ** 2)
        wanted = pull - 1.0 + centre / m  # what remains of 1 - pull - y = 0 after y is eliminated
        # (diag(y / m) + E' diag(s / inner^2) E) dm = wanted, by the identity for a matrix of rank X, scaled to 1.
        loose = m / y
        scaled = e * (np.sqrt(shares) / inner)[:, None]
        size, axes = np.linalg.eigh((scaled * loose) @ scaled.T)
        seen = axes @ ((axes.T @ (scaled @ (loose * wanted))) / (1.0 + np.maximum(size, 0.0)))
        dm = loose * (wanted - scaled.T @ seen)
        dy = centre / m - y - y / m * dm
        step = min(1.0, 0.99 * _reach(m, dm), 0.99 * _reach(y, dy))
        m, y = m + step * dm, y + step * dy
    # Where few answers share the views, equations of the last steps cancel; multiplying by the slope does not.
    for _ in range(_POLISH):
        if bound - value <= _CLOSE:
            break
        m = m * pull / (m @ pull)
        inner = e @ m
        pull = (shares / inner) @ e
        bound = min(bound, float(shares @ np.log(inner) + np.log(pull.max())))
        value = max(value, float(shares @ np.log(inner)))
    if not bound - value <= _BELIEVED:
        raise SolveError(
            f"the conjugate of SoftCoherence is known to {bound - value:.1e} of its weight only; bring weight and beta "
            "to a common scale."
        )
    return bound


def _reach(v: PerPrompt, dv: PerPrompt) -> float:
    """Find the step at which an entry of v + step dv becomes 0."""
    return float(np.divide(-v, dv, out=np.full_like(v, np.inf), where=dv < 0).min())
