"""I.13: projecting the current marginal on the constraints is not the target of the safety game."""

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

ROUNDS = 12


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

    def projection(self, nu: Sequence[Any]) -> list[Any]:
        """Compute argmin of KL(. || nu) over the constraint: nu exp(-multiplier cost), by bisection."""
        cost = [oracles.number(c) for c in self.cost]

        def tilted(multiplier: Any) -> list[Any]:
            return oracles.normalised([mp.log(p) - multiplier * c for p, c in zip(nu, cost, strict=True)])

        budget = oracles.number(self.budget)
        if mp.fdot(nu, cost) <= budget:
            return list(nu)
        low, high = mp.mpf(0), mp.mpf(200)
        for _ in range(170):
            middle = (low + high) / 2
            low, high = (middle, high) if mp.fdot(tilted(middle), cost) > budget else (low, middle)
        return tilted(high)


def stated(game: Budget, nu: Sequence[Any]) -> list[Any]:
    """The point of the constraint that is nearest to the policy's own marginal."""
    return game.projection(nu)


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


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Ask whether the policy that answers the target is the equilibrium, at nu* and after rounds of both steps.

    Args:
        formula: The target, from the game and the policy's marginal.
        rng: Source of randomness.

    Yields:
        KL(nu* || answer) at 50 digits, nu* being the projection of the reference.
    """
    for game in _instances(rng):
        reference = [oracles.number(p) for p in game.nu_0]
        star = game.projection(reference)
        answers = {"the answer to the target of nu*": _answer(reference, formula(game, star))}
        nu = reference
        for _ in range(ROUNDS):
            nu = _answer(reference, formula(game, nu))
        answers[f"{ROUNDS} rounds from nu_0"] = nu
        for name, answer in answers.items():
            yield Evidence(
                claimed=0.0,
                measured=float(mp.fsum(p * mp.log(p / m) for p, m in zip(star, answer, strict=True))),
                relation="equal",
                tolerance=1e-18,
                instance={
                    "nu_0": oracles.as_text(game.nu_0),
                    "c": oracles.as_text(game.cost),
                    "budget": str(game.budget),
                    "beta": str(game.beta),
                    "nu*": ", ".join(mp.nstr(p, 6) for p in star),
                    "nu": ", ".join(mp.nstr(p, 6) for p in answer),
                    "compared": f"KL(nu* || nu), nu {name}",
                },
                size=oracles.complexity(game.nu_0, game.cost, [game.budget, game.beta]),
            )


def _answer(reference: Sequence[Any], q: Sequence[Any]) -> list[Any]:
    return oracles.normalised([mp.log(p) + mp.log(m) for p, m in zip(reference, q, strict=True)])


def _instances(rng: np.random.Generator) -> Iterator[Budget]:
    zero, one = Fraction(0), Fraction(1)
    yield Budget([Fraction(1, 3), Fraction(2, 3)], [zero, one], Fraction(1, 2), one)
    for n in (2, 3, 4) * 4:
        cost = [zero, *(Fraction(int(c), 4) for c in rng.integers(0, 5, size=n - 2)), one]
        nu_0, beta = oracles.random_distribution(rng, n, 9), Fraction(int(rng.integers(1, 9)), 4)
        yield Budget(nu_0, cost, Fraction(int(rng.integers(1, 8)), 8), beta)


I13 = Claim(
    id="I.13",
    title="Target of safety",
    whose="paper",
    place="paper, section 2.4, Safety, and appendix D.2, eq. 13; slides, instantiations",
    statement=(
        "For the indicator of a constraint set C the target against a policy is the information projection of its "
        "own marginal nu on C, and answering that in turns leads to the equilibrium."
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
        "A policy inside C is its own projection, and answering nu* by nu_0 nu* leaves it. With nu_0 = (1/3, 2/3) "
        "and nu(1) <= 1/2 the equilibrium is (1/2, 1/2), but the answer to that target is nu_0 again, outside C: "
        "the loop stays where it began for ever. With (1/6, 1/3, 1/2) and nu(2) <= 1/4 it drifts to (0, 2/3, 1/3) "
        "instead of (1/4, 1/2, 1/4)."
    ),
    amendment="I.13a",
)

I13A = Claim(
    id="I.13a",
    title="Target of safety, from the reference",
    whose="ours",
    place="amendment of claim I.13; the reward is that of paper, eq. 14",
    statement=(
        "For the indicator of linear budgets that some policy with the support of the reference meets, nu* is the "
        "information projection of nu_0 on them, and the target is nu* / nu_0, proportional to exp(-<lambda, c> / "
        "beta) with lambda the multipliers."
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
        "J is beta KL(nu || nu_0) on C. Its Lagrangian has the minimum nu_0 exp(-<lambda, c> / beta). The reward of"
        " the paper's algorithm, -<lambda, c>, is beta log q* up to a constant, so the algorithm is right where the"
        " description of its target is not. Where no policy meets C, J is infinite and there is no target."
    ),
)

CLAIMS = (
    I13,
    I13A,
)
