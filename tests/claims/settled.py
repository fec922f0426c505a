"""Results of claims, computed once for all tests that look at them, whichever process they run in."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import jaxtyping

from dagames._files import write_text
from proofs_check.claim import Claim, Result
from proofs_check.known import load_claims
from proofs_check.record import as_record, from_record
from proofs_check.run import Planted, settle

SEED = 3


@cache
def settled(name: str) -> Result:
    """Settle a claim with the seed of the tests.

    Args:
        name: Id of the claim.

    Returns:
        The result.
    """
    claim, file = load_claims()[name], _shared(name)
    if file is not None and file.is_file():
        return from_record(claim, json.loads(file.read_text(encoding="utf-8")))
    result = settle_unchecked(claim, SEED)
    if file is not None:
        write_text(file, json.dumps(as_record(result)))
    return result


def settle_unchecked(claim: Claim, seed: int = 0, planted: Planted = "stated") -> Result:
    """Settle a claim without a check of types at each of the many calls in its loops.

    Args:
        claim: The claim.
        seed: Seed of the search.
        planted: Which formula to test.

    Returns:
        The result.
    """
    with without_type_checks():
        return settle(claim, seed, planted)


@contextmanager
def without_type_checks() -> Iterator[None]:
    """Switch the run-time check of types off for what is called inside."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


def _shared(name: str) -> Path | None:
    """Return the file in which the processes of one run of the tests share a result."""
    folder = os.environ.get(FOLDER)
    return None if folder is None else Path(folder) / f"{name}.json"


FOLDER = "DAGAMES_TEST_RESULTS"
"""The environment variable that names the folder of results, which `conftest.py` beside this file sets."""
