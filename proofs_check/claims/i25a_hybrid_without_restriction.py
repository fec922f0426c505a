"""I.25a: with every policy allowed, the arithmetic mean loses at most L H^2, and at most -log(1 - H^2)."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames import orbits
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims import i25_hybrid_improvement as i25

Array = NDArray[np.float64]
Views = Sequence[Sequence[Fraction]]


def stated(L: Any, distance: Any) -> tuple[Any, Any]:
    """L H^2 and -log(1 - H^2)."""
    return L * distance, -mp.log(1 - distance)


def sabotage(L: Any, distance: Any) -> tuple[Any, Any]:
    """Nine tenths of both."""
    return mp.mpf("0.9") * L * distance, -mp.mpf("0.9") * mp.log(1 - distance)


def near_miss(L: Any, distance: Any) -> tuple[Any, Any]:
    """The first bound a thousandth smaller."""
    return mp.mpf("0.999") * L * distance, -mp.log(1 - distance)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack both bounds by cases of equality, random views, and ascents on loss / bound with up to 6 answers.

    Args:
        formula: The two bounds, from L = |ideal / AM|_2 and H^2.
        rng: Source of randomness.

    Yields:
        The loss at 50 digits against both; the library's loss against this loss and against the library's bound.
    """
    for views, ideal in _instances(rng):
        K = len(views)
        mean = [sum((nu[z] for nu in views), Fraction(0)) / K for z in range(len(ideal))]
        roots = [mp.root(mp.fprod(oracles.number(nu[z]) for nu in views), K) for z in range(len(ideal))]
        total = mp.fsum(roots)
        loss = mp.fsum(
            oracles.number(p) * mp.log(g / total / oracles.number(a))
            for p, g, a in zip(ideal, roots, mean, strict=True)
            if p > 0
        )
        L = mp.sqrt(mp.fsum(oracles.number(p / a) ** 2 for p, a in zip(ideal, mean, strict=True) if p > 0))
        instance = {
            "views": "; ".join(oracles.as_text(nu) for nu in views),
            "ideal": oracles.as_text(ideal),
            "H^2": mp.nstr(1 - total, 6),
            "L": mp.nstr(L, 6),
        }
        size = oracles.complexity(*views, ideal)
        for name, bound in zip(("L H^2", "-log(1 - H^2)"), formula(L, 1 - total), strict=True):
            here = instance | {
                "compared": f"loss against {name}",
                "loss / bound": mp.nstr(loss / bound if bound else mp.mpf(0), 6),
            }
            ratio = float(loss / bound) if bound else None
            yield Evidence(float(bound), float(loss), "at most", 1e-14, here, size, ratio)
        table, truth = [[float(p) for p in nu] for nu in views], [float(p) for p in ideal]
        library = orbits.hybrid_loss(table, truth)
        here = instance | {"compared": "the library's loss minus the measured one"}
        yield Evidence(0.0, float(library - loss), "equal", 1e-9, here, size)
        here = instance | {"compared": "the library's loss against its bound 2 L H^2"}
        yield Evidence(orbits.hybrid_bound(table, truth).amended, library, "at most", 1e-9, here, size)


def _instances(rng: np.random.Generator) -> Iterator[tuple[Views, list[Fraction]]]:
    half, one, zero, few = Fraction(1, 2), Fraction(1), Fraction(0), Fraction(1, 1000)
    yield [[half, half, zero], [half, zero, half]], [one, zero, zero]
    yield [[1 - few, few, zero], [1 - few, zero, few]], [one, zero, zero]
    for i in range(30):
        n = 2 + i % 4
        yield [oracles.random_distribution(rng, n, 9) for _ in range(2 + i % 3)], oracles.random_distribution(rng, n, 9)
    for measure in (_against_lipschitz, _against_log):
        for K, n in ((2, 2), (2, 4), (3, 6)):
            found = i25.ascend(measure, (K + 1, n), rng).tolist()
            *views, ideal = ([Fraction(round(p * 10**6) + 1) for p in row] for row in found)
            yield [[p / sum(row) for p in row] for row in views], [p / sum(ideal) for p in ideal]


def _against_lipschitz(rows: Array) -> Array:
    loss, L, distance = _quantities(rows)
    return np.asarray(np.where(distance > 1e-6, loss / (L * np.maximum(distance, 1e-6)), 0.0))


def _against_log(rows: Array) -> Array:
    loss, _, distance = _quantities(rows)
    return np.asarray(np.where(distance > 1e-6, -loss / np.log1p(-np.maximum(distance, 1e-6)), 0.0))


def _quantities(rows: Array) -> tuple[Array, Array, Array]:
    """Compute the loss, L and H^2 for many orbits, [M, K + 1, Z], the last row being the ideal."""
    views, ideal = rows[:, :-1], rows[:, -1]
    mean, geometric = views.mean(axis=1), np.exp(np.log(views).mean(axis=1))
    total = geometric.sum(axis=1)
    loss = (ideal * np.log(geometric / mean)).sum(axis=1) - np.log(total)
    return loss, np.sqrt(((ideal / mean) ** 2).sum(axis=1)), 1 - total


I25A = Claim(
    id="I.25a",
    title="Improvement of the hybrid, every policy allowed",
    whose="ours",
    place="repair of claim I.25",
    plain=(
        "If every policy is allowed, the average of the views loses little improvement against their geometric mean."
    ),
    statement=(
        "If every policy is allowed, the arithmetic mean loses at most L H^2 of improvement against the geometric "
        "mean, where L = |ideal / AM|_2, and at most -log(1 - H^2) for every ideal. So the loss is at most 2 L H^2."
    ),
    printed="KL(pi* || AM) - KL(pi* || GM) <= min(L H^2, -log(1 - H^2)),  L = |pi* / AM|_2",
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
        "The loss is sum ideal log(GM / AM), and GM = G / (1 - H^2), where G <= AM is the geometric mean before "
        "normalisation: hence the second bound, an equality if the views agree on all answers of the ideal. By log x "
        "<= x - 1 the loss is at most <ideal / AM, GM - AM>, and the positive part of GM - AM sums to at most H^2 "
        "(I.24): hence the first bound. Its constant 1 is the best: two views that share the mass 1 - e and no other "
        "answer, with the ideal on what they share, have loss -log(1 - e) and L H^2 = e / (1 - e)."
    ),
)

CLAIMS = (I25A,)
