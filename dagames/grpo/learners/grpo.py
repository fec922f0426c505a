"""Policy gradient with the mean of the group as baseline."""

from dataclasses import dataclass
from typing import Literal, get_args

from dagames._choices import as_choice
from dagames._types import OverGroup
from dagames.grpo.advantages import group_advantages
from dagames.grpo.learners.base import Groups, Learner, Memory

PerGroupRule = Literal["center", "standardise"]


@dataclass(frozen=True)
class Grpo(Learner):
    """GRPO: rewards minus the mean of the group, optionally divided by its standard deviation.

    Attributes:
        learning_rate: Step in logits per unit of advantage.
        normalise: "center", or "standardise" as in the paper's eq. 5.

    Source:
        (paper, eq. 4 and 5)
    """

    learning_rate: float
    normalise: PerGroupRule = "center"

    def __post_init__(self) -> None:
        """Validate the settings; "standardise-batch" is not allowed because seeds are independent runs."""
        super().__post_init__()
        as_choice(self.normalise, "normalise", get_args(PerGroupRule))

    def advantages(self, groups: Groups, memory: Memory) -> tuple[OverGroup, Memory]:
        """Compute the advantages of each group from the penalised rewards."""
        return group_advantages(groups.penalised, self.normalise), memory
