"""Decorators that run the package's code under numpy's default handling of floating-point errors.

Masses that underflow to 0 are ordinary here, and would raise under a caller's `np.errstate(all="raise")`.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


def _default() -> np.errstate:
    return np.errstate(divide="warn", over="warn", invalid="warn", under="ignore")


def with_default_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function, or each step of the generator, under numpy's default handling of floating-point errors.

    >>> @with_default_errors
    ... def square(x):
    ...     return x * x
    >>> with np.errstate(all="raise"):
    ...     float(square(np.float64(1e-200)))
    0.0
    """
    if inspect.isgeneratorfunction(inspect.unwrap(function)):
        return cast("Callable[P, R]", _stepwise(cast("Callable[P, Iterator[Any]]", function)))

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with _default():
            return function(*args, **kwargs)

    return run


def _stepwise(function: Callable[P, Iterator[Any]]) -> Callable[P, Iterator[Any]]:
    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
        steps = function(*args, **kwargs)
        end = object()
        while True:
            # The handling is a property of the thread, and must be the caller's own while the caller runs.
            with _default():
                step = next(steps, end)
            if step is end:
                return
            yield step

    return run


def with_default_errors_in(cls: C) -> C:
    """Apply `with_default_errors` to the constructor, public methods and properties of a class, in place."""
    for name, member in list(vars(cls).items()):
        if name.startswith("_") and name != "__init__":
            continue
        if inspect.isfunction(member):
            setattr(cls, name, with_default_errors(member))
        elif isinstance(member, classmethod):
            setattr(cls, name, classmethod(with_default_errors(member.__func__)))
        elif isinstance(member, property) and member.fget is not None:
            setattr(cls, name, property(with_default_errors(member.fget), doc=member.__doc__))
    return cls
