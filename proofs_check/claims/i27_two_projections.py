"""I.27: projecting on the coherent policies at once, or by way of a consensus that is then distilled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames import orbits
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Rows = Sequence[Sequence[Fraction]]


@dataclass(frozen=True)
class Orbit:
    """Views of a prompt, and which policies are allowed.

    Attributes:
        policies: Reference of each view, [X, Y], positive.
        E: Answer of each trace, [X, Y]; coherent policies agree on the answers.
        shares: Weight of each view, [X].
        divergence: "kl" or "euclidean".
        line: None where every policy is allowed; otherwise a point and a direction over answers, one trace each: the
            policies allowed are those of the line.
    """

    policies: Rows
    E: Sequence[Sequence[int]]
    shares: Sequence[Fraction]
    divergence: str
    line: tuple[Sequence[Fraction], Sequence[Fraction]] | None = None

    @property
    def n_answers(self) -> int:
        """Number of answers."""
        return max(map(max, self.E)) + 1

    def consensus(self, *, by_traces: bool) -> list[Any]:
        """Find the mean of the marginals: geometric for KL, arithmetic for the Euclidean distance.

        Args:
            by_traces: Whether the arithmetic mean weighs a view's answer by its share over its number of traces, and is
                shifted to sum 1 by amounts that are inverse to these weights.

        Returns:
            The consensus, [Z].
        """
        n, X = self.n_answers, range(len(self.policies))
        nu = [oracles.marginal(self.policies[x], self.E[x], n) for x in X]
        if self.divergence == "kl":
            return oracles.normalised([
                mp.fsum(oracles.number(self.shares[x]) * oracles.log(nu[x][z]) for x in X) for z in range(n)
            ])
        weights = [[self.shares[x] / (self.E[x].count(z) if by_traces else 1) for z in range(n)] for x in X]
        totals = [sum((w[z] for w in weights), Fraction(0)) for z in range(n)]
        mean = [sum((weights[x][z] * nu[x][z] for x in X), Fraction(0)) / totals[z] for z in range(n)]
        spare = (1 - sum(mean, Fraction(0))) / sum((1 / total for total in totals), Fraction(0))
        return [oracles.number(m + spare / total) for m, total in zip(mean, totals, strict=True)]

    def distil(self, q: Sequence[Any], *, forward: bool) -> list[Any]:
        """Project a consensus on the line: least KL(q || .) if forward, KL(. || q) otherwise; or least distance."""
        point, step = ([oracles.number(p) for p in row] for row in self.line or ())

        def slope(t: Any) -> Any:
            here = [p + t * d for p, d in zip(point, step, strict=True)]
            if self.divergence == "euclidean":
                return mp.fsum(d * (p - m) for d, p, m in zip(step, here, q, strict=True))
            if forward:
                return -mp.fsum(d * m / p for d, p, m in zip(step, here, q, strict=True))
            return mp.fsum(d * mp.log(p / m) for d, p, m in zip(step, here, q, strict=True))

        low = max(-p / d for p, d in zip(point, step, strict=True) if d > 0)
        high = min(-p / d for p, d in zip(point, step, strict=True) if d < 0)
        for _ in range(150):
            middle = (low + high) / 2
            low, high = (middle, high) if slope(middle) < 0 else (low, middle)
        return [p + low * d for p, d in zip(point, step, strict=True)]

    def spread(self, q: Sequence[Any]) -> list[list[Any]]:
        """Give each view the policy with marginal q that is nearest its reference; for distances, if none ends at 0."""
        rows = []
        for pi, E in zip(self.policies, self.E, strict=True):
            nu = [oracles.number(p) for p in oracles.marginal(pi, E, self.n_answers)]
            if self.divergence == "kl":
                rows.append([oracles.number(p) * q[z] / nu[z] for p, z in zip(pi, E, strict=True)])
            else:
                rows.append([oracles.number(p) + (q[z] - nu[z]) / E.count(z) for p, z in zip(pi, E, strict=True)])
        return rows

    def slope(self, policies: Sequence[Sequence[Any]]) -> Any:
        """Find the steepest slope of sum_x s_x D(., reference) along coherent directions: 0 exactly at the least."""
        grad = []
        for share, row, reference in zip(self.shares, policies, self.policies, strict=True):
            pairs = [(p, oracles.number(r)) for p, r in zip(row, reference, strict=True)]
            grad.append([
                oracles.number(share) * (mp.log(p / r) if self.divergence == "kl" else p - r) for p, r in pairs
            ])
        if self.line is not None:
            return abs(mp.fsum(g * oracles.number(d) for row in grad for g, d in zip(row, self.line[1], strict=True)))
        means, steepest = [mp.mpf(0)] * self.n_answers, mp.mpf(0)
        for row, E in zip(grad, self.E, strict=True):
            for z in range(self.n_answers):
                own = [g for g, answer in zip(row, E, strict=True) if answer == z]
                steepest = max(steepest, max(own) - min(own))
                means[z] += own[0]
        return max(steepest, max(means) - min(means))


def stated(orbit: Orbit) -> list[list[Any]]:
    """Take the mean, then distil it by least KL(mean || .), or give it to each view."""
    q = orbit.consensus(by_traces=False)
    return orbit.spread(q) if orbit.line is None else [orbit.distil(q, forward=True)] * len(orbit.policies)


def amended(orbit: Orbit) -> list[list[Any]]:
    """Take the mean that counts traces, then project it by least KL(. || mean), or give it to each view."""
    q = orbit.consensus(by_traces=True)
    return orbit.spread(q) if orbit.line is None else [orbit.distil(q, forward=False)] * len(orbit.policies)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Look for a coherent direction in which the sum of divergences to the references still falls.

    Args:
        formula: The two-step projection of an orbit.
        rng: Source of randomness.

    Yields:
        The steepest slope at the two-step projection, to 1e-30; where every policy is allowed, also that of the
        library's direct projection, to 1e-9.
    """
    for orbit in instances(rng):
        found = formula(orbit)
        instance = {
            "reference": "; ".join(oracles.as_text(row) for row in orbit.policies),
            "E": str(orbit.E),
            "shares": oracles.as_text(orbit.shares),
            "divergence": orbit.divergence,
            "allowed": "all" if orbit.line is None else " + t ".join(oracles.as_text(row) for row in orbit.line),
            "two-step": "; ".join("(" + ", ".join(mp.nstr(p, 6) for p in row) + ")" for row in found),
        }
        size = oracles.complexity(*orbit.policies, orbit.shares, *(orbit.line or ()))
        here = instance | {"compared": "slope along coherent policies at the two-step projection"}
        yield Evidence(0.0, float(orbit.slope(found)), "equal", 1e-30, here, size)
        if orbit.line is None:
            table = [[float(p) for p in row] for row in orbit.policies]
            shares = [float(s) for s in orbit.shares]
            direct = orbits.direct_projection(table, orbit.E, shares, orbit.divergence).tolist()
            here = instance | {"compared": "slope at the library's direct projection"}
            yield Evidence(
                0.0, float(orbit.slope([[mp.mpf(p) for p in row] for row in direct])), "equal", 1e-9, here, size
            )


def instances(rng: np.random.Generator) -> Iterator[Orbit]:
    """Yield two orbits that check by hand, then random ones of every kind; no distance takes a trace below 0."""
    sixth, one, zero = Fraction(1, 6), Fraction(1), Fraction(0)
    third = Fraction(1, 3)
    yield Orbit([[sixth, 4 * sixth, sixth]], [(0, 1, 2)], [one], "kl", ([third] * 3, [one, one, -2 * one]))
    half = Fraction(1, 2)
    yield Orbit([[half / 2] * 4] * 2, [(0, 0, 0, 1), (0, 0, 1, 1)], [half, half], "euclidean")
    for i in range(36):
        n, X = 2 + i % 2, 1 + i % 3
        shares = oracles.random_distribution(rng, X, 4)
        divergence = ("kl", "euclidean")[i // 2 % 2]
        if i % 3 == 0:
            rows = [oracles.random_distribution(rng, 3, 9) for _ in range(X)]
            if divergence == "euclidean":
                rows = [[(p + 4) / 13 for p in row] for row in rows]
            step = [[one, one, -2 * one], [one, zero, -one], [2 * one, -3 * one, one]][i // 3 % 3]
            yield Orbit(rows, [(0, 1, 2)] * X, shares, divergence, ([Fraction(1, 3)] * 3, step))
            continue
        E = [(*range(n), *(int(z) for z in rng.integers(0, n, size=2))) for _ in range(X)]
        rows = [[40 + Fraction(int(w)) for w in rng.integers(0, 9, size=n + 2)] for _ in range(X)]
        yield Orbit([[w / sum(row) for w in row] for row in rows], E, shares, divergence)


I27 = Claim(
    id="I.27",
    title="Direct and two-step projection",
    whose="paper",
    place="paper, section 4.1 and appendix G.2 (Thm 5.7 of the coherence paper)",
    statement=(
        "Forming the consensus of the views (their geometric mean for KL, the arithmetic one for the Euclidean "
        "distance) and distilling it, by least KL(consensus || .), into the policies allowed gives the coherent "
        "ones nearest the references, coherence meaning equal answer marginals."
    ),
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            evidence=evidence,
        ),
    ),
    remark=(
        "Read as section 4.1 and supervised fine-tuning have it. With one view (1/6, 2/3, 1/6) and policies (t, t, "
        "1 - 2t) the direct projection, of least KL(. || reference), is (2/5, 2/5, 1/5); distillation gives (5/12, "
        "5/12, 1/6). Over answers the Euclidean mean is not arithmetic either: for two uniform views with answers "
        "(0, 0, 0, 1) and (0, 0, 1, 1) the nearest common mass of answer 0 is 9/14, not 5/8. What the theorem has "
        "in mind, one divergence in both steps, holds (I.27a)."
    ),
    amendment="I.27a",
)

I27A = Claim(
    id="I.27a",
    title="Two-step projection in one divergence",
    whose="ours",
    place="amendment of claim I.27",
    statement=(
        "The coherent policies nearest the references are found in two steps: the consensus over all policies, then"
        " its projection by least D(. || consensus) on the policies allowed, the same for all views. For KL the "
        "consensus is the geometric mean. For the Euclidean distance, if no trace ends at 0, it weighs view x's "
        "mass of z by s_x over the number of traces of z in x, and is shifted in inverse proportion to sum 1."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "Coherence is a set of linear equations, so that D(pi, reference) = D(pi, first step) + D(first step, "
        "reference) for every coherent pi: the two objectives differ by a constant. With distances that needs the "
        "first step to be positive. Where each answer has as many traces in all views, the mean is arithmetic."
    ),
)

CLAIMS = (
    I27,
    I27A,
)
