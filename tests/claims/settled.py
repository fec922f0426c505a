"""Results of claims, computed once for all tests that look at them."""

from functools import cache

from proofs_check.claim import Result
from proofs_check.known import load_claims
from proofs_check.run import settle

SEED = 3


@cache
def settled(name: str) -> Result:
    """Settle a claim with the seed of the tests.

    Args:
        name: Id of the claim.

    Returns:
        The result.
    """
    return settle(load_claims()[name], SEED)
