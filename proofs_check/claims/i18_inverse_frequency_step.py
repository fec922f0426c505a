"""I.18: in which sense the inverse-frequency reward of a group is a step of the entropy game."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import comb
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import groups, oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.rates import extrapolated


def plugged_in(counts: Sequence[int]) -> list[Any]:
    """The reward -log(count / K) minus the group's mean, for the answers of a group."""
    return _centred(counts, [-mp.log(mp.mpf(n) / sum(counts)) for n in counts])


def pseudocount(counts: Sequence[int]) -> list[Any]:
    """The centred reward -log(count / K) with a hundredth added to each count."""
    return _centred(counts, [-mp.log((n + mp.mpf("0.01")) / sum(counts)) for n in counts])


def linear(counts: Sequence[int]) -> list[Any]:
    """The centred reward 1 - count / K."""
    return _centred(counts, [1 - mp.mpf(n) / sum(counts) for n in counts])


def _centred(counts: Sequence[int], rewards: Sequence[Any]) -> list[Any]:
    mean = mp.fsum(n * r for n, r in zip(counts, rewards, strict=True)) / sum(counts)
    return [r - mean for r in rewards]


def stated(K: int, nu: Sequence[Fraction]) -> list[Any]:  # noqa: ARG001 - "exactly", so for every size of the group
    """The gradient of the entropy in the logits of the answers, the policy gradient of -(log nu + 1)."""
    return policy_gradient(nu, [-oracles.log(p) - 1 for p in nu])


def tempered(K: int, nu: Sequence[Fraction]) -> list[Any]:
    """The gradient of the entropy, a hundredth longer."""
    return [slope * mp.mpf("1.01") for slope in stated(K, nu)]


def collisions(K: int, nu: Sequence[Fraction]) -> list[Any]:  # noqa: ARG001
    """The gradient of -1/2 sum nu^2."""
    return policy_gradient(nu, [oracles.number(1 - p) for p in nu])


def amended(K: int, nu: Sequence[Fraction]) -> list[Any]:
    """(K - 1) / K times the policy gradient of b(p) = -E log((1 + Bin(K - 2, p)) / K)."""
    return counted(K, nu, others=K - 2)


def miscounted(K: int, nu: Sequence[Fraction]) -> list[Any]:
    """The amended step with K - 1 others in the count, which is right for a reward without a baseline."""
    return counted(K, nu, others=K - 1)


def counted(K: int, nu: Sequence[Fraction], others: int) -> list[Any]:
    """Compute (K - 1) / K times the policy gradient of -E log((1 + Bin(others, p)) / K).

    Args:
        K: Group size.
        nu: Answer probabilities.
        others: Traces that may have the answer besides the trace itself.

    Returns:
        The step in the logits.
    """

    def b(p: Fraction) -> Any:
        return mp.fsum(
            oracles.number(comb(others, k) * p**k * (1 - p) ** (others - k)) * mp.log(mp.mpf(K) / (1 + k))
            for k in range(others + 1)
        )

    return [mp.mpf(K - 1) / K * slope for slope in policy_gradient(nu, [b(p) for p in nu])]


def frequencies(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Differentiate the entropy at a group's frequencies, by difference quotients at 50 digits.

    Args:
        formula: Advantages of a group's answers, from the counts of those that occur.
        rng: Source of randomness.

    Yields:
        The slope of the entropy in the logit of each answer against frequency times advantage.
    """
    drawn = [tuple(int(n) for n in rng.integers(1, 6, size=2 + i % 3)) for i in range(12)]
    for counts in [(1, 2), *drawn]:
        nu = [Fraction(n, sum(counts)) for n in counts]
        for z, (p, advantage) in enumerate(zip(nu, formula(counts), strict=True)):
            instance = {"counts": str(counts), "answer": z, "compared": "slope of the entropy at count / K"}
            wanted, size = float(oracles.number(p) * advantage), oracles.complexity(nu)
            yield Evidence(wanted, float(_slope(nu, z)), "equal", 1e-14, instance, size)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List all counts of a group, with rewards -log(count / K) minus the group's mean.

    Args:
        formula: The claimed expected step.
        rng: Source of randomness.

    Yields:
        For each instance the difference quotient of the entropy against its gradient formula, and the listed expected
        step against the claimed one; at 50 digits.
    """
    for K, nu in _instances(rng):
        listed, claimed = expected_step(K, nu), formula(K, nu)
        gradient = policy_gradient(nu, [-oracles.log(p) - 1 for p in nu])
        instance = {"K": K, "nu": oracles.as_text(nu)}
        words = _sentence(nu) if formula is stated and K == len(nu) == 2 else ""
        for z, (step, wanted, slope) in enumerate(zip(listed, claimed, gradient, strict=True)):
            here, size = instance | {"answer": z, "compared": "expected step of the group"}, K + oracles.complexity(nu)
            yield Evidence(float(wanted), float(step), "equal", 1e-14, here, size, sentence=words)
            here = instance | {"answer": z, "compared": "slope of the entropy, gradient formula"}
            yield Evidence(float(slope), float(_slope(nu, z)), "equal", 1e-14, here, size)


def _sentence(nu: Sequence[Fraction]) -> str:
    p, q = nu
    slope = float(policy_gradient(nu, [-oracles.log(m) for m in nu])[0])
    return (
        f"Take K = 2 and nu = {oracles.as_text(nu)}. If the two traces agree, each has the reward -log(2/2) = 0; if "
        "they differ, each has -log(1/2). The two rewards are always equal, so the expected step is 0. But the "
        f"entropy's slope in the first logit is ({p}) ({q}) log({q / p}) = {slope:.3f}."
    )


def large_groups(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List groups of 32 to 1024 traces with two answers, and of up to 128 with three, and extrapolate the step.

    Args:
        formula: The step in the limit.
        rng: Source of randomness.

    Yields:
        The limit of each entry, in float64, against the claimed one; no answer has less mass than a quarter, where
        the next power of 1 / K would matter.
    """
    for n, sizes in ((2, (32, 64, 128, 256, 512, 1024)), (3, (16, 32, 64, 128))):
        even = [Fraction(1, 4)] * (n - 1) + [1 - Fraction(n - 1, 4)]
        for nu in (even, oracles.rounded((1 + rng.dirichlet(np.ones(n))) / (n + 1), 100)):
            table = np.array([[float(p) for p in nu]])
            steps = []
            for K in sizes:
                counts = groups.counts_of(n, K)
                surprisals = np.concatenate([[0.0], np.log(K / np.arange(1, K + 1))])
                rewards = groups.centred(counts, groups.by_count(surprisals, counts))
                steps.append(groups.expected_step(table, counts, rewards)[0])
            for z, wanted in enumerate(formula(sizes[-1], nu)):
                instance = {"K": f"{sizes[0]} to {sizes[-1]}, extrapolated", "nu": oracles.as_text(nu), "answer": z}
                at = extrapolated([float(step[z]) for step in steps])
                yield Evidence(float(wanted), at, "equal", 1e-4, instance, oracles.complexity(nu))


def policy_gradient(nu: Sequence[Fraction], rewards: Sequence[Any]) -> list[Any]:
    """Compute E[grad log nu(z) r(z)] in the logits of the answers.

    Args:
        nu: Answer probabilities.
        rewards: r, mpmath numbers.

    Returns:
        nu(z) (r(z) - E r) for each answer.
    """
    mean = oracles.expectation(nu, rewards)
    return [oracles.number(p) * (r - mean) for p, r in zip(nu, rewards, strict=True)]


def expected_step(K: int, nu: Sequence[Fraction]) -> list[Any]:
    """Enumerate the mean of (1/K) sum_i A_i (1{z_i = z} - nu(z)) with A_i = -log(count / K) minus the group's mean.

    Args:
        K: Group size.
        nu: Answer probabilities.

    Returns:
        The expected step.
    """
    surprisals = [mp.mpf(0), *(mp.log(mp.mpf(K) / n) for n in range(1, K + 1))]
    total = [mp.mpf(0)] * len(nu)
    for counts in oracles.group_counts(len(nu), K):
        mass = oracles.number(oracles.multinomial(counts, nu))
        mean = mp.fsum(n * surprisals[n] for n in counts) / K
        total = [t + mass * n * (surprisals[n] - mean) / K for t, n in zip(total, counts, strict=True)]
    return total


def _slope(nu: Sequence[Fraction], z: int) -> Any:
    """Take the symmetric difference quotient of the entropy along one logit."""

    def entropy(shift: Any) -> Any:
        moved = oracles.normalised([oracles.log(p) + shift * int(w == z) for w, p in enumerate(nu)])
        return -mp.fsum(p * mp.log(p) for p in moved)

    step = mp.mpf(10) ** -16
    return (entropy(step) - entropy(-step)) / (2 * step)


def _instances(rng: np.random.Generator) -> Iterator[tuple[int, list[Fraction]]]:
    yield 2, [Fraction(1, 3), Fraction(2, 3)]
    for K in range(2, 9):
        for n in (2, 3, 4):
            yield K, oracles.random_distribution(rng, n, 9)


I18 = Claim(
    id="I.18",
    title="Inverse frequency as an entropy step",
    whose="paper",
    place="appendix C.2.1; repeated in section 5.3, Diversity, and in appendix C.2.2, below algorithm 3",
    plain="A reward for answers that are rare in their group gives a training step towards the largest entropy.",
    statement=(
        "grad H = -E[grad log nu (log nu + 1)], so that the reward for entropy is about -log nu. With the group's "
        "frequencies in place of nu, approximately, the reward is -log(count / K). So this reward is exactly a valid "
        "GRPO step of the maximum-entropy game."
    ),
    printed="R(y_i) ~ -log(Count(E(y_i)) / K)   (eq. 11)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss="The sabotage is the true step; a slightly different step is false as well (claim I.18a).",
            evidence=evidence,
            supposes="the expected step of a group with its mean reward subtracted is the entropy's gradient at nu",
        ),
        Reading(
            expected="holds",
            stated=plugged_in,
            sabotage=linear,
            near_miss=pseudocount,
            evidence=frequencies,
            supposes="the step is the entropy's gradient with the group's frequencies in place of nu",
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=collisions,
            near_miss=tempered,
            evidence=large_groups,
            supposes="the expected step is meant, and the group grows without bound",
        ),
    ),
    remark=(
        "The gradient identity holds. The logarithm of a count is a biased estimate of log nu, with a bias of order 1 "
        "/ K, and the count includes the trace: with K = 2 every step is 0. Division by the standard deviation, as in "
        "equation 5, changes the direction further (claim I.17)."
    ),
    amendment="I.18a",
)

CLAIMS = (I18,)
