"""I.41: the policy step is a supervised learning task if Pi is the set of all policies, else a different projection."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from scipy.optimize import minimize

from proofs_check import oracles
from proofs_check.attack import simplex
from proofs_check.claim import Claim, Evidence, Formula, Reading

Ends = tuple[list[Fraction], list[Fraction]]
GRID = 60


def stated(q: Sequence[Fraction]) -> list[Any]:
    """The policy of least expected log-loss for samples of q, among all policies, found by a general optimiser."""
    weights = np.array([float(m) for m in q])

    def loss(logits: Any) -> float:
        return float(-(weights * np.log(simplex(logits))).sum())

    return oracles.normalised([mp.mpf(float(a)) for a in minimize(loss, np.zeros(len(q)), options={"gtol": 1e-9}).x])


def smoothed(q: Sequence[Fraction], share: Fraction = Fraction(1, 2)) -> list[Any]:
    """The same for labels of which a share, by default half, is drawn uniformly."""
    return stated([(1 - share) * m + share / len(q) for m in q])


def near_miss(q: Sequence[Fraction]) -> list[Any]:
    """The same for labels of which one percent is drawn uniformly."""
    return smoothed(q, Fraction(1, 100))


def stated_between(q: Sequence[Fraction], ends: Ends) -> Any:
    """Where on the segment the expected log-loss for samples of q is least."""
    return oracles.by_thirds(
        lambda s: -mp.fsum(oracles.number(m) * _log(p) for m, p in zip(q, _between(ends, s), strict=True))
    )


def projected_between(q: Sequence[Fraction], ends: Ends) -> Any:
    """Where on the segment KL(pi || q) is least."""
    return oracles.by_thirds(lambda s: oracles.kl(_between(ends, s), q))


def _between(ends: Ends, s: Any) -> list[Any]:
    return [(1 - s) * oracles.number(a) + s * oracles.number(b) for a, b in zip(*ends, strict=True)]


def _log(p: Any) -> Any:
    return mp.log(p) if p > 0 else mp.mpf("-1e30")


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute KL(pi || pi_0 q) of the policy that supervised learning finds among all policies.

    Args:
        formula: The policy, from the lifted target.
        rng: Source of randomness.

    Yields:
        One comparison with 0, the minimum, per target of 2 to 5 traces.
    """
    for i in range(16):
        q = oracles.random_distribution(rng, 2 + i % 4, 9)
        here = {"pi_0 q": oracles.as_text(q), "compared": "KL(pi || pi_0 q)"}
        yield Evidence(0.0, float(oracles.kl(formula(q), q)), "equal", 1e-11, here, oracles.complexity(q))


def evidence_between(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare KL(pi || pi_0 q) of the policy that supervised learning finds on a segment with its minimum on a grid.

    Args:
        formula: The place on the segment, from the lifted target and the segment's ends.
        rng: Source of randomness.

    Yields:
        One comparison per segment, at 50 digits; the minimum on the grid is at least that on the segment.
    """
    for q, ends in _segments(rng):
        s = formula(q, ends)
        found = oracles.kl(_between(ends, s), q)
        where, least = min(
            (
                (Fraction(k, GRID), oracles.kl(_between(ends, oracles.number(Fraction(k, GRID))), q))
                for k in range(GRID + 1)
            ),
            key=lambda pair: pair[1],
        )
        names = ["(" + ", ".join(mp.nstr(p, 3) for p in _between(ends, oracles.number(t))) + ")" for t in (s, where)]
        yield Evidence(
            claimed=float(least),
            measured=float(found),
            relation="at most",
            tolerance=0.0,  # 50 digits, rounded in the same way
            instance={
                "pi_0 q": oracles.as_text(q),
                "Pi": f"from {oracles.as_text(ends[0])} to {oracles.as_text(ends[1])}",
                "compared": "KL(pi || pi_0 q), its minimum on a grid of Pi",
            },
            size=oracles.complexity(q, *ends),
            sentence=(
                f"Take for Pi the mixtures of {oracles.as_text(ends[0])} and {oracles.as_text(ends[1])}, and pi_0 q = "
                f"{oracles.as_text(q)}, normalised. The expected log-loss for samples of pi_0 q is least at "
                f"{names[0]}, where KL(pi || pi_0 q) = {mp.nstr(found, 4)}. But at {names[1]} this divergence is "
                f"{mp.nstr(least, 4)}."
            ),
        )


def _segments(rng: np.random.Generator) -> Iterator[tuple[list[Fraction], Ends]]:
    half, sixth = Fraction(1, 2), Fraction(1, 6)
    zero, one = Fraction(0), Fraction(1)
    yield [sixth, Fraction(2, 3), sixth], ([zero, zero, one], [half, half, zero])
    for i in range(12):
        n = 3 + i % 2
        q, a, b = (oracles.random_distribution(rng, n, 99) for _ in range(3))
        yield q, (a, b)


I41 = Claim(
    id="I.41",
    title="Policy step as supervised learning",
    whose="paper",
    place="appendix E, 2, Policy Step",
    plain="The policy step for a given target is an ordinary supervised learning task.",
    statement=(
        "The policy step minimises G(., q*) over Pi, a convex set of policies, and so matches pi_0 q*. It is called "
        "a standard task of supervised learning, a KL projection."
    ),
    printed="argmin_{pi in Pi} G(pi, q*) = argmin_{pi in Pi} KL(pi || pi_0 q* / Z)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="Pi is the set of all policies",
            expected="holds",
            stated=stated,
            sabotage=smoothed,
            near_miss=near_miss,
            evidence=evidence,
        ),
        Reading(
            supposes="Pi is any convex set, as in section 2.1",
            expected="false",
            stated=stated_between,
            sabotage=projected_between,
            near_miss="The sabotage is the policy step itself, and the two projections differ by a finite amount.",
            evidence=evidence_between,
        ),
    ),
    remark=(
        "Supervised learning on samples of pi_0 q* minimises KL(pi_0 q* || pi), and the policy step minimises KL(pi || "
        "pi_0 q*). Both have the minimum 0 at pi_0 q* if Pi contains it. Otherwise the first minimiser covers all of "
        "the target, and the second avoids traces that are unlikely under the target. A reward beta log q* with the "
        "penalty beta KL gives the second."
    ),
)

CLAIMS = (I41,)
