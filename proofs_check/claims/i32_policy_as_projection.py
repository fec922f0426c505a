"""I.32: the equilibrium policy is the projection of the reference on the policies with at least its E log q*."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class Pair:
    """A reference and a target.

    Attributes:
        pi_0: Reference over traces, positive.
        E: Answer of each trace.
        q: Target, positive.
    """

    pi_0: Sequence[Fraction]
    E: Sequence[int]
    q: Sequence[Fraction]

    def tilted(self, power: Any) -> list[Any]:
        """Compute the policy proportional to pi_0 q(E)^power."""
        return oracles.normalised([
            oracles.log(p) + power * oracles.log(self.q[z]) for p, z in zip(self.pi_0, self.E, strict=True)
        ])

    def mean_log_target(self, pi: Sequence[Any]) -> Any:
        """Compute E log q(E(y))."""
        return mp.fsum(p * oracles.log(self.q[z]) for p, z in zip(pi, self.E, strict=True))

    def divergence(self, pi: Sequence[Any]) -> Any:
        """Compute KL(pi || pi_0)."""
        return mp.fsum(p * (mp.log(p) - oracles.log(r)) for p, r in zip(pi, self.pi_0, strict=True))


def stated(pair: Pair) -> Any:
    """c* = E log q* under the policy itself."""
    return pair.mean_log_target(pair.tilted(1))


def sabotage(pair: Pair) -> Any:
    """E log q* under the target."""
    return oracles.expectation(pair.q, [oracles.log(m) for m in pair.q])


def near_miss(pair: Pair) -> Any:
    """A level that is off by a thousandth."""
    return mp.mpf("1.001") * stated(pair)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Project the reference on {E log q >= c*}, and try other policies of that set.

    Args:
        formula: The level c* of a pair.
        rng: Source of randomness.

    Yields:
        KL(projection || policy) with the projection found by bisection on its multiplier; and for policies of the set,
        random ones and ones near the policy, KL to the reference minus that of the policy; at 50 digits.
    """
    for pair in _instances(rng):
        best, level = pair.tilted(1), formula(pair)
        low, high = mp.mpf(0), mp.mpf(60)
        for _ in range(170):
            middle = (low + high) / 2
            low, high = (middle, high) if pair.mean_log_target(pair.tilted(middle)) < level else (low, middle)
        projection = pair.tilted(high)
        instance = {
            "pi_0": oracles.as_text(pair.pi_0),
            "E": str(tuple(pair.E)),
            "q": oracles.as_text(pair.q),
            "c*": mp.nstr(level, 10),
        }
        size = oracles.complexity(pair.pi_0, pair.q)
        apart = mp.fsum(p * mp.log(p / m) for p, m in zip(projection, best, strict=True))
        here = instance | {"compared": "KL(projection || policy)"}
        text = (
            f"Take pi_0 = {instance['pi_0']}, answers {instance['E']} and q = {instance['q']}. The policy ~ pi_0 q is"
            f" ({', '.join(mp.nstr(p, 4) for p in best)}), with E log q ="
            f" {mp.nstr(pair.mean_log_target(best), 4)}. Of the policies with at least {mp.nstr(level, 4)} the nearest"
            f" to pi_0 is ({', '.join(mp.nstr(p, 4) for p in projection)})."
        )
        yield Evidence(0.0, float(apart), "equal", 1e-30, here, size, sentence=text)
        for scale in (0.01, 0.3, 2.0):
            trial = [
                p * mp.exp(mp.mpf(float(g))) for p, g in zip(best, rng.normal(size=len(best)) * scale, strict=True)
            ]
            trial = [p / mp.fsum(trial) for p in trial]
            if pair.mean_log_target(trial) >= level:
                here = instance | {"pi": ", ".join(mp.nstr(p, 6) for p in trial), "compared": "KL to pi_0, excess"}
                yield Evidence(
                    0.0, float(pair.divergence(trial) - pair.divergence(best)), "at least", 1e-14, here, size
                )


def _instances(rng: np.random.Generator) -> Iterator[Pair]:
    half = Fraction(1, 2)
    yield Pair([half, half], (0, 1), [Fraction(1, 3), Fraction(2, 3)])
    for i in range(30):
        n, answers = 2 + i % 4, 2 + i % 2
        E = (*range(min(n, answers)), *(int(z) for z in rng.integers(0, answers, size=max(n - answers, 0))))
        masses = rng.choice(np.arange(1, 10), size=answers, replace=False).tolist()
        yield Pair(oracles.random_distribution(rng, n, 9), E, [Fraction(m, sum(masses)) for m in masses])


I32 = Claim(
    id="I.32",
    title="Policy as a projection",
    whose="slides",
    place="Consistency: Nash Equilibrium = Optimal ALFT, Interpretation",
    plain=(
        "The best policy is the one nearest to the reference among those with at least the same mean log-probability "
        "under the target."
    ),
    statement=(
        "The policy pi* proportional to pi_0 q*(E) is the KL projection of pi_0 on {pi: E log q*(E(y)) >= c*}. The "
        "level c* has a star and no definition; it is read as the value at pi*."
    ),
    printed="pi* = argmin KL(pi || pi_0) over {pi: E_pi log q*(E(y)) >= c*}",
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
        "KL(pi || pi_0) - KL(pi* || pi_0) = KL(pi || pi*) + E_pi log q - E_pi* log q. The statement holds for every "
        "q, not only at equilibrium, and any other level corresponds to another power of q: c* is the level of the "
        "power 1. This gives a meaning to Theorem 2.1 (2) of the paper, where pi* is called the projection on the "
        "traces that are compatible with q."
    ),
)

CLAIMS = (I32,)
