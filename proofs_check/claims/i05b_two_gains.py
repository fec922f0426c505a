"""I.5b: if neither player gains more than epsilon, the policy is within 2 epsilon of the optimum, and 2 is least."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i05_approximate_equilibrium import (
    EPSILON,
    Gaps,
    attacked,
    evidence_of_gains,
    largest_gain,
    twice_the_gain,
)


def nearly_twice(gaps: Gaps) -> Any:
    """1.98 times the largest gain."""
    return largest_gain(gaps) * 99 / 50


def evidence_of_twice(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the suboptimality of the policy with a multiple of the largest gain, and attack it.

    Args:
        formula: The slack epsilon of a pair, from its gaps.
        rng: Source of randomness.

    Yields:
        Comparisons at 50 digits: R = sum nu log nu at q = q*, where two is reached, random ones, and the ends of
        attacks.
    """
    for found in evidence_of_gains(formula, rng):
        yield replace(found, ratio=found.measured / found.claimed if "nu log nu" in found.instance["R"] else None)
    for n in range(2, 5):
        found = attacked(formula, n, rng)
        yield replace(found, ratio=found.measured / max(found.claimed, EPSILON))


I5B = Claim(
    id="I.5b",
    title="Small gains of both players, with a factor 2",
    whose="ours",
    place="repair of claim I.5",
    plain=(
        "If neither player can gain much alone, the policy is optimal up to twice the larger gain, and no smaller "
        "factor holds."
    ),
    statement=(
        "If neither player gains more than epsilon by another choice, J(pi) is at most min J + 2 epsilon. The factor "
        "2 is the smallest possible."
    ),
    printed="J(pi^) - G(pi^, q^) <= eps and G(pi^, q^) - min_pi G(pi, q^) <= eps  =>  J(pi^) <= min J + 2 eps",
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=twice_the_gain,
            sabotage=largest_gain,
            near_miss=nearly_twice,
            evidence=evidence_of_twice,
        ),
    ),
    remark=(
        "The sum of the two gains is the duality gap. For R = sum nu log nu, beta = 1, q = q* and every pi, the two "
        "gains are equal and their sum is J(pi) - min J."
    ),
)

CLAIMS = (I5B,)
