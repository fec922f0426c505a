"""I.17c: the expected step with centred advantages is the gradient times (K - 1) / K."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims import i17_standardised_advantages as i17


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List the groups, by counts and trace by trace, and compare with the gradient at 50 digits.

    Args:
        formula: Advantages of a group's answers, from counts, rewards and epsilon.
        rng: Source of randomness.

    Yields:
        The step minus (K - 1) / K times the gradient, by counts and trace by trace, and for the mean over two prompts
        by counts.
    """
    for batch in _instances(rng):
        instance, size = batch.instance()
        gradient, scale = batch.gradient(), mp.mpf(batch.K - 1) / batch.K
        steps = {"by counts": batch.step(formula, Fraction(0)), "trace by trace": _by_traces(batch, formula)}
        for name, step in steps.items():
            apart = max(abs(a - scale * b) for a, b in zip(step, gradient, strict=True))
            here = instance | {"compared": f"step {name} minus (K - 1) / K times the gradient"}
            yield Evidence(0.0, float(apart), "equal", 1e-40, here, size)
    for batch in i17.pairs(rng):
        instance, size = batch.instance()
        scale = mp.mpf(batch.K - 1) / batch.K
        pairs = zip(batch.step(formula, Fraction(0)), batch.gradient(), strict=True)
        here = instance | {"compared": "step by counts minus (K - 1) / K times the gradient"}
        yield Evidence(0.0, float(max(abs(a - scale * b) for a, b in pairs)), "equal", 1e-40, here, size)


def near_miss(counts: Sequence[int], rewards: Sequence[Fraction], epsilon: Fraction) -> list[Any]:
    """Centre, and divide by the twentieth root of the deviation."""
    full, half = i17.stated(counts, rewards, epsilon), i17.centred(counts, rewards, epsilon)
    return [c * abs(s / c) ** mp.mpf("0.05") if c else c for s, c in zip(full, half, strict=True)]


def _by_traces(batch: i17.Batch, formula: Formula) -> list[mp.mpf]:
    ((_, nu, rewards),) = batch.prompts
    total = [mp.mpf(0)] * len(nu)
    for group in product(range(len(nu)), repeat=batch.K):
        mass = Fraction(1, batch.K)
        for z in group:
            mass *= nu[z]
        advantages = formula([group.count(z) for z in range(len(nu))], rewards, Fraction(0))
        for z in group:
            for w, p in enumerate(nu):
                total[w] += oracles.number(mass * (int(w == z) - p)) * advantages[z]
    return total


def _instances(rng: np.random.Generator) -> Iterator[i17.Batch]:
    for i in range(18):
        K, n = 2 + i % 3, 2 + i % 3 + (i % 2)
        rewards = [Fraction(int(r), 2) for r in rng.permutation(12)[:n]]
        if i % 3 == 0:  # two rewards among any number of answers
            rewards = [rewards[z % 2] for z in range(n)]
        yield i17.Batch(K, ((Fraction(1), oracles.random_distribution(rng, n, 9), rewards),))


I17C = Claim(
    id="I.17c",
    title="Centred advantages",
    whose="ours",
    place="repair of claim I.17",
    plain="If only the group's mean is subtracted from the rewards, the expected step is along the gradient.",
    statement=(
        "For rewards that depend on the answer alone, the expected step with advantages centred by the group's mean "
        "is (K - 1) / K times the gradient of the expected reward, for every nu, every K >= 2 and every mean over "
        "prompts."
    ),
    printed="E[1/K sum_i (R_i - Mean(R_1..R_K)) grad log pi(y_i)] = (K - 1) / K grad E[R]",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=i17.centred,
            sabotage=i17.stated,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "The mean of the others is independent of the trace, and the centred advantage is (K - 1) / K times the "
        "leave-one-out advantage. For standardised advantages the slope of the expected reward along the natural "
        "gradient is (K - 1) / K times the expected standard deviation of the group, which is not a common scale of "
        "all prompts."
    ),
)

CLAIMS = (I17C,)
