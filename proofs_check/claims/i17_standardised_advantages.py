"""I.17: whether standardised advantages point where the equilibrium lies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames.grpo import expected_update
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

EPSILON = Fraction(1, 10000)
"""What the library and TRL add to the deviation."""

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
                pulls = [n * a for n, a in zip(counts, formula(counts, rewards, epsilon), strict=True)]
                drift = mp.fsum(pulls)
                total = [
                    t + mass * (pull - oracles.number(p) * drift) for t, pull, p in zip(total, pulls, nu, strict=True)
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


def centred(counts: Sequence[int], rewards: Sequence[Fraction], epsilon: Fraction) -> list[Any]:  # noqa: ARG001
    """Subtract the group's mean and no more."""
    mean = sum((n * r for n, r in zip(counts, rewards, strict=True)), Fraction(0)) / sum(counts)
    return [oracles.number(r - mean) for r in rewards]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the direction of the expected step with that of the gradient, at 50 digits.

    Args:
        formula: Advantages of a group's answers, from counts, rewards and epsilon.
        rng: Source of randomness.

    Yields:
        For each batch the distance of the two unit vectors, and the cosine between them; with epsilon = 1e-4 also the
        distance from the library's step.
    """
    for batch in _instances(rng):
        instance, size = batch.instance()
        gradient = unit(batch.gradient())
        for epsilon in (Fraction(0), EPSILON):
            step = batch.step(formula, epsilon)
            cosine = mp.fsum(a * b for a, b in zip(unit(step), gradient, strict=True))
            apart = mp.norm([a - b for a, b in zip(unit(step), gradient, strict=True)])
            here = instance | {"epsilon": str(epsilon), "step": _text(step), "gradient": _text(batch.gradient())}
            here["cosine"] = float(mp.nstr(cosine, 6))
            # The 9 puts the exact ratios of epsilon = 0 first among counterexamples.
            larger = size + 9 * bool(epsilon)
            yield Evidence(0.0, float(apart), "equal", 1e-40, here | {"compared": "unit vectors apart"}, larger)
            yield Evidence(0.0, float(cosine), "at least", 0.0, here | {"compared": "cosine"}, larger)
        rule: Any = "standardise" if formula is stated else "center"
        library = sum(
            float(share) * expected_update([float(p) for p in nu], [float(r) for r in rewards], batch.K, rule)
            for share, nu, rewards in batch.prompts
        )
        apart = max(abs(a - float(b)) for a, b in zip(step, np.asarray(library), strict=True))
        here = instance | {"compared": "step less the library's", "rule": rule}
        yield Evidence(0.0, float(apart), "equal", 1e-12, here, size)


def unit(vector: Sequence[Any]) -> list[Any]:
    """Scale a vector to length 1; 0 stays 0."""
    length = mp.norm(vector)
    return [v / length for v in vector] if length else list(vector)


def _text(vector: Sequence[Any]) -> str:
    return "(" + ", ".join(mp.nstr(v, 6) for v in vector) + ")"


def _instances(rng: np.random.Generator) -> Iterator[Batch]:
    one, half, third = Fraction(1), Fraction(1, 2), Fraction(1, 3)
    zero = Fraction(0)
    yield Batch(2, ((one, [third] * 3, [zero, one, Fraction(3)]),))
    # Most of the mass is better than the median and worse than the mean.
    yield Batch(2, ((one, [Fraction(1, 6), Fraction(4, 5), Fraction(1, 30)], [zero, one, Fraction(40)]),))
    # Two prompts that want opposite answers, one twice as much.
    yield Batch(2, ((half, [half, half], [zero, one]), (half, [2 * third, third], [Fraction(2), zero])))
    for i in range(16):
        K, n = 2 + i % 4, 2 + i % 3
        rewards = [Fraction(int(r), 3) for r in rng.permutation(12)[:n]]
        yield Batch(K, ((one, oracles.random_distribution(rng, n, 9), rewards),))


I17 = Claim(
    id="I.17",
    title="Standardised advantages",
    whose="paper",
    place="paper, section 3.1 and equations 5 and 8; slides, game-derived rewards",
    statement=(
        "For a fixed target q, rewards beta log q(z), and advantages standardised by the mean and deviation of a "
        "group of K, the expected step in the logits points along the gradient of the expected reward, for one "
        "prompt and for the mean over prompts that share their logits."
    ),
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=centred,
            evidence=evidence,
        ),
    ),
    remark=(
        "Two traces tell only which reward is larger: K = 2, three equally likely answers and rewards (0, 1, 3) "
        "give a step along (-1, 0, 1) for a gradient along (-4, -1, 5). At nu = (1/6, 4/5, 1/30) with rewards (0, "
        "1, 40) the step lowers the expected reward. Over prompts the objective changes: nu = (1/2, 1/2) with "
        "rewards (0, 1) beside nu = (2/3, 1/3) with (2, 0) are told to move to answer 1, the gradient to answer 0. "
        "The reading: direction in the logits, the divergence being a term of its own; the paper does not say which"
        " deviation, and that does not change directions at epsilon = 0."
    ),
    amendment="I.17c",
)

CLAIMS = (I17,)
