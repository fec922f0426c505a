"""Floating-point errors inside the package: as numpy handles them by default, whatever the caller has chosen.

Masses that underflow to 0 are ordinary here. A caller's `np.errstate(all="raise")` would
turn them into errors of ours.
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
    """Let a function run under numpy's default handling of floating-point errors.

    Args:
        function: A function, or one that yields; then each step runs so, and what the caller does between them not.

    Returns:
        The function so wrapped.

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
            # The handling belongs to the thread, so it must not be left set while the caller has the turn.
            with _default():
                step = next(steps, end)
            if step is end:
                return
            yield step

    return run


def with_default_errors_in(cls: C) -> C:
    """Let the constructor, the public methods and the properties that a class defines run so.

    Args:
        cls: The class, changed in place.

    Returns:
        The same class.
    """
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
