"""I.20: the gradient of the expected distance between traces of an orbit is twice the centrality's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Rows = list[list[Fraction]]


@dataclass(frozen=True)
class Orbit:
    """Policies of the views of one prompt, and a distance of traces.

    Attributes:
        policies: Probabilities of traces, [X, Y].
        shares: Chance of each view, [X].
        distances: d, [Y, Y], symmetric.
        E: Answer of each trace if d = 1{E != E'}, else none.
    """

    policies: Rows
    shares: Sequence[Fraction]
    distances: Rows
    E: Sequence[int] | None = None

    def incoherence(self, policies: Rows) -> Fraction:
        """Compute the expected distance of two traces, of views drawn independently."""
        pooled = self.pooled(policies)
        pairs = (
            (p * q * d) for p, row in zip(pooled, self.distances, strict=True) for q, d in zip(pooled, row, strict=True)
        )
        return sum(pairs, Fraction(0))

    def pooled(self, policies: Rows) -> list[Fraction]:
        """Compute the probabilities of traces of a random view, [Y]."""
        return [
            sum((s * pi[y] for s, pi in zip(self.shares, policies, strict=True)), Fraction(0))
            for y in range(len(self.distances))
        ]


def stated(orbit: Orbit) -> list[Fraction]:
    """The reward whose policy gradient is that of the incoherence: twice the expected distance to the orbit, [Y]."""
    if orbit.E is not None:
        nu = oracles.marginal(orbit.pooled(orbit.policies), orbit.E, max(orbit.E) + 1)
        return [2 * (1 - nu[z]) for z in orbit.E]
    pooled = orbit.pooled(orbit.policies)
    return [2 * sum((p * d for p, d in zip(pooled, row, strict=True)), Fraction(0)) for row in orbit.distances]


def sabotage(orbit: Orbit) -> list[Fraction]:
    """Count each pair once."""
    return [r / 2 for r in stated(orbit)]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Differentiate the expected distance in the logits of every view, exactly.

    Args:
        formula: The reward of each trace.
        rng: Source of randomness.

    Yields:
        One comparison per view and trace. The distance is a quadratic function of the policies, for which the symmetric
        difference quotient is exact at any step; rationals throughout.
    """
    for orbit in _instances(rng):
        rewards = formula(orbit)
        for x, (share, pi) in enumerate(zip(orbit.shares, orbit.policies, strict=True)):
            mean = sum((p * r for p, r in zip(pi, rewards, strict=True)), Fraction(0))
            for y, p in enumerate(pi):
                # The logit of trace y moves the policy along pi(y) (e_y - pi).
                along = [p * (int(w == y) - m) for w, m in enumerate(pi)]
                ends = [
                    orbit.incoherence([
                        [a + sign * b for a, b in zip(row, along, strict=True)] if v == x else row
                        for v, row in enumerate(orbit.policies)
                    ])
                    for sign in (1, -1)
                ]
                slope = (ends[0] - ends[1]) / 2
                yield Evidence(
                    claimed=float(share * p * (rewards[y] - mean)),
                    measured=float(slope),
                    relation="equal",
                    tolerance=1e-15,
                    instance={
                        "policies": "; ".join(oracles.as_text(row) for row in orbit.policies),
                        "shares": oracles.as_text(orbit.shares),
                        "d": "; ".join(oracles.as_text(row) for row in orbit.distances),
                        "view": x,
                        "trace": y,
                        "slope": str(slope),
                    },
                    size=oracles.complexity(*orbit.policies, orbit.shares, *orbit.distances),
                )


def _instances(rng: np.random.Generator) -> Iterator[Orbit]:
    half, zero, one = Fraction(1, 2), Fraction(0), Fraction(1)
    yield Orbit([[Fraction(1, 3), Fraction(2, 3)]], [one], [[zero, one], [one, zero]], (0, 1))
    yield Orbit([[half, half], [Fraction(1, 3), Fraction(2, 3)]], [half, half], [[zero, one], [one, zero]])
    for i in range(16):
        n, views = 2 + i % 3, 1 + i % 4
        policies = [oracles.random_distribution(rng, n, 9) for _ in range(views)]
        shares = oracles.random_distribution(rng, views, 9)
        if i % 2:
            E = (*(int(z) for z in rng.integers(0, 2, size=n - 1)), 1)
            yield Orbit(policies, shares, [[Fraction(int(a != b)) for a in E] for b in E], E)
        else:
            drawn = rng.integers(0, 5, size=(n, n))
            yield Orbit(
                policies,
                shares,
                [[Fraction(int(a), 4) for a in row] for row in np.triu(drawn, 1) + np.triu(drawn, 1).T],
            )


I20 = Claim(
    id="I.20",
    title="Orbit centrality",
    whose="paper",
    place="paper, Prop B.1 and eq. 10",
    statement=(
        "For a symmetric d and views drawn independently with any shares, the gradient of the expected d(y, y') is "
        "the policy gradient of twice the expected distance of a trace to the orbit. With d = 1{E != E'} that "
        "distance is one minus the pooled frequency of the trace's answer."
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
        "The objective is a quadratic form in the pooled policy. Symmetry of d is needed for the factor 2; without "
        "it the mean of both directions takes its place. In a group the trace's zero distance to itself counts as "
        "well: the expected centrality is (K - 1) / K of this for one view, and for several views each trace misses"
        " its own view's share of 1 / |G|."
    ),
)

CLAIMS = (I20,)
