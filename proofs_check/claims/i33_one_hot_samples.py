"""I.33: the geometric mean of one-hot samples is degenerate unless they are unanimous."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np

from dagames import InfeasibleError, orbits
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(K: int, nu: list[Fraction]) -> Fraction:
    """The probability that K samples are unanimous."""
    return sum((p**K for p in nu), Fraction(0))


def sabotage(K: int, nu: list[Fraction]) -> Fraction:
    """The probability that the first K - 1 samples are unanimous."""
    return sum((p ** (K - 1) for p in nu), Fraction(0))


def near_miss(K: int, nu: list[Fraction]) -> float:
    """The sum of the powers K + .05."""
    return float(np.sum(np.array([float(p) for p in nu]) ** (K + 0.05)))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List all sequences of K samples and multiply their one-hot vectors, exactly.

    Args:
        formula: The probability that the product leaves any mass, by K and nu.
        rng: Source of randomness.

    Yields:
        That probability, and the probability that the library finds a geometric mean.
    """
    for i in range(12):
        K, nu = 2 + i % 3, oracles.random_distribution(rng, 2 + i % 2, 9)
        with_mass = found = Fraction(0)
        for sample in product(range(len(nu)), repeat=K):
            probability = prod((nu[z] for z in sample), start=Fraction(1))
            rows = [[int(z == answer) for z in range(len(nu))] for answer in sample]
            with_mass += probability * (sum(prod(column) for column in zip(*rows, strict=True)) > 0)
            try:
                found += probability * int(orbits.geometric_mean(rows)[sample[0]])
            except InfeasibleError:
                continue
        instance = {"K": K, "nu": oracles.as_text(nu)}
        for name, measured in (("product has mass", with_mass), ("library finds a mean", found)):
            here = instance | {"compared": f"probability: {name}"}
            text = (
                f"Take nu = {oracles.as_text(nu)} and K = {K}. The {K} samples agree with probability {with_mass} ="
                f" {float(with_mass):.3f}; in all other groups each answer has a factor 0."
            )
            size = K + oracles.complexity(nu)
            yield Evidence(float(formula(K, nu)), float(measured), "equal", 1e-15, here, size, sentence=text)


I33 = Claim(
    id="I.33",
    title="Geometric mean of one-hot samples",
    whose="paper",
    place="Appendix F.1 C, Sample Sparsity",
    plain="The geometric mean of samples as one-hot distributions is 0 unless all samples agree.",
    statement=(
        "Samples taken as one-hot distributions have a product of 0 at every answer, unless all samples of the group "
        "agree. We add that they agree with probability sum nu^K."
    ),
    printed="prod_k 1{z_k = z} = 0 for all z, unless z_1 = ... = z_K",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "An answer keeps mass only if no sample excludes it. The distance H^2 of a group that does not agree is 1, "
        "and the bound of Theorem F.2 then gives no information (claim I.71). Two repairs: mixing each sample with "
        "the uniform distribution gives a soft majority whose bias no K removes (I.33a); pooling the samples of a "
        "view and adding 1/2 to each count estimates the geometric mean of the views to order n^-2 (I.33b)."
    ),
)

CLAIMS = (I33,)
