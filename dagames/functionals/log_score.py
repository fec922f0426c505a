"""Supervised fine-tuning: R(nu) = -weight * log nu(answer)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import Numbers, OverAnswers, PerPrompt, PerPromptIndex, Reachable
from dagames.functionals.answer import as_answer, check_answer_exists, check_answer_reachable
from dagames.functionals.base import Separable, as_weight


@dataclass(frozen=True, eq=False, init=False)
class LogScore(Separable):
    """The log-loss of one answer, times a weight: the divergence of its point mass from the answers.

    Math:
        R(nu) = -weight log nu(g),   R*(u) = m u(g) + (1 - m) a + weight log m,
        with a the largest u of the other answers and m = min(1, weight / (a - u(g))), or 1 if a <= u(g).

    Source:
        (paper, section 2.4, Supervised fine-tuning); its target is not the point mass, claim I.11

    >>> float(LogScore(0).value(np.array([1.0, 0.0])))
    -0.0
    """

    per_prompt = ("weight", "answer")
    answer: PerPromptIndex
    weight: PerPrompt

    def __init__(self, answer: Numbers, weight: Numbers = 1.0) -> None:
        """Validate answer and weight.

        Args:
            answer: Index g of the right answer, or one per prompt, [*x].
            weight: The functional's weight lambda, above 0, or one per prompt, [*x].
        """
        object.__setattr__(self, "answer", as_answer(answer))
        object.__setattr__(self, "weight", as_weight(weight))

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute -weight * log nu(answer), [*x]; +inf where that is 0."""
        from scipy.special import xlogy

        mass = np.where(self._chosen(nu), nu, 0.0).sum(axis=-1)
        return np.asarray(-self.weight * xlogy(1.0, mass))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute -weight / nu at the answer and 0 elsewhere, [*x, Z]."""
        with np.errstate(divide="ignore"):
            return self.gradient_at_log(np.log(nu))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute -weight / nu at the answer and 0 elsewhere, [*x, Z]."""
        return -self.bend_at_log(log_nu)

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight / nu at the answer and 0 elsewhere, [*x, Z]."""
        chosen = self._chosen(log_nu)
        with np.errstate(over="ignore"):
            inverse = self.weight[..., None] * np.exp(-np.where(chosen, log_nu, 0.0))
        return np.asarray(np.where(chosen, inverse, 0.0))

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute R*(u), [*x]."""
        at_answer, other, mass = self._split(u)
        gain = mass * np.where(mass > 0, at_answer, 0.0) + (1 - mass) * np.where(mass < 1, other, 0.0)
        with np.errstate(divide="ignore"):
            return np.asarray(gain + self.weight * np.log(mass))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Put m on the answer and the rest on the best other one, [*x, Z]."""
        _, other, mass = self._split(u)
        chosen = self._chosen(u)
        rival = np.where(chosen, -np.inf, u).argmax(axis=-1)
        rest = np.where(np.arange(u.shape[-1]) == rival[..., None], 1 - mass[..., None], 0.0)
        return np.asarray(np.where(chosen, mass[..., None], np.where(np.isfinite(other)[..., None], rest, 0.0)))

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return -weight * log nu(answer)."""
        return -float(self.weight) * cp.log(nu[int(self.answer)])

    def check_fits(self, batch: tuple[int, ...], n_answers: int) -> None:
        """Raise a ShapeError or DomainError unless the answer exists and the weight fits."""
        super().check_fits(batch, n_answers)
        check_answer_exists(self.answer, n_answers)

    def check_reachable(self, reachable: Reachable) -> None:
        """Raise an InfeasibleError if no trace gives the answer."""
        check_answer_reachable(self.answer, reachable, "LogScore")

    def _chosen(self, like: OverAnswers) -> Reachable:
        return np.broadcast_to(np.arange(like.shape[-1]) == self.answer[..., None], like.shape)

    def _split(self, u: OverAnswers) -> tuple[PerPrompt, PerPrompt, PerPrompt]:
        """Return u at the answer, the largest u elsewhere, and the mass m of the answer at the maximum."""
        chosen = self._chosen(u)
        at_answer = np.where(chosen, u, -np.inf).max(axis=-1)
        other = np.where(chosen, -np.inf, u).max(axis=-1)
        lead = other - at_answer
        mass = np.where(lead > self.weight, self.weight / np.where(lead > self.weight, lead, 1.0), 1.0)
        return np.asarray(at_answer), np.asarray(other), np.asarray(mass)
