"""What a Target is: one object with an exact and a sampled view."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dagames import simplex
from dagames._errors import DomainError
from dagames._types import Numbers, OverAnswers
from dagames.numerics.float_errors import with_default_errors_in
from dagames.targets.group import AnswerGroup

if TYPE_CHECKING:
    from dagames.estimators import RewardTable
    from dagames.functionals import Functional
    from dagames.targets.functional_target import FunctionalTarget
else:
    RewardTable = Functional = FunctionalTarget = Any


class Target(ABC):
    """The Target player: it answers a distribution of answers with a distribution, and a sample with rewards.

    Law (tested over every subclass): as a group grows, its rewards converge to beta log q up to one constant per
    group, wherever `log_density` has no tie. Rewards are finite for every group that has what the target needs.

    Targets are immutable. They are added, `a + b`, scaled, `0.5 * a`, and multiplied, `a * b`, trace by trace.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        with_default_errors_in(cls)

    @property
    def needs(self) -> frozenset[str]:
        """Fields of the group that are read besides answers and views: of "distances", "costs", "texts", "gold"."""
        return frozenset()

    @property
    def least_group_size(self) -> int:
        """The least number of traces that `rewards` accepts."""
        return 1

    def at(self, step: int) -> "Target":
        """Return the target in force at a training step, itself unless it follows a schedule.

        Args:
            step: Number of the step, from 0.

        Returns:
            The target.
        """
        return self

    def log_density(self, nu: Numbers, beta: float) -> OverAnswers:
        """Compute log q, the exact target against the answer marginal `nu`.

        Args:
            nu: Answer probabilities, [*x, Z]; [*x, M, Z], a row for each view, where the target compares views.
            beta: Weight of the divergence to the reference, above 0.

        Returns:
            Log-probabilities of answers, of the same shape.

        Raises:
            DomainError: If the target has no best response at `nu`.
        """
        beta = simplex.as_positive(beta, "beta")
        reward = self.exact_rewards(simplex.as_distribution(nu, "nu"))
        if not np.isfinite(reward).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(reward))[0])
            raise DomainError(
                f"{type(self).__name__} has no best response: answer {place[-1]} has mass 0 and would be worth "
                f"{reward[place]}. Leave out the answers that no trace gives."
            )
        return simplex.log_normalize(reward / beta)

    @abstractmethod
    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute beta log q up to a constant, [*x, Z], in R-units; it does not depend on beta."""

    @abstractmethod
    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute one reward per trace of a group, [K], in R-units."""

    @staticmethod
    def from_functional(
        R: Functional,
        answers: Sequence[Hashable] | None = None,
        *,
        n_answers: int | None = None,
        table: "RewardTable | None" = None,
    ) -> "FunctionalTarget":
        """Make the target of the game of a functional: the reward of an answer is minus R's slope.

        Math:
            beta log q = -grad R(nu), up to a constant (Theorem 2.1); a group gives it at its frequencies.

        Args:
            R: The functional, with a finite slope wherever all given answers have mass.
            answers: The answer of each coordinate of R, [Z]. Not needed where R treats all answers alike.
            n_answers: Z, short for the answers 0, 1, ..., Z - 1.
            table: An estimate by count of R's slope in place of the slope at the observed frequency.

        Returns:
            The target.

        >>> from dagames.functionals import Gini
        >>> Target.from_functional(Gini(2.0)).rewards(AnswerGroup(("a", "a", "b", None)))
        array([1. , 1. , 1.5, 0. ])
        """
        from dagames.targets.functional_target import FunctionalTarget, as_coordinates

        return FunctionalTarget(R, as_coordinates(answers, n_answers), table)

    def __add__(self, other: "Target") -> "Target":
        # Imported late: a sum is a target itself.
        from dagames.targets.combined import TargetSum

        return TargetSum((self, other)) if isinstance(other, Target) else NotImplemented

    def __mul__(self, other: "Target | float") -> "Target":
        from dagames.targets.combined import TargetProduct, Weighted

        return TargetProduct((self, other)) if isinstance(other, Target) else Weighted(other, self)

    __rmul__ = __mul__

    # A numpy number on the left leaves the product to the target, instead of making an array of targets.
    __array_ufunc__ = None
