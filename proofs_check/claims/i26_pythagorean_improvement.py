"""I.26: projecting on the coherent policies brings every coherent policy nearer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames import orbits
from proofs_check import oracles
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Reading, Relation

Array = NDArray[np.float64]
Rows = list[list[Fraction]]


@dataclass(frozen=True)
class Orbit:
    """Views of one prompt.

    Attributes:
        policies: Reference of each view, [X, Y].
        E: Answer of each trace, [Y].
        ideal: Coherent policies, [X, Y].
        shares: Weight of each view, [X].
        route: "direct" or "two-step".
        divergence: "kl" or "euclidean".
    """

    policies: Rows
    E: tuple[int, ...]
    ideal: Rows
    shares: list[Fraction]
    route: str
    divergence: str


def stated(orbit: Orbit) -> Any:
    """Project on the coherent policies, as the library does."""
    project = orbits.direct_projection if orbit.route == "direct" else orbits.two_step_projection
    table = [[float(p) for p in pi] for pi in orbit.policies]
    return project(table, orbit.E, [float(s) for s in orbit.shares], orbit.divergence)


def sabotage(orbit: Orbit) -> Any:
    """Take the arithmetic mean of the marginals as the consensus, whatever the divergence."""
    table = np.array([[float(p) for p in pi] for pi in orbit.policies])
    nu = np.stack([table[:, np.array(orbit.E) == z].sum(axis=1) for z in range(max(orbit.E) + 1)], axis=1)
    mean = orbits.arithmetic_mean(nu, [float(s) for s in orbit.shares])
    return orbits.project_onto_marginal(table, orbit.E, mean, orbit.divergence)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the three divergences of reference, projection and a coherent policy, at 50 digits.

    Args:
        formula: The projection of an orbit.
        rng: Source of randomness.

    Yields:
        Whether the projection is coherent, and D(ideal, reference) - D(projection, reference) - D(ideal, projection):
        at least 0, and 0 for KL. The ratio is that of the two terms taken off to the first.
    """
    for orbit in _instances(rng):
        found = [[mp.mpf(float(p)) for p in row] for row in formula(orbit)]
        instance = {
            "reference": "; ".join(oracles.as_text(row) for row in orbit.policies),
            "E": str(orbit.E),
            "ideal": "; ".join(oracles.as_text(row) for row in orbit.ideal),
            "divergence": orbit.divergence,
            "route": orbit.route,
        }
        size = oracles.complexity(*orbit.policies, *orbit.ideal)
        marginals = [
            [mp.fsum(p for p, e in zip(row, orbit.E, strict=True) if e == z) for z in range(max(orbit.E) + 1)]
            for row in found
        ]
        apart = max(abs(a - b) for row in marginals for a, b in zip(row, marginals[0], strict=True))
        yield Evidence(0.0, float(apart), "equal", 1e-12, instance | {"compared": "marginals apart"}, size)
        whole, parts = _sides(orbit, found)
        here = instance | {"compared": "D(ideal, reference) - D(projection, reference) - D(ideal, projection)"}
        relation: Relation = "equal" if orbit.divergence == "kl" else "at least"
        ratio = float(parts / whole) if whole else None
        yield Evidence(0.0, float(whole - parts), relation, 1e-12, here, size, ratio=ratio)


def _sides(orbit: Orbit, found: Sequence[Sequence[Any]]) -> tuple[Any, Any]:
    """Measure D(ideal, reference), and D(projection, reference) + D(ideal, projection), over the views."""
    whole = parts = mp.mpf(0)
    references, ideals = map(_numbers, orbit.policies), map(_numbers, orbit.ideal)
    for share, ideal, own, row in zip(orbit.shares, ideals, references, found, strict=True):
        whole += oracles.number(share) * _apart(orbit, ideal, own)
        parts += oracles.number(share) * (_apart(orbit, row, own) + _apart(orbit, ideal, row))
    return whole, parts


def _numbers(row: Sequence[Fraction]) -> list[Any]:
    return [oracles.number(p) for p in row]


def _apart(orbit: Orbit, p: Sequence[Any], q: Sequence[Any]) -> Any:
    if orbit.divergence == "euclidean":
        return mp.fsum((a - b) ** 2 for a, b in zip(p, q, strict=True)) / 2
    return mp.fsum(a * mp.log(a / b) for a, b in zip(p, q, strict=True))


def _instances(rng: np.random.Generator) -> Iterator[Orbit]:
    for i in range(40):
        n, views = 2 + i % 3, 1 + i % 4
        E = (*range(n), *(int(z) for z in rng.integers(0, n, size=i % 3)))
        nu = oracles.random_distribution(rng, n, 9)
        ideal = []
        for _ in range(views):
            weights = oracles.random_distribution(rng, len(E), 9)
            masses = oracles.marginal(weights, E, n)
            ideal.append([nu[z] * w / masses[z] for w, z in zip(weights, E, strict=True)])
        policies = [oracles.random_distribution(rng, len(E), 9) for _ in range(views)]
        shares = oracles.random_distribution(rng, views, 4)
        yield Orbit(policies, E, ideal, shares, "direct", "kl")
        yield Orbit(policies, E, ideal, shares, "two-step", "kl")
        yield Orbit(policies, E, ideal, shares, "direct", "euclidean")
    for n in (2, 4, 6):
        yield _attacked(n, rng)


def _attacked(n: int, rng: np.random.Generator) -> Orbit:
    """Attack the squared distance with two views of n answers, the first of which has two traces."""
    E, half = (*range(n), 0), [Fraction(1, 2)] * 2

    def orbit(rows: Array) -> Orbit:
        # Of the common marginal in the third row each view gives its first two traces of one answer a share of its own.
        *policies, nu, split = (oracles.rounded(row, 10**5) for row in rows)
        ideal = [[nu[0] * s, *nu[1:n], nu[0] * (1 - s)] for s in split[:2]]
        total = sum(nu[:n], Fraction(0))
        return Orbit(policies, E, [[p / total for p in row] for row in ideal], half, "direct", "euclidean")

    def ratio(rows: Array) -> Array:
        return np.array([_ratio(orbit(row)) for row in rows])

    found = attack_distributions(ratio, (4, n + 1), rng, starts=24, climbers=1, trials=4, rounds=10)
    return orbit(found.place)


def _ratio(orbit: Orbit) -> float:
    """Compute the ratio in float64 by the library's projection."""
    reference, ideal = (np.array([[float(p) for p in row] for row in rows]) for rows in (orbit.policies, orbit.ideal))
    found = stated(orbit)
    whole = ((ideal - reference) ** 2).sum()
    return float((((found - reference) ** 2).sum() + ((ideal - found) ** 2).sum()) / whole) if whole > 1e-3 else 0.0


I26 = Claim(
    id="I.26",
    title="Pythagorean improvement",
    whose="paper",
    place="paper, appendix G.3; slides, coherence",
    statement=(
        "If the ideal policy is coherent and every policy is allowed, the coherent projection is nearer to it than "
        "the reference by at least the distance of the projection from the reference: for KL, at once or by way of "
        "the geometric mean, and for the squared distance at once; for any number of views and any shares."
    ),
    kind="lower bound",
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
        "Coherence is a set of linear equations, and a projection on an affine set meets them with equality "
        "wherever it is positive, as it always is for KL and a positive reference. Where the reference is coherent "
        "nothing improves: 'strictly' needs an incoherent one."
    ),
)

CLAIMS = (I26,)
