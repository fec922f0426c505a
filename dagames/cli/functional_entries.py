"""A functional in a game file: `{Name: {argument: value}}`, or a list of such for their sum."""

import inspect

from dagames import functionals
from dagames._choices import did_you_mean
from dagames._errors import DagamesError, DomainError
from dagames.cli.entries import Entries, Keys
from dagames.functionals.algebra import multiple, total


def _takes_numbers(kind: type) -> bool:
    """Whether every argument of a constructor is numeric, not a function or another functional."""
    for parameter in inspect.signature(kind).parameters.values():
        several = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        if several or any(word in str(parameter.annotation) for word in ("Callable", "unctional")):
            return False
    return True


FUNCTIONALS: dict[str, type[functionals.Functional]] = {
    name: kind
    for name, kind in ((name, getattr(functionals, name)) for name in functionals.__all__)
    if inspect.isclass(kind) and issubclass(kind, functionals.Functional) and not inspect.isabstract(kind)
    if _takes_numbers(kind)
}
"""The functionals that a file can name; the arguments of the constructor are the keys."""

_FACTOR = "weight"
"""Key beside the name of a functional: a factor that multiplies the functional."""


def functional_of(entries: Entries, keys: Keys) -> functionals.Functional:
    """Make the functional at these keys; a list gives the sum."""
    entry = entries.at(keys)
    if not isinstance(entry, list):
        return _functional_at(entries, keys)
    if not entry:
        raise DomainError(f"{entries.place(*keys)}: `functional` is an empty list; name at least one.")
    parts = [_functional_at(entries, (*keys, i)) for i in range(len(entry))]
    with entries.placed(keys):
        return total(*parts)


def arguments_of(entries: Entries, keys: Keys) -> list[Keys]:
    """Return the keys of the mapping of arguments of each functional; call it after `functional_of`."""
    entry = entries.at(keys)
    if isinstance(entry, list):
        return [place for i in range(len(entry)) for place in arguments_of(entries, (*keys, i))]
    return [(*keys, name) for name in entry if name != _FACTOR]


def _functional_at(entries: Entries, keys: Keys) -> functionals.Functional:
    entry = entries.at(keys)
    names = [key for key in entry if key != _FACTOR] if isinstance(entry, dict) else []
    if len(names) != 1 or names[0] not in FUNCTIONALS:
        near = did_you_mean(names[0], FUNCTIONALS) if names else ""
        raise DomainError(
            f"{entries.place(*keys)}: `functional` must be one of {', '.join(FUNCTIONALS)} with its arguments, "
            f"as {{Gini: {{weight: 1.0}}}}, not {str(entry)[:80]!r}.{near}"
        )
    functional = _from_arguments(entries, (*keys, names[0]), names[0])
    if _FACTOR not in entry:
        return functional
    with entries.placed(keys):
        return multiple(functional, entries.numbers((*keys, _FACTOR)))


def _from_arguments(entries: Entries, keys: Keys, name: str) -> functionals.Functional:
    """Make one functional from the mapping of its arguments."""
    place, mapping, parameters = entries.place(*keys), entries.at(keys), inspect.signature(FUNCTIONALS[name]).parameters
    if not isinstance(mapping, dict | None):
        raise DomainError(
            f"{place}: the arguments of {name} must be a mapping, as {{{name}: {{{next(iter(parameters))}: ...}}}}."
        )
    arguments = mapping or {}
    if wrong := [key for key in arguments if key not in parameters]:
        raise DomainError(
            f"{entries.place(*keys, wrong[0])}: {name} does not take the arguments {', '.join(wrong)}."
            f"{did_you_mean(wrong[0], parameters)} It takes {', '.join(parameters)}."
        )
    if missing := [key for key, p in parameters.items() if p.default is p.empty and key not in arguments]:
        raise DomainError(f"{place}: {name} needs the arguments {', '.join(missing)}.")
    values = {key: entries.numbers((*keys, key), only=False) for key in arguments}
    with entries.placed(keys):
        try:
            return FUNCTIONALS[name](**values)
        except DagamesError as error:
            if not any(isinstance(value, str) for value in values.values()):
                raise
            raise type(error)(f"{error} A text is read as a file name only if it ends in .npy, .npz or .csv.") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise DomainError(f"{name} does not take these arguments: {error}") from None
