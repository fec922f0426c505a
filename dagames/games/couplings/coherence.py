"""Coherence: equivalent prompts have one distribution of answers."""

from dataclasses import dataclass

import numpy as np

from dagames import _tolerances
from dagames._types import OverAnswers, PerPrompt, Reachable
from dagames.games.coupled import Coupling
from dagames.orbits.consensus import check_common_support


@dataclass(frozen=True, eq=False)
class Coherence(Coupling):
    """The indicator of equal marginals: all views of an orbit have the same answer distribution.

    Math:
        C(nu) = 0 if nu_1 = ... = nu_X, else +inf;   C*(u) = max_z sum_x s_x u_x(z).

    Without rewards, the common marginal at equilibrium is the normalised geometric mean of the references' marginals
    with the shares as weights, and the target of view x is proportional to that mean divided by nu_0x. Answers that are
    unreachable for some view have mass 0.

    Source:
        (paper, section 4.1); claim I.14

    >>> Coherence().conjugate(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.5, 0.5]))
    1.0
    """

    def value(self, nu: OverAnswers, shares: PerPrompt) -> float:
        """Compute 0 where all marginals agree to rounding (`_tolerances.FEASIBILITY`), else +inf."""
        return 0.0 if np.ptp(nu, axis=0).max() <= _tolerances.FEASIBILITY else np.inf

    def conjugate(self, u: OverAnswers, shares: PerPrompt) -> float:
        """Compute max_z sum_x s_x u_x(z) over the answers with finite u in every view; -inf if there is none."""
        common = np.isfinite(u).all(axis=0)
        return float(np.where(common, shares @ np.where(common, u, 0.0), -np.inf).max())

    def allowed(self, reachable: Reachable, shares: PerPrompt) -> Reachable:
        """Mark the answers that are reachable for every view, bool [X, Z]."""
        return np.asarray(reachable & reachable.all(axis=0))

    def residuals(self, nu: OverAnswers, shares: PerPrompt) -> dict[str, float]:
        """Return the largest difference between two views' masses of an answer, as `coherence`."""
        return {"coherence": float(np.ptp(nu, axis=0).max())}

    def check_fits(self, reachable: Reachable, shares: PerPrompt) -> None:
        """Raise an InfeasibleError naming the views, if they share no answer."""
        check_common_support(reachable)
