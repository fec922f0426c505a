"""I.21: the divergences whose centroids are the geometric and the arithmetic mean."""

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
    means = stated(views)
    return Centroids(means.from_views, means.to_views, means.to_views)


def near_miss(views: Views) -> Centroids:
    """The power means with the exponents 1/50 and 49/50 for 0 and 1."""
    low, high = (_power_mean(views, mp.mpf(power)) for power in ("0.02", "0.98"))
    return Centroids(low, high, high)


def _power_mean(views: Views, power: Any) -> list[Any]:
    """Take the mean of powers, and the root of it."""
    columns = zip(*views, strict=True)
    sums = [mp.fsum(oracles.number(p) ** power for p in column) for column in columns]
    return [(total / len(views)) ** (1 / power) for total in sums]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Bound by how much another distribution could be nearer than each mean, and compare entropies.

    Args:
        formula: The three claimed minimisers.
        rng: Source of randomness.

    Yields:
        At 50 digits, for every objective: its excess by convexity, <slope, q> - min slope; by how much another q is
        worse, which is its distance from the mean; for two answers also its value minus the searched least one; and
        for the arithmetic mean its entropy against the mean entropy, which is attacked with views that differ, as equal
        views attain equality.
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
                measures["value minus the searched least one"] = _value(name, mean, views) - _searched(name, views)
            for measure, loss in measures.items():
                here = instance | {"objective": name, "compared": measure}
                yield Evidence(0.0, float(loss), "at most", 1e-14, here, size)
            other = [oracles.number(p) for p in oracles.random_distribution(rng, len(mean), 9)]
            more = _value(name, other, views) - _value(name, mean, views)
            here = instance | {
                "objective": name,
                "compared": ("value at another q minus the least, distance of q from the mean"),
            }
            yield Evidence(float(_distance(name, other, mean)), float(more), "equal", 1e-14, here, size)
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


def _distance(name: str, q: Sequence[Any], mean: Sequence[Any]) -> Any:
    """Measure the divergence of a distribution from the minimiser, 0 at the minimiser alone."""
    if name == "squares":
        return mp.fsum((a - b) ** 2 for a, b in zip(q, mean, strict=True))
    first, second = (q, mean) if name == "to_views" else (mean, q)
    return mp.fsum(a * mp.log(a / b) for a, b in zip(first, second, strict=True))


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
    place="appendix F.1, equation 15, and F.2, A and D; section 4.2",
    plain=("Each of the two means of distributions minimises the mean divergence to or from all of them."),
    statement=(
        "The normalised geometric mean minimises the mean of KL(q || nu_k), where its normaliser Z is not 0. The "
        "arithmetic mean is the only minimiser of the mean of KL(nu_k || q), and of the mean of |nu_k - q|^2. "
        "Averaging increases entropy, by Jensen's inequality: the entropy of the mean is at least the mean of the "
        "views' entropies."
    ),
    printed="q* = (prod_k nu_k)^(1/K) / Z   (eq. 15),   nubar = 1/K sum_k nu_k,   H(nubar) >= 1/K sum_k H(nu_k)",
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
        "For each q the mean of KL(q || nu_k) is KL(q || geometric mean) plus a constant, that of KL(nu_k || q) is "
        "KL(arithmetic mean || q) plus a constant, and that of the squares is |q - arithmetic mean|^2 plus a "
        "constant: so each minimiser is unique. The entropy of the mixture equals the mean entropy if all views are "
        "equal. A single view may have more entropy than the mixture; the bound is the mean entropy."
    ),
)

CLAIMS = (I21,)
