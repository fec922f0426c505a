"""Check the annotated calls of the package at its public borders, each kind of call once.

Functions and methods with a public name, in modules with a public name, are checked. Private functions and functions
defined inside others are called too often for a check of each call; `mypy` checks their types.

jaxtyping and beartype take a tenth of a millisecond for a call, and two milliseconds to prepare a function. Whether a
call passes depends on the types and shapes of its arguments and of its result. So these are remembered when a call has
passed, and a call like it is not checked again.
"""

import contextlib
import functools
import inspect
import types
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import jaxtyping
import numpy as np

Function = Callable[..., Any]

_NOTHING = object()


class _ItemsError(Exception):
    """The type of a value does not decide whether it passes: the value is a list, a mapping or the like, with items."""


class _ParametersPassed(BaseException):
    """The parameters of a call pass; whether its result does is not known yet."""


@dataclass
class _Checks:
    """The check of one function, and what passed it.

    Attributes:
        whole: Checks parameters, and then the result, which it takes from `returned`.
        returned: The result of each call that is checked, the innermost last; `_NOTHING` before there is one.
        passed: Kinds of parameters, and of parameters with a result.
    """

    whole: Function
    returned: list[Any]
    passed: set[Any] = field(default_factory=set)

    def check(self, result: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        __tracebackhide__ = True
        self.returned.append(result)
        try:
            self.whole(*args, **options)
        finally:
            self.returned.pop()


def remembering(jaxtyped: Function) -> Function:
    """Return a decorator like `jaxtyped`, which the import hook calls by that name, that remembers what passed."""

    def decorator(*, typechecker: Function) -> Function:
        check = functools.partial(jaxtyped, typechecker=typechecker)
        return functools.partial(_decorate, check)

    return decorator


def is_border(module: str, name: str) -> bool:
    """Return whether calls of a function or of a class are checked.

    Args:
        module: The module that defines it.
        name: Its qualified name; `f.<locals>.g` for a function g that is defined inside f.

    Returns:
        Whether no part of either name is private. Names such as `__init__` are public.
    """
    parts = (*module.split("."), *name.split("."))
    return all(part[0] not in "_<" or part.endswith("__") for part in parts)


def _decorate(check: Function, thing: Any) -> Any:
    if not is_border(thing.__module__, thing.__qualname__):
        return thing
    if not inspect.isclass(thing):
        return _checked(check, thing)
    if is_dataclass(thing) and not hasattr(thing.__init__, "__wrapped__"):
        thing.__init__ = _checked(check, thing.__init__)
    return thing


def _checked(check: Function, function: Function) -> Function:
    checks: _Checks | None = None

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        nonlocal checks
        __tracebackhide__ = True
        if jaxtyping.config.jaxtyping_disable:
            return function(*args, **options)
        if checks is None:
            checks = _checks_of(check, function)
        kind = _kinds(args, options)
        if kind not in checks.passed:
            with contextlib.suppress(_ParametersPassed):
                checks.check(_NOTHING, args, options)
        result = function(*args, **options)
        both = kind and _kinds((result,), kind)
        if both not in checks.passed:
            checks.check(result, args, options)
            checks.passed |= {kind, both} - {None}
        return result

    return call


def _kinds(values: tuple[Any, ...], rest: Any) -> tuple[Any, ...] | None:
    """Return what a check can see of values and of options by name, or None where only the check itself can tell."""
    try:
        if type(rest) is dict:
            rest = (*rest, *map(_kind, rest.values())) if rest else ()
        return (rest, *map(_kind, values))
    except _ItemsError:
        return None


def _checks_of(check: Function, function: Any) -> _Checks:
    """Prepare the check of a function that does nothing, with its name, place and signature.

    jaxtyping checks the parameters, calls the function, and checks what it returns.
    """
    returned: list[Any] = []
    nothing, parameters_passed = _NOTHING, _ParametersPassed  # the globals of the stub are those of the function

    def stub(*args: Any, **options: Any) -> Any:
        if returned[-1] is nothing:
            raise parameters_passed
        return returned[-1]

    placed: Any = types.FunctionType(stub.__code__, function.__globals__, function.__name__, closure=stub.__closure__)
    placed.__module__, placed.__qualname__ = function.__module__, function.__qualname__
    placed.__signature__ = inspect.signature(function)
    return _Checks(check(placed), returned)


def _kind(value: Any) -> Any:
    """Return what a check can see of a value.

    Raises:
        _ItemsError: For collections other than tuples, of which a check sees the items.
    """
    kind = type(value)
    if kind is np.ndarray:
        return value.dtype, value.shape
    if kind in _SIMPLE:
        return kind
    if kind is str:  # may be one of a `Literal`
        return value
    if isinstance(value, np.ndarray):
        return kind, value.dtype, value.shape
    if isinstance(value, tuple):
        return (kind, *map(_kind, value))
    if isinstance(value, type):
        return value
    if issubclass(kind, Collection):
        raise _ItemsError
    _SIMPLE.add(kind)
    return kind


_SIMPLE: set[type] = set()
