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
    """No unbiased estimate."""
    return False


def at_a_power(traces: int) -> bool:
    """One from a single trace on, as there is for a polynomial."""
    return traces >= 1


def never() -> Any:
    """The least bias of a rule that may draw as long as it likes: above 0."""
    return mp.mpf("1e-6")


def none_left() -> Any:
    """No bias at all."""
    return mp.mpf(0)


def fixed(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Ask whether the mean of a table can be log p at n + 2 values of p: whether a linear system has a solution.

    Args:
        formula: Whether there is an unbiased estimate from n traces.
        rng: Source of randomness.

    Yields:
        For each n the size of the least error that every table leaves at one of n + 2 points, at 50 digits, as whether
        it is 0.
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
        found = abs(values[0]) < mp.mpf(10) ** -30
        yield Evidence(float(formula(n)), float(found), "equal", 0.0, instance, size=n)


def until_seen(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Sum the law of the number N of traces until the answer is first seen: the estimate is -1 - 1/2 - ... - 1/(N-1).

    Args:
        formula: The least bias that is claimed of every rule.
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
            f"Take p = {p}, draw until the answer is seen, N times, and estimate log p by -(1 + 1/2 + ... + 1/(N-1)). "
            f"The mean is {mp.nstr(mean, 12)}, which is log p: sum over n of p (1-p)^(n-1) times it."
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
            near_miss="It is a yes or no for each K.",
            evidence=fixed,
        ),
        Reading(
            supposes="a rule may draw until it has seen enough",
            expected="false",
            stated=never,
            sabotage=none_left,
            near_miss="The bias is 0: every positive bound is false.",
            evidence=until_seen,
        ),
    ),
    remark=(
        "The mean of a table of K traces is a polynomial in q, and log q is none; nor is it bounded at 0. With a "
        "random number of traces the series log p = -sum (1-p)^n / n is the mean of a harmonic number. It needs 1 / "
        "p traces on average for each answer, which is why it is of little use in training."
    ),
)

CLAIMS = (II13,)
