"""II.13: no unbiased estimate of the logarithm from a fixed number of traces, and one from a random number."""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

SIZES = (1, 2, 4, 8, 16)


def stated(traces: int) -> bool:  # noqa: ARG001 - claimed of every number
    """False: there is no unbiased estimate."""
    return False


def at_a_power(traces: int) -> bool:
    """True from a single trace on, as for a polynomial."""
    return traces >= 1


def never() -> Any:
    """A positive least bias of rules that stop at any time."""
    return mp.mpf("1e-6")


def none_left() -> Any:
    """The least bias 0."""
    return mp.mpf(0)


def fixed(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Decide whether the mean of a table can be log p at n + 2 values of p, which is a linear system.

    Args:
        formula: Whether there is an unbiased estimate from n traces.
        rng: Source of randomness.

    Yields:
        For each n whether the divided difference of log p at n + 2 points is 0, at 50 digits, as for the mean of a
        table.
    """
    for n in SIZES:
        points = sorted(Fraction(int(k), 97) for k in rng.choice(np.arange(1, 97), size=n + 2, replace=False))
        # Divided differences of order n + 1 are 0 for the mean of every table, which is a polynomial of degree n.
        values = [oracles.log(p) for p in points]
        for k in range(1, n + 2):
            values = [
                (b - a) / oracles.number(points[i + k] - points[i])
                for i, (a, b) in enumerate(itertools.pairwise(values))
            ]
        instance = {"n": n, "points": oracles.as_text(points), "divided difference of log": mp.nstr(values[0], 8)}
        instance["compared"] = "whether the divided difference is 0"
        found = abs(values[0]) < mp.mpf(10) ** -30
        yield Evidence(float(formula(n)), float(found), "equal", 0.0, instance, size=n)


def until_seen(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Sum the law of the number N of traces until the answer first occurs: the estimate is -1 - 1/2 - ... - 1/(N-1).

    Args:
        formula: The claimed least bias of every rule.
        rng: Source of randomness.

    Yields:
        The bias for several p, at 50 digits.
    """
    for p in (Fraction(1, 2), Fraction(1, 4), Fraction(9, 10), oracles.random_distribution(rng, 2, 9)[0]):
        q, mass, harmonic, mean = oracles.number(1 - p), oracles.number(p), mp.mpf(0), mp.mpf(0)
        for n in range(1, 4000):
            mean -= mass * harmonic
            harmonic += mp.mpf(1) / n
            mass *= q
            if mass * harmonic < mp.mpf(10) ** -45:
                break
        sentence = (
            f"Take p = {p}, draw until the answer occurs, at draw N, and estimate log p by -(1 + 1/2 + ... + 1/(N-1)). "
            f"The mean, the sum over n of p (1-p)^(n-1) times the estimate for N = n, is {mp.nstr(mean, 12)}, which is "
            "log p."
        )
        bias = abs(mean - oracles.log(p))
        instance = {"p": str(p), "mean": mp.nstr(mean, 12), "log p": mp.nstr(oracles.log(p), 12)}
        size = oracles.complexity([p])
        yield Evidence(float(formula()), float(bias), "at least", 1e-30, instance, size, sentence=sentence)


II13 = Claim(
    id="II.13",
    title="No unbiased logarithm",
    whose="slides",
    place="Solution 2: Optimal Approximation for KL Games, first sentence",
    plain="The logarithm of a probability cannot be estimated without bias from samples.",
    statement="For the KL divergence, whose reward is a logarithm, exact unbiased estimation is impossible.",
    printed="no c_0..c_K with E[c_X] = log q for all q, X ~ Binomial(K, q)",
    kind="existence",
    expected="depends",
    readings=(
        Reading(
            supposes="the number K of traces is fixed, as elsewhere on the slides",
            expected="holds",
            stated=stated,
            sabotage=at_a_power,
            near_miss="For each K the claim is either true or false.",
            evidence=fixed,
        ),
        Reading(
            supposes="a rule may decide from the traces drawn when to stop",
            expected="false",
            stated=never,
            sabotage=none_left,
            near_miss="The bias is 0: every positive bound is false.",
            evidence=until_seen,
        ),
    ),
    remark=(
        "The mean of a table of K traces is a polynomial in q, which log q is not; log q is also unbounded at 0. With "
        "a random number of traces the series log p = -sum (1-p)^n / n is the mean of minus a harmonic number. This "
        "estimate needs 1 / p traces on average for each answer, so that it is of little use in training."
    ),
)

CLAIMS = (II13,)
