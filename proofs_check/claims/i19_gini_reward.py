"""I.19: the expected step of a group's reward 1 - count / K is along the gradient of the Gini index."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(K: int) -> Fraction:
    """The factor (K - 1)(K - 2) / K^2 on the gradient of -1/2 sum nu^2."""
    return Fraction((K - 1) * (K - 2), K * K)


def sabotage(K: int) -> Fraction:
    """The factor that a count without the trace itself would give."""
    return Fraction(K - 1, K)


def near_miss(K: int) -> Fraction:
    """The factor that the mean of the others as a baseline would give."""
    return Fraction(K - 2, K)


def plugged_in(frequency: Fraction) -> Fraction:
    """The reward 1 - count / K."""
    return 1 - frequency


def halved(frequency: Fraction) -> Fraction:
    """The reward 1 - count / (2 K)."""
    return 1 - frequency / 2


def pseudocount(frequency: Fraction) -> Fraction:
    """One minus the frequency, with a hundredth of its square added."""
    return 1 - frequency - frequency**2 / 100


def frequencies(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Differentiate 1 - sum nu^2 at a group's frequencies, exactly: it is quadratic along each direction.

    Args:
        formula: The reward of an answer from its frequency.
        rng: Source of randomness.

    Yields:
        Half the slope along each logit, by the symmetric difference quotient, against the policy gradient of the
        reward.
    """
    for counts in [(1, 2), *(tuple(int(n) for n in rng.integers(1, 6, size=2 + i % 3)) for i in range(12))]:
        nu = [Fraction(n, sum(counts)) for n in counts]
        rewards = [formula(p) for p in nu]
        mean = sum((p * r for p, r in zip(nu, rewards, strict=True)), Fraction(0))
        for z, (p, r) in enumerate(zip(nu, rewards, strict=True)):
            # The logit of z moves nu along nu(z) (e_z - nu).
            along = [p * (int(w == z) - m) for w, m in enumerate(nu)]
            ends = [1 - sum((m + sign * d) ** 2 for m, d in zip(nu, along, strict=True)) for sign in (1, -1)]
            slope, wanted = (ends[0] - ends[1]) / 4, p * (r - mean)
            instance = {
                "counts": str(counts),
                "answer": z,
                "half the slope": str(slope),
                "policy gradient": str(wanted),
            }
            yield Evidence(0.0, float(slope - wanted), "equal", 0.0, instance, oracles.complexity(nu))


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
    place="appendix C.2.2, 1. Gini Diversity, and algorithm 3",
    plain=("A reward equal to the share of the group that has another answer follows the gradient of the Gini index."),
    statement=(
        "If the Gini index 1 - sum nu^2 is maximised in place of the entropy, its gradient gives the reward 1 - count "
        "/ K, where the count includes the trace itself."
    ),
    printed="R_gini(y_i) = 1 - Count(E(y_i)) / K",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
            supposes=(
                "the expected step of a group with its mean reward subtracted is along the gradient at nu; the factor "
                "(K - 1)(K - 2) / K^2, on the gradient of -1/2 sum nu^2, is ours"
            ),
        ),
        Reading(
            expected="holds",
            stated=plugged_in,
            sabotage=halved,
            near_miss=pseudocount,
            evidence=frequencies,
            supposes=("the reward is that of the gradient with the group's frequencies in place of nu, up to a factor"),
        ),
    ),
    remark=(
        "The expected step is unbiased in direction for every K >= 3, although the count includes the trace: the "
        "factor is 0.375 at K = 4 and 0.65625 at K = 8. For K = 1 and K = 2 the expected step is 0. Division by the "
        "standard deviation, as in equation 5, changes the direction if there are three answers or more (claim I.17)."
    ),
)

CLAIMS = (I19,)
