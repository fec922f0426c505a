"""I.22: the generalised Hellinger distance lies in [0, 1], with conditions for 0 and 1."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames import orbits
from proofs_check import oracles
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
Views = Sequence[Sequence[Fraction]]
CLOSE = mp.mpf(10) ** -40


class Ends(NamedTuple):
    """Whether H^2 is claimed to be 0, and to be 1."""

    zero: bool
    one: bool


def stated(views: Views) -> Ends:
    """H^2 is 0 iff all views are equal, and 1 iff no answer has mass in all."""
    return Ends(
        zero=all(list(nu) == list(views[0]) for nu in views),
        one=not any(all(nu[z] > 0 for nu in views) for z in range(len(views[0]))),
    )


def sabotage(views: Views) -> Ends:
    """Claim H^2 = 1 only if no two views share an answer."""
    apart = all(
        all(p * q == 0 for p, q in zip(nu, other, strict=True)) for i, nu in enumerate(views) for other in views[:i]
    )
    return Ends(stated(views).zero, one=len(views) > 1 and apart)


def near_miss(views: Views) -> Ends:
    """Claim H^2 = 0 for views that differ by less than 1e-8."""
    near = all(abs(p - q) < Fraction(1, 10**8) for nu in views for p, q in zip(nu, views[0], strict=True))
    return Ends(near, stated(views).one)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute H^2 to 50 digits, from its definition.

    Args:
        formula: Whether H^2 is 0, and whether it is 1.
        rng: Source of randomness.

    Yields:
        Range, both ends, and the library's value, for views that share all answers or some, that differ by 1e-9, and
        that an attack found with all answers shared and a large H^2.
    """
    for views in _instances(rng):
        products = [mp.fprod(oracles.number(nu[z]) for nu in views) for z in range(len(views[0]))]
        distance = 1 - mp.fsum(mp.root(p, len(views)) for p in products)
        ends = formula(views)
        library = orbits.generalised_hellinger([[float(p) for p in nu] for nu in views])
        instance = {"views": "; ".join(oracles.as_text(nu) for nu in views), "H^2": mp.nstr(distance, 12)}
        size = oracles.complexity(*views)
        yield Evidence(0.0, float(distance), "at least", 1e-45, instance | {"compared": "range"}, size)
        here = instance | {"compared": "range"}
        yield Evidence(1.0, float(distance), "at most", 0.0, here, size, ratio=float(distance))
        observed = float(abs(distance) < CLOSE)
        yield Evidence(float(ends.zero), observed, "equal", 0.0, instance | {"compared": "H^2 = 0"}, size)
        observed = float(abs(distance - 1) < CLOSE)
        yield Evidence(float(ends.one), observed, "equal", 0.0, instance | {"compared": "H^2 = 1"}, size)
        off = float(library - distance)
        yield Evidence(
            0.0, off, "equal", 1e-14, instance | {"compared": "the library's H^2 minus the measured one"}, size
        )


def _instances(rng: np.random.Generator) -> Iterator[list[list[Fraction]]]:
    half, zero, tiny = Fraction(1, 2), Fraction(0), Fraction(1, 10**9)
    yield [[half, half], [half, half]]
    yield [[half, half], [half + tiny, half - tiny]]
    yield [[Fraction(1), zero], [zero, Fraction(1)]]
    yield [[Fraction(1), zero], [tiny, 1 - tiny]]
    yield [[half, half, zero], [half, zero, half], [zero, half, half]]
    for i in range(80):
        n, views = 1 + i % 4, 1 + i % 5
        supports = [[*rng.integers(0, 2, size=n - 1), 1] if rng.uniform() < 0.5 else [1] * n for _ in range(views)]
        drawn = [[int(w) * int(k) for w, k in zip(rng.integers(1, 9, size=n), row, strict=True)] for row in supports]
        orders = [rng.permutation(n) for _ in range(views)]
        rows = [[Fraction(row[j], sum(row)) for j in order] for row, order in zip(drawn, orders, strict=True)]
        yield [rows[0]] * views if i % 8 == 0 else rows
    for views, n in ((2, 2), (3, 3), (4, 4), (5, 5), (6, 6)):
        found = attack_distributions(_distance, (views, n), rng, trials=8)
        yield [oracles.rounded(nu, 10**9) for nu in found.place]


def _distance(nu: Array) -> Array:
    """Compute H^2 for many orbits, [M, K, Z] to [M]."""
    return np.asarray(1 - np.exp(np.log(nu).mean(axis=1)).sum(axis=1))


I22 = Claim(
    id="I.22",
    title="Range of the generalised Hellinger distance",
    whose="paper",
    place="appendix F.4, Definition F.1 and the sentence below it; the conditions for 0 and 1 are ours",
    plain=(
        "The disagreement of several views is a number between 0 and 1: 0 if all views are equal, 1 if they have no "
        "answer in common."
    ),
    statement=(
        "For any distributions nu_1, .., nu_K, H^2, which is 1 minus the sum of their geometric mean, is always in "
        "[0, 1]. (It is 0 iff all views are equal, and 1 iff no answer has mass in all of them.)"
    ),
    printed="H^2(nu_1, .., nu_K) = 1 - sum_z (prod_k nu_k(z))^(1/K), in [0, 1]",
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
        "H^2 is the sum over answers of the arithmetic minus the geometric mean. No term is negative, and a term is 0 "
        "only where all views agree. Three views with H^2 = 1 may overlap in pairs: (1/2, 1/2, 0), (1/2, 0, 1/2) and "
        "(0, 1/2, 1/2)."
    ),
)

CLAIMS = (I22,)
