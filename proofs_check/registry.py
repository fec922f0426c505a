"""Which claims there are: every module of `proofs_check.claims` that defines `CLAIM`."""

import difflib
import importlib
import pkgutil
import re
from collections.abc import Iterable
from pathlib import Path

from dagames import DomainError
from proofs_check import claims
from proofs_check.claim import Claim
from proofs_check.user_file import defined_in


def load_claims() -> dict[str, Claim]:
    """Import every claim's file.

    Returns:
        Claims by id, in the order of their numbers.

    Raises:
        RuntimeError: If two files claim the same id.
    """
    found: dict[str, Claim] = {}
    for module in pkgutil.iter_modules(claims.__path__):
        claim = importlib.import_module(f"{claims.__name__}.{module.name}").CLAIM
        if claim.id in found:
            raise RuntimeError(f"two files define claim {claim.id}; the second is {module.name}.")
        found[claim.id] = claim
    return dict(sorted(found.items(), key=lambda item: sort_key(item[0])))


def load_own(files: Iterable[Path]) -> dict[str, Claim]:
    """Load claims of a user's own.

    Args:
        files: Python files, each of which defines CLAIM.

    Returns:
        The claims by id.

    Raises:
        DomainError: If a file does not define a claim, or its id is taken or of another form.
    """
    found: dict[str, Claim] = {}
    for path in files:
        claim = defined_in(path, "CLAIM", 'CLAIM = Claim(id="X.1", ...), as docs/claims.md shows')
        if not isinstance(claim, Claim):
            raise DomainError(f"CLAIM of {path} is {claim!r}, not a `proofs_check.claim.Claim`.")
        if not re.fullmatch(_ID, claim.id):
            raise DomainError(f"{path}: the id {claim.id!r} is not of the form X.1 or X.1a.")
        if claim.id in found or claim.id in load_claims():
            raise DomainError(f"{path}: there is a claim {claim.id} already; choose another id, as X.1.")
        found[claim.id] = claim
    return found


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
            near = difflib.get_close_matches(name.casefold(), list(by_fold), n=1, cutoff=0.3)
            hint = f" Did you mean {by_fold[near[0]].id}?" if near else ""
            raise DomainError(f"there is no claim {name!r}; known are {', '.join(known)}.{hint}")
    return [by_fold[name] for name in dict.fromkeys(name.casefold() for name in ids)]


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
