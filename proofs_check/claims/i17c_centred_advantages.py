"""I.17c: centred advantages follow the gradient exactly, standardised ones only its sign in another geometry."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims import i17_standardised_advantages as i17


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Repeat the comparisons of I.17, compare lengths, and try standardised steps in two special cases.

    Args:
        formula: Advantages of a group's answers, from counts, rewards and epsilon.
        rng: Source of randomness.

    Yields:
        Those of I.17; the step less (K - 1) / K times the gradient, by counts and trace by trace; for two rewards the
        distance of the unit vectors of the standardised step and of the gradient; and the standardised step's
        component along the gradient in the Fisher metric.
    """
    yield from i17.evidence(formula, rng)
    for batch in _instances(rng):
        instance, size = batch.instance()
        gradient, scale = batch.gradient(), mp.mpf(batch.K - 1) / batch.K
        steps = {"by counts": batch.step(formula, Fraction(0)), "trace by trace": _by_traces(batch, formula)}
        for name, step in steps.items():
            apart = max(abs(a - scale * b) for a, b in zip(step, gradient, strict=True))
            here = instance | {"compared": f"step {name} less (K - 1) / K times the gradient"}
            yield Evidence(0.0, float(apart), "equal", 1e-40, here, size)
        (_, nu, rewards), standardised = batch.prompts[0], batch.step(i17.stated, Fraction(0))
        if len(set(rewards)) == 2:
            pairs = zip(i17.unit(standardised), i17.unit(gradient), strict=True)
            here = instance | {"compared": "unit vectors of the standardised step and of the gradient apart"}
            yield Evidence(0.0, float(mp.norm([a - b for a, b in pairs])), "equal", 1e-40, here, size)
        along = mp.fsum(a * b / oracles.number(p) for a, b, p in zip(standardised, gradient, nu, strict=True))
        here = instance | {"compared": "standardised step along the gradient, Fisher metric"}
        yield Evidence(0.0, float(along), "at least", 0.0, here, size)


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
    place="amendment of claim I.17",
    statement=(
        "For rewards by answer alone, advantages centred by the group's mean have (K - 1) / K times the gradient of"
        " the expected reward for their expected step, for every nu, every K >= 2 and every mean over prompts. "
        "Standardised ones keep the direction of one prompt's gradient if there are only two rewards, and have a "
        "component along it in the Fisher metric always."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=i17.centred,
            sabotage=i17.stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "The mean of the others is independent of the trace, and centring is (K - 1) / K times leaving one out. In "
        "the Fisher metric the standardised step along the gradient is E[1/K sum A_i r_i], (K - 1) / K times the "
        "group's expected deviation, which is no scale that prompts share: a verified answer (rewards 0 and 1) is "
        "right for each prompt and weighs prompts otherwise."
    ),
)

CLAIMS = (I17C,)
