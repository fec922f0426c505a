"""The functional of some of a batch's prompts."""

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import is_dataclass
from typing import TypeVar

import numpy as np

from dagames.functionals.base import Functional

R = TypeVar("R", bound=Functional)


def is_divisible(functional: Functional) -> bool:
    """Say whether `at_prompts` knows which parameters vary by prompt.

    Args:
        functional: The functional.

    Returns:
        True for dataclasses, whose fields name their shapes; a class of another kind may hide parameters.
    """
    parts = [part for value in vars(functional).values() for part in _functionals(value)]
    return is_dataclass(functional) and all(is_divisible(part) for part in parts)


def at_prompts(functional: R, prompts: slice) -> R:
    """Keep the parameters of some prompts.

    A field annotated with a shape that begins with `*x` varies by prompt when it has all the axes of its shape.

    Args:
        functional: A divisible functional of a batch of shape (X,).
        prompts: The prompts to keep.

    Returns:
        A functional of the same class.

    >>> from dagames.functionals import Linear
    >>> at_prompts(Linear([[1.0, 0.0], [0.0, 1.0]]), slice(1, 2)).rewards
    array([[0., 1.]])
    """
    return _restricted(
        functional, lambda value, axes: value[prompts] if axes[:1] == ["*x"] and value.ndim == len(axes) else value
    )


def _restricted(functional: R, keep: Callable[[np.ndarray, list[str]], np.ndarray]) -> R:
    kept = copy(functional)
    shapes = {name: hint for cls in reversed(type(functional).__mro__) for name, hint in _annotations(cls).items()}
    for name, value in vars(functional).items():
        if isinstance(value, Functional):
            object.__setattr__(kept, name, _restricted(value, keep))
        elif _functionals(value):
            object.__setattr__(kept, name, tuple(_restricted(part, keep) for part in value))
        elif isinstance(value, np.ndarray):
            object.__setattr__(kept, name, keep(value, getattr(shapes.get(name), "dim_str", "").split()))
    return kept


def _annotations(cls: type) -> dict[str, object]:
    return inspect.get_annotations(cls)


def _functionals(value: object) -> list[Functional]:
    if isinstance(value, Functional):
        return [value]
    if isinstance(value, tuple):
        return [part for part in value if isinstance(part, Functional)]
    return []
