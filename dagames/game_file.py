"""A game written down in a file."""

import inspect
from pathlib import Path
from typing import Any

import yaml

from dagames import functionals
from dagames._errors import DomainError
from dagames.functionals.algebra import total
from dagames.game import AlignmentGame

FUNCTIONALS: dict[str, type[functionals.Functional]] = {
    name: kind
    for name, kind in vars(functionals).items()
    if inspect.isclass(kind) and issubclass(kind, functionals.Functional) and not inspect.isabstract(kind)
    # These are made of functions and of other functionals; a list stands for a sum.
    if not issubclass(kind, functionals.Sum | functionals.Scaled | functionals.FromConvex | functionals.Convexified)
}
"""Functionals that a file can name, each with its constructor's arguments as keys."""

_KEYS = {"pi_0", "E", "functional", "beta", "n_answers"}
_SIZE = 50_000_000


def load_game(path: Path) -> AlignmentGame:
    """Read a game from a YAML (or JSON) file.

    The form::

        pi_0: [0.5, 0.25, 0.25]       # reference over traces, or a list of such lists
        E: [0, 1, 1]                  # answer of each trace
        functional: {Gini: {weight: 1.3}}      # or a list of such, which stands for their sum
        beta: 0.7
        n_answers: 2                  # optional

    Args:
        path: The file.

    Returns:
        The game.

    Raises:
        DomainError: If the file is missing, is not YAML, has an unknown or missing key, or states no game.
    """
    content = _read(path)
    if not isinstance(content, dict):
        raise DomainError(f"{path} must hold the keys {', '.join(sorted(_KEYS))}.")
    unknown, missing = set(content) - _KEYS, _KEYS - {"n_answers"} - set(content)
    if unknown or missing:
        words = [f"unknown: {', '.join(sorted(map(str, unknown)))}"] * bool(unknown)
        words += [f"missing: {', '.join(sorted(missing))}"] * bool(missing)
        raise DomainError(f"{path} has the wrong keys; {'; '.join(words)}.")
    functional = _functional(content["functional"], path)
    return AlignmentGame(content["pi_0"], content["E"], functional, content["beta"], n_answers=content.get("n_answers"))


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _SIZE:
            raise DomainError(f"{path} is larger than {_SIZE // 10**6} MB; state so large a game in Python.")
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DomainError(f"cannot read {path}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise DomainError(f"{path} is not YAML: {' '.join(str(error).split())}") from None


def _functional(stated: Any, path: Path) -> functionals.Functional:
    if isinstance(stated, list) and stated:
        return total(*(_functional(part, path) for part in stated))
    if not isinstance(stated, dict) or len(stated) != 1 or next(iter(stated)) not in FUNCTIONALS:
        raise DomainError(
            f"{path}: `functional` must be one of {', '.join(FUNCTIONALS)} with its arguments, "
            f"as {{Gini: {{weight: 1.0}}}}, not {stated!r}."
        )
    ((name, arguments),) = stated.items()
    try:
        return FUNCTIONALS[name](**(arguments or {}))
    except TypeError:
        raise DomainError(f"{path}: {name} does not take the arguments {arguments!r}.") from None
