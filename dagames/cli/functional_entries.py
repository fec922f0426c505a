"""A functional as a file states it: `{Name: {argument: value}}`, or a list of such for their sum."""

import inspect

from dagames import functionals
from dagames._errors import DagamesError, DomainError, did_you_mean
from dagames.cli.entries import Keys, Stated
from dagames.functionals.algebra import multiple, total


def _is_stated_in_numbers(kind: type) -> bool:
    """Say whether a constructor asks for numbers alone, and not for functions or other functionals."""
    for parameter in inspect.signature(kind).parameters.values():
        words = str(parameter.annotation)
        several = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        if several or "Callable" in words or "unctional" in words:
            return False
    return True


FUNCTIONALS: dict[str, type[functionals.Functional]] = {
    name: kind
    for name, kind in ((name, getattr(functionals, name)) for name in functionals.__all__)
    if inspect.isclass(kind) and issubclass(kind, functionals.Functional) and not inspect.isabstract(kind)
    if _is_stated_in_numbers(kind)
}
"""Functionals that a file can name, each with its constructor's arguments as keys."""

_FACTOR = "weight"
"""Beside a functional's name: the number that multiplies it."""


def functional_of(stated: Stated, keys: Keys) -> functionals.Functional:
    """Make the functional that a file states.

    Args:
        stated: The file's entries.
        keys: Where the functional is.

    Returns:
        The functional; the sum of all, if there is a list.

    Raises:
        DomainError: If it names no functional, or arguments that the functional does not take.
    """
    entry = stated.at(keys)
    if not isinstance(entry, list):
        return _one(stated, keys)
    if not entry:
        raise DomainError(f"{stated.document.place(*keys)}: `functional` is an empty list; name at least one.")
    parts = [_one(stated, (*keys, i)) for i in range(len(entry))]
    with stated.placed(keys):
        return total(*parts)


def arguments_of(stated: Stated, keys: Keys) -> list[Keys]:
    """Return where the arguments of each functional stand.

    Args:
        stated: The file's entries.
        keys: Where a functional is that `functional_of` has accepted.

    Returns:
        The keys of each mapping from arguments to values.
    """
    entry = stated.at(keys)
    if isinstance(entry, list):
        return [place for i in range(len(entry)) for place in arguments_of(stated, (*keys, i))]
    return [(*keys, name) for name in entry if name != _FACTOR]


def _one(stated: Stated, keys: Keys) -> functionals.Functional:
    entry, place = stated.at(keys), stated.document.place(*keys)
    names = [key for key in entry if key != _FACTOR] if isinstance(entry, dict) else []
    if len(names) != 1 or names[0] not in FUNCTIONALS:
        near = did_you_mean(names[0], FUNCTIONALS) if names else ""
        raise DomainError(
            f"{place}: `functional` must be one of {', '.join(FUNCTIONALS)} with its arguments, "
            f"as {{Gini: {{weight: 1.0}}}}, not {str(entry)[:80]!r}.{near}"
        )
    made = _made(stated, (*keys, names[0]))
    if _FACTOR not in entry:
        return made
    with stated.placed(keys):
        return multiple(made, stated.numbers((*keys, _FACTOR)))


def _made(stated: Stated, keys: Keys) -> functionals.Functional:
    """Make one functional from the mapping of its arguments."""
    name, place, entry = str(keys[-1]), stated.document.place(*keys), stated.at(keys)
    parameters = inspect.signature(FUNCTIONALS[name]).parameters
    if not isinstance(entry, dict | None):
        raise DomainError(
            f"{place}: the arguments of {name} are a mapping, as {{{name}: {{{next(iter(parameters))}: ...}}}}."
        )
    given = entry or {}
    wrong = [key for key in given if key not in parameters]
    missing = [key for key, p in parameters.items() if p.default is p.empty and key not in given]
    if wrong:
        near = did_you_mean(wrong[0], parameters)
        raise DomainError(
            f"{stated.document.place(*keys, wrong[0])}: {name} does not take the arguments {', '.join(wrong)}.{near} "
            f"It takes {', '.join(parameters)}."
        )
    if missing:
        raise DomainError(f"{place}: {name} needs the arguments {', '.join(missing)}.")
    values = {key: stated.numbers((*keys, key), only=False) for key in given}
    with stated.placed(keys):
        try:
            return FUNCTIONALS[name](**values)
        except DagamesError as error:
            if not any(isinstance(value, str) for value in values.values()):
                raise
            raise type(error)(f"{error} A text stands for a file only if it ends in .npy, .npz or .csv.") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise DomainError(f"{name} does not take these arguments: {error}") from None
