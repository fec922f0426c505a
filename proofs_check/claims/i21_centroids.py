"""I.21: which divergence the geometric and the arithmetic mean are the centroids of."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames import orbits
from proofs_check import oracles
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
Views = Sequence[Sequence[Fraction]]


class Centroids(NamedTuple):
    """The claimed minimisers of mean KL(q || nu_k), of mean KL(nu_k || q), and of the mean squared distance."""

    to_views: list[Any]
    from_views: list[Any]
    squares: list[Any]


def stated(views: Views) -> Centroids:
    """The library's geometric mean for KL(q || nu_k), its arithmetic mean for both others."""
    table = [[float(p) for p in nu] for nu in views]
    geometric, arithmetic = (
        [mp.mpf(float(p)) for p in mean(table)] for mean in (orbits.geometric_mean, orbits.arithmetic_mean)
    )
    return Centroids(geometric, arithmetic, arithmetic)


def sabotage(views: Views) -> Centroids:
    """Exchange the two means."""
    said = stated(views)
    return Centroids(said.from_views, said.to_views, said.to_views)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Bound by how much another distribution could be nearer than each mean, and compare entropies.

    Args:
        formula: The three claimed minimisers.
        rng: Source of randomness.

    Yields:
        At 50 digits, for every objective: its excess by convexity, <slope, q> - min slope; for two answers also its
        value less the searched least one; and for the arithmetic mean its entropy against the mean entropy, which is
        attacked with views that differ, as equal ones touch it.
    """
    for views in _instances(rng):
        instance = {"views": "; ".join(oracles.as_text(nu) for nu in views)}
        size = oracles.complexity(*views)
        for name, q in formula(views)._asdict().items():
            total = mp.fsum(q)
            mean = [p / total for p in q]
            slope = _slope(name, mean, views)
            measures = {"excess by convexity": mp.fdot(mean, slope) - min(slope)}
            if len(mean) == 2:
                measures["value less the searched one"] = _value(name, mean, views) - _searched(name, views)
            for measure, loss in measures.items():
                here = instance | {"objective": name, "compared": measure}
                yield Evidence(0.0, float(loss), "at most", 1e-14, here, size)
        mean = [mp.fsum(oracles.number(nu[z]) for nu in views) / len(views) for z in range(len(views[0]))]
        entropies = [-mp.fsum(p * mp.log(p) for p in map(oracles.number, nu)) for nu in views]
        least, most = mp.fsum(entropies) / len(views), -mp.fsum(p * mp.log(p) for p in mean)
        yield Evidence(
            claimed=float(least),
            measured=float(most),
            relation="at least",
            tolerance=1e-14,
            instance=instance | {"compared": "entropy of the mixture, mean entropy"},
            size=size,
            ratio=float(least / most),
        )


def _value(name: str, q: Sequence[Any], views: Views) -> Any:
    """Evaluate an objective by its definition."""
    rows = [[oracles.number(p) for p in nu] for nu in views]
    terms = {
        "to_views": lambda a, p: a * mp.log(a / p) if a else mp.mpf(0),
        "from_views": lambda a, p: p * mp.log(p / a) if a else mp.inf,
        "squares": lambda a, p: (a - p) ** 2,
    }
    return mp.fsum(terms[name](a, p) for nu in rows for a, p in zip(q, nu, strict=True)) / len(views)


def _searched(name: str, views: Views) -> Any:
    """Search the least value over two answers."""

    def value(t: Any) -> Any:
        return _value(name, [1 - t, t], views)

    return value(oracles.by_thirds(value))


def _slope(name: str, q: Sequence[Any], views: Views) -> list[Any]:
    """Differentiate an objective by hand."""
    slopes = {
        "to_views": lambda a, p: mp.log(a / p),
        "from_views": lambda a, p: -p / a,
        "squares": lambda a, p: 2 * (a - p),
    }
    rows = [[oracles.number(p) for p in nu] for nu in views]
    return [mp.fsum(slopes[name](a, nu[z]) for nu in rows) / len(views) for z, a in enumerate(q)]


def _instances(rng: np.random.Generator) -> Iterator[list[list[Fraction]]]:
    half = [Fraction(1, 2)] * 2
    yield [half, [Fraction(1, 5), Fraction(4, 5)]]
    yield [half, half, half]
    for i in range(25):
        yield [oracles.random_distribution(rng, 2 + i % 3, 9) for _ in range(1 + i % 4)]
    for shape in ((2, 2), (3, 3), (2, 6), (6, 2)):
        found = attack_distributions(_entropies, shape, rng, trials=8)
        yield [oracles.rounded(nu) for nu in found.place]


def _entropies(nu: Array) -> Array:
    """Compute the mean entropy over that of the mixture, [M, K, Z] to [M]; 0 where the views are nearly equal."""
    mean = nu.mean(axis=1)
    inside, mixed = (-(p * np.log(p)).sum(axis=-1) for p in (nu, mean))
    apart = np.abs(nu - mean[:, None]).max(axis=(1, 2)) > 0.1
    return np.asarray(np.where(apart, inside.mean(axis=1) / mixed, 0.0))


I21 = Claim(
    id="I.21",
    title="Means as centroids",
    whose="paper",
    place="paper, appendix F.1, eq. 15, and F.2",
    statement=(
        "Over the simplex the normalised geometric mean minimises the mean of KL(q || nu_k), the arithmetic mean "
        "those of KL(nu_k || q) and of |nu_k - q|^2; the entropy of the arithmetic mean is at least the views' mean"
        " entropy."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            evidence=evidence,
        ),
    ),
    remark=(
        "The mean of KL(q || nu_k) is KL(q || geometric mean) plus a constant; that of KL(nu_k || q) is the cross "
        "entropy of the mixture plus a constant; the last part is Jensen's inequality. One view may have more "
        "entropy than the mixture: the mean is what it exceeds."
    ),
)

CLAIMS = (I21,)
