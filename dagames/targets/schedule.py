"""Targets that change with the training step."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.numerics.arrays import short
from dagames.numerics.integers import as_count
from dagames.targets.base import Target
from dagames.targets.combined import check_target
from dagames.targets.group import AnswerGroup


@dataclass(frozen=True, eq=False, init=False)
class Schedule(Target):
    """A sequence of targets, each from a training step on.

    A trainer calls `at(step)`. The schedule's `rewards` and `exact_rewards` are those of the first target.

    Attributes:
        stages: The first step of each target, and the target, in ascending order; the first is 0.

    >>> from dagames.targets import GiniDiversity, MajorityVote
    >>> schedule = Schedule({0: GiniDiversity(), 100: MajorityVote()})
    >>> [type(schedule.at(step)).__name__ for step in (0, 99, 100)]
    ['GiniDiversity', 'GiniDiversity', 'MajorityVote']
    """

    stages: tuple[tuple[int, Target], ...]

    def __init__(self, stages: Mapping[int, Target]) -> None:
        """Make the schedule.

        Args:
            stages: Targets by their first step; one must start at 0.

        Raises:
            DomainError: If there is no target for step 0, a step is not an integer, or a target is not a Target.
        """
        if not isinstance(stages, Mapping):
            raise DomainError(
                f"`stages` must map first steps to targets, such as {{0: a, 100: b}}, not {short(stages)}."
            )
        for step, target in stages.items():
            as_count(step, "stages", 0)
            check_target(target, f"stages[{step}]")
        ordered = tuple(sorted(stages.items(), key=lambda stage: stage[0]))
        if not ordered or ordered[0][0] != 0:
            raise DomainError(
                f"`stages` starts at {ordered[0][0] if ordered else 'no step'}; it must have a target for step 0."
            )
        object.__setattr__(self, "stages", ordered)

    @property
    def needs(self) -> frozenset[str]:
        """The fields that any stage needs."""
        return frozenset().union(*(target.needs for _, target in self.stages))

    @property
    def least_group_size(self) -> int:
        """Minimum number of traces of all stages."""
        return max(target.least_group_size for _, target in self.stages)

    def at(self, step: int) -> Target:
        """Return the target of the last stage that starts at `step` or before."""
        return next(target for start, target in reversed(self.stages) if start <= max(step, 0)).at(step)

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute the exact rewards of the first stage, [*x, Z]."""
        return self.at(0).exact_rewards(nu)

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute the rewards of the first stage, [K]."""
        return self.at(0).rewards(group)
