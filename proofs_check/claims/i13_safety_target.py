"""I.13, I.13a: the projection on the constraints, by the projected marginal and by the policy's response."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames import AlignmentGame, solve
from dagames.functionals import Polytope
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

ROUNDS = 4


@dataclass(frozen=True)
class Budget:
    """The game of the indicator of <cost, nu> <= budget, with one trace per answer.

    Attributes:
        nu_0: Reference, positive.
        cost: Cost of each answer, in [0, 1].
        budget: Largest expected cost, positive.
        beta: Weight of the divergence.
    """

    nu_0: Sequence[Fraction]
    cost: Sequence[Fraction]
    budget: Fraction
    beta: Fraction

    def multiplier(self, nu: Sequence[Any]) -> Any:
        """Find the rate of exp(-rate cost) that brings nu within the budget, by bisection; 0 if it is."""
        cost, budget = self.costs(), oracles.number(self.budget)
        if mp.fdot(nu, cost) <= budget:
            return mp.mpf(0)
        low, high = mp.mpf(0), mp.mpf(200)
        for _ in range(170):
            middle = (low + high) / 2
            low, high = (middle, high) if mp.fdot(tilted(nu, middle, cost), cost) > budget else (low, middle)
        return high

    def projection(self, nu: Sequence[Any], slip: Fraction = Fraction(1)) -> list[Any]:
        """Compute argmin of KL(. || nu) over the constraint: nu exp(-multiplier cost)."""
        rate = self.multiplier(nu)
        return tilted(nu, rate * oracles.number(slip), self.costs()) if rate else list(nu)

    def costs(self) -> list[Any]:
        """Give the costs in 50 digits."""
        return [oracles.number(c) for c in self.cost]

    def corners(self) -> list[list[Fraction]]:
        """List the vertices of the constraint: answers within the budget, and mixtures of two that meet it."""
        n = len(self.cost)
        found = [[Fraction(int(i == z)) for i in range(n)] for z in range(n) if self.cost[z] <= self.budget]
        for z in range(n):
            for w in range(n):
                if self.cost[z] < self.budget < self.cost[w]:
                    t = (self.budget - self.cost[z]) / (self.cost[w] - self.cost[z])
                    found.append([1 - t if i == z else t if i == w else Fraction(0) for i in range(n)])
        return found

    def excess(self, nu: Sequence[Any]) -> Any:
        """Bound by convexity how far KL(nu || nu_0) is above its least value on the constraint; 0 at the best nu."""
        slope = [mp.log(p) - oracles.log(r) for p, r in zip(nu, self.nu_0, strict=True)]
        least = min(
            mp.fsum(oracles.number(v) * s for v, s in zip(corner, slope, strict=True)) for corner in self.corners()
        )
        return mp.fdot(nu, slope) - least

    def loss(self, nu: Sequence[Any], q: Sequence[Any]) -> Any:
        """Compute the loss of q against R(nu) = 0: the largest <., u> on C minus <nu, u>, with u = -beta log q."""
        u = [-oracles.number(self.beta) * mp.log(m) for m in q]
        top = max(mp.fsum(oracles.number(v) * s for v, s in zip(corner, u, strict=True)) for corner in self.corners())
        return top - mp.fdot(nu, u)


def tilted(nu: Sequence[Any], rate: Any, cost: Sequence[Any]) -> list[Any]:
    """Compute nu exp(-rate cost), normalised."""
    return oracles.normalised([mp.log(p) - rate * c for p, c in zip(nu, cost, strict=True)])


def stated(game: Budget, nu: Sequence[Any]) -> list[Any]:
    """The point of the constraint that is nearest to the policy's marginal."""
    return game.projection(nu)


def near_miss(game: Budget, nu: Sequence[Any]) -> list[Any]:
    """The multiplier one percent too large."""
    return game.projection(nu, Fraction(101, 100))


def of_reference(game: Budget, nu: Sequence[Any]) -> list[Any]:  # noqa: ARG001 - it does not depend on the policy
    """The point of the constraint that is nearest to the reference's marginal."""
    return game.projection([oracles.number(p) for p in game.nu_0])


def amended(game: Budget, nu: Sequence[Any]) -> list[Any]:  # noqa: ARG001 - it does not depend on the policy
    """The target proportional to nu* / nu_0, as the library finds it."""
    found = solve(
        AlignmentGame(
            [float(p) for p in game.nu_0],
            list(range(len(game.nu_0))),
            Polytope([float(c) for c in game.cost], float(game.budget)),
            float(game.beta),
        )
    )
    return [mp.mpf(float(p)) for p in found.q]


def amended_near(game: Budget, nu: Sequence[Any]) -> list[Any]:
    """The target with multipliers one percent too large."""
    return oracles.normalised([mp.mpf("1.01") * mp.log(m) for m in amended(game, nu)])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare nu* with the response pi_0 q to the target, at nu* and after several rounds.

    Args:
        formula: The target, from the game and the policy's marginal.
        rng: Source of randomness.

    Yields:
        KL(nu* || response) at 50 digits, where nu* is the projection of the reference; and the loss of the target of
        nu* against R(nu*), where R* is found at the vertices of the constraint.
    """
    for game in instances(rng):
        reference = [oracles.number(p) for p in game.nu_0]
        star = game.projection(reference)
        first = _answer(reference, formula(game, star))
        nu = reference
        for _ in range(ROUNDS):
            nu = _answer(reference, formula(game, nu))
        words = (
            f"{setting(game)} The best policy has nu* = {text(star)}, the nearest to nu_0 within the budget."
            " The projection of nu* is nu*."
            f" The policy that responds to this target has nu ~ nu_0 nu* = {text(first)}, with"
            f" the expected cost {mp.nstr(mp.fdot(first, game.costs()), 3)}, above the budget."
        )
        outside = mp.fdot(first, game.costs()) > oracles.number(game.budget) + mp.mpf("1e-9")
        yield _divergence(game, star, first, "the response to the target of nu*", words if outside else "")
        yield _divergence(game, star, nu, f"the marginal {ROUNDS} rounds from nu_0")
        yield Evidence(
            0.0,
            float(game.loss(star, formula(game, star))),
            "equal",
            1e-9,
            instance(game) | {"compared": "R(nu*) minus the dual value of its target"},
            size(game),
        )


def evidence_of_marginals(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Replace the policy's marginal by the target, from the reference on, and compare with the equilibrium.

    Args:
        formula: The target, from the game and the policy's marginal.
        rng: Source of randomness.

    Yields:
        After one round and after two, by how much the expected cost is above the budget, and KL(nu || nu_0) above
        its least value on the constraint, a bound by convexity at the constraint's vertices; at 50 digits.
    """
    for game in instances(rng):
        nu: Sequence[Any] = [oracles.number(p) for p in game.nu_0]
        for name in ("one round", "two rounds"):
            nu = formula(game, nu)
            yield from optimal(game, nu, f"after {name}")


def evidence_from_anywhere(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Replace the policy's marginal by the target, from any start, and compare with the equilibrium.

    Args:
        formula: The target, from the game and the policy's marginal.
        rng: Source of randomness.

    Yields:
        KL(nu* || nu) after one round at 50 digits, nu* being the projection of the reference.
    """
    for game in instances(rng):
        star = game.projection([oracles.number(p) for p in game.nu_0])
        n = len(game.nu_0)
        start = [
            oracles.number(Fraction(2 * n - 1, 2 * n) if z == 0 else Fraction(1, 2 * n * (n - 1))) for z in range(n)
        ]
        nu = formula(game, start)
        stays = max(abs(p - s) for p, s in zip(nu, start, strict=True)) == 0
        words = (
            f"{setting(game)} The best policy has nu* = {text(star)}. A policy that starts at nu = {text(start)}"
            " is within the budget: the projection of nu is nu, and the policy stays there."
        )
        yield _divergence(game, star, nu, f"the marginal one round from {text(start)}", words if stays else "")


def _divergence(game: Budget, star: Sequence[Any], nu: Sequence[Any], name: str, words: str = "") -> Evidence:
    return Evidence(
        claimed=0.0,
        measured=float(mp.fsum(p * mp.log(p / m) for p, m in zip(star, nu, strict=True))),
        relation="equal",
        tolerance=1e-18,
        instance=instance(game) | {"nu*": text(star), "nu": text(nu), "compared": f"KL(nu* || nu), nu is {name}"},
        size=size(game),
        sentence=words,
    )


def optimal(game: Budget, nu: Sequence[Any], name: str) -> Iterator[Evidence]:
    """State by how much nu is above the budget, and KL(nu || nu_0) above its least value on the constraint."""
    over = mp.fdot(nu, game.costs()) - oracles.number(game.budget)
    for what, value in (("cost above the budget", over), ("KL(nu || nu_0) above its least value", game.excess(nu))):
        here = instance(game) | {"nu": text(nu), "compared": f"{what}, {name}"}
        yield Evidence(0.0, float(value), "at most", 1e-30, here, size(game))


def setting(game: Budget) -> str:
    """Describe the reference and the constraint."""
    last = len(game.nu_0) - 1
    budget = f"nu({last})" if game.cost[-1] == 1 and not any(game.cost[:-1]) else f"<{oracles.as_text(game.cost)}, nu>"
    return f"Take nu_0 = {oracles.as_text(game.nu_0)} and the constraint {budget} <= {game.budget}."


def text(nu: Sequence[Any]) -> str:
    """Write a marginal to 4 digits."""
    return "(" + ", ".join(mp.nstr(p, 4) for p in nu) + ")"


def instance(game: Budget) -> dict[str, Any]:
    """Name the game's numbers for the record."""
    return {
        "nu_0": oracles.as_text(game.nu_0),
        "c": oracles.as_text(game.cost),
        "budget": str(game.budget),
        "beta": str(game.beta),
    }


def size(game: Budget) -> int:
    """Measure the complexity of the game's numbers."""
    return oracles.complexity(game.nu_0, game.cost, [game.budget, game.beta])


def _answer(reference: Sequence[Any], q: Sequence[Any]) -> list[Any]:
    return oracles.normalised([mp.log(p) + mp.log(m) for p, m in zip(reference, q, strict=True)])


def instances(rng: np.random.Generator) -> Iterator[Budget]:
    """State a game of two answers by hand, and nine at random with 2 to 4."""
    zero, one = Fraction(0), Fraction(1)
    yield Budget([Fraction(1, 3), Fraction(2, 3)], [zero, one], Fraction(1, 2), one)
    for n in (2, 3, 4) * 3:
        cost = [zero, *(Fraction(int(c), 4) for c in rng.integers(0, 5, size=n - 2)), one]
        nu_0, beta = oracles.random_distribution(rng, n, 9), Fraction(int(rng.integers(1, 9)), 4)
        yield Budget(nu_0, cost, Fraction(int(rng.integers(1, 8)), 8), beta)


I13 = Claim(
    id="I.13",
    title="Target of safety",
    whose="paper",
    place=(
        "section 2.4, Safety, and appendix D.2, eq. 13; also the slides, Instantiations: One Game, Many Alignment "
        "Goals, and Safety Extension: Safety-GRPO"
    ),
    plain=(
        "If the goal is to stay within a safe set, the target is the safe distribution nearest to the policy's "
        "marginal."
    ),
    statement=(
        "For the indicator of a convex set C the best target of the game is given as the information projection on C "
        "of the policy's marginal. As an intuition, the policy is then updated to imitate this target."
    ),
    printed="R = Ind_C:  q* = argmin_{q in C} KL(q || nu_pi)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the target is the q of Theorem 2.1, to which the policy responds by pi_0 q",
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss="The sabotage is the true target; a slightly different projection is not nearer to it.",
            evidence=evidence,
        ),
        Reading(
            supposes="the policy takes the target as its marginal, and starts at the reference",
            expected="holds",
            stated=stated,
            sabotage=amended,
            near_miss=near_miss,
            evidence=evidence_of_marginals,
        ),
        Reading(
            supposes="the policy takes the target as its marginal, from any start",
            expected="false",
            stated=stated,
            sabotage=of_reference,
            near_miss="The sabotage is the true target; a slightly different projection is not nearer to it.",
            evidence=evidence_from_anywhere,
        ),
    ),
    remark=(
        "The objective is the divergence from the reference, and only the first projection, that of the reference, "
        "depends on the reference. With the response pi_0 q the reference enters once more in each round: from (1/3, "
        "2/3) and nu(1) <= 1/2 the loop stays at (1/3, 2/3) for ever."
    ),
    amendment="I.13a",
)

I13A = Claim(
    id="I.13a",
    title="Target of safety, from the reference",
    whose="ours",
    place="repair of claim I.13",
    plain=(
        "The safe optimum is the safe distribution nearest to the reference, and the target is the ratio of the two."
    ),
    statement=(
        "For the indicator of linear budgets that some policy with the support of the reference meets, nu* is the "
        "information projection of nu_0 on them, and the target is nu* / nu_0, proportional to exp(-<lambda, c> / "
        "beta), where lambda are the multipliers."
    ),
    printed="nu* = argmin_{nu in C} KL(nu || nu_0),  q* ~ nu* / nu_0 ~ exp(-<lambda, c> / beta)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            near_miss=amended_near,
            evidence=evidence,
        ),
    ),
    remark=(
        "J is beta KL(nu || nu_0) on C. Its Lagrangian has the minimiser nu_0 exp(-<lambda, c> / beta), normalised. "
        "Where no policy meets C, J is infinite and there is no target."
    ),
)

CLAIMS = (I13, I13A)
