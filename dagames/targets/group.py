"""Groups of traces: their answers, and other fields that targets use."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError, ShapeError
from dagames._types import Numbers
from dagames.targets.group_fields import as_answers, as_costs, as_distances, as_gold, as_texts, as_view_numbers

_Array = TypeVar("_Array", bound=NDArray[Any])

UNPARSED = -1
"""Code of a trace without an answer."""


@dataclass(frozen=True, eq=False, init=False)
class AnswerGroup:
    """A group of traces with their answers, views, and other fields that targets use.

    Answers are compared with ==, so an extractor must return a canonical form. A trace whose answer could not be read
    has the answer None, which is not equal to any other, and gets the least reward of a target.

    Attributes:
        answers: Answer of each trace, hashable, or None, [K].
        views: Number of the view of each trace, [K]; all 0 by default.
        distances: Distance of each pair of traces, [K, K], in [0, 1], symmetric, 0 on the diagonal; or None.
        costs: Costs of each trace by name, [K] each.
        texts: Text of each trace, [K]; or None.
        gold: The reference answer, in the extractor's canonical form; or None.

    >>> AnswerGroup(("11", "12", None, "11")).counts
    array([2, 1, 0, 2])
    """

    answers: tuple[Hashable, ...]
    views: tuple[int, ...]
    distances: NDArray[np.float64] | None
    costs: Mapping[str, NDArray[np.float64]]
    texts: tuple[str, ...] | None
    gold: Hashable

    def __init__(
        self,
        answers: Sequence[Hashable],
        views: Sequence[int] | None = None,
        *,
        distances: Numbers | None = None,
        costs: Mapping[str, Numbers] | None = None,
        texts: Sequence[str] | None = None,
        gold: Hashable = None,
    ) -> None:
        """Validate the fields.

        Args:
            answers: Answer of each trace, hashable, or None, [K], at least one.
            views: Number of the view of each trace, integers, [K].
            distances: Distance of each pair of traces, [K, K].
            costs: Costs of each trace by name, finite, [K] each.
            texts: Text of each trace, [K].
            gold: The reference answer, hashable; only controls use it.

        Raises:
            ShapeError: If there is no trace, or a field does not have one entry per trace.
            DomainError: If an answer is not hashable or is a NaN, if a distance lies outside [0, 1], is not symmetric
                or not 0 on the diagonal, or if a cost is not a finite number.
        """
        entries = as_answers(answers)
        K = len(entries)
        object.__setattr__(self, "answers", entries)
        object.__setattr__(self, "views", (0,) * K if views is None else as_view_numbers(views, K))
        object.__setattr__(self, "distances", None if distances is None else as_distances(distances, K))
        object.__setattr__(self, "costs", _NO_COSTS if costs is None else as_costs(costs, K))
        object.__setattr__(self, "texts", None if texts is None else as_texts(texts, K))
        object.__setattr__(self, "gold", as_gold(gold))

    def __len__(self) -> int:
        """Return the number of traces K."""
        return len(self.answers)

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """Index of each trace's answer in order of first appearance, [K]; `UNPARSED` for None."""
        index: dict[Hashable, int] = {}
        return _read_only(
            np.array([UNPARSED if a is None else index.setdefault(a, len(index)) for a in self.answers], np.int64)
        )

    @cached_property
    def distinct(self) -> tuple[Hashable, ...]:
        """The distinct answers in order of first appearance, [n]; `codes` are indices into them."""
        return tuple(dict.fromkeys(a for a in self.answers if a is not None))

    @cached_property
    def parsed(self) -> NDArray[np.bool_]:
        """Which traces have an answer, [K]."""
        return _read_only(np.asarray(self.codes != UNPARSED))

    @cached_property
    def totals(self) -> NDArray[np.int64]:
        """Number of traces with each distinct answer, [n]; empty if no trace has one."""
        return _read_only(np.bincount(self.codes[self.parsed]).astype(np.int64))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of traces with the answer of each trace, itself included, [K]; 0 for traces without an answer."""
        return _read_only(np.append(self.totals, 0)[self.codes])

    @cached_property
    def view_codes(self) -> NDArray[np.int64]:
        """Index of each trace's view among the group's views in ascending order, [K]."""
        return _read_only(np.unique(np.array(self.views), return_inverse=True)[1].astype(np.int64).reshape(-1))

    @cached_property
    def view_sizes(self) -> NDArray[np.int64]:
        """Number of traces of each view, those without an answer included, [M]."""
        return _read_only(np.bincount(self.view_codes).astype(np.int64))

    @cached_property
    def view_totals(self) -> NDArray[np.int64]:
        """Number of traces of each view with each distinct answer, [M, n]."""
        M, n = self.view_sizes.size, self.totals.size
        places = self.view_codes[self.parsed] * n + self.codes[self.parsed]
        return _read_only(np.bincount(places, minlength=M * n).astype(np.int64).reshape(M, n))

    def by_answer(self, values: NDArray[np.float64], unparsed: float) -> NDArray[np.float64]:
        """Return the value of each trace's answer.

        Args:
            values: One value per distinct answer, [n].
            unparsed: The value of a trace without an answer.

        Returns:
            Values, [K].
        """
        return np.asarray(np.append(values, unparsed)[self.codes], dtype=np.float64)

    def with_answers(self, answers: Sequence[Hashable]) -> "AnswerGroup":
        """Return the same traces with other answers.

        Args:
            answers: Answer of each trace, hashable, or None, [K].

        Returns:
            The group.

        Raises:
            ShapeError: If there is not one answer for each trace.
        """
        entries = as_answers(answers)
        if len(entries) != len(self):
            raise ShapeError(f"`answers` has {len(entries)} entries for {len(self)} traces.")
        group = object.__new__(AnswerGroup)
        for name in ("views", "distances", "costs", "texts", "gold"):
            object.__setattr__(group, name, getattr(self, name))
        object.__setattr__(group, "answers", entries)
        return group

    def without(self, i: int) -> "AnswerGroup":
        """Return the group with the answer of trace i set to None and its distances to 0.

        Args:
            i: Index of the trace.

        Returns:
            The group of as many traces, in which the rewards of the others do not depend on trace i.
        """
        group = self.with_answers([None if j == i else answer for j, answer in enumerate(self.answers)])
        if self.distances is not None:
            others = np.arange(len(self)) != i
            object.__setattr__(group, "distances", _read_only(self.distances * np.outer(others, others)))
        return group

    def cost(self, name: str, reader: str) -> NDArray[np.float64]:
        """Return the costs of a name.

        Args:
            name: The cost's name.
            reader: Name of the target in the error message.

        Returns:
            Costs, [K].

        Raises:
            DomainError: If the group has no cost of that name.
        """
        if name not in self.costs:
            listed = ", ".join(map(repr, self.costs)) or "none"
            raise DomainError(
                f"{reader} needs the cost {name!r}, but the group's `costs` are {listed}. Pass it: "
                f"`AnswerGroup(answers, costs={{{name!r}: ...}})`, one number per trace."
            )
        return self.costs[name]

    def required(self, field: str, reader: str) -> Any:
        """Return a field that a target needs.

        Args:
            field: "distances", "texts" or "gold".
            reader: Name of the target in the error message.

        Returns:
            The field.

        Raises:
            DomainError: If the group does not have the field.
        """
        value = getattr(self, field)
        if value is None:
            raise DomainError(
                f"{reader} needs `{field}`, which the group does not have. Pass it: `AnswerGroup(answers, "
                f"{field}=...)`."
            )
        return value


_NO_COSTS: Mapping[str, NDArray[np.float64]] = MappingProxyType({})


def _read_only(array: _Array) -> _Array:
    array.flags.writeable = False
    return array
