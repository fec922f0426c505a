"""All prompts of a safety run in one array, for the samples and for resamples, as they share the multipliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dagames_llm.forecast.costed_questions import CostedQuestion
from dagames_llm.forecast.group_rules import sizes_of
from dagames_llm.forecast.vote_chances import Floats
from dagames_llm.multipliers import Constraint


@dataclass(frozen=True, eq=False)
class PromptBatch:
    """Views of all questions, X of them; R rows: the samples first, then resamples of questions and completions.

    Attributes:
        constraints: the constraints, d of them.
        nu_0: share of each class of completions, [R, X, C]; 0 beyond the classes of a question.
        weights: share of each prompt in an average over questions, [R, X].
        costs: signed costs, so that less is better, [X, d, C]; 0 where a constraint does not apply.
        applies: [X, d].
        slots: the range of the views of each question.
        sizes: completions of each view in a group, one list per question.
    """

    constraints: Sequence[Constraint]
    nu_0: Floats
    weights: Floats
    costs: Floats
    applies: NDArray[np.bool_]
    slots: Sequence[slice]
    sizes: Sequence[list[int]]

    @property
    def budgets(self) -> Floats:
        """Signed budgets, [d]."""
        return np.array([c.sign * c.budget for c in self.constraints], dtype=np.float64)

    @property
    def caps(self) -> Floats:
        """Largest multipliers, [d]."""
        return np.array([c.cap for c in self.constraints], dtype=np.float64)

    @property
    def concerned(self) -> Floats:
        """Weight of the prompts to which each constraint applies, [R, d]; a mean cost is over these."""
        return np.asarray(self.weights @ self.applies)

    def mean_costs(self, nu: Floats) -> Floats:
        """Return the signed mean cost under each constraint over the prompts to which it applies, [R, d].

        Args:
            nu: probabilities of classes, [R, X, C].

        Returns:
            Means; the budget for a resample without such a prompt, so that the multiplier does not change.
        """
        total = np.einsum("rx,rxc,xdc->rd", self.weights, nu, self.costs)
        mass = self.concerned
        return np.where(mass > 0, total / np.where(mass > 0, mass, 1.0), self.budgets)


def batch_of(
    questions: Sequence[CostedQuestion], constraints: Sequence[Constraint], group_size: int, resamples: int, seed: int
) -> PromptBatch:
    """Combine questions in one array and draw resamples.

    A resample draws N questions with replacement, and for each question as many completions as were sampled. A question
    that is drawn twice has the same completions twice.

    Args:
        questions: N questions.
        constraints: the constraints for which the questions were scored.
        group_size: completions K of a question that are compared, divided among its views.
        resamples: number of resamples.
        seed: seed of the draws.

    Returns:
        The batch, R = 1 + resamples.
    """
    sizes = [sizes_of(group_size, len(each.counts)) for each in questions]
    ends = np.cumsum([len(s) for s in sizes])
    slots = [slice(int(end) - len(s), int(end)) for end, s in zip(ends, sizes, strict=True)]
    X, C, d, N = int(ends[-1]), max(each.counts.shape[1] for each in questions), len(constraints), len(questions)
    signs = np.array([c.sign for c in constraints], dtype=np.float64)[:, None]
    nu_0, costs, applies = np.zeros((1 + resamples, X, C)), np.zeros((X, d, C)), np.zeros((X, d), dtype=bool)
    rng = np.random.default_rng(seed)
    drawn = np.vstack([np.ones(N), rng.multinomial(N, np.full(N, 1 / N), size=resamples)]) / N
    weights = np.zeros((1 + resamples, X))
    for n, (question, place) in enumerate(zip(questions, slots, strict=True)):
        width = question.counts.shape[1]
        totals = question.counts.sum(axis=1)
        shares = question.counts / totals[:, None]
        nu_0[0, place, :width] = shares
        for v in range(len(totals)):
            draws = rng.multinomial(totals[v], shares[v], size=resamples)
            nu_0[1:, place.start + v, :width] = draws / totals[v]
        costs[place, :, :width], applies[place] = question.costs * signs, question.applies
        weights[:, place] = drawn[:, n, None] * np.asarray(sizes[n]) / sum(sizes[n])
    return PromptBatch(constraints, nu_0, weights, costs, applies, slots, sizes)
