"""B.7: division by the group's standard deviation removes the multiplier of a single constraint."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import mpmath as mp
import numpy as np

from dagames.grpo import expected_update
from dagames.grpo.enumeration import Rule
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

RULES: tuple[Rule, ...] = ("center", "standardise")
EPSILON = Fraction(1, 10000)
"""The constant that the library and TRL add to the standard deviation."""


def stated(multiplier: Fraction) -> dict[str, Fraction]:
    """The ratio of the step with this multiplier to the step with multiplier 1, by rule."""
    return {"center": multiplier, "standardise": Fraction(1)}


def sabotage(multiplier: Fraction) -> dict[str, Fraction]:
    """Let the multiplier scale both."""
    return {"center": multiplier, "standardise": multiplier}


def by_a_hundredth(multiplier: Fraction) -> dict[str, Fraction]:
    """Let the multiplier scale standardised advantages a little: by a hundredth of its excess over 1."""
    return {"center": multiplier, "standardise": 1 + (multiplier - 1) / 100}


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List all counts of a group with rewards -multiplier cost, at 50 digits.

    Args:
        formula: The factor by rule, from the multiplier.
        rng: Source of randomness.

    Yields:
        The listed step against the factor times that at multiplier 1; with the paper's epsilon in the divisor against
        that at multiplier 1 and epsilon / multiplier; and the library's step.
    """
    for K, nu, cost in _instances(rng):
        for multiplier in (Fraction(1, 10), Fraction(10)):
            factors = formula(multiplier)
            instance = {
                "K": K,
                "nu": oracles.as_text(nu),
                "c": oracles.as_text(cost),
                "multiplier": str(multiplier),
            }
            size = K + oracles.complexity(nu, cost)
            for rule in RULES:
                once, step = expected_step(K, nu, cost, Fraction(1), rule), expected_step(K, nu, cost, multiplier, rule)
                claimed = [oracles.number(factors[rule]) * s for s in once]
                here = instance | {"advantages": rule, "compared": "step minus factor times step at multiplier 1"}
                yield Evidence(0.0, _apart(step, claimed), "equal", 1e-40, here, size)
                rewards = [-float(multiplier * c) for c in cost]
                divided = expected_step(K, nu, cost, multiplier, rule, EPSILON)
                library = expected_update([float(p) for p in nu], rewards, K, rule)
                here = instance | {"advantages": rule, "compared": "step with epsilon minus the library's step"}
                yield Evidence(0.0, _apart(divided, library.tolist()), "equal", 1e-12, here, size)
            step = expected_step(K, nu, cost, multiplier, "standardise", EPSILON)
            claimed = expected_step(K, nu, cost, Fraction(1), "standardise", EPSILON / multiplier)
            here = instance | {
                "advantages": "epsilon = 1e-4",
                "compared": "step minus step at multiplier 1 and epsilon / multiplier",
            }
            yield Evidence(0.0, _apart(step, claimed), "equal", 1e-40, here, size)


def expected_step(
    K: int,
    nu: Sequence[Fraction],
    cost: Sequence[Fraction],
    multiplier: Fraction,
    rule: str,
    epsilon: Fraction = Fraction(0),
) -> list[mp.mpf]:
    """Enumerate the mean of (1/K) sum_i A_i (1{z_i = z} - nu(z)) with rewards -multiplier cost.

    Args:
        K: Group size.
        nu: Answer probabilities.
        cost: Cost of each answer.
        multiplier: The penalty's weight.
        rule: "center" or "standardise", by the deviation with K - 1 in its denominator.
        epsilon: What is added to the deviation.

    Returns:
        The expected step; a group of equal rewards has advantage 0.
    """
    total = [mp.mpf(0)] * len(nu)
    for counts in oracles.group_counts(len(nu), K):
        mass = oracles.number(oracles.multinomial(counts, nu))
        rewards = [-multiplier * c for c in cost]
        mean = sum((n * r for n, r in zip(counts, rewards, strict=True)), Fraction(0)) / K
        squares = sum((n * (r - mean) ** 2 for n, r in zip(counts, rewards, strict=True)), Fraction(0))
        if squares > 0:
            deviation = mp.sqrt(oracles.number(squares / (K - 1))) + oracles.number(epsilon)
            divisor = deviation if rule == "standardise" else mp.mpf(1)
            terms = [mass * n * oracles.number(r - mean) / (K * divisor) for n, r in zip(counts, rewards, strict=True)]
            total = [t + p for t, p in zip(total, terms, strict=True)]
    return total


def _apart(step: Sequence[mp.mpf], other: Sequence[mp.mpf]) -> float:
    return float(max(abs(a - b) for a, b in zip(step, other, strict=True)))


def _instances(rng: np.random.Generator) -> Iterator[tuple[int, list[Fraction], list[Fraction]]]:
    half, zero, one = Fraction(1, 2), Fraction(0), Fraction(1)
    yield 2, [half, half], [zero, one]
    for K in (2, 4, 6, 8):
        for n in (2, 3, 4):
            cost = [zero, *(Fraction(int(c), 4) for c in rng.integers(0, 5, size=n - 2)), one]
            yield K, oracles.random_distribution(rng, n, 9), cost


B7 = Claim(
    id="B.7",
    title="Multiplier and standardised advantages",
    whose="ours",
    place="beside the paper, appendix D.3 with equation (5); also the slides, Safety Extension",
    plain=(
        "If rewards are divided by their standard deviation in the group, the weight of a single penalty has no effect."
    ),
    statement=(
        "With one constraint, rewards -lambda c and advantages divided by the group's standard deviation, the "
        "expected step is the same for every lambda > 0, so that the multiplier does not control the penalty. Centred "
        "advantages are proportional to lambda."
    ),
    printed="step(lambda) = step(1) for every lambda > 0",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=by_a_hundredth,
            evidence=evidence,
        ),
    ),
    remark=(
        "Mean and standard deviation are both homogeneous in the rewards. An epsilon in the divisor acts as epsilon / "
        "lambda: lambda then only determines at which deviation epsilon matters. With two constraints the step "
        "depends on the ratio of the multipliers, and with the divergence inside the reward on the ratio of lambda to "
        "beta."
    ),
)

CLAIMS = (B7,)
