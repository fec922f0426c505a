"""A control: a reward for right answers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames.targets.correctness import ByCorrectness


@dataclass(frozen=True, eq=False)
class GroundTruth(ByCorrectness):
    """A control with labels: 1 for a right answer, 0 for a wrong one or none.

    Math:
        r(y) = 1 if E(y) is right, else 0;   q(z) proportional to exp(1{z right} / beta).

    >>> from dagames.targets import AnswerGroup
    >>> GroundTruth().rewards(AnswerGroup(("7", "8", None), gold="7"))
    array([1., 0., 0.])
    >>> GroundTruth(correct={"7", "8"}).rewards(AnswerGroup(("7", "8", None)))
    array([1., 1., 0.])
    """

    recipe_name: ClassVar[str] = "ground_truth"

    def exact_value(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return 1, [*x]."""
        return np.ones_like(p)

    def sampled_value(self, n_right: int, K: int) -> float:
        """Return 1."""
        return 1.0
