"""One verified answer: the indicator of its point mass."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import Numbers, OverAnswers, PerPrompt, PerPromptIndex, Reachable
from dagames.functionals.answer import as_answer, check_answer_exists, check_answer_reachable
from dagames.functionals.base import Separable


@dataclass(frozen=True, eq=False, init=False)
class Point(Separable):
    """The indicator of the point mass on one answer: its game has the Dirac target of verified rewards.

    Math:
        R(nu) = 0 if nu(g) = 1, else +inf;   R*(u) = u(g).

    The equilibrium is the reference, conditioned on the answer.

    Source:
        (slides, instantiations, RLVR); claim I.11

    >>> float(Point(1).value(np.array([0.5, 0.5])))
    inf
    """

    per_prompt = ("answer",)
    answer: PerPromptIndex

    def __init__(self, answer: Numbers) -> None:
        """Validate the answer.

        Args:
            answer: Index g of the answer, or one per prompt, [*x].
        """
        object.__setattr__(self, "answer", as_answer(answer))

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute 0 where all mass is on the answer, else +inf, [*x]."""
        elsewhere = np.where(self._chosen(nu.shape[-1]), 0.0, nu).sum(axis=-1)
        return np.asarray(np.where(elsewhere > 0, np.inf, 0.0))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Return 0, [*x, Z]: one of the subgradients at the point mass."""
        return np.zeros_like(nu)

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Return 0, [*x, Z], on the one allowed answer."""
        return np.zeros_like(log_nu)

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Return u at the answer, [*x]."""
        return np.asarray(np.where(self._chosen(u.shape[-1]), u, -np.inf).max(axis=-1))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Return the point mass, [*x, Z]."""
        return np.broadcast_to(self._chosen(u.shape[-1]), u.shape).astype(np.float64)

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return 0: the solver gives no mass to the other answers."""
        return 0.0 * nu[int(self.answer)]

    @property
    def is_indicator(self) -> bool:
        """True."""
        return True

    @property
    def relative_smoothness(self) -> PerPrompt:
        """Zero: there is one allowed distribution."""
        return np.asarray(0.0)

    def allowed(self, reachable: Reachable) -> Reachable:
        """Mark the one answer if it is reachable, [*x, Z]."""
        return np.asarray(reachable & self._chosen(reachable.shape[-1]))

    def check_fits(self, batch: tuple[int, ...], n_answers: int) -> None:
        """Raise a ShapeError or DomainError unless the answer exists."""
        super().check_fits(batch, n_answers)
        check_answer_exists(self.answer, n_answers)

    def check_reachable(self, reachable: Reachable) -> None:
        """Raise an InfeasibleError if no trace gives the answer."""
        check_answer_reachable(self.answer, reachable, "Point")

    def _chosen(self, n_answers: int) -> Reachable:
        return np.asarray(np.arange(n_answers) == self.answer[..., None])
