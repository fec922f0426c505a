"""I.60: the disagreement H^2 of a group of sampled answers is 1 unless all agree."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames import orbits
from proofs_check import oracles
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
Views = Sequence[Sequence[Fraction]]


def overlap(views: Views) -> Any:
    """1 - sum_z min_k p_k(z), the mass that the distributions of the group do not all share."""
    return oracles.number(1 - sum((min(column) for column in zip(*views, strict=True)), Fraction(0)))


def half_of_overlap(views: Views) -> Any:
    """Half of the bound."""
    return overlap(views) / 2


def nearly_overlap(views: Views) -> Any:
    """The bound times .999."""
    return mp.mpf("0.999") * overlap(views)


def small(counts: Sequence[int]) -> Fraction:
    """The bound 1/2 on H^2 if at most one sample differs from the others, else 1."""
    return Fraction(1, 2) if max(counts) >= sum(counts) - 1 else Fraction(1)


def all_or_nothing(counts: Sequence[int]) -> Fraction:
    """0 if all samples agree, else 1."""
    return Fraction(int(max(counts) < sum(counts)))


def stated(K: int, nu: Sequence[Fraction]) -> Any:
    """1 - sum nu^K."""
    return 1 - mp.fsum(oracles.number(p) ** K for p in nu)


def sabotage(K: int, nu: Sequence[Fraction]) -> Any:
    """1 - sum nu^(K - 1)."""
    return stated(K - 1, nu)


def near_miss(K: int, nu: Sequence[Fraction]) -> Any:
    """1 - sum nu^(K + .05)."""
    return 1 - mp.fsum(oracles.number(p) ** (K + mp.mpf("0.05")) for p in nu)


def one_hot(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is drawn
    """Compute H^2 of groups of one-hot vectors from its definition.

    Args:
        formula: The bound on H^2, by the counts of the answers.
        rng: Source of randomness, not used.

    Yields:
        H^2 against the bound, for groups of 8 to 32 samples of which none, one or two differ from the others.
    """
    for K in (24, 32, 8, 16):
        for others in range(3):
            counts = (K - others, others)
            distance, claimed = Fraction(_distance(counts)), formula(counts)
            sentence = (
                f"Take a group of {K} samples, of which {K - 1} give answer 0 and one gives answer 1. The product of "
                "their one-hot vectors is 0 at answer 0, because of the last sample, and 0 at answer 1, because of the "
                "others: H^2 = 1 - 0 = 1, as if no two samples agreed, and the geometric mean does not exist."
            )
            yield Evidence(
                float(claimed),
                float(distance),
                "at most",
                0.0,
                {"counts": str(counts), "H^2": str(distance)},
                # The group sizes of the paper come first.
                K if K in {24, 32} else 100 + K,
                ratio=float(distance / claimed) if claimed else None,
                sentence=sentence if distance > claimed else "",
            )


def soft(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute H^2 of distributions to 50 digits: simple ones, random ones, and the ends of attacks.

    Args:
        formula: The bound on H^2, by the distributions.
        rng: Source of randomness.

    Yields:
        H^2 against the bound.
    """
    half, zero = Fraction(1, 2), Fraction(0)
    cases = [[[half, half, zero], [half, zero, half]]]
    cases += [[oracles.random_distribution(rng, 2 + i % 3, 9) for _ in range(2 + i % 5)] for i in range(30)]
    for K, n in ((2, 3), (4, 4), (8, 3)):
        found = attack_distributions(_ratio, (K, n), rng, trials=8, rounds=30)
        cases.append([oracles.rounded(p, 10**6, least=0) for p in found.place])
    for views in cases:
        distance = 1 - mp.fsum(mp.root(mp.fprod(map(oracles.number, c)), len(c)) for c in zip(*views, strict=True))
        bound = formula(views)
        instance = {"distributions": "; ".join(oracles.as_text(p) for p in views)}
        ratio = float(distance / bound) if bound else None
        yield Evidence(float(bound), float(distance), "at most", 1e-15, instance, oracles.complexity(*views), ratio)


def _ratio(views: Array) -> Array:
    bound = 1 - views.min(axis=1).sum(axis=1)
    distance = 1 - np.exp(np.log(views).mean(axis=1)).sum(axis=1)
    return np.asarray(np.where(bound > 1e-3, distance / np.maximum(bound, 1e-3), 0.0))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate all groups exactly: sequences for few samples, counts for many.

    Args:
        formula: The mean of H^2 of the one-hot vectors, by K and nu.
        rng: Source of randomness.

    Yields:
        The mean of H^2, and for few samples the mean of the library's H^2.
    """
    for i in range(8):
        K, nu = 2 + i % 3, oracles.random_distribution(rng, 2 + i % 2, 9)
        mean, library = Fraction(0), mp.mpf(0)
        for sample in product(range(len(nu)), repeat=K):
            chance = prod((nu[z] for z in sample), start=Fraction(1))
            rows = [[int(z == answer) for z in range(len(nu))] for answer in sample]
            mean += chance * (1 - sum(prod(column) for column in zip(*rows, strict=True)))
            library += oracles.number(chance) * orbits.generalised_hellinger(rows)
        instance = {"K": K, "nu": oracles.as_text(nu)}
        for name, measured in (("mean of H^2", mean), ("mean of the library's H^2", library)):
            here = instance | {"compared": name}
            yield Evidence(float(formula(K, nu)), float(measured), "equal", 1e-14, here, K + oracles.complexity(nu))
    for K in (8, 24, 32):
        for nu in ([Fraction(1, 2)] * 2, [Fraction(9, 10), Fraction(1, 10)], [Fraction(99, 100), Fraction(1, 100)]):
            groups = oracles.group_counts(2, K)
            mean = sum((oracles.multinomial(c, nu) * _distance(c) for c in groups), Fraction(0))
            instance = {"K": K, "nu": oracles.as_text(nu), "compared": "mean of H^2"}
            yield Evidence(float(formula(K, nu)), float(mean), "equal", 1e-14, instance, K + oracles.complexity(nu))


def _distance(counts: Sequence[int]) -> int:
    """Compute H^2 of one-hot vectors: the products are 0 or 1, and so are their roots."""
    answers = [z for z, count in enumerate(counts) for _ in range(count)]
    return 1 - sum(prod(int(z == answer) for answer in answers) for z in range(len(counts)))


I60 = Claim(
    id="I.60",
    title="Disagreement of a group of samples",
    whose="paper",
    place="section 5.2, Convergence and sample coverage; appendix F.4, Interpretation and Significance",
    plain=(
        "The disagreement of a group of sampled answers is small if most of them agree, so that averaging them costs "
        "little."
    ),
    statement=(
        "Theorem F.2 bounds the loss from the empirical frequencies in the place of the geometric mean by H^2 of the "
        "distributions that K sampled traces yield. H^2 is close to 0 if these are not too dissimilar. Section 5.2 "
        "uses the theorem as a guarantee for groups of K = 24 or 32."
    ),
    printed="loss <= 2 L B E_x H^2({p_k}),  H^2({p_k}) = 1 - sum_y (prod_k p_k(y))^(1/K) close to 0",
    kind="upper bound",
    expected="depends",
    readings=(
        Reading(
            supposes="each trace yields one answer, as in appendix F.1, and H^2 is at most 1/2 if all but one agree",
            expected="false",
            stated=small,
            sabotage=all_or_nothing,
            near_miss="H^2 of such a group is 1, its largest value: no bound below 1 is close to it.",
            evidence=one_hot,
        ),
        Reading(
            supposes=(
                "each trace yields a distribution over answers, and H^2 is at most the mass that the distributions do "
                "not all share"
            ),
            expected="holds",
            stated=overlap,
            sabotage=half_of_overlap,
            near_miss=nearly_overlap,
            evidence=soft,
        ),
    ),
    remark=(
        "In GRPO each trace shows one answer only, which is the first reading: one sample that differs makes the "
        "product 0 everywhere, H^2 = 1, and the geometric mean undefined. The mean of H^2 is 1 - sum nu^K (claim "
        "I.60a), .92 for nu = (.9, .1) and K = 24. So the bound of the theorem gives no information about such groups. "
        "The theorem concerns the distributions of the views, as Theorem 4.1 does; these can be estimated from pooled "
        "samples (claim I.33b)."
    ),
    amendment="I.60a",
)

I60A = Claim(
    id="I.60a",
    title="Mean disagreement of sampled answers",
    whose="ours",
    place="repair of claim I.60",
    plain="Sampled answers, each taken as a point mass, have the largest disagreement unless all are the same.",
    statement=(
        "H^2 of the one-hot vectors of K samples is 0 if all agree and 1 otherwise. Its mean is 1 - sum nu^K, so "
        "that it tends to 1 with K unless one answer is certain."
    ),
    printed="E H^2 = 1 - sum_z nu(z)^K",
    kind="equality",
    expected="holds",
    readings=(Reading(expected="holds", stated=stated, sabotage=sabotage, near_miss=near_miss, evidence=evidence),),
    remark=(
        "For a mean of at most .1 the most likely answer needs a mass of about .9^(1/K): .9956 for K = 24, .9967 for K "
        "= 32. The probability that the group has a geometric mean is sum nu^K, as in claim I.33."
    ),
)

CLAIMS = (I60, I60A)
