"""The interface of Targets: exact log q for a distribution, and rewards for a group of traces."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames import simplex
from dagames._errors import DomainError
from dagames._types import Numbers, OverAnswers, PerCount
from dagames.numerics.arrays import short
from dagames.numerics.float_errors import with_default_errors_in
from dagames.numerics.integers import as_count
from dagames.targets.group import AnswerGroup

if TYPE_CHECKING:
    from dagames.estimators import RewardTable
    from dagames.functionals import Functional
    from dagames.targets.functional_target import FunctionalTarget
else:
    RewardTable = Functional = FunctionalTarget = Any


class Target(ABC):
    """The Target player: its best response q to an answer marginal, and rewards for a sampled group.

    Law (tested over every subclass): as the group size increases, rewards converge to beta log q up to one constant
    per group, except at ties of `log_density`. Rewards are finite for every group that has the fields in `needs`.

    Targets are immutable. Sums `a + b`, multiples `0.5 * a` and products `a * b` apply to the reward of each trace.

    Attributes:
        recipe_name: The target's name in recipes of language-model runs; None if recipes do not support it.
    """

    recipe_name: ClassVar[str | None] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, check in {"rewards": _check_group, "rewards_by_count": _check_group_size}.items():
            if name in vars(cls):
                setattr(cls, name, _with_checked_argument(vars(cls)[name], check))
        with_default_errors_in(cls)

    @property
    def needs(self) -> frozenset[str]:
        """Required fields of the group besides answers and views, among "distances", "costs", "texts" and "gold"."""
        return frozenset()

    @property
    def least_group_size(self) -> int:
        """Minimum number of traces for `rewards`."""
        return 1

    def at(self, step: int) -> "Target":
        """Return the target of a training step: itself unless it has a schedule.

        Args:
            step: Number of the step, from 0.

        Returns:
            The target.
        """
        return self

    def log_density(self, nu: Numbers, beta: float) -> OverAnswers:
        """Compute log q, the best response to the answer marginal `nu`.

        Args:
            nu: Answer probabilities, [*x, Z]; [*x, M, Z], one row per view, if the target compares views.
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
                f"{type(self).__name__} has no best response: answer {place[-1]} has mass 0 and the reward "
                f"{reward[place]}. Leave out answers without traces."
            )
        return simplex.log_normalize(reward / beta)

    @abstractmethod
    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute beta log q up to a constant, [*x, Z], in R-units; this does not depend on beta."""

    @abstractmethod
    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute one reward per trace of a group, [K], in R-units."""

    def rewards_by_count(self, group_size: int) -> PerCount | None:
        """Return the reward of a trace by the number of traces with its answer, if it depends on this number alone.

        Args:
            group_size: Number of traces K.

        Returns:
            Rewards at counts 0, 1, ..., K, [K + 1], in R-units; the one at count 0 applies to no trace. None if a
            reward depends on more than the count.

        Raises:
            DomainError: If the group size is not an integer of at least 1.

        >>> from dagames.targets import GiniDiversity
        >>> GiniDiversity().rewards_by_count(4)
        array([1.  , 0.75, 0.5 , 0.25, 0.  ])
        """
        _check_group_size(group_size)
        return None

    @staticmethod
    def from_functional(
        R: Functional,
        answers: Sequence[Hashable] | None = None,
        *,
        n_answers: int | None = None,
        table: "RewardTable | None" = None,
    ) -> "FunctionalTarget":
        """Make the target of a functional's game, with minus the gradient of R as reward.

        Math:
            beta log q = -grad R(nu), up to a constant (Theorem 2.1); rewards of a group use its frequencies as nu.

        Args:
            R: The functional, with a finite gradient where all answers of a group have mass.
            answers: The answer of each coordinate of R, [Z]. Not needed if R is symmetric in the answers.
            n_answers: Z, for the answers 0, 1, ..., Z - 1.
            table: Estimates of R's partial derivative by count, in place of the gradient at the frequencies.

        Returns:
            The target.

        Raises:
            DomainError: If R needs `answers` and none are given, is or contains an indicator (`Point`, `Polytope`),
                has a parameter per prompt or a gradient of NaN, or if the table estimates another slope.
            ShapeError: If R is for another number of answers.

        >>> from dagames.functionals import Gini
        >>> Target.from_functional(Gini(2.0)).rewards(AnswerGroup(("a", "a", "b", None)))
        array([1. , 1. , 1.5, 0. ])
        """
        return Operators.from_functional(R, answers, n_answers, table)

    def __add__(self, other: "Target") -> "Target":
        return Operators.total((self, other)) if isinstance(other, Target) else NotImplemented

    def __mul__(self, other: "Target | float") -> "Target":
        return Operators.product((self, other)) if isinstance(other, Target) else Operators.multiple(other, self)

    __rmul__ = __mul__

    # Without this, a numpy number times a target would be an array of targets.
    __array_ufunc__ = None


def _check_group(group: object) -> None:
    if not isinstance(group, AnswerGroup):
        raise DomainError(f"`group` must be an AnswerGroup, not {short(group)}; pass AnswerGroup(answers).")


def _check_group_size(group_size: object) -> None:
    as_count(group_size, "group_size")


def _with_checked_argument(method: Callable[..., Any], check: Callable[[object], None]) -> Callable[..., Any]:
    """Return the method with a check of its argument."""

    @wraps(method)
    def run(self: Target, *args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values())[:1]:
            check(value)
        return method(self, *args, **kwargs)

    return run


class Operators:
    """The functions behind +, * and `from_functional`; the modules of the returned classes set them on import."""

    total: Callable[[Sequence[Target]], Target]
    product: Callable[[Sequence[Target]], Target]
    multiple: Callable[[float, Target], Target]
    from_functional: Callable[..., FunctionalTarget]
