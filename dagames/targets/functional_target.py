"""The target of any functional: minus its slope."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DagamesError, DomainError
from dagames._types import OverAnswers
from dagames.functionals.base import Functional
from dagames.numerics.arrays import short
from dagames.numerics.integers import as_count
from dagames.targets.base import Target
from dagames.targets.group import UNPARSED, AnswerGroup
from dagames.targets.group_fields import as_answers

if TYPE_CHECKING:
    from dagames.estimators import RewardTable
else:
    # Tables load python-flint, which a run without them does not need.
    RewardTable: TypeAlias = Any


@dataclass(frozen=True, eq=False)
class FunctionalTarget(Target):
    """The best response of the game of a functional, and its estimate by the frequencies of a group.

    Math:
        beta log q(z) = s - grad R(nu)_z;   r(y) = s - grad R(f)_E(y),  f(z) = count(z) / K.

    If R treats all answers alike, s is its slope at an answer that everybody gives, so that such an answer gets 0. If
    not, `answers` says which answer each coordinate is, and s = 0. A trace without an answer, with one that is not
    among `answers`, or with one that R forbids, gets the least reward that R gives to an answer alone, or the group's
    least.

    Attributes:
        functional: R.
        answers: The answer of each coordinate of R, [Z]; None if R treats all answers alike.
        table: An estimate by count of R's slope, up to a factor and a constant, in place of the slope at f.

    Source:
        (paper, Theorem 2.1); claim I.12

    >>> from dagames.functionals import Linear
    >>> FunctionalTarget(Linear([1.0, 3.0]), ("a", "b")).rewards(AnswerGroup(("b", "a", "c")))
    array([3., 1., 1.])
    """

    functional: Functional
    answers: tuple[Hashable, ...] | None = None
    table: RewardTable | None = None
    _line: tuple[float, NDArray[np.float64]] = field(init=False, repr=False, default=(1.0, np.zeros(1)))

    def __post_init__(self) -> None:
        """Validate functional, answers and table.

        Raises:
            DomainError: If `functional` is none, if it needs `answers` and has none, or if `table` estimates another
                function than its slope.
        """
        R = self.functional
        if not isinstance(R, Functional):
            raise DomainError(f"`R` must be a Functional, as functionals.Gini(), not {type(R).__name__}.")
        if self.answers is not None:
            R.check_fits((), len(self.answers))
        elif not _is_symmetric(R):
            raise DomainError(
                f"{R.name} does not treat all answers alike, so it must be known which answer each coordinate is. Give "
                "`answers`, or `n_answers` if the answers are 0, 1, ..., Z - 1."
            )
        if self.table is not None:
            object.__setattr__(
                self, "_line", _slope_as_line(R, self.table, 3 if self.answers is None else len(self.answers))
            )

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute s - grad R(nu), [*x, Z]; +inf where nu is 0 and R has no finite slope, -inf where R forbids it."""
        allowed = self.functional.allowed(nu.shape[-1])
        return np.asarray(np.where(allowed, self._shift - self.functional.gradient(nu), -np.inf))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute s minus R's slope at the group's frequencies for each trace, [K].

        Args:
            group: The traces' answers.

        Returns:
            Rewards, [K], in R-units.

        Raises:
            DomainError: If R has no finite slope at these frequencies, or the table is for another group size.
        """
        places = group.codes if self.answers is None else self._places(group)
        known = places >= 0
        slopes = self._slopes(group, places) if self.table is None else self._looked_up(self.table, group, places)
        if not np.isfinite(slopes[known]).all():
            raise DomainError(
                f"{self.functional.name} has no finite slope at the frequencies {(group.totals / len(group)).tolist()} "
                "of a group, so it gives no rewards. Use a functional that is finite around them, or a table."
            )
        rewards = self._shift - np.where(known, slopes, 0.0)
        rewards[~known] = min(self._least, rewards[known].min(initial=np.inf))
        return np.asarray(rewards)

    def _places(self, group: AnswerGroup) -> NDArray[np.int64]:
        """Find the coordinate of each trace's answer, [K]; -1 without one."""
        places = [self._coordinates.get(answer, UNPARSED) for answer in group.distinct]
        return np.asarray([*places, UNPARSED], dtype=np.int64)[group.codes]

    def _slopes(self, group: AnswerGroup, places: NDArray[np.int64]) -> NDArray[np.float64]:
        if self.answers is not None:
            tally = np.bincount(places[places >= 0], minlength=len(self.answers))
        else:
            # The traces without an answer count as one more answer: the frequencies then sum to 1.
            unparsed = len(group) - group.totals.sum()
            tally = np.append(group.totals, unparsed) if unparsed else group.totals
        return np.asarray(self.functional.gradient(tally / len(group))[places])

    def _looked_up(self, table: RewardTable, group: AnswerGroup, places: NDArray[np.int64]) -> NDArray[np.float64]:
        check_table_fits(table, group)
        factor, constants = self._line
        estimates = table.coefficients[group.counts]
        return np.asarray(factor * estimates + (constants[0] if self.answers is None else constants[places]))

    @cached_property
    def _shift(self) -> float:
        return float(self.functional.gradient(np.array([1.0, 0.0, 0.0]))[0]) if self.answers is None else 0.0

    @cached_property
    def _least(self) -> float:
        """The least reward of an answer that everybody gives."""
        if self.answers is None:
            return 0.0
        places = list(self._coordinates.values())
        alone = np.diagonal(self.functional.gradient(np.eye(len(self.answers))))[places]
        finite = alone[np.isfinite(alone)]
        return -float(finite.max()) if finite.size else 0.0

    @cached_property
    def _coordinates(self) -> dict[Hashable, int]:
        """The coordinate of each answer that R allows."""
        answers = self.answers or ()
        allowed = np.broadcast_to(self.functional.allowed(len(answers)), len(answers)).tolist()
        return {answer: place for place, answer in enumerate(answers) if allowed[place]}


def as_coordinates(answers: Sequence[Hashable] | None, n_answers: int | None) -> tuple[Hashable, ...] | None:
    """Read which answer each coordinate of a functional is.

    Args:
        answers: The answers, [Z], all different.
        n_answers: Z, short for 0, 1, ..., Z - 1.

    Returns:
        The answers; None if neither is given.

    Raises:
        DomainError: If both are given, or if an answer is None or appears twice.
    """
    if answers is None:
        return None if n_answers is None else tuple(range(as_count(n_answers, "n_answers")))
    if n_answers is not None:
        raise DomainError("`answers` and `n_answers` are both given; leave `n_answers` out.")
    known = as_answers(answers)
    if None in known or len(set(known)) < len(known):
        raise DomainError(f"`answers` must be different and not None; they are {short(known)}.")
    return known


def check_table_fits(table: RewardTable, group: AnswerGroup) -> None:
    """Raise unless a table is for groups of this size.

    Args:
        table: The table.
        group: The group.

    Raises:
        DomainError: If it is for another size.
    """
    if table.group_size != len(group):
        raise DomainError(f"`table` is for groups of {table.group_size}, but this group has {len(group)} traces.")


def check_table(table: object) -> None:
    """Raise unless an argument is a reward table for the counts of a group.

    Args:
        table: The argument.

    Raises:
        DomainError: If it is no table, or one that is not for counts that include the trace itself.
    """
    from dagames.estimators import RewardTable

    if not isinstance(table, RewardTable):
        raise DomainError(f"`table` must be a RewardTable, not {type(table).__name__}.")
    if table.counts == "independent":
        raise DomainError(
            "`table` is for independent counts, but a group counts the trace itself: its rewards would be biased "
            "at order 1/K (claim II.4). Use a table with counts='centred', or 'self-inclusive'."
        )


def _is_symmetric(R: Functional) -> bool:
    """Find out whether a functional treats all answers alike, at the permutations of one point of three answers."""
    nu = np.array([0.5, 0.3, 0.2])
    try:
        R.check_fits((), 3)
        slopes = np.asarray(R.gradient(nu))
        return all(
            np.allclose(R.gradient(nu[list(order)]), slopes[list(order)], rtol=1e-12, atol=0.0)
            for order in permutations(range(3))
        )
    except (DagamesError, ValueError, IndexError):
        return False


def _slope_as_line(R: Functional, table: RewardTable, Z: int) -> tuple[float, NDArray[np.float64]]:
    """Find a and b with R's slope at z = a g(nu(z)) + b_z, where the table estimates g.

    Args:
        R: The functional.
        table: The table.
        Z: Number of answers.

    Returns:
        a, and b, [Z].

    Raises:
        DomainError: If there are none.
    """
    check_table(table)
    p = np.array([0.15, 0.4, 0.65, 0.9])
    nu = np.where(np.eye(Z, dtype=bool), p[:, None, None], (1.0 - p[:, None, None]) / max(Z - 1, 1))
    slopes = np.diagonal(R.gradient(nu), axis1=-2, axis2=-1)
    g = np.asarray(table.estimates(p))[:, None]
    span = float(g[-1, 0] - g[0, 0])
    factor = float(slopes[-1, 0] - slopes[0, 0]) / span if span else 0.0
    constants = slopes - factor * g
    if not np.allclose(constants, constants[0], rtol=0.0, atol=1e-9 * max(1.0, np.abs(slopes).max())):
        raise DomainError(
            f"`table` estimates {table.estimates.name!r}, and the slope of {R.name} is no multiple of that plus a "
            "constant. Make the table for the slope: `recommended_table(K, reward=...)`."
        )
    return factor, np.asarray(constants[0])
