"""I.18a: what the inverse-frequency reward of a group does follow, and how far that is from the entropy's gradient."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from proofs_check import groups, oracles
from proofs_check.claim import Claim, Evidence, Formula
from proofs_check.claims import i18_inverse_frequency_step as i18

Array = NDArray[np.float64]
MOST, LEAST = 0.7, 0.45
"""K times the bias: at most the first per answer but one, at least the second at nu = (1/4, 3/4)."""


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Repeat the comparisons of I.18, and search for the nu where the bias is largest.

    Args:
        formula: The claimed expected step.
        rng: Source of randomness.

    Yields:
        Those of I.18; and by listing counts in float64 K times the largest entry of the bias, at the worst nu found and
        at (1/4, 3/4).
    """
    yield from i18.evidence(formula, rng)
    for K in (4, 8, 16, 32):
        for n in (2, 3, 4) if K < 32 else (2, 3):
            worst, where = groups.worst_of(partial(_bias, K=K), n, rng, starts=150, rounds=20)
            nu = [Fraction(p).limit_denominator(10**6) for p in where.tolist()]
            instance = {"K": K, "nu": oracles.as_text(nu), "compared": "K times the largest entry of the bias"}
            yield Evidence(MOST * (n - 1), worst, "at most", 0.0, instance, K + oracles.complexity(nu))
        found = float(_bias(np.array([[0.25, 0.75]]), K)[0])
        instance = {"K": K, "nu": "(1/4, 3/4)", "compared": "K times the largest entry of the bias"}
        yield Evidence(LEAST, found, "at least", 0.0, instance, K)


def _bias(nu: Array, K: int) -> Array:
    counts = groups.counts_of(nu.shape[1], K)
    table = np.concatenate([[0.0], np.log(K / np.arange(1, K + 1))])
    step = groups.expected_step(nu, counts, groups.centred(counts, groups.by_count(table, counts)))
    return np.asarray(K * np.abs(step - groups.gradient(nu, -np.log(nu))).max(axis=1))


CLAIM = Claim(
    id="I.18a",
    title="Bias of the inverse frequency",
    statement=(
        "The expected step of the reward -log(count / K), the group's mean taken off, is (K - 1) / K times the policy "
        "gradient of b(p) = -E log((1 + Bin(K - 2, p)) / K). For K = 4..32 and up to 4 answers its entries are within "
        ".7 (|Z| - 1) / K of the entropy's gradient; at nu = (1/4, 3/4) they miss it by at least .45 / K."
    ),
    source="amendment of claim I.18",
    kind="rate",
    expected="holds",
    stated=i18.amended,
    sabotage=i18.stated,
    evidence=evidence,
    remark=(
        "A trace expects of another one with another answer the count 1 + Bin(K - 2, p) (the theorem of groups in the "
        "textbook). K times the worst bias seen is .68 for 2 answers, 1.26 for 3 and 1.72 for 4, at one frequent "
        "answer and rare ones of mass about 1 / K; the rate is that of 1 / K over these K, no proof for all."
    ),
)
