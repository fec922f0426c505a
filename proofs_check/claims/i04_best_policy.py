"""I.4: the product of reference and target is the best policy only if every policy is allowed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames import AlignmentGame
from dagames.functionals import Linear, Polytope
from dagames.solvers import best_restricted_policy
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class Choice:
    """A policy's choice against a target, among those that keep an expected cost within a budget.

    Attributes:
        pi_0: Reference over traces.
        E: Answer of each trace.
        q: Target.
        cost: Cost of each trace, in [0, 1].
        budget: Largest expected cost; 1 allows every policy.
    """

    pi_0: Sequence[Fraction]
    E: Sequence[int]
    q: Sequence[Fraction]
    cost: Sequence[Fraction]
    budget: Fraction

    def vertices(self) -> Iterator[list[Fraction]]:
        """List the extreme policies: cheap traces, and mixtures of a cheap and a dear one that use up the budget."""
        n = len(self.cost)
        for y, c in enumerate(self.cost):
            if c <= self.budget:
                yield [Fraction(int(i == y)) for i in range(n)]
                for w, d in enumerate(self.cost):
                    if d > self.budget:
                        share = (self.budget - c) / (d - c)
                        yield [1 - share if i == y else share if i == w else Fraction(0) for i in range(n)]


def stated(choice: Choice) -> list[Any]:
    """The policy proportional to pi_0(y) q(E(y)), whatever is allowed."""
    weights = [p * choice.q[z] for p, z in zip(choice.pi_0, choice.E, strict=True)]
    return [oracles.number(w / sum(weights)) for w in weights]


def projected(choice: Choice) -> list[Any]:
    """The policy of the amendment: what the library finds to be nearest to that product among those allowed."""
    game = AlignmentGame([float(p) for p in choice.pi_0], choice.E, Linear([0.0] * len(choice.q)), 1.0)
    policies = Polytope([float(c) for c in choice.cost], float(choice.budget))
    return [mp.mpf(float(p)) for p in best_restricted_policy(game, [float(p) for p in choice.q], policies)]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Ask whether the policy is allowed, and by how much another allowed one could have a smaller G(., q).

    Args:
        formula: The policy, from reference, target and constraint.
        rng: Source of randomness.

    Yields:
        The cost beyond the budget; and the gain that convexity leaves open, at most <grad G, pi - v> over the extreme
        policies v, at 50 digits.
    """
    for choice in _instances(rng):
        pi = formula(choice)
        slope = [mp.log(p) - oracles.log(r * choice.q[z]) for p, r, z in zip(pi, choice.pi_0, choice.E, strict=True)]
        spent = mp.fdot(pi, [oracles.number(c) for c in choice.cost])
        least = min(mp.fdot(slope, [oracles.number(p) for p in v]) for v in choice.vertices())
        instance = {
            "pi_0": oracles.as_text(choice.pi_0),
            "E": str(tuple(choice.E)),
            "q": oracles.as_text(choice.q),
            "allowed": f"<c, pi> <= {choice.budget}, c = {oracles.as_text(choice.cost)}",
            "pi": ", ".join(mp.nstr(p, 6) for p in pi),
        }
        size = oracles.complexity(choice.pi_0, choice.q, choice.cost, [choice.budget])
        budget = oracles.number(choice.budget)
        yield Evidence(float(budget), float(spent), "at most", 1e-12, instance | {"compared": "cost"}, size)
        gain = mp.fdot(slope, pi) - least
        yield Evidence(0.0, float(gain), "at most", 1e-10, instance | {"compared": "possible gain in G / beta"}, size)


def _instances(rng: np.random.Generator) -> Iterator[Choice]:
    half, one, zero = Fraction(1, 2), Fraction(1), Fraction(0)
    yield Choice([half, half], (0, 0), [one], [zero, one], Fraction(1, 4))
    yield Choice([half, half], (0, 1), [Fraction(1, 3), Fraction(2, 3)], [zero, one], half)
    yield Choice([half, half], (0, 1), [Fraction(1, 3), Fraction(2, 3)], [zero, one], one)
    for n in (2, 3, 3, 4, 5, 6) * 4:
        E = (*(int(z) for z in rng.integers(0, 2, size=n - 1)), 1)
        cost = [zero, *(Fraction(int(c), 4) for c in rng.integers(0, 5, size=n - 2)), one]
        pi_0, q = oracles.random_distribution(rng, n, 9), oracles.random_distribution(rng, 2, 9)
        yield Choice(pi_0, E, q, cost, Fraction(int(rng.integers(1, 9)), 8))


I4 = Claim(
    id="I.4",
    title="Best policy against a target",
    whose="paper",
    place="paper, Thm 2.1, part 2, with Pi as in section 2.1",
    statement=(
        "For a convex set Pi of policies and a fixed target q, the policy of Pi with the least G(., q) is "
        "proportional to pi_0(y) q(E(y))."
    ),
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=projected,
            evidence=evidence,
        ),
    ),
    remark=(
        "The product may lie outside Pi. With one answer it is the reference whatever Pi is, here pi_0 = (1/2, "
        "1/2), while the best policy with pi(1) <= 1/4 is (3/4, 1/4). With two answers, q = (1/3, 2/3) and pi(1) <="
        " 1/2 it is (1/3, 2/3) and the best of Pi (1/2, 1/2). It is right when every policy is allowed."
    ),
    amendment="I.4a",
)

I4A = Claim(
    id="I.4a",
    title="Best policy of a convex set",
    whose="ours",
    place="amendment of claim I.4",
    statement=(
        "For a convex set Pi of policies and a fixed target q, the policy of Pi with the least G(., q) is the KL "
        "projection on Pi of the one proportional to pi_0(y) q(E(y)), which it equals if it lies in Pi, so if Pi is"
        " everything."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=projected,
            sabotage=stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "G(., q) is beta KL(pi || pi_0 q(E) / Z) plus a constant. The library's projection is judged by the slope "
        "of G towards every extreme policy of Pi."
    ),
)

CLAIMS = (
    I4,
    I4A,
)
