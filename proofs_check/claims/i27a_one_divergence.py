"""I.27a: two steps find the nearest coherent policies if both use one divergence with one order of its arguments."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames import orbits
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims import i27_two_projections as i27


def amended(orbit: i27.Orbit) -> list[list[Any]]:
    """Take the mean weighted by numbers of traces, then project it by least D(. || mean), or give it to each view."""
    return i27.in_two_steps(orbit, orbit.consensus(by_traces=True))


def nearly_amended(orbit: i27.Orbit) -> list[list[Any]]:
    """The same projection, of the mean shifted by a hundredth towards the uniform distribution."""
    mean = orbit.consensus(by_traces=True)
    return i27.in_two_steps(orbit, [(99 * m + mp.mpf(1) / len(mean)) / 100 for m in mean])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the slope of the sum of divergences to the references along coherent directions.

    Args:
        formula: The two-step projection of an orbit.
        rng: Source of randomness.

    Yields:
        The steepest slope at the two-step projection, to 1e-30; where every policy is allowed, also that of the
        library's direct projection, to 1e-9.
    """
    for orbit in instances(rng):
        found = i27.slope_at(orbit, formula(orbit))
        yield found
        if orbit.line is None:
            table = [[float(p) for p in row] for row in orbit.policies]
            shares = [float(s) for s in orbit.shares]
            direct = orbits.direct_projection(table, orbit.E, shares, orbit.divergence).tolist()
            here = found.instance | {"compared": "slope at the library's direct projection"}
            slope = float(orbit.slope([[mp.mpf(p) for p in row] for row in direct]))
            yield Evidence(0.0, slope, "equal", 1e-9, here, found.size)


def instances(rng: np.random.Generator) -> Iterator[i27.Orbit]:
    """Yield an orbit to check by hand, then random ones of every kind; no distance moves a trace below 0."""
    half = Fraction(1, 2)
    yield i27.Orbit([[half / 2] * 4] * 2, [(0, 0, 0, 1), (0, 0, 1, 1)], [half, half], "euclidean")
    yield from i27.per_trace(rng)
    for i in range(20):
        n, X = 2 + i % 2, 1 + i % 3
        E = [(*range(n), *(int(z) for z in rng.integers(0, n, size=2))) for _ in range(X)]
        rows = [[40 + Fraction(int(w)) for w in rng.integers(0, 9, size=n + 2)] for _ in range(X)]
        shares = oracles.random_distribution(rng, X, 4)
        yield i27.Orbit([[w / sum(row) for w in row] for row in rows], E, shares, ("kl", "euclidean")[i // 2 % 2])


I27A = Claim(
    id="I.27a",
    title="Two-step projection in one divergence",
    whose="ours",
    place="repair of claim I.27",
    plain="Averaging and then projecting finds the nearest consistent model, if both steps use the same divergence.",
    statement=(
        "The coherent policies nearest to the references, where coherence means equal answer marginals, are found in "
        "two steps: the consensus over all policies, then its projection by least D(. || consensus) on the policies "
        "allowed, the same for all views. For KL the consensus is the geometric mean. For the Euclidean distance, if "
        "no trace ends at 0, the consensus weights view x's mass of z by s_x over the number of traces of z in x, and "
        "is shifted to sum 1 in inverse proportion to these weights."
    ),
    printed="argmin_(Pi and C_coh) E_x D(pi || pi_0) = argmin_(Pi) D(. || argmin_(C_coh) E_x D(. || pi_0))",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=i27.distilled,
            near_miss=nearly_amended,
            evidence=evidence,
        ),
    ),
    remark=(
        "For every coherent pi, D(pi, pi_0) = D(pi, first step) + D(first step, pi_0). For distances this requires a "
        "positive first step. If each answer has as many traces in all views, the mean is arithmetic; for two uniform "
        "views with answers (0, 0, 0, 1) and (0, 0, 1, 1) the nearest common mass of answer 0 is 9/14, not 5/8."
    ),
)

CLAIMS = (I27A,)
