"""The target of any functional, with minus its gradient as reward."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DagamesError, DomainError, ShapeError
from dagames._types import OverAnswers, PerCount
from dagames.functionals.base import Functional
from dagames.functionals.parameters import parameter_by_prompt
from dagames.numerics.arrays import short
from dagames.numerics.integers import as_count
from dagames.targets.answer_values import coordinates
from dagames.targets.base import Operators, Target
from dagames.targets.group import UNPARSED, AnswerGroup
from dagames.targets.group_fields import as_answers
from dagames.targets.tables import RewardTable, check_table, check_table_fits


@dataclass(frozen=True, eq=False)
class FunctionalTarget(Target):
    """The best response of the game of a functional, and its estimate from the frequencies of a group.

    Math:
        beta log q(z) = s - grad R(nu)_z;   r(y) = s - grad R(f)_E(y),  f(z) = count(z) / K.

    If R is symmetric in the answers, s is its partial derivative at an answer of frequency 1, so that the reward of
    such an answer is 0. Otherwise `answers` names the coordinates, and s = 0. A trace without an answer, or with one
    that is not in `answers` or not allowed by R, gets the least reward of an answer of frequency 1, or the least reward
    of the group if that is less.

    Attributes:
        functional: R.
        answers: The answer of each coordinate of R, [Z]; None if R is symmetric in the answers.
        table: Estimates by count of R's partial derivative, up to a factor and a constant, in place of that at f.

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
        """Validate functional, answers and table."""
        R = self.functional
        if not isinstance(R, Functional):
            raise DomainError(f"`R` must be a Functional, such as functionals.Gini(), not {type(R).__name__}.")
        _check_has_slope(R)
        if self.answers is None:
            _check_symmetric(R)
        elif misfit := _misfit(R, len(self.answers)):
            raise ShapeError(
                f"{R.name} does not fit the {len(self.answers)} answers of this target: {misfit}. Pass the answer of "
                "each coordinate of R."
            )
        else:
            _slopes_at(R, np.full(len(self.answers), 1.0 / len(self.answers)))
        if self.table is not None:
            object.__setattr__(
                self, "_line", _slope_as_line(R, self.table, 3 if self.answers is None else len(self.answers))
            )

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute s - grad R(nu), [*x, Z]; +inf where nu is 0 and the gradient infinite, -inf where not allowed."""
        if self.answers is not None:
            coordinates(self.answers, nu)
        allowed = self.functional.allowed(np.ones(nu.shape, dtype=bool))
        return np.asarray(np.where(allowed, self._shift - self.functional.gradient(nu), -np.inf))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute s minus R's partial derivative at the group's frequencies for each trace, [K].

        Args:
            group: The traces' answers.

        Returns:
            Rewards, [K], in R-units.

        Raises:
            DomainError: If R has no finite gradient at these frequencies, or the table is for another group size.
        """
        if (by_count := self.rewards_by_count(len(group))) is not None:
            return np.asarray(group.by_answer(by_count[group.totals], self._least))
        places = group.codes if self.answers is None else self._places(group)
        has_place = places >= 0
        slopes = self._slopes(group, places) if self.table is None else self._table_slopes(self.table, group, places)
        if not np.isfinite(slopes[has_place]).all():
            raise DomainError(
                f"{self.functional.name} has no finite slope at the frequencies {(group.totals / len(group)).tolist()} "
                "of a group, so it gives no rewards. Use a functional that is finite around them, or a table."
            )
        rewards = self._shift - np.where(has_place, slopes, 0.0)
        rewards[~has_place] = min(self._least, rewards[has_place].min(initial=np.inf))
        return np.asarray(rewards)

    def rewards_by_count(self, group_size: int) -> PerCount | None:
        """Return the reward by count, [K + 1], if R is symmetric, separable and finite at counts above 0."""
        if group_size not in self._by_count:
            self._by_count[group_size] = self._compute_by_count(group_size)
        return self._by_count[group_size]

    def _compute_by_count(self, group_size: int) -> PerCount | None:
        if self.table is not None or self.answers is not None or self.functional.as_separable() is None:
            return None
        frequency = np.arange(group_size + 1)[:, None] / group_size
        others = np.broadcast_to((1.0 - frequency) / 2, (group_size + 1, 2))
        slopes = np.array(self.functional.gradient(np.concatenate([frequency, others], axis=1))[:, 0])
        if np.isinf(slopes[0]):
            slopes[0] = slopes[1]
        if not np.isfinite(slopes).all():
            return None
        rewards = np.asarray(self._shift - slopes)
        rewards.flags.writeable = False
        return rewards

    def _places(self, group: AnswerGroup) -> NDArray[np.int64]:
        """Return the coordinate of each trace's answer, [K]; -1 if there is none."""
        places = [self._coordinates.get(answer, UNPARSED) for answer in group.distinct]
        return np.asarray([*places, UNPARSED], dtype=np.int64)[group.codes]

    def _slopes(self, group: AnswerGroup, places: NDArray[np.int64]) -> NDArray[np.float64]:
        if self.answers is not None:
            tally = np.bincount(places[places >= 0], minlength=len(self.answers))
        else:
            # Traces without an answer count as one more answer, so that frequencies sum to 1.
            unparsed = len(group) - group.totals.sum()
            tally = np.append(group.totals, unparsed) if unparsed else group.totals
        return np.asarray(self.functional.gradient(tally / len(group))[places])

    def _table_slopes(self, table: RewardTable, group: AnswerGroup, places: NDArray[np.int64]) -> NDArray[np.float64]:
        check_table_fits(table, len(group))
        factor, constants = self._line
        estimates = table.coefficients[group.counts]
        return np.asarray(factor * estimates + (constants[0] if self.answers is None else constants[places]))

    @cached_property
    def _by_count(self) -> dict[int, PerCount | None]:
        """Cache of the rewards by count, by group size."""
        return {}

    @cached_property
    def _shift(self) -> float:
        return float(self.functional.gradient(np.array([1.0, 0.0, 0.0]))[0]) if self.answers is None else 0.0

    @cached_property
    def _least(self) -> float:
        """The least reward of an answer of frequency 1."""
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
        allowed = self.functional.allowed(np.ones(len(answers), dtype=bool)).tolist()
        return {answer: place for place, answer in enumerate(answers) if allowed[place]}


def from_functional(
    R: Functional, answers: Sequence[Hashable] | None, n_answers: int | None, table: RewardTable | None
) -> FunctionalTarget:
    """Make the target of a functional's game: `Target.from_functional`."""
    return FunctionalTarget(R, as_coordinates(answers, n_answers), table)


Operators.from_functional = from_functional


def as_coordinates(answers: Sequence[Hashable] | None, n_answers: int | None) -> tuple[Hashable, ...] | None:
    """Return the answer of each coordinate of a functional, [Z], from `answers` or `n_answers`; None without both."""
    if answers is None:
        return None if n_answers is None else tuple(range(as_count(n_answers, "n_answers")))
    if n_answers is not None:
        raise DomainError("`answers` and `n_answers` are both given; omit `n_answers`.")
    named = as_answers(answers)
    if None in named or len(set(named)) < len(named):
        raise DomainError(f"`answers` must be different and not None; they are {short(named)}.")
    return named


def _check_has_slope(R: Functional) -> None:
    """Raise for a functional that is or contains an indicator, or has a parameter per prompt."""
    if R.constraint_set() is not None:
        raise DomainError(
            f"{R.name} is infinite where a bound is broken and has no gradient there, so it gives no rewards. Solve "
            "the game with the bounds: `CoupledGame(prompts, Budgets(costs, budgets))`; to train, use "
            "`dagames_llm.SafetyReward`, whose multipliers enforce bounds."
        )
    if any(part.is_indicator for part in R.terms()):
        raise DomainError(
            f"{R.name} is infinite where an answer that it forbids has mass and has no gradient there, so it gives no "
            "rewards. To reward one answer, use `LogScore(answer)` in place of `Point(answer)`, or the target "
            "`GroundTruth(correct={answer})`."
        )
    if (name := parameter_by_prompt(R)) is not None:
        raise DomainError(
            f"{R.name} has one `{name}` per prompt, but a target has the same functional for every prompt. Pass a "
            f"functional with one `{name}`, or make a target for each prompt."
        )


def _misfit(R: Functional, n_answers: int) -> str:
    """Return why a functional does not fit a number of answers; "" if it does."""
    try:
        R.check_fits((), n_answers)
        R.gradient(np.full(n_answers, 1.0 / n_answers))
    except (DagamesError, ValueError, IndexError) as error:
        return str(error).split(". ")[0].rstrip(".").replace("; the game needs", ", not")
    return ""


def _slopes_at(R: Functional, nu: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gradient at a point, [Z]; raise if it has a NaN."""
    slopes = np.asarray(R.gradient(nu))
    if np.isnan(slopes).any():
        raise DomainError(
            f"the gradient of {R.name} at {short(nu.tolist())} is {short(slopes.tolist())}, which has a NaN, so it "
            "gives no rewards. Correct `gradient`; `functionals.broken_laws(functional, n_answers)` lists the laws "
            "that it breaks."
        )
    return slopes


def _check_symmetric(R: Functional) -> None:
    """Raise unless a functional is for every number of answers and symmetric in them."""
    nu = np.array([0.5, 0.3, 0.2])
    fixed = any(_misfit(R, n_answers) for n_answers in (2, 3, 4))
    if not fixed:
        orders = [list(order) for order in permutations(range(3))]
        slopes = np.array([_slopes_at(R, nu[order]) for order in orders])
        if all(
            np.allclose(slope, slopes[0][order], rtol=1e-12, atol=0.0)
            for order, slope in zip(orders, slopes, strict=True)
        ):
            return
    reason = "is for a fixed number of answers" if fixed else "is not symmetric in the answers"
    raise DomainError(
        f"{R.name} {reason}, so the answer of each coordinate is needed. Pass `answers`, or `n_answers` if the answers "
        "are 0, 1, ..., Z - 1."
    )


def _slope_as_line(R: Functional, table: RewardTable, Z: int) -> tuple[float, NDArray[np.float64]]:
    """Return a and b, [Z], with R's partial derivative at z = a g(nu(z)) + b_z, where the table estimates g."""
    check_table(table)
    p = np.array([0.15, 0.4, 0.65, 0.9])
    nu = np.where(np.eye(Z, dtype=bool), p[:, None, None], (1.0 - p[:, None, None]) / max(Z - 1, 1))
    slopes = np.diagonal(R.gradient(nu), axis1=-2, axis2=-1)
    g = np.asarray(table.estimand(p))[:, None]
    span = float(g[-1, 0] - g[0, 0])
    factor = float(slopes[-1, 0] - slopes[0, 0]) / span if span else 0.0
    constants = slopes - factor * g
    if not np.allclose(constants, constants[0], rtol=0.0, atol=1e-9 * max(1.0, np.abs(slopes).max())):
        raise DomainError(
            f"`table` estimates {table.estimand.name!r}, and the slope of {R.name} is not a multiple of it plus a "
            "constant. Make a table for the slope: `recommended_table(K, reward=...)`."
        )
    return factor, np.asarray(constants[0])
