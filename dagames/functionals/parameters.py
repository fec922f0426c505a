"""The parameters of functionals: those that vary by prompt, and the check that they fit a game."""

from collections.abc import Iterator
from copy import copy
from typing import ClassVar, TypeVar

import numpy as np

from dagames._errors import ShapeError

P = TypeVar("P", bound="Parametric")

Axes = tuple[str, ...]

_CONTAINERS = (np.ndarray, list, tuple, dict, set)


class Parametric:
    """A function with parameters that may vary by prompt.

    Attributes:
        per_prompt: Every array among the parameters, with the axes after those of the prompts: "weight" for [] or [*x],
            "prior Z" for [Z] or [*x, Z], "costs d Z" for [d, Z] or [*x, d, Z]. Z is the number of answers. None if
            nothing is declared; `solve` then does not divide a batch into blocks.
    """

    per_prompt: ClassVar[tuple[str, ...] | None] = None
    caches: ClassVar[tuple[str, ...]] = ()

    @property
    def is_divisible(self) -> bool:
        """Whether `per_prompt` declares all that may vary by prompt, so that `at_prompts` is right.

        Functions and containers may contain arrays that it cannot declare, as those of `from_convex` do.
        """
        if self.per_prompt is None:
            return False
        declared = {*axes_of(self), *self.caches}
        return all(
            all(part.is_divisible for part in parts)
            if (parts := tuple(_parts(value)))
            else name in declared or not (isinstance(value, _CONTAINERS) or callable(value))
            for name, value in vars(self).items()
        )

    def at_prompts(self: P, prompts: slice | tuple[int, ...]) -> P:
        """Return the function of some prompts of a batch, with their parameters.

        Args:
            prompts: The prompts to keep, or the index of one, () for a game of one.

        Returns:
            A function of the same class.

        >>> from dagames.functionals import Linear
        >>> Linear([[1.0, 0.0], [0.0, 1.0]]).at_prompts(slice(1, 2)).rewards
        array([[0., 1.]])
        """
        changed, axes = copy(self), axes_of(self)
        for name, value in vars(self).items():
            if name in axes:
                varies = np.ndim(value) == len(axes[name]) + 1
                object.__setattr__(changed, name, np.asarray(value[prompts]) if varies else value)
            elif isinstance(value, Parametric):
                object.__setattr__(changed, name, value.at_prompts(prompts))
            elif parts := tuple(_parts(value)):
                object.__setattr__(changed, name, tuple(part.at_prompts(prompts) for part in parts))
        return changed

    def check_fits(self, batch: tuple[int, ...], n_answers: int) -> None:
        """Raise unless the parameters fit a game; a subclass with further conditions calls this method first.

        Args:
            batch: The prompts' shape, (*x,).
            n_answers: Number of answers |Z|.

        Raises:
            ShapeError: If the shape of a parameter is neither its axes in `per_prompt`, nor (*x,) and its axes.
        """
        for name, axes in axes_of(self).items():
            shape = np.shape(getattr(self, name))
            sizes = dict(zip(reversed(axes), reversed(shape), strict=False)) | {"Z": n_answers}
            shared = tuple(sizes.get(axis, 1) for axis in axes)
            if shape not in {shared, (*batch, *shared)}:
                needed = " or ".join(map(str, dict.fromkeys([shared, (*batch, *shared)])))
                remedy = " If some answers have no trace, pass `n_answers` to the game." if "Z" in axes else ""
                raise ShapeError(f"`{name.lstrip('_')}` has shape {shape}; the game needs {needed}.{remedy}")
        if self.per_prompt is not None:
            for value in vars(self).values():
                for part in _parts(value):
                    part.check_fits(batch, n_answers)


def parameter_by_prompt(function: Parametric) -> str | None:
    """Return the name of a parameter that has one value per prompt, of the function or of a part, or None."""
    for name, axes in axes_of(function).items():
        if np.ndim(getattr(function, name)) > len(axes):
            return name.lstrip("_")
    parts = (part for value in vars(function).values() for part in _parts(value))
    return next(filter(None, map(parameter_by_prompt, parts)), None)


def axes_of(function: Parametric) -> dict[str, Axes]:
    """Read `per_prompt`: the axes of each parameter, without those of the prompts."""
    declared = [entry.split() for entry in function.per_prompt or ()]
    return {name: tuple(axes) for name, *axes in declared}


def _parts(value: object) -> Iterator[Parametric]:
    """Yield the functions among the values of an attribute."""
    yield from (part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, Parametric))
