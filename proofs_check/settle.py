"""Run claims and collect their verdicts."""

import time
import zlib

import numpy as np

from proofs_check.claim import Claim, Formula, Result, judge, worst_attack


def settle(claim: Claim, seed: int = 0, formula: Formula | None = None) -> Result:
    """Compute the verdict on one claim.

    Args:
        claim: The claim.
        seed: Seed of the search; each claim derives its own from it, so the order of claims does not matter.
        formula: What to test in place of the claim's own formula, for sabotage.

    Returns:
        The result; a computation that fails gives the verdict "error".
    """
    rng = np.random.default_rng([seed, zlib.crc32(claim.id.encode())])
    start = time.perf_counter()
    try:
        comparisons = list(claim.evidence(claim.stated if formula is None else formula, rng))
    except Exception as error:  # noqa: BLE001 - one broken claim must not hide the verdicts on the others
        return Result(claim, "error", 0, 0, None, time.perf_counter() - start, f"{type(error).__name__}: {error}")
    verdict, shown = judge(comparisons)
    failures = sum(not evidence.holds for evidence in comparisons)
    seconds = time.perf_counter() - start
    noted = tuple(evidence for evidence in comparisons if evidence.noted)
    return Result(claim, verdict, len(comparisons), failures, shown, seconds, "", worst_attack(comparisons), noted)
