"""I.4: the product of reference and target is the best policy only if it is allowed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
        """List the extreme policies: traces within the budget, and mixtures of two that cost the whole budget."""
        n = len(self.cost)
        for y, c in enumerate(self.cost):
            if c <= self.budget:
                yield [Fraction(int(i == y)) for i in range(n)]
                for w, d in enumerate(self.cost):
                    if d > self.budget:
                        share = (self.budget - c) / (d - c)
                        yield [1 - share if i == y else share if i == w else Fraction(0) for i in range(n)]


def stated(choice: Choice) -> list[Any]:
    """The policy proportional to pi_0(y) q(E(y)), for every Pi."""
    weights = [p * choice.q[z] for p, z in zip(choice.pi_0, choice.E, strict=True)]
    return [oracles.number(w / sum(weights)) for w in weights]


def squared(choice: Choice) -> list[Any]:
    """The policy proportional to pi_0(y) q(E(y))^2."""
    weights = [p * choice.q[z] ** 2 for p, z in zip(choice.pi_0, choice.E, strict=True)]
    return [oracles.number(w / sum(weights)) for w in weights]


def nearly(choice: Choice) -> list[Any]:
    """The policy proportional to pi_0(y) q(E(y))^1.01."""
    logs = [oracles.log(p) + oracles.log(choice.q[z]) * 101 / 100 for p, z in zip(choice.pi_0, choice.E, strict=True)]
    return oracles.normalised(logs)


def projected(choice: Choice) -> list[Any]:
    """The policy of the amendment: the allowed policy nearest to that product, by the library."""
    game = AlignmentGame([float(p) for p in choice.pi_0], choice.E, Linear([0.0] * len(choice.q)), 1.0)
    policies = Polytope([float(c) for c in choice.cost], float(choice.budget))
    return [mp.mpf(float(p)) for p in best_restricted_policy(game, [float(p) for p in choice.q], policies)]


def mixed(choice: Choice) -> list[Any]:
    """The projection, but 1 % of the way towards the cheapest trace."""
    pi, cheap = projected(choice), list(choice.cost).index(min(choice.cost))
    return [p * 99 / 100 + mp.mpf(int(y == cheap)) / 100 for y, p in enumerate(pi)]


def evidence_of_all(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Bound by how much another policy could lower G(., q), with every policy allowed.

    Args:
        formula: The policy, from reference and target.
        rng: Source of randomness.

    Yields:
        The bound from convexity, the largest <grad G, pi - v> over the vertices v, at 50 digits.
    """
    for choice in _instances(rng):
        yield from _checked(formula, replace(choice, budget=Fraction(1)))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Check whether the policy is allowed, and bound by how much another allowed policy could lower G(., q).

    Args:
        formula: The policy, from reference, target and constraint.
        rng: Source of randomness.

    Yields:
        The cost against the budget; and the bound from convexity, the largest <grad G, pi - v> over the extreme
        policies v, at 50 digits.
    """
    for choice in _instances(rng):
        yield from _checked(formula, choice)


def _checked(formula: Formula, choice: Choice) -> Iterator[Evidence]:
    pi = formula(choice)
    slope = [mp.log(p) - oracles.log(r * choice.q[z]) for p, r, z in zip(pi, choice.pi_0, choice.E, strict=True)]
    spent = mp.fdot(pi, [oracles.number(c) for c in choice.cost])
    least = min(mp.fdot(slope, [oracles.number(p) for p in v]) for v in choice.vertices())
    shown = ", ".join(mp.nstr(p, 6) for p in pi)
    instance = {
        "pi_0": oracles.as_text(choice.pi_0),
        "E": str(tuple(choice.E)),
        "q": oracles.as_text(choice.q),
        "allowed": f"<c, pi> <= {choice.budget}, c = {oracles.as_text(choice.cost)}",
        "pi": shown,
    }
    size = oracles.complexity(choice.pi_0, choice.q, choice.cost, [choice.budget])
    budget = oracles.number(choice.budget)
    yield Evidence(
        claimed=float(budget),
        measured=float(spent),
        relation="at most",
        tolerance=1e-12,
        instance=instance | {"compared": "cost"},
        size=size,
        sentence=(
            f"Take traces with pi_0 = {instance['pi_0']} and answers E = {instance['E']}, q = {instance['q']}, and "
            f"the policies whose mean cost is at most {choice.budget}, where the traces cost "
            f"{oracles.as_text(choice.cost)}. The product pi_0(y) q(E(y)), normalised, is ({shown}). Its mean cost is "
            f"{mp.nstr(spent, 4)}, so that it is not allowed. The best allowed policy is "
            f"({', '.join(mp.nstr(p, 4) for p in projected(choice))})."
        )
        if spent > budget + mp.mpf(10) ** -12
        else "",
    )
    gain = mp.fdot(slope, pi) - least
    yield Evidence(0.0, float(gain), "at most", 1e-10, instance | {"compared": "possible decrease of G / beta"}, size)


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
    place=(
        "section 2.3, Theorem 2.1, part 2 (Consistency of the Game); also the slides, Consistency: Nash Equilibrium "
        "= Optimal ALFT, theorem, 2"
    ),
    plain=(
        "The best response to a fixed target weights each trace of the reference by the target's mass at the trace's "
        "answer."
    ),
    statement=(
        "Given a target q, the optimal policy is unique, and it is proportional to pi_0(y|x) times q at the answer "
        "E(y). Part 2 does not name the set of policies; in section 2.1, and in the proof, it is a convex set Pi. The "
        "slides do not describe Pi."
    ),
    printed="pi*(y|x) ~ pi_0(y|x) q(E(y)|x)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="Pi is any convex set of policies, as in section 2.1",
            expected="false",
            stated=stated,
            sabotage=projected,
            near_miss="The sabotage is the correct policy, the projection of the product on Pi (I.4a).",
            evidence=evidence,
        ),
        Reading(
            supposes="Pi contains the product, as it does if every policy is allowed",
            expected="holds",
            stated=stated,
            sabotage=squared,
            near_miss=nearly,
            evidence=evidence_of_all,
        ),
    ),
    remark=(
        "The product may lie outside Pi. With one answer the product is the reference for every Pi: for pi_0 = (1/2, "
        "1/2) and pi(1) <= 1/4 the best policy is (3/4, 1/4). With two answers, q = (1/3, 2/3) and pi(1) <= 1/2, the "
        "product is (1/3, 2/3) and the best policy in Pi is (1/2, 1/2). The last line of the proof, that the policy "
        "minimises the divergence to the product over Pi, is right for every Pi (I.4a)."
    ),
    amendment="I.4a",
)

I4A = Claim(
    id="I.4a",
    title="Best policy of a convex set",
    whose="ours",
    place="repair of claim I.4, from the last line of its proof",
    plain=(
        "If not every policy is allowed, the best response to a target is the allowed policy nearest to the product."
    ),
    statement=(
        "For a closed convex set Pi of policies and a fixed target q, the policy of Pi with the least G(., q) is the "
        "KL projection on Pi of the policy proportional to pi_0(y) q(E(y)). The two are equal if the latter lies in "
        "Pi, as it does if Pi contains every policy."
    ),
    printed="argmin over Pi of G(., q) = argmin over Pi of KL(pi || pi_0 q(E) / Z)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=projected,
            sabotage=stated,
            near_miss=mixed,
            evidence=evidence,
        ),
    ),
    remark=(
        "G(., q) is beta KL(pi || pi_0 q(E) / Z) plus a constant. The library's projection is checked by the slope of "
        "G towards every extreme policy of Pi."
    ),
)

CLAIMS = (I4, I4A)
