"""I.26: the projection on the coherent policies is nearer to an allowed coherent ideal, unless it changes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
        cap: Pi allows at most this mass of answer 0; 1 allows every policy. Below 1, for KL and one trace an answer.
    """

    policies: Rows
    E: tuple[int, ...]
    ideal: Rows
    shares: list[Fraction]
    route: str
    divergence: str
    cap: Fraction = Fraction(1)

    @property
    def is_coherent(self) -> bool:
        """Whether the references are coherent, as one view always is."""
        nu = [oracles.marginal(pi, self.E, max(self.E) + 1) for pi in self.policies]
        return all(row == nu[0] for row in nu)

    def mean(self) -> list[Any]:
        """Compute the geometric mean of the references, one trace an answer."""
        weights = [oracles.number(s) for s in self.shares]
        return oracles.normalised([
            mp.fsum(w * oracles.log(p) for w, p in zip(weights, column, strict=True))
            for column in zip(*self.policies, strict=True)
        ])


def stated(orbit: Orbit) -> Any:
    """Project on the coherent policies that are allowed; where all are, as the library does."""
    if orbit.cap < 1:
        return _capped(orbit, orbit.mean())
    project = orbits.direct_projection if orbit.route == "direct" else orbits.two_step_projection
    table = [[float(p) for p in pi] for pi in orbit.policies]
    return project(table, orbit.E, [float(s) for s in orbit.shares], orbit.divergence)


def sabotage(orbit: Orbit) -> Any:
    """Take the arithmetic mean of the marginals as the consensus, for every divergence."""
    if orbit.cap < 1:
        columns = zip(*orbit.policies, strict=True)
        return _capped(orbit, [oracles.number(oracles.expectation(orbit.shares, _numbers(c))) for c in columns])
    table = np.array([[float(p) for p in pi] for pi in orbit.policies])
    nu = np.stack([table[:, np.array(orbit.E) == z].sum(axis=1) for z in range(max(orbit.E) + 1)], axis=1)
    mean = orbits.arithmetic_mean(nu, [float(s) for s in orbit.shares])
    return orbits.project_onto_marginal(table, orbit.E, mean, orbit.divergence)


def near_miss(orbit: Orbit) -> Any:
    """The projection of references raised to the power .98, off by a fiftieth."""
    flat = [oracles.normalised([mp.mpf("0.98") * oracles.log(p) for p in pi]) for pi in orbit.policies]
    rows = [oracles.rounded([float(p) for p in pi], 10**9) for pi in flat]
    return stated(replace(orbit, policies=rows))


def _capped(orbit: Orbit, mean: list[Any]) -> list[list[Any]]:
    """Scale answer 0 down to the cap, and the others up."""
    cap = min(oracles.number(orbit.cap), mean[0])
    return [[cap, *(p * (1 - cap) / (1 - mean[0]) for p in mean[1:])]] * len(orbit.policies)


def strictly(orbit: Orbit) -> bool:  # noqa: ARG001 - whatever the references
    """Always strictly nearer."""
    return True


def unless_coherent(orbit: Orbit) -> bool:
    """Strictly nearer unless the references are coherent."""
    return not orbit.is_coherent


def improved(orbit: Orbit) -> Any:
    """D(ideal, reference) - D(projection, reference)."""
    reference, found = ([_numbers(row) for row in rows] for rows in (orbit.policies, _capped(orbit, orbit.mean())))
    return _mean(orbit, [_numbers(row) for row in orbit.ideal], reference) - _mean(orbit, found, reference)


def improved_less(orbit: Orbit) -> Any:
    """The same plus the ideal's mass above the cap times the difference of the log-odds of mean and cap."""
    mass, cap = orbit.mean()[0], oracles.number(orbit.cap)
    return improved(orbit) + (orbit.ideal[0][0] > orbit.cap) * (oracles.number(orbit.ideal[0][0]) - cap) * (
        mp.log(mass / (1 - mass)) - mp.log(cap / (1 - cap))
    )


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the three divergences of reference, projection and a coherent policy, at 50 digits.

    Args:
        formula: The projection of an orbit.
        rng: Source of randomness.

    Yields:
        Whether the projection is coherent, and D(ideal, reference) - D(projection, reference) - D(ideal, projection):
        at least 0, and 0 for KL where every policy is allowed. The ratio is that of the two subtracted terms to the
        first. And whether the ideal is strictly nearer.
    """
    for orbit in _instances(rng):
        if orbit.is_coherent:
            continue
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
        yield Evidence(0.0, float(apart), "equal", 1e-12, instance | {"compared": "distance of the marginals"}, size)
        whole, parts = _sides(orbit, found)
        here = instance | {"compared": "D(ideal, reference) - D(projection, reference) - D(ideal, projection)"}
        relation: Relation = "equal" if orbit.divergence == "kl" and orbit.cap == 1 else "at least"
        ratio = float(parts / whole) if whole else None
        yield Evidence(0.0, float(whole - parts), relation, 1e-12, here, size, ratio=ratio)
        after = _mean(orbit, [_numbers(row) for row in orbit.ideal], found)
        here = instance | {"compared": "strictly nearer", "before": mp.nstr(whole, 6), "after": mp.nstr(after, 6)}
        yield Evidence(1.0, float(after < whole), "equal", 0.0, here, size)


def coherent(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the divergences before and after the projection of references that are coherent, and of others.

    Args:
        formula: Whether the ideal is strictly nearer.
        rng: Source of randomness.

    Yields:
        Whether it is, by more than 1e-12.
    """
    half, third = Fraction(1, 2), Fraction(1, 3)
    same = Orbit([[half, half]] * 2, (0, 1), [[third, 2 * third]] * 2, [half, half], "direct", "kl")
    for orbit in (same, *(orbit for i, orbit in enumerate(_instances(rng)) if i % 6 == 0 and orbit.cap == 1)):
        for case in (orbit, replace(orbit, policies=[orbit.policies[0]] * len(orbit.policies))):
            found = [[mp.mpf(float(p)) for p in row] for row in stated(case)]
            reference, ideal = ([_numbers(row) for row in rows] for rows in (case.policies, case.ideal))
            before, after = _mean(case, ideal, reference), _mean(case, ideal, found)
            sentence = (
                "Take two views that both have pi_0 = (1/2, 1/2), and the ideal (1/3, 2/3) in both. pi_0 is "
                "coherent, so that its projection is pi_0 itself: KL(ideal || .) = log(2) - (log 3 - (2/3) log 2) = "
                f"{mp.nstr(before, 3)} before the projection and {mp.nstr(after, 3)} after it, which is not strictly "
                "nearer."
            )
            instance = {"reference": "; ".join(oracles.as_text(row) for row in case.policies), "E": str(case.E)}
            yield Evidence(
                float(formula(case)),
                float(before - after > 1e-12),
                "equal",
                0.0,
                instance | {"before": mp.nstr(before, 8), "after": mp.nstr(after, 8)},
                oracles.complexity(*case.policies, *case.ideal),
                sentence=sentence if case == same else "",
            )


def outside(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Project on policies with a cap on one answer, which the ideal exceeds, and measure KL(ideal || .) at 50 digits.

    Args:
        formula: The bound on it after the projection.
        rng: Source of randomness.

    Yields:
        The divergence against the bound, for one view and two.
    """
    quarter, half = Fraction(1, 4), Fraction(1, 2)
    cases = [([[half, half]], [3 * quarter, quarter], quarter)]
    for i in range(10):
        n = 2 + i % 3
        ideal = oracles.random_distribution(rng, n, 9)
        views = [oracles.random_distribution(rng, n, 9) for _ in range(1 + i % 2)]
        cases.append((views, ideal, min(ideal[0], *(nu[0] for nu in views)) * Fraction(int(rng.integers(2, 10)), 10)))
    for views, ideal, cap in cases:
        X = len(views)
        orbit = Orbit(views, tuple(range(len(ideal))), [ideal] * X, [Fraction(1, X)] * X, "direct", "kl", cap)
        reference, target = [_numbers(row) for row in views], [_numbers(ideal)] * X
        before, after, bound = _mean(orbit, target, reference), _mean(orbit, target, stated(orbit)), formula(orbit)
        sentence = (
            "Take one view with pi_0 = (1/2, 1/2), the ideal (3/4, 1/4), and as Pi the policies with pi(1) <= 1/4. "
            "The projection of pi_0 is (1/4, 3/4), and KL(ideal || .) is (3/4) log(3/2) + (1/4) log(1/2) = "
            f"{mp.nstr(before, 3)} before and (3/4) log 3 - (1/4) log 3 = {mp.nstr(after, 3)} after."
        )
        yield Evidence(
            float(bound),
            float(after),
            "at most",
            1e-14,
            {
                "reference": "; ".join(oracles.as_text(row) for row in views),
                "ideal": oracles.as_text(ideal),
                "largest mass of answer 1 in Pi": str(cap),
                "KL(ideal || reference)": mp.nstr(before, 8),
            },
            oracles.complexity(*views, ideal, [cap]),
            sentence=sentence if views == cases[0][0] and after > bound else "",
        )


def _mean(orbit: Orbit, p: Sequence[Sequence[Any]], q: Sequence[Sequence[Any]]) -> Any:
    """Compute the mean of D(p, q) over the views."""
    return mp.fsum(oracles.number(s) * _apart(orbit, a, b) for s, a, b in zip(orbit.shares, p, q, strict=True))


def _sides(orbit: Orbit, found: Sequence[Sequence[Any]]) -> tuple[Any, Any]:
    """Measure D(ideal, reference), and D(projection, reference) + D(ideal, projection), over the views."""
    whole = parts = mp.mpf(0)
    references, ideals = map(_numbers, orbit.policies), map(_numbers, orbit.ideal)
    for share, ideal, reference, row in zip(orbit.shares, ideals, references, found, strict=True):
        whole += oracles.number(share) * _apart(orbit, ideal, reference)
        parts += oracles.number(share) * (_apart(orbit, row, reference) + _apart(orbit, ideal, row))
    return whole, parts


def _numbers(row: Sequence[Fraction]) -> list[Any]:
    return [oracles.number(p) for p in row]


def _apart(orbit: Orbit, p: Sequence[Any], q: Sequence[Any]) -> Any:
    if orbit.divergence == "euclidean":
        return mp.fsum((a - b) ** 2 for a, b in zip(p, q, strict=True)) / 2
    return mp.fsum(a * mp.log(a / b) for a, b in zip(p, q, strict=True))


def _instances(rng: np.random.Generator) -> Iterator[Orbit]:
    for i in range(40):
        n, views = 2 + i % 3, 2 + i % 3
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
        flat = [oracles.random_distribution(rng, n, 9) for _ in range(1 + views)]
        cap = (flat[0][0] + 1) / 2 if i % 2 else flat[0][0]
        yield Orbit(flat[1:], tuple(range(n)), [flat[0]] * views, shares, "direct", "kl", cap)
    for n in (2, 4, 6):
        yield _attacked(n, rng)


def _attacked(n: int, rng: np.random.Generator) -> Orbit:
    """Attack the squared distance with two views of n answers, the first of which has two traces."""
    E, half = (*range(n), 0), [Fraction(1, 2)] * 2

    def orbit(rows: Array) -> Orbit:
        # Each view splits the mass of answer 0 in the common marginal, the third row, between its two traces.
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
    place="section 4.1 and appendix G.3; also the slides, Coherence: The Self-Improvement Principle",
    plain=(
        "Making a model consistent with itself brings it nearer to the truth, if the truth is consistent and the "
        "model can express it."
    ),
    statement=(
        "If the ideal policy is coherent, the projection pi^ of pi_0 on the coherent policies is strictly closer to "
        "the ideal than pi_0 is, by at least D(pi^ || pi_0). Section 4.1 and the slides project on all coherent "
        "policies, appendix G on those in Pi, or in two steps. It is not stated that the ideal is in Pi, nor that "
        "pi_0 is not coherent."
    ),
    printed="E_x D_F(pi* || pi^) <= E_x D_F(pi* || pi_0) - E_x D_F(pi^ || pi_0),  strictly closer",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="pi_0 is not coherent, and pi* is among the policies allowed and at a finite distance from pi_0",
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
        Reading(
            supposes="pi_0 may be coherent already",
            expected="false",
            stated=strictly,
            sabotage=unless_coherent,
            near_miss=(
                "The projection is pi_0, both distances are equal, and no case lies between 'nearer' and 'not farther'."
            ),
            evidence=coherent,
        ),
        Reading(
            supposes="the projection is on a set Pi that does not contain pi*",
            expected="false",
            stated=improved,
            sabotage=improved_less,
            near_miss="The term that the sabotage adds is exact, and no part of it can be omitted.",
            evidence=outside,
        ),
    ),
    remark=(
        "Coherence is a set of linear equations. A projection on an affine set satisfies the inequality with equality "
        "wherever the projection is positive, as it always is for KL and a positive reference; on a convex set the "
        "inequality can be strict. 'Strictly' requires a projection that differs from pi_0. The distance from an "
        "ideal outside Pi can become much larger."
    ),
)

CLAIMS = (I26,)
