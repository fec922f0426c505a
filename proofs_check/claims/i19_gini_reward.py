"""I.19: the linear minority reward of a group follows the true gradient, up to one factor."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(K: int) -> Fraction:
    """The factor (K - 1)(K - 2) / K^2."""
    return Fraction((K - 1) * (K - 2), K * K)


def sabotage(K: int) -> Fraction:
    """The factor that a count without the trace itself would give."""
    return Fraction(K - 1, K)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare with the expected group-centred step, enumerated over all group counts in exact rationals.

    Args:
        formula: The claimed factor as a function of K.
        rng: Source of randomness.

    Yields:
        One comparison per answer, exact.
    """
    for K, nu in _instances(rng):
        step = expected_step(K, nu)
        gradient = policy_gradient(nu)
        for z, (measured, slope) in enumerate(zip(step, gradient, strict=True)):
            difference = measured - formula(K) * slope
            yield Evidence(
                claimed=0.0,
                measured=float(difference),
                relation="equal",
                tolerance=0.0,
                instance={
                    "K": K,
                    "nu": oracles.as_text(nu),
                    "answer": z,
                    "step": str(measured),
                    "gradient": str(slope),
                },
                size=K + oracles.complexity(nu),
            )


def expected_step(K: int, nu: Sequence[Fraction]) -> list[Fraction]:
    """Enumerate the mean of (1/K) sum_i A_i (1{z_i = z} - nu(z)) over groups of K independent answers.

    Args:
        K: Group size.
        nu: Answer probabilities.

    Returns:
        The expected step in the logits of the answers, with A_i = r_i - mean(r) and r_i = 1 - count / K.
    """
    total = [Fraction(0)] * len(nu)
    for counts in oracles.group_counts(len(nu), K):
        probability = oracles.multinomial(counts, nu)
        rewards = [1 - Fraction(count, K) for count in counts]
        mean = sum((Fraction(count, K) * r for count, r in zip(counts, rewards, strict=True)), Fraction(0))
        for z, (count, r) in enumerate(zip(counts, rewards, strict=True)):
            # The term with nu(z) drops out: centred advantages sum to 0 over the group.
            total[z] += probability * Fraction(count, K) * (r - mean)
    return total


def policy_gradient(nu: Sequence[Fraction]) -> list[Fraction]:
    """Differentiate -1/2 sum nu^2 in the logits of the answers.

    Args:
        nu: Answer probabilities.

    Returns:
        nu(z) ((1 - nu(z)) - sum nu (1 - nu)) for each answer.
    """
    mean = sum((p * (1 - p) for p in nu), Fraction(0))
    return [p * ((1 - p) - mean) for p in nu]


def _instances(rng: np.random.Generator) -> Iterator[tuple[int, list[Fraction]]]:
    yield 4, [Fraction(1)]  # |Z| = 1
    yield 5, [Fraction(1, 3), Fraction(2, 3), Fraction(0)]  # an answer without mass
    yield 1, [Fraction(1, 4), Fraction(3, 4)]  # one trace
    for K in range(1, 9):
        for n in (2, 3, 4):
            yield K, oracles.random_distribution(rng, n, 20)


I19 = Claim(
    id="I.19",
    title="Gini reward of a group",
    whose="paper",
    place=("paper, appendix C.2.2 (that the reward follows the collision probability); the factor is ours"),
    statement=(
        "With the reward 1 - count / K, the count including the trace itself, and advantages centred by the group's"
        " mean, the expected step is (K - 1)(K - 2) / K^2 times the gradient of -1/2 sum nu^2, for every nu."
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
        "Unbiased in direction for every K >= 3, though the count includes the trace: 0.375 at K = 4, 0.65625 at K "
        "= 8. K = 1 and K = 2 give no step at all. Checked by exact enumeration of all group counts."
    ),
)

CLAIMS = (I19,)
