"""Check the annotated calls of the package at its public borders, each kind of call once.

Functions and methods with a public name, in modules with a public name, are checked. Private functions and functions
defined inside others are called too often for a check of each call; `mypy` checks their types.

jaxtyping and beartype take a tenth of a millisecond for a call, and two milliseconds to prepare a function. Whether a
call passes depends on the types and shapes of its arguments and of its result. So these are remembered when a call has
passed, and a call like it is not checked again.
"""

import functools
import inspect
import types
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import jaxtyping
import numpy as np

Function = Callable[..., Any]


class _ItemsError(Exception):
    """The type of a value does not decide whether it passes: the value is a list, a mapping or the like, with items."""


@dataclass
class _Checks:
    """The checks of one function, and what passed them."""

    parameters: Function
    whole: Function
    returned: list[Any]
    passed: set[Any] = field(default_factory=set)


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
            checks.parameters(*args, **options)
        result = function(*args, **options)
        both = kind and _kinds((result,), kind)
        if both not in checks.passed:
            checks.returned.append(result)
            try:
                checks.whole(*args, **options)
            finally:
                checks.returned.pop()
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
    signature, returned = inspect.signature(function), [None]
    without = signature.replace(return_annotation=inspect.Signature.empty)
    parameters, whole = (check(_stub(function, form, returned)) for form in (without, signature))
    return _Checks(parameters, whole, returned)


def _stub(function: Any, signature: inspect.Signature, returned: list[Any]) -> Function:
    """Return a function of the same name, place and signature that does nothing but return what is put into a list."""

    def stub(*args: Any, **options: Any) -> Any:
        return returned[-1]

    placed: Any = types.FunctionType(stub.__code__, function.__globals__, function.__name__, closure=stub.__closure__)
    placed.__module__, placed.__qualname__ = function.__module__, function.__qualname__
    placed.__signature__ = signature
    return placed


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
