"""I.24: the distance of the arithmetic mean from the geometric mean."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
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
SHAPES = ((2, 2), (2, 3), (3, 2), (3, 3), (4, 4), (5, 5), (6, 6), (2, 6), (6, 2))
"""Numbers of views and answers that are attacked."""


def stated(distance: Any) -> Any:
    """Twice H^2."""
    return 2 * distance


def sabotage(distance: Any) -> Any:
    """Nine tenths of the bound."""
    return mp.mpf(9) / 5 * distance


def near_miss(distance: Any) -> Any:
    """A bound a thousandth smaller."""
    return mp.mpf("1.998") * distance


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack the bound by views with the largest ratio, from random restarts and ascent, checked at 50 digits.

    Args:
        formula: The bound on the L1 distance of the means, by H^2.
        rng: Source of randomness.

    Yields:
        The exact case of equality, random views, and the worst found for 2 to 6 views and 2 to 6 answers, with the
        ratio of the distance to the bound.
    """
    half, zero = Fraction(1, 2), Fraction(0)
    cases = [[[half, half, zero], [half, zero, half]]]
    cases += [[oracles.random_distribution(rng, 2 + i % 3, 9) for _ in range(2 + i % 2)] for i in range(40)]
    for K, n in SHAPES:
        found = attack_distributions(_ratio, (K, n), rng, least=1e-30, trials=32, rounds=120)
        cases.append([oracles.rounded(nu, least=0) for nu in found.place])
    for views in cases:
        mean = [_arithmetic(views, z) for z in range(len(views[0]))]
        geometric = [mp.root(mp.fprod(oracles.number(nu[z]) for nu in views), len(views)) for z in range(len(mean))]
        total = mp.fsum(geometric)
        bound = formula(1 - total)
        apart = mp.fsum(abs(a - g / total) for a, g in zip(mean, geometric, strict=True))
        library = orbits.distance_of_means([[float(p) for p in nu] for nu in views])
        instance = {"views": "; ".join(oracles.as_text(nu) for nu in views), "H^2": mp.nstr(1 - total, 12)}
        size = oracles.complexity(*views)
        here = instance | {"compared": "|AM - GM|_1 minus the bound"}
        ratio = float(apart / bound) if bound else None
        yield Evidence(0.0, float(apart - bound), "at most", 1e-40, here, size, ratio=ratio)
        here = instance | {"compared": "the library's |AM - GM|_1 minus the measured one"}
        yield Evidence(0.0, float(library - apart), "equal", 1e-9, here, size)


def _arithmetic(views: Views, z: int) -> Any:
    return mp.fsum(oracles.number(nu[z]) for nu in views) / len(views)


def _ratio(nu: Array) -> Array:
    """Compute |AM - GM|_1 / (2 H^2) for many orbits, [M, K, Z] to [M]; 0 where H^2 is not in (.001, .9)."""
    mean, geometric = nu.mean(axis=1), np.exp(np.log(nu).mean(axis=1))
    total = geometric.sum(axis=1, keepdims=True)
    distance = 1 - total[:, 0]
    apart = np.abs(mean - geometric / total).sum(axis=1)
    return np.asarray(np.where((distance > 1e-3) & (distance < 0.9), apart / (2 * np.maximum(distance, 1e-3)), 0.0))


I24 = Claim(
    id="I.24",
    title="Distance of the means",
    whose="paper",
    place="appendix F.4, proof of Theorem F.2, last display",
    plain="The two means of several views are no further apart than twice the views' disagreement.",
    statement=(
        "The normalised geometric and the arithmetic mean of views differ by at most 2 H^2 in L1. (There is a "
        "geometric mean only if the views have an answer in common, H^2 < 1.)"
    ),
    printed="|AM - GM|_1 <= 2 H^2(nu_1, .., nu_K)",
    kind="upper bound",
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
        "Both means differ from the unnormalised geometric mean by H^2 in L1. The bound is tight: equality holds if "
        "each answer has either the same mass in all views or no mass in one of them. Take (1/2, 1/2, 0) and (1/2, 0, "
        "1/2): AM = (1/2, 1/4, 1/4), GM = (1, 0, 0), H^2 = 1/2, and the distance is 1/2 + 1/4 + 1/4 = 1 = 2 H^2."
    ),
)

CLAIMS = (I24,)
