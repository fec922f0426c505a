"""Standard reinforcement learning: R(nu) = -<r, nu>."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import Numbers, OverAnswers, PerPrompt
from dagames.functionals.base import Separable
from dagames.simplex import as_real


@dataclass(frozen=True, eq=False, init=False)
class Linear(Separable):
    """The negative expected reward of an answer.

    Math:
        R(nu) = -sum_z r(z) nu(z),   R*(u) = max_z (u(z) + r(z)).

    Source:
        (paper, section 2.4, Standard RL)

    >>> float(Linear([1.0, 0.0]).value(np.array([0.25, 0.75])))
    -0.25
    """

    per_prompt = ("rewards Z",)
    rewards: OverAnswers

    def __init__(self, rewards: Numbers) -> None:
        """Validate the rewards.

        Args:
            rewards: Reward of each answer, [Z], or per prompt, [*x, Z]; finite, in R-units.
        """
        object.__setattr__(self, "rewards", as_real(rewards, "rewards"))

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute -<r, nu>, [*x]."""
        return np.asarray(-(self.rewards * nu).sum(axis=-1))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Return -r, whatever nu, [*x, Z]."""
        return np.broadcast_to(-self.rewards, np.broadcast_shapes(nu.shape, self.rewards.shape)).copy()

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Return 0, [*x, Z]: a linear function has no curvature."""
        return np.zeros_like(log_nu)

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute max_z (u(z) + r(z)), [*x]."""
        return np.asarray((u + self.rewards).max(axis=-1))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Return the point mass on the first answer that attains the maximum, [*x, Z]."""
        best = (u + self.rewards).argmax(axis=-1)
        return np.asarray(np.arange(self.rewards.shape[-1]) == best[..., None], dtype=np.float64)

    def constant_slope(self) -> OverAnswers:
        """Return -r, [Z] or [*x, Z]."""
        return -self.rewards

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return -<r, nu>."""
        return -self.rewards @ nu

    def times(self, factor: PerPrompt) -> "Linear":
        """Return the functional of `factor` times the rewards."""
        return Linear(factor[..., None] * self.rewards)

    @property
    def relative_smoothness(self) -> PerPrompt:
        """Zero: a linear function has no curvature."""
        return np.asarray(0.0)
