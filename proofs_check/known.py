"""Load claims: every module of `proofs_check.claims` defines `CLAIMS`, and so does a user's file."""

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
    """Import the modules of all claims.

    Returns:
        Claims by id, in the order of their numbers.

    Raises:
        RuntimeError: If two modules define the same id.
    """
    by_id: dict[str, Claim] = {}
    for module in pkgutil.iter_modules(claims.__path__):
        for claim in importlib.import_module(f"{claims.__name__}.{module.name}").CLAIMS:
            if claim.id in by_id:
                raise RuntimeError(f"two modules define claim {claim.id}; the second is {module.name}.")
            by_id[claim.id] = claim
    return dict(sorted(by_id.items(), key=lambda item: sort_key(item[0])))


def load_user_claims(files: Iterable[Path]) -> dict[str, Claim]:
    """Load the claims of a user's files.

    Args:
        files: Python files, each of which defines CLAIMS.

    Returns:
        The claims by id.

    Raises:
        DomainError: If a file does not define a claim, or an id has another form or is that of another claim.
    """
    by_id: dict[str, Claim] = {}
    for path in files:
        for claim in _claims_in(path):
            if not re.fullmatch(_ID, claim.id):
                raise DomainError(f"{path}: the id {claim.id!r} is not of the form X.1 or X.1a.")
            if claim.id in by_id or claim.id in load_claims():
                raise DomainError(f"{path}: there is a claim {claim.id} already; choose another id, such as X.1.")
            by_id[claim.id] = claim
    return by_id


def _claims_in(path: Path) -> tuple[Claim, ...]:
    value = defined_in(path, "CLAIMS", "CLAIMS = (Claim(...),), as docs/claims.md shows")
    if isinstance(value, Claim):
        value = (value,)
    if not isinstance(value, tuple | list) or not all(isinstance(claim, Claim) for claim in value):
        raise DomainError(f"CLAIMS of {path} is {value!r}, not a tuple of `proofs_check.claim.Claim`.")
    if not value:
        raise DomainError(f"CLAIMS of {path} is empty; it must contain at least one `proofs_check.claim.Claim`.")
    return tuple(value)


def select_claims(ids: list[str], files: Iterable[Path] = ()) -> list[Claim]:
    """Select claims by id.

    Args:
        ids: Ids such as I.5, in upper or lower case; if empty, all claims of the files, or all claims without files.
        files: Files of the user's claims.

    Returns:
        The claims.

    Raises:
        DomainError: If there is no claim with an id; the message suggests the most similar id.
    """
    user_claims = load_user_claims(files)
    if not ids:
        return list((user_claims or load_claims()).values())
    claims_by_id = load_claims() | user_claims
    by_fold = {name.casefold(): claim for name, claim in claims_by_id.items()}
    for name in ids:
        if name.casefold() not in by_fold:
            similar = [claim_id for claim_id in claims_by_id if _letters(claim_id) == _letters(name)]
            hint = did_you_mean(name, similar or claims_by_id, 0.3)
            raise DomainError(f"there is no claim {name!r}; the claims are {', '.join(claims_by_id)}.{hint}")
    return [by_fold[name] for name in dict.fromkeys(name.casefold() for name in ids)]


def _letters(claim_id: str) -> str:
    """Return the letters and digits of an id, so that I50 and i-50 match I.50."""
    return "".join(filter(str.isalnum, claim_id.casefold()))


_PARTS = ("I", "II", "B")
_ID = r"([A-Z]+)\.(\d+)([a-z]?)"


def sort_key(claim_id: str) -> tuple[int, str, int, str]:
    """Return a key that sorts ids by part (I the paper, II the slides, B beyond them, then others), number and letter.

    Args:
        claim_id: An id such as I.5a.

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
    """Import a Python file and return the value of one of its names.

    The import executes the file; only import files that you trust.

    Args:
        path: The file.
        name: Name that the file must define.
        example: A line that would define the name, for the error message.

    Returns:
        The value of the name.

    Raises:
        DomainError: If the file does not exist, is not a Python file, raises an error or does not define the name.
    """
    if not path.is_file():
        raise DomainError(f"there is no file {path}. It must be a Python file that defines {name}: {example}.")
    module_name = f"_user_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if path.suffix != ".py" or spec is None or spec.loader is None:
        raise DomainError(
            f"{path} must be a Python file, with a name that ends in .py, that defines {name}: {example}."
        )
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up in sys.modules; it is removed afterwards.
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
"""Lines of the template in docs/claims.md for arguments that a file may lack."""


def _reason(error: Exception) -> str:
    """Return the reason why a file fails, with the lines of the template for missing arguments."""
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
    """Return the number of the last line of the file in the traceback of an error, as text."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}," if error.lineno else ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    return f", line {lines[-1]}," if lines else ""
