"""II.3: the reward 1 - X / K of the Euclidean game is unbiased, for a count of other traces."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(K: int, p: Fraction, *, own: bool) -> Fraction:
    """1 - p for other traces' counts; (1 - 1/K)(1 - p) if the trace counts itself."""
    return Fraction(K - 1, K) * (1 - p) if own else 1 - p


def sabotage(K: int, p: Fraction, *, own: bool) -> Fraction:
    """1 - p also for a count that includes the trace itself."""
    del own
    return stated(K, p, own=False)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Sum over all groups of answers, one trace after the other, in exact rationals.

    Args:
        formula: The mean of the reward.
        rng: Source of randomness.

    Yields:
        A comparison for each group size, probability and kind of count.
    """
    for K in range(1, 9):
        for p in (Fraction(0), Fraction(1), Fraction(1, 3), oracles.random_distribution(rng, 2, 20)[0]):
            for own in (False, True):
                measured = _mean(K - 1 if own else K, p, own)
                instance = {"K": K, "p": str(p), "count includes the trace": own, "mean": str(measured)}
                claimed = formula(K, p, own=own)
                size = K + oracles.complexity([p])
                yield Evidence(float(claimed - measured), 0.0, "equal", 0.0, instance, size=size)


def _mean(others: int, p: Fraction, own: bool) -> Fraction:
    """Follow the law of the count trace by trace, and average 1 - count / K."""
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
    place="slides, example (Euclidean game); the second half is ours",
    statement=(
        "The mean of 1 - X / K is 1 - p if X counts K other traces. If X counts the trace itself among K, as in a "
        "GRPO group, it is (1 - 1/K)(1 - p): biased, by a factor that does not depend on p."
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
        "The factor changes the length of a step and not its direction, as claim I.19 finds for centred advantages."
    ),
)

CLAIMS = (II3,)
