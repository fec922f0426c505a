"""Direct preference optimisation on the pairs of a group."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import expit

from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._types import OverGroup
from dagames.grpo.learners.base import Groups, Learner, Memory

Labels = Literal["bradley-terry", "ordered"]


@dataclass(frozen=True)
class Dpo(Learner):
    """DPO on all pairs of a group, with beta log(pi / pi_0) as the scores.

    Math:
        loss = -mean over pairs i, j of P_ij log sigmoid(h_ij) + P_ji log sigmoid(h_ji),
        h_ij = beta (log(pi / pi_0)(y_i) - log(pi / pi_0)(y_j)),
        minus its gradient in the logits: 1/K sum_i A_i e_{y_i},   A_i = 2 beta / (K-1) sum_j (P_ij - sigmoid(h_ij)).

    With Bradley-Terry labels P_ij = sigmoid(r_i - r_j), the minimiser is pi proportional to pi_0 exp(r / beta), where
    every step is 0. With ordered labels, the trace of larger reward wins with probability 1 and pairs of equal rewards
    are skipped: the loss has no minimum, and the margins grow without bound.

    Attributes:
        learning_rate: Step in logits per unit of the gradient of the loss.
        labels: "bradley-terry" or "ordered".

    Source:
        (paper, Prop 3.1); claim I.16
    """

    learning_rate: float
    labels: Labels = "bradley-terry"

    def __post_init__(self) -> None:
        """Validate the settings."""
        super().__post_init__()
        as_choice(self.labels, "labels", get_args(Labels))

    def advantages(self, groups: Groups, memory: Memory) -> tuple[OverGroup, Memory]:
        """Compare every trace with every other of its group.

        Args:
            groups: The groups of the step.
            memory: The state, returned unchanged.

        Returns:
            Weights that sum to 0 over each group, [seeds, K], and the state.

        Raises:
            DomainError: If beta is 0.
        """
        if not groups.beta > 0:
            raise DomainError("`beta` is 0; DPO needs beta above 0, because its scores are beta log(pi / pi_0).")
        margins = groups.rewards[..., :, None] - groups.rewards[..., None, :]
        scores = groups.beta * (groups.log_ratios[..., :, None] - groups.log_ratios[..., None, :])
        wins = expit(margins) if self.labels == "bradley-terry" else (1.0 + np.sign(margins)) / 2
        weights = wins - expit(scores)
        if self.labels == "ordered":
            weights = np.where(margins == 0, 0.0, weights)
        others = max(margins.shape[-1] - 1, 1)
        return np.asarray(2 * groups.beta / others * weights.sum(axis=-1)), memory
