"""B.8: the arithmetic mean of the views is no further from a coherent ideal than the views are on average."""

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


def stated(views: Views) -> Any:  # noqa: ARG001 - the bound is 0 for all of them
    """The least improvement: none."""
    return mp.mpf(0)


def sabotage(views: Views) -> Any:
    """The improvement of the geometric mean, -log(1 - H^2)."""
    products = [mp.fprod(oracles.number(nu[z]) for nu in views) for z in range(len(views[0]))]
    return -mp.log(mp.fsum(mp.root(p, len(views)) for p in products))


def a_little(views: Views) -> Any:
    """A hundredth of the geometric mean's improvement."""
    return sabotage(views) / 100


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack the improvement with random views and ideals, and by an ascent on KL(ideal || mean) / mean divergence.

    Both sides of the inequality are made positive: the ratio is the divergence from the mean plus the least
    improvement, over the mean divergence from the views.

    Args:
        formula: The least improvement of views.
        rng: Source of randomness.

    Yields:
        mean KL(ideal || view) - KL(ideal || mean of views) at 50 digits, and the library's.
    """
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    cases = [([[half, half], [quarter, 3 * quarter]], [quarter, 3 * quarter])]
    cases.append(([[half, quarter, quarter], [half, half, Fraction(0)]], [Fraction(1), Fraction(0), Fraction(0)]))
    for i in range(60):
        n = 2 + i % 3
        cases.append((
            [oracles.random_distribution(rng, n, 9) for _ in range(2 + i % 4)],
            oracles.random_distribution(rng, n, int(10 ** rng.integers(1, 5))),
        ))
    for K, n in ((2, 2), (2, 3), (3, 3), (4, 4), (5, 5), (6, 6), (2, 6), (6, 2)):
        *views, ideal = attack_distributions(_remaining_share, (K + 1, n), rng).place
        cases.append(([oracles.rounded(nu) for nu in views], oracles.rounded(ideal, least=0)))
    for views, ideal in cases:
        mean = [sum((nu[z] for nu in views), Fraction(0)) / len(views) for z in range(len(ideal))]
        before = mp.fsum(oracles.kl(ideal, nu) for nu in views) / len(views)
        gained = before - oracles.kl(ideal, mean)
        table = [[float(p) for p in nu] for nu in views]
        library = orbits.improvement(table, [float(p) for p in ideal], [float(p) for p in mean])
        instance = {"views": "; ".join(oracles.as_text(nu) for nu in views), "ideal": oracles.as_text(ideal)}
        size = oracles.complexity(*views, ideal)
        here = instance | {"compared": "improvement"}
        least = formula(views)
        ratio = float((oracles.kl(ideal, mean) + least) / before) if before else None
        yield Evidence(float(least), float(gained), "at least", 1e-14, here, size, ratio=ratio)
        here = instance | {"compared": "the library's improvement minus the measured one"}
        yield Evidence(0.0, float(library - gained), "equal", 1e-10, here, size)


def _remaining_share(rows: Array) -> Array:
    """Divide the divergence from the mean by that from the views, [M, K + 1, Z] to [M]; the last row is the ideal."""
    views, ideal = rows[:, :-1], rows[:, -1]
    before = (ideal[:, None] * np.log(ideal[:, None] / views)).sum(axis=2).mean(axis=1)
    after = (ideal * np.log(ideal / views.mean(axis=1))).sum(axis=1)
    apart = np.abs(views - views[:, :1]).max(axis=(1, 2)) > 0.1
    return np.asarray(np.where(apart & (before > 1e-3), after / np.maximum(before, 1e-3), 0.0))


B8 = Claim(
    id="B.8",
    title="Arithmetic mean no worse than the views",
    whose="ours",
    place="beside the paper, Theorem 4.1 and Theorem F.2",
    plain=(
        "The average of several wordings' answer distributions is at least as near to a coherent ideal as the "
        "wordings are on average."
    ),
    statement=(
        "If every policy is allowed and the ideal is coherent, the KL divergence from the ideal to the arithmetic "
        "mean of the views' marginals is at most the mean of the divergences from the ideal to the views, KL(ideal || "
        ".)."
    ),
    printed="mean_k KL(ideal || nu_k) - KL(ideal || mean nu) >= 0",
    kind="lower bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=a_little,
            evidence=evidence,
        ),
    ),
    remark=(
        "-log is convex: for every answer z, the mean of -log nu_k(z) is at least -log of the mean. The geometric "
        "mean improves by -log(1 - H^2) for every ideal. The arithmetic mean improves by less than that if the ideal "
        "is the geometric mean, and by more if the ideal is the arithmetic mean. The improvement is 0 if the views "
        "agree on every answer of the ideal: ideal (1, 0, 0), views (1/2, 1/4, 1/4) and (1/2, 1/2, 0)."
    ),
)

CLAIMS = (B8,)
