"""A control: random rewards."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames._types import OverAnswers
from dagames.numerics.integers import as_count
from dagames.targets.base import Target
from dagames.targets.combined import as_share
from dagames.targets.group import AnswerGroup


@dataclass(frozen=True)
class RandomReward(Target):
    """A control without information: independently for each trace, 1 with probability `rate`, else 0.

    The draw is a function of the seed and of the group's answers (by their `repr`), views and texts in their order, so
    that a resumed run repeats it. Two groups that are equal in all of these have the same rewards.

    Math:
        E r(y) = rate;   q is uniform over answers.

    Attributes:
        rate: Probability of a reward of 1, from 0 to 1.
        seed: Seed, an integer of at least 0.

    >>> group = AnswerGroup(("a", "a", "b", None))
    >>> RandomReward().rewards(group).tolist() == RandomReward().rewards(group).tolist()
    True
    """

    recipe_name: ClassVar[str] = "random_reward"
    rate: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        """Validate rate and seed."""
        object.__setattr__(self, "rate", as_share(self.rate, "rate"))
        object.__setattr__(self, "seed", as_count(self.seed, "seed", 0))

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Return the mean reward, equal for all answers, [*x, Z]."""
        return np.full(nu.shape, self.rate)

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Draw 1 or 0 for each trace, [K]."""
        content = repr((self.seed, group.answers, group.views, group.texts)).encode("utf-8", "surrogatepass")
        digest = blake2b(content, digest_size=16).digest()
        draws = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little"))).random(len(group))
        return (draws < self.rate).astype(np.float64)
