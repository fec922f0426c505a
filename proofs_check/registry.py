"""Which claims there are: every module of `proofs_check.claims` that defines `CLAIM`."""

import difflib
import importlib
import pkgutil
import re
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


def select_claims(ids: list[str]) -> list[Claim]:
    """Look claims up by id.

    Args:
        ids: Ids as I.5, in any case; none for all.

    Returns:
        The claims.

    Raises:
        DomainError: If there is no such id; the message suggests the nearest.
    """
    known = load_claims()
    if not ids:
        return list(known.values())
    by_fold = {name.casefold(): claim for name, claim in known.items()}
    for name in ids:
        if name.casefold() not in by_fold:
            near = difflib.get_close_matches(name.casefold(), list(by_fold), n=1, cutoff=0.3)
            hint = f" Did you mean {by_fold[near[0]].id}?" if near else ""
            raise DomainError(f"there is no claim {name!r}; known are {', '.join(known)}.{hint}")
    return [by_fold[name] for name in dict.fromkeys(name.casefold() for name in ids)]


def load_claim_file(path: Path) -> Claim:
    """Import a user's Python file and take its claim.

    Args:
        path: A file that defines CLAIM.

    Returns:
        The claim.

    Raises:
        DomainError: If there is no such file, it fails, it does not define CLAIM, that is no claim, its id has another
            form, or the id is that of a claim of ours.
    """
    claim = defined_in(path, "CLAIM", 'CLAIM = Claim(id="X.1", ...), as docs/claims.md shows')
    if not isinstance(claim, Claim):
        raise DomainError(f"CLAIM of {path} is {claim!r}, not a `proofs_check.claim.Claim`.")
    try:
        sort_key(claim.id)
    except RuntimeError as error:
        raise DomainError(f"{path}: {error} Call your own X.1, X.2, ...") from None
    known = load_claims()
    is_ours = path.resolve().parent in {Path(folder).resolve() for folder in claims.__path__}
    if claim.id in known and not is_ours:
        raise DomainError(
            f"{path}: the id {claim.id} is taken by our claim {known[claim.id].title!r}. Call your own X.1, X.2, ..."
        )
    return claim


def sort_key(claim_id: str) -> tuple[str, int, str]:
    """Order ids by part, number and letter.

    Args:
        claim_id: An id as I.5a.

    Returns:
        A sortable key.

    Raises:
        RuntimeError: If the id has another form.

    >>> sorted(["I.19", "I.5a", "I.5", "B.1"], key=sort_key)
    ['B.1', 'I.5', 'I.5a', 'I.19']
    """
    match = re.fullmatch(r"([A-Z]+)\.(\d+)([a-z]?)", claim_id)
    if match is None:
        raise RuntimeError(f"claim id {claim_id!r} is not of the form I.5 or I.5a.")
    return match[1], int(match[2]), match[3]
