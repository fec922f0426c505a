"""I.17: the direction of the expected step with standardised advantages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames.grpo import expected_update
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.rates import extrapolated

EPSILON = Fraction(1, 10000)
"""The constant that the library and TRL add to the standard deviation."""

Prompt = tuple[Fraction, list[Fraction], list[Fraction]]
"""Share, answer probabilities, and rewards beta log q(z) up to a constant."""


@dataclass(frozen=True)
class Batch:
    """Prompts whose answer probabilities are softmax(theta + offset), with one theta for all.

    Attributes:
        K: Group size.
        prompts: Share, nu and rewards of each.
    """

    K: int
    prompts: tuple[Prompt, ...]

    def gradient(self) -> list[Any]:
        """Differentiate the mean expected reward in theta."""
        total = [Fraction(0)] * len(self.prompts[0][1])
        for share, nu, rewards in self.prompts:
            mean = sum((p * r for p, r in zip(nu, rewards, strict=True)), Fraction(0))
            total = [t + share * p * (r - mean) for t, p, r in zip(total, nu, rewards, strict=True)]
        return [oracles.number(t) for t in total]

    def step(self, formula: Formula, epsilon: Fraction) -> list[Any]:
        """List the groups of each prompt, and sum 1/K sum_i A_i (e_{z_i} - nu)."""
        total = [mp.mpf(0)] * len(self.prompts[0][1])
        for share, nu, rewards in self.prompts:
            for counts in oracles.group_counts(len(nu), self.K):
                mass = oracles.number(share * oracles.multinomial(counts, nu) / self.K)
                terms = [n * a for n, a in zip(counts, formula(counts, rewards, epsilon), strict=True)]
                drift = mp.fsum(terms)
                total = [
                    t + mass * (term - oracles.number(p) * drift) for t, term, p in zip(total, terms, nu, strict=True)
                ]
        return total

    def instance(self) -> tuple[dict[str, Any], int]:
        """Describe the batch, and how large it is."""
        text = "; ".join(f"{share} of {oracles.as_text(nu)}" for share, nu, _ in self.prompts)
        rewards = "; ".join(oracles.as_text(r) for _, _, r in self.prompts)
        if len(self.prompts) == 1:
            text = oracles.as_text(self.prompts[0][1])
        size = self.K + sum(oracles.complexity([share], nu, r) for share, nu, r in self.prompts)
        return {"K": self.K, "nu": text, "beta log q + const": rewards}, size


def stated(counts: Sequence[int], rewards: Sequence[Fraction], epsilon: Fraction) -> list[Any]:
    """Centre, and divide by the group's deviation plus epsilon; 0 in a group of equal rewards."""
    K, advantages = sum(counts), centred(counts, rewards, epsilon)
    squares = mp.fsum(n * a**2 for n, a in zip(counts, advantages, strict=True))
    if not squares:
        return [mp.mpf(0)] * len(counts)
    deviation = mp.sqrt(squares / (K - 1)) + oracles.number(epsilon)
    return [a / deviation for a in advantages]


def misgraded(counts: Sequence[int], rewards: Sequence[Fraction], epsilon: Fraction) -> list[Any]:
    """Standardise, with the last answer's reward a hundredth too high."""
    return stated(counts, [*rewards[:-1], rewards[-1] + Fraction(1, 100)], epsilon)


def by_answer(counts: Sequence[int], rewards: Sequence[Fraction], epsilon: Fraction) -> list[Any]:
    """Standardise, and divide by the count of the trace's answer, so that equal rewards get different advantages."""
    return [a / n if n else a for a, n in zip(stated(counts, rewards, epsilon), counts, strict=True)]


def reversed_sign(counts: Sequence[int], rewards: Sequence[Fraction], epsilon: Fraction) -> list[Any]:
    """Standardise, with the other sign."""
    return [-a for a in stated(counts, rewards, epsilon)]


def centred(counts: Sequence[int], rewards: Sequence[Fraction], epsilon: Fraction) -> list[Any]:  # noqa: ARG001
    """Subtract the group's mean."""
    mean = sum((n * r for n, r in zip(counts, rewards, strict=True)), Fraction(0)) / sum(counts)
    return [oracles.number(r - mean) for r in rewards]


def two_values(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List the groups of one prompt whose rewards take two values, and compare directions at 50 digits.

    Args:
        formula: Advantages of a group's answers, from counts, rewards and epsilon.
        rng: Source of randomness.

    Yields:
        As `_directions`.
    """
    yield from _directions(formula, _with_two_values(rng))


def more_values(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List the groups of one prompt whose rewards take three values or more, and compare directions at 50 digits.

    Args:
        formula: Advantages of a group's answers, from counts, rewards and epsilon.
        rng: Source of randomness.

    Yields:
        As `_directions`.
    """
    yield from _directions(formula, _instances(rng))


def several_prompts(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List the groups of two prompts with two answers each, and compare directions at 50 digits.

    Args:
        formula: Advantages of a group's answers, from counts, rewards and epsilon.
        rng: Source of randomness.

    Yields:
        As `_directions`.
    """
    yield from _directions(formula, pairs(rng))


def rise(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the slope of one prompt's expected reward along the step of the natural gradient, at 50 digits.

    Args:
        formula: Advantages of a group's answers, from counts, rewards and epsilon.
        rng: Source of randomness.

    Yields:
        The slope, sum step(z) gradient(z) / nu(z), which must not be negative.
    """
    for batch in (*_instances(rng), *_with_two_values(rng)):
        instance, size = batch.instance()
        step, nu = batch.step(formula, EPSILON), batch.prompts[0][1]
        along = mp.fsum(a * b / oracles.number(p) for a, b, p in zip(step, batch.gradient(), nu, strict=True))
        yield Evidence(0.0, float(along), "at least", 0.0, instance, size)


def large_groups(formula: Formula, _: np.random.Generator) -> Iterator[Evidence]:
    """List groups of 8, 16, 32 and 64 traces, and extrapolate the direction of the step.

    Args:
        formula: Advantages of a group's answers, from counts, rewards and epsilon.

    Yields:
        Each entry of the limit against that of the gradient's direction; the extrapolation error is of order
        1 / 64^4, times a constant that grows as answers get rare.
    """
    third, more, less = Fraction(1, 3), Fraction(2, 5), Fraction(3, 10)
    for nu in ([third] * 3, [less, more, less], [more, less, less]):
        rewards = [Fraction(0), Fraction(1), Fraction(3)]
        batches = [Batch(K, ((Fraction(1), nu, rewards),)) for K in (8, 16, 32, 64)]
        steps = [unit(batch.step(formula, EPSILON)) for batch in batches]
        gradient = unit(batches[0].gradient())
        for z, (*course, limit) in enumerate(zip(*steps, gradient, strict=True)):
            instance = batches[0].instance()[0] | {"K": "8, 16, 32, 64, extrapolated", "answer": z}
            at = extrapolated([float(c) for c in course])
            yield Evidence(float(limit), at, "equal", 5e-4, instance, oracles.complexity(nu))


def _directions(formula: Formula, batches: Iterable[Batch]) -> Iterator[Evidence]:
    """Compare the directions of step and gradient, for epsilon 0 and 1e-4, and the library's step with 1e-4."""
    for batch in batches:
        instance, size = batch.instance()
        gradient = unit(batch.gradient())
        for epsilon in (Fraction(0), EPSILON):
            step = batch.step(formula, epsilon)
            cosine = mp.fsum(a * b for a, b in zip(unit(step), gradient, strict=True))
            apart = mp.norm([a - b for a, b in zip(unit(step), gradient, strict=True)])
            here = instance | {"epsilon": str(epsilon), "step": text(step), "gradient": text(batch.gradient())}
            here |= {"cosine": float(mp.nstr(cosine, 6)), "compared": "distance of unit vectors"}
            # The 9 puts the exact ratios of epsilon = 0 first among counterexamples.
            larger = size + 9 * bool(epsilon)
            words = _sentence(batch, formula)
            yield Evidence(0.0, float(apart), "equal", 1e-40, here, larger, sentence=words)
        rules: dict[Formula, Any] = {stated: "standardise", centred: "center"}
        if formula in rules:
            library = sum(
                float(share)
                * expected_update([float(p) for p in nu], [float(r) for r in rewards], batch.K, rules[formula])
                for share, nu, rewards in batch.prompts
            )
            apart = max(abs(a - float(b)) for a, b in zip(step, np.asarray(library), strict=True))
            here = instance | {"compared": "step minus the library's", "rule": rules[formula]}
            yield Evidence(0.0, float(apart), "equal", 1e-12, here, size + 99)


def _sentence(batch: Batch, formula: Formula) -> str:
    """State the standardised step and the gradient for K = 2, so that both can be checked by hand."""
    if batch.K != 2 or formula is not stated:
        return ""
    entries, where = [Fraction(0)] * len(batch.prompts[0][1]), []
    gradient = list(entries)
    for share, nu, rewards in batch.prompts:
        for z, (p, r) in enumerate(zip(nu, rewards, strict=True)):
            wins = sum((m * ((s < r) - (s > r)) for m, s in zip(nu, rewards, strict=True)), Fraction(0))
            entries[z] += share * p * wins
            gradient[z] += share * p * (r - sum((m * s for m, s in zip(nu, rewards, strict=True)), Fraction(0)))
        part = "" if share == 1 else f"{share} of the prompts with "
        where.append(f"{part}nu = {oracles.as_text(nu)} and rewards {oracles.as_text(rewards)}")
    averaged = ", averaged over the prompts," if len(where) > 1 else ""
    return (
        f"Take K = 2, {' and '.join(where)}. Of two traces with different rewards one has the advantage 1/sqrt 2 and "
        f"the other -1/sqrt 2, for all rewards. So the expected step{averaged} is nu(z) (probability of a worse "
        f"answer minus that of a better one) / sqrt 2 = {oracles.as_text(entries)} / sqrt 2. But the "
        f"gradient{averaged} is nu(z) (r(z) - mean) = {oracles.as_text(gradient)}."
    )


def unit(vector: Sequence[Any]) -> list[Any]:
    """Scale a vector to length 1; 0 stays 0."""
    length = mp.norm(vector)
    return [v / length for v in vector] if length else list(vector)


def text(vector: Sequence[Any]) -> str:
    """Write a vector to six digits.

    Args:
        vector: mpmath numbers.

    Returns:
        For example "(0.5, -0.5)".
    """
    return "(" + ", ".join(mp.nstr(v, 6) for v in vector) + ")"


def _instances(rng: np.random.Generator) -> Iterator[Batch]:
    one, zero = Fraction(1), Fraction(0)
    yield Batch(2, ((one, [Fraction(1, 3)] * 3, [zero, one, Fraction(3)]),))
    # Most of the mass is better than the median and worse than the mean.
    yield Batch(2, ((one, [Fraction(1, 6), Fraction(4, 5), Fraction(1, 30)], [zero, one, Fraction(40)]),))
    for i in range(12):
        K, n = 2 + i % 4, 3 + i % 2
        rewards = [Fraction(int(r), 3) for r in rng.permutation(12)[:n]]
        yield Batch(K, ((one, oracles.random_distribution(rng, n, 9), rewards),))


def _with_two_values(rng: np.random.Generator) -> Iterator[Batch]:
    for i in range(12):
        K, n = 2 + i % 4, 2 + i % 3
        low, high = (Fraction(int(r), 3) for r in sorted(rng.permutation(12)[:2]))
        # The last two of three or more are alike, so that a reward that is a little off makes a third value.
        rewards = [[low, high], [high, low, low], [low, high, high, high]][n - 2]
        yield Batch(K, ((Fraction(1), oracles.random_distribution(rng, n, 9), rewards),))


def pairs(rng: np.random.Generator) -> Iterator[Batch]:
    """Draw batches of two prompts that share their logits and have opposite best answers.

    Args:
        rng: Source of randomness.

    Yields:
        One that checks by hand, then drawn ones.
    """
    half, third, zero = Fraction(1, 2), Fraction(1, 3), Fraction(0)
    # Two prompts with opposite best answers and rewards 1 and 2.
    yield Batch(2, ((half, [half, half], [zero, Fraction(1)]), (half, [2 * third, third], [Fraction(2), zero])))
    for i in range(6):
        # With a third answer the two gradients are not collinear, so that any other weight changes the direction.
        n, high = 2 + i % 2, [Fraction(int(rng.integers(1, 5)), 2), Fraction(int(rng.integers(5, 9)), 2)]
        prompts = [
            (half, oracles.random_distribution(rng, n, 9), [high[way] if z == way else zero for z in range(n)])
            for way in (0, 1)
        ]
        yield Batch(2 + i % 3, tuple(prompts))


_NO_NEAR = "Division by any power of the deviation except 0 is false, however small; the sabotage, no division, agrees."

I17 = Claim(
    id="I.17",
    title="Standardised advantages",
    whose="paper",
    place="section 3.1, below equation 6, of the advantages of equations 5 and 8",
    plain=(
        "Rewards that are centred and divided by their standard deviation within a group can be viewed as an estimate "
        "of the direction of the policy gradient."
    ),
    statement=(
        "For a fixed target q*, GRPO estimates the policy gradient of the expected reward, R = beta log q*(E(y)), "
        "with the divergence as a separate term. One way to view its advantages, standardised in a group of K, is "
        "that they estimate the gradient's direction from samples. Which standard deviation is meant is not stated."
    ),
    printed="A_i = (R_i - Mean(R_1..R_K)) / (StdDev(R_1..R_K) + epsilon)   (eq. 5 and 8)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=centred,
            near_miss=_NO_NEAR,
            evidence=more_values,
            supposes=(
                "the expected step has the direction of the gradient in the logits at every K, and rewards take three "
                "values or more"
            ),
        ),
        Reading(
            expected="false",
            stated=stated,
            sabotage=centred,
            near_miss=_NO_NEAR,
            evidence=several_prompts,
            supposes="the direction is that of the mean over several prompts that share their logits",
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=by_answer,
            near_miss=misgraded,
            evidence=two_values,
            supposes="there is one prompt and its rewards take two values, as a vote or a verified answer gives",
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=reversed_sign,
            near_miss="The reward increases with every positive divisor: only the sign can be wrong.",
            evidence=rise,
            supposes="the direction need only increase one prompt's expected reward, by steps of the natural gradient",
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=by_answer,
            near_miss=misgraded,
            evidence=large_groups,
            supposes="there is one prompt, and the estimate need only become right as the group grows",
        ),
    ),
    remark=(
        "Centred rewards give the gradient for every K. The division weights groups by the inverse of their standard "
        "deviation, which depends on the answers in them. With two reward values all groups have the same direction; "
        "in large groups the standard deviation is a constant, but this constant differs between prompts. Plain steps "
        "in the logits may even lower the expected reward: an example is K = 2, nu = (1/6, 4/5, 1/30) and rewards (0, "
        "1, 40). The choice of standard deviation does not change the direction at epsilon = 0. Claim I.50 treats the "
        "rest point of training."
    ),
    amendment="I.17c",
)

CLAIMS = (I17,)
