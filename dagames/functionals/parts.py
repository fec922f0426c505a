"""The functional of some of a prompt's answers."""

from typing import TypeVar

from dagames.functionals.base import Functional, Separable
from dagames.functionals.log_score import LogScore
from dagames.functionals.parameters import with_arrays
from dagames.functionals.point import Point

R = TypeVar("R", bound=Functional)


def is_cuttable(functional: Functional) -> bool:
    """Say whether the functional is a sum over answers of which `at_answers` knows the parts.

    Args:
        functional: The functional.

    Returns:
        True for divisible `Separable` functionals, unless an answer is named by its index.
    """
    parts = [part for value in vars(functional).values() for part in _functionals(value)]
    named = isinstance(functional, LogScore | Point)
    return isinstance(functional, Separable) and not named and functional.is_divisible and all(map(is_cuttable, parts))


def at_answers(functional: R, answers: slice) -> R:
    """Keep the terms of some answers, so that values of the parts add up to the value of the whole.

    Args:
        functional: A cuttable functional.
        answers: The answers to keep.

    Returns:
        A functional of the same class, on fewer answers, whose parameters need not be those of a distribution.

    >>> from dagames.functionals import KLToPrior
    >>> at_answers(KLToPrior([0.2, 0.3, 0.5]), slice(1, 3)).prior
    array([0.3, 0.5])
    """
    return with_arrays(functional, lambda value, axes: value[..., answers] if axes[-1:] == ("Z",) else value)


def _functionals(value: object) -> list[Functional]:
    if isinstance(value, Functional):
        return [value]
    if isinstance(value, tuple):
        return [part for part in value if isinstance(part, Functional)]
    return []
