"""A user's functional put through the claims that are about every functional."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from dagames import DomainError
from dagames.functionals import Functional
from proofs_check.claim import Claim, Evidence, Formula, Result
from proofs_check.one_functional import Unsaid
from proofs_check.registry import load_claims
from proofs_check.settle import settle
from proofs_check.user_file import defined_in


def check_claims_of(R: Functional, seed: int = 0, ids: Collection[str] = ()) -> list[Result]:
    """Settle, for one functional, every claim that is about all of them.

    Args:
        R: The functional; its parameters must be those of one prompt.
        seed: Seed of the games.
        ids: Only these claims; all that are about every functional by default.

    Returns:
        A result per claim. "open" where the claim says nothing of R, with the reason as its error; "error" where the
        library refuses R, with what it says.

    Raises:
        DomainError: If R is no functional, or a claim says nothing of functionals.

    >>> from dagames.functionals import Gini
    >>> {result.claim.id: result.as_written for result in check_claims_of(Gini())}
    {'I.2': 'holds', 'I.3': 'holds', 'I.5': 'false', 'I.5a': 'holds', 'I.6': 'holds', 'I.8': 'holds'}
    """
    if not isinstance(R, Functional):
        raise DomainError(f"`R` must be a Functional, not {R!r}; `dagames.functionals.from_convex` makes one.")
    known = {name: claim for name, claim in load_claims().items() if claim.of_functional is not None}
    if strange := [name for name in ids if name not in known]:
        raise DomainError(f"claim {strange[0]} is not about every functional; these are: {', '.join(known)}.")
    return [_settled(claim, R, seed) for name, claim in known.items() if not ids or name in ids]


def load_functional(path: Path) -> Functional:
    """Import a Python file and take its functional.

    Args:
        path: A file that defines FUNCTIONAL.

    Returns:
        The functional.

    Raises:
        DomainError: If there is no such file, it fails, it does not define FUNCTIONAL, or that is no functional.
    """
    R = defined_in(path, "FUNCTIONAL", "FUNCTIONAL = from_convex(value, gradient), or any other Functional")
    if not isinstance(R, Functional):
        raise DomainError(
            f"FUNCTIONAL of {path} is {R!r}, not a Functional. `dagames.functionals.from_convex(value, gradient)` "
            "makes one from two functions; an instance is needed, not a class."
        )
    return R


def _settled(claim: Claim, R: Functional, seed: int) -> Result:
    notes: list[str] = []

    def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
        try:
            yield from claim.of_functional(R, formula, rng) if claim.of_functional else ()
        except Unsaid as reason:
            notes.append(str(reason))

    result = settle(replace(claim, evidence=evidence), seed)
    return replace(result, claim=claim, error=result.error or "".join(notes))
