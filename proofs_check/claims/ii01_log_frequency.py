"""II.1: the mean of the log of a frequency is minus infinity, and not near the log of the probability."""

from collections.abc import Iterator
from fractions import Fraction
from math import comb
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(K: int, q: Fraction) -> Any:
    """The expansion log q - (1 - q) / (2 K q)."""
    return oracles.log(q) - oracles.number((1 - q) / (2 * K * q))


def unconditional(K: int, q: Fraction) -> Any:  # noqa: ARG001 - the same for every K
    """What the mean is when X = 0 counts: minus infinity unless q = 1."""
    return mp.mpf(0) if q == 1 else mp.mpf("-inf")


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare geometric means exp(E log(X / K)), which are finite, with half of the claimed one as slack.

    Args:
        formula: The claimed mean of log(X / K).
        rng: Source of randomness.

    Yields:
        A comparison for each K and q, by the binomial law at 50 digits.
    """
    for K, q in _instances(rng):
        masses = [comb(K, k) * q**k * (1 - q) ** (K - k) for k in range(K + 1)]
        mean = oracles.expectation(masses, [oracles.log(Fraction(k, K)) for k in range(K + 1)])
        claimed = float(mp.exp(formula(K, q)))
        yield Evidence(
            claimed=claimed,
            measured=float(mp.exp(mean)),
            relation="equal",
            tolerance=claimed / 2,
            instance={"K": K, "q": str(q), "P(X = 0)": mp.nstr(oracles.number(masses[0]), 6)},
            size=len(str(K)) + oracles.complexity([q]),
        )


def _instances(rng: np.random.Generator) -> Iterator[tuple[int, Fraction]]:
    for K in (1, 2, 8, 64):
        yield from ((K, q) for q in (Fraction(1), Fraction(1, 2), Fraction(9, 10)))
        yield K, oracles.random_distribution(rng, 2, 9)[0]


II1 = Claim(
    id="II.1",
    title="Bias of the log-frequency",
    whose="slides",
    place="slides, the hidden bias in small-batch ALFT",
    statement=(
        "For X ~ Binomial(K, q), E log(X / K) is about log q - (1 - q) / (2 K q). Compared through the geometric "
        "mean exp(E log(X / K)), and called about right if it is within half of the claimed one."
    ),
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=unconditional,
            evidence=evidence,
        ),
    ),
    remark=(
        "X = 0 has the chance (1 - q)^K > 0, and log 0 = -inf: the mean is -inf for every K and every q < 1, and "
        "the geometric mean is 0. The expansion is that of the mean given X > 0, claim II.1a."
    ),
    amendment="II.1a",
)

CLAIMS = (II1,)
