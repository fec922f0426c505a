"""Which claims there are: every module of `proofs_check.claims` defines `CLAIMS`, and so does a user's file."""

import importlib
import importlib.util
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dagames._choices import did_you_mean
from dagames._errors import DomainError
from proofs_check import claims
from proofs_check.claim import Claim


def load_claims() -> dict[str, Claim]:
    """Import every claim's file.

    Returns:
        Claims by id, in the order of their numbers.

    Raises:
        RuntimeError: If two files claim the same id.
    """
    found: dict[str, Claim] = {}
    for module in pkgutil.iter_modules(claims.__path__):
        for claim in importlib.import_module(f"{claims.__name__}.{module.name}").CLAIMS:
            if claim.id in found:
                raise RuntimeError(f"two files define claim {claim.id}; the second is {module.name}.")
            found[claim.id] = claim
    return dict(sorted(found.items(), key=lambda item: sort_key(item[0])))


def load_own(files: Iterable[Path]) -> dict[str, Claim]:
    """Load claims of a user's own.

    Args:
        files: Python files, each of which defines CLAIMS.

    Returns:
        The claims by id.

    Raises:
        DomainError: If a file does not define a claim, or its id is taken or of another form.
    """
    found: dict[str, Claim] = {}
    for path in files:
        for claim in _claims_in(path):
            if not re.fullmatch(_ID, claim.id):
                raise DomainError(f"{path}: the id {claim.id!r} is not of the form X.1 or X.1a.")
            if claim.id in found or claim.id in load_claims():
                raise DomainError(f"{path}: there is a claim {claim.id} already; choose another id, as X.1.")
            found[claim.id] = claim
    return found


def _claims_in(path: Path) -> tuple[Claim, ...]:
    own = defined_in(path, "CLAIMS", "CLAIMS = (Claim(...),), as docs/claims.md shows")
    if isinstance(own, Claim):
        own = (own,)
    if not isinstance(own, tuple | list) or not all(isinstance(claim, Claim) for claim in own):
        raise DomainError(f"CLAIMS of {path} is {own!r}, not a tuple of `proofs_check.claim.Claim`.")
    if not own:
        raise DomainError(f"CLAIMS of {path} is empty; it should hold at least one `proofs_check.claim.Claim`.")
    return tuple(own)


def select_claims(ids: list[str], files: Iterable[Path] = ()) -> list[Claim]:
    """Look claims up by id.

    Args:
        ids: Ids as I.5, in any case; none for all, or for those of the files if there are any.
        files: Files of the user's own claims.

    Returns:
        The claims.

    Raises:
        DomainError: If there is no such id; the message suggests the nearest.
    """
    own = load_own(files)
    if not ids:
        return list((own or load_claims()).values())
    known = load_claims() | own
    by_fold = {name.casefold(): claim for name, claim in known.items()}
    for name in ids:
        if name.casefold() not in by_fold:
            hint = did_you_mean(name, [claim for claim in known if _letters(claim) == _letters(name)] or known, 0.3)
            raise DomainError(f"there is no claim {name!r}; known are {', '.join(known)}.{hint}")
    return [by_fold[name] for name in dict.fromkeys(name.casefold() for name in ids)]


def _letters(claim_id: str) -> str:
    """Return the letters and digits of an id, so that I50 and i-50 are near I.50."""
    return "".join(filter(str.isalnum, claim_id.casefold()))


_PARTS = ("I", "II", "B")
_ID = r"([A-Z]+)\.(\d+)([a-z]?)"


def sort_key(claim_id: str) -> tuple[int, str, int, str]:
    """Order ids by part, number and letter: the paper, the slides, what is beyond them, then all others.

    Args:
        claim_id: An id as I.5a.

    Returns:
        A sortable key.

    Raises:
        RuntimeError: If the id has another form.

    >>> sorted(["I.19", "I.5a", "I.5", "B.1"], key=sort_key)
    ['I.5', 'I.5a', 'I.19', 'B.1']
    """
    match = re.fullmatch(_ID, claim_id)
    if match is None:
        raise RuntimeError(f"claim id {claim_id!r} is not of the form I.5 or I.5a.")
    part = _PARTS.index(match[1]) if match[1] in _PARTS else len(_PARTS)
    return part, match[1], int(match[2]), match[3]


def defined_in(path: Path, name: str, example: str) -> Any:
    """Import a Python file and take one of its names.

    The file runs as any Python file does; only run files that you trust.

    Args:
        path: The file.
        name: What it should define.
        example: A line that would define it, for the error message.

    Returns:
        What it defines under that name.

    Raises:
        DomainError: If there is no such file, it is no Python, it fails, or it does not define the name.
    """
    if not path.is_file():
        raise DomainError(f"there is no file {path}. It should be a Python file that defines {name}: {example}.")
    module_name = f"_user_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if path.suffix != ".py" or spec is None or spec.loader is None:
        raise DomainError(
            f"{path} must be a Python file, with a name that ends in .py, which defines {name}: {example}."
        )
    module = importlib.util.module_from_spec(spec)
    # Known by name while it runs, as dataclasses need; nothing else of the process should meet it.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise DomainError(f"{path}{_line(error, path)} {_reason(error)}") from error
    finally:
        del sys.modules[module_name]
    if not hasattr(module, name):
        raise DomainError(f"{path} does not define {name}. Add a line such as: {example}.")
    return getattr(module, name)


TEMPLATE = {
    "whose": 'whose="ours",',
    "place": 'place="Jensen\'s inequality",',
    "readings": "readings=(Reading(",
    "evidence": "evidence=evidence,",
    "stated": "stated=stated,",
    "sabotage": "sabotage=sabotage,",
    "near_miss": "near_miss=near_miss,",
    "plain": "plain=",
    "printed": "printed=",
}
"""How the template of docs/claims.md gives what a file may lack."""


def _reason(error: Exception) -> str:
    """Say what is wrong with a file, and how the template gives what a claim lacks."""
    missing = re.match(r"(Claim|Reading)\.__init__\(\) missing", str(error))
    if isinstance(error, TypeError) and missing:
        names = re.findall(r"'(\w+)'", str(error))
        lines = "; ".join(TEMPLATE[name] for name in names if name in TEMPLATE)
        hint = f" The template in docs/claims.md has: {lines}" if lines else ""
        return f"lacks {', '.join(f'`{name}`' for name in names)} of a {missing[1]}.{hint}"
    if isinstance(error, DomainError):
        return f"fails: {error}"
    return f"fails: {type(error).__name__}: {error}."


def _line(error: Exception, path: Path) -> str:
    """Name the last line of the file that led to an error."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}," if error.lineno else ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    return f", line {lines[-1]}," if lines else ""
