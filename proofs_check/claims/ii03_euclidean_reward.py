"""II.3: the reward 1 - X / K of the Euclidean game is unbiased, for a count of other traces."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(K: int, p: Fraction) -> Fraction:  # noqa: ARG001 - the same for every K
    """1 - p."""
    return 1 - p


def shrunk(K: int, p: Fraction) -> Fraction:
    """(1 - 1/K)(1 - p), the mean if the trace counts itself."""
    return Fraction(K - 1, K) * (1 - p)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the mean over all groups in exact rationals, for counts of other traces.

    Args:
        formula: The mean of the reward.
        rng: Source of randomness.

    Yields:
        A comparison for each group size and probability, of counts of K other traces.
    """
    yield from _means(formula, rng, own=False)


def evidence_of_own(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the mean over all groups in exact rationals, for counts that include the trace itself.

    Args:
        formula: The mean of the reward.
        rng: Source of randomness.

    Yields:
        A comparison for each group size and probability, of counts among K traces with the trace itself.
    """
    yield from _means(formula, rng, own=True)


def _means(formula: Formula, rng: np.random.Generator, *, own: bool) -> Iterator[Evidence]:
    for K in range(1, 9):
        for p in (Fraction(0), Fraction(1), Fraction(1, 3), oracles.random_distribution(rng, 2, 20)[0]):
            measured = _mean(K - 1 if own else K, p, own)
            instance = {"K": K, "p": str(p), "count includes the trace": own, "mean": str(measured)}
            instance["compared"] = "claimed mean less the mean of 1 - X / K"
            size = K + oracles.complexity([p])
            yield Evidence(float(formula(K, p) - measured), 0.0, "equal", 0.0, instance, size=size)


def _mean(others: int, p: Fraction, own: bool) -> Fraction:
    """Compute the law of the count trace by trace, and average 1 - count / K."""
    law = {int(own): Fraction(1)}
    for _ in range(others):
        following: dict[int, Fraction] = {}
        for count, mass in law.items():
            following[count + 1] = following.get(count + 1, Fraction(0)) + mass * p
            following[count] = following.get(count, Fraction(0)) + mass * (1 - p)
        law = following
    K = others + int(own)
    return sum((mass * (1 - Fraction(count, K)) for count, mass in law.items()), Fraction(0))


II3 = Claim(
    id="II.3",
    title="Euclidean reward",
    whose="slides",
    place="Solution 1: Change the Geometry, Example (Euclidean game)",
    plain="The share of other samples with the answer gives the Euclidean reward without bias.",
    statement=(
        "In the Euclidean game R(z) = beta (1 - q(z)) is estimated by beta (1 - X / K), exactly without bias; X ~ "
        "Binomial(K, q), as on the slide before."
    ),
    printed="R(z) = beta (1 - q(z))  =>  Rhat(z) = beta (1 - X / K)",
    kind="equality",
    expected="holds",
    readings=(Reading(expected="holds", stated=stated, sabotage=shrunk, near_miss=shrunk, evidence=evidence),),
    remark=(
        "The proof is the linearity of the mean. The binomial law is that of K traces besides the rewarded one; claim "
        "II.3a has the other case."
    ),
)

II3A = Claim(
    id="II.3a",
    title="Euclidean reward from the trace's own group",
    whose="ours",
    place="in addition to claim II.3",
    plain=(
        "If the count includes the rewarded sample, the mean of the Euclidean reward is smaller by a constant factor."
    ),
    statement=(
        "If X counts the trace itself among K, as in a GRPO group, the mean of 1 - X / K is (1 - 1/K)(1 - q): "
        "biased, by a factor that does not depend on q."
    ),
    printed="E[1 - X / K] = (1 - 1/K) (1 - q),  X = 1 + Binomial(K - 1, q)",
    kind="equality",
    expected="holds",
    readings=(Reading(expected="holds", stated=shrunk, sabotage=stated, near_miss=stated, evidence=evidence_of_own),),
    remark="The factor changes the length of a step and not its direction, as claim I.19 finds for centred advantages.",
)

CLAIMS = (II3, II3A)
