"""II.4: what a table means to a count that contains the trace itself."""

from collections.abc import Iterator
from fractions import Fraction
from math import comb

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(K: int, k: int) -> int:
    """The entry of the table for K - 1 other traces that a self-inclusive count k reads."""
    return min(k, K) - 1


def sabotage(K: int, k: int) -> int:
    """The entry of the same number: the trap."""
    return min(k, K - 1)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the mean reward of a group's traces, listed group by group, with p times the independent table's mean.

    Args:
        formula: Which entry of the independent table a self-inclusive count reads.
        rng: Source of randomness.

    Yields:
        A comparison for random rational tables and probabilities, exact.
    """
    for K in range(1, 8):
        for _ in range(3):
            p = oracles.random_distribution(rng, 2, 20)[0]
            table = [Fraction(int(c), 7) for c in rng.integers(-40, 40, size=K)]
            weighted = Fraction(0)
            for k in range(1, K + 1):
                mass = comb(K, k) * p**k * (1 - p) ** (K - k)
                weighted += mass * Fraction(k, K) * table[formula(K, k)]
            mean = sum((c * comb(K - 1, j) * p**j * (1 - p) ** (K - 1 - j) for j, c in enumerate(table)), Fraction(0))
            instance = {
                "K": K,
                "p": str(p),
                "table": oracles.as_text(table),
                "group": str(weighted),
                "p P(p)": str(p * mean),
            }
            yield Evidence(0.0, float(weighted - p * mean), "equal", 0.0, instance, size=K + oracles.complexity([p]))


II4 = Claim(
    id="II.4",
    title="Self-inclusive counts",
    whose="slides",
    place="slides, solution 2 (for independent counts); the shift is ours",
    statement=(
        "For every table c_0..c_{K-1} and every p, the group mean E[(X/K) c_{X-1}] over X ~ Binomial(K, p) equals p"
        " times the mean of c under Binomial(K - 1, p). So the best table for a count that contains the trace "
        "itself is the best table for K - 1 other traces, shifted by one."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            evidence=evidence,
        ),
    ),
    remark=(
        "From (k/K) B_{k,K}(p) = p B_{k-1,K-1}(p). The trap is to read the entry of the same number: the minimax "
        "table for K = 16 then has the worst bias 0.0703 instead of 0.00127, and the order 1/K again."
    ),
)

CLAIMS = (II4,)
