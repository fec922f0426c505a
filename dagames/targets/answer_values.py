"""Numbers by answer, from a mapping or a function."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError, ShapeError
from dagames.numerics.arrays import as_number, short

ByAnswer: TypeAlias = Mapping[Any, Any] | Callable[[Any], Any]
"""A number for each answer: a mapping, or a function of the answer."""


def check_by_answer(values: object, name: str) -> None:
    """Raise unless an argument is a mapping or a function."""
    if not isinstance(values, Mapping) and not callable(values):
        raise DomainError(f"`{name}` must be a mapping from answers, or a function of an answer, not {short(values)}.")


def values_at(values: ByAnswer, answers: Sequence[Hashable], name: str, otherwise: float) -> NDArray[np.float64]:
    """Return the finite values of a mapping or a function at answers, [n]; `otherwise` for answers not in a mapping."""
    numbers = np.empty(len(answers))
    for place, answer in enumerate(answers):
        value = values.get(answer, otherwise) if isinstance(values, Mapping) else values(answer)
        value = float(value) if isinstance(value, bool | np.bool_) else value
        numbers[place] = as_number(value, f"{name}({answer!r})", "a number")
        if not np.isfinite(numbers[place]):
            raise DomainError(
                f"`{name}({answer!r})` is {numbers[place]}; the value of an answer must be a finite number."
            )
    return numbers


def coordinates(answers: tuple[Hashable, ...] | None, nu: NDArray[np.float64]) -> tuple[Hashable, ...]:
    """Return the answer of each coordinate of `nu`, [Z]: `answers` if given, else 0, 1, ..., Z - 1."""
    if answers is None:
        return tuple(range(nu.shape[-1]))
    if len(answers) != nu.shape[-1]:
        raise ShapeError(f"`nu` has shape {nu.shape}, but `answers` has {len(answers)} entries.")
    return answers
