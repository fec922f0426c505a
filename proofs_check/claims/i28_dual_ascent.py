"""I.28: for which steps the multiplier loop of safety converges."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dagames import AlignmentGame, CoupledGame
from dagames.functionals import Linear
from dagames.games.couplings import Budgets
from dagames.solvers import admissible_step
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading, Relation

Array = NDArray[np.float64]
OFFSET = 1e-6
ROUNDS = 400
"""Rounds near the equilibrium: one multiplies the distance by -.98 at .99 of the sharp step, by -1.02 at 1.01."""


@dataclass(frozen=True)
class Loop:
    """Dual ascent on one budget, with exact policy steps.

    Attributes:
        nu_0: Reference of one prompt.
        cost: Cost of each answer.
        budget: Largest expected cost, which the reference exceeds.
        beta: Weight of the divergence.
    """

    nu_0: Sequence[Fraction]
    cost: Sequence[Fraction]
    budget: Fraction
    beta: Fraction

    @cached_property
    def _numbers(self) -> tuple[Array, Array, float, float]:
        return np.array(self.nu_0, float), np.array(self.cost, float), float(self.budget), float(self.beta)

    def marginal(self, multiplier: float) -> Array:
        """Compute the best response to a multiplier, nu_0 exp(-multiplier cost / beta)."""
        nu_0, cost, _, beta = self._numbers
        weights = nu_0 * np.exp(-multiplier / beta * (cost - cost.min()))
        return np.asarray(weights / weights.sum())

    def step(self, multiplier: float, alpha: float) -> float:
        """Ascend once."""
        _, cost, budget, _ = self._numbers
        return max(0.0, multiplier + alpha * (float(self.marginal(multiplier) @ cost) - budget))

    def equilibrium(self) -> float:
        """Find the multiplier by bisection."""
        low, high = 0.0, 400.0
        for _ in range(70):
            middle = (low + high) / 2
            low, high = (middle, high) if self.step(middle, 1.0) > middle else (low, middle)
        return (low + high) / 2


class Steps(NamedTuple):
    """The steps below which the loop is claimed to converge, from everywhere and from nearby."""

    everywhere: float
    nearby: float


def stated(loop: Loop) -> Steps:
    """2 beta / sup |Cov| as the library bounds it, and 2 beta / Var_nu*(c)."""
    nu_0, n = [float(p) for p in loop.nu_0], len(loop.nu_0)
    prompts = AlignmentGame([nu_0], list(range(n)), Linear([0.0] * n), float(loop.beta))
    game = CoupledGame(prompts, Budgets([float(c) for c in loop.cost], float(loop.budget)))
    star, cost = loop.marginal(loop.equilibrium()), np.array(loop.cost, dtype=float)
    return Steps(admissible_step(game), 2 * float(loop.beta) / float(star @ (cost - star @ cost) ** 2))


def sabotage(loop: Loop) -> Steps:
    """Twice as long."""
    return Steps(*(2 * step for step in stated(loop)))


def near_miss(loop: Loop) -> Steps:
    """A fiftieth longer."""
    return Steps(*(1.02 * step for step in stated(loop)))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Run the loop just below both steps, and just above the sharp one.

    Args:
        formula: The two steps.
        rng: Source of randomness.

    Yields:
        At .99 of the first step, from several starts, the largest factor by which a round changes the distance to the
        multiplier, below 1; from a distance of 1e-6 the factor of 400 rounds, small at .99 of the second step and large
        at 1.01 of it.
    """
    for loop in _instances(rng):
        steps, star = formula(loop), loop.equilibrium()
        instance = {
            "nu_0": oracles.as_text(loop.nu_0),
            "c": oracles.as_text(loop.cost),
            "budget": str(loop.budget),
            "beta": str(loop.beta),
            "multiplier": round(star, 6),
        }
        size = oracles.complexity(loop.nu_0, loop.cost, [loop.budget, loop.beta])
        worst = max(_worst_factor(loop, 0.99 * steps.everywhere, star, start) for start in (0.0, star / 2, 3 * star))
        here = instance | {"compared": "largest factor of a round", "step": round(0.99 * steps.everywhere, 6)}
        yield Evidence(1 - 1e-6, worst, "at most", 0.0, here, size)
        checks: list[tuple[float, Relation, float]] = [(0.99, "at most", 1e-2), (1.01, "at least", 100.0)]
        for share, relation, bound in checks:
            point = star + OFFSET
            for _ in range(ROUNDS):
                point = loop.step(point, share * steps.nearby)
            here = instance | {"compared": f"factor of {ROUNDS} rounds at {share} of the sharp step"}
            yield Evidence(bound, abs(point - star) / OFFSET, relation, 0.0, here, size)


def _worst_factor(loop: Loop, alpha: float, star: float, start: float) -> float:
    point, worst = start, 0.0
    for _ in range(60):
        before = abs(point - star)
        if before < 1e-7 * max(1.0, star):
            break
        point = loop.step(point, alpha)
        worst = max(worst, abs(point - star) / before)
    return worst


def _instances(rng: np.random.Generator) -> Iterator[Loop]:
    half, zero, one = Fraction(1, 2), Fraction(0), Fraction(1)
    yield Loop([half, half], [zero, one], Fraction(1, 4), one)
    yield Loop([half, half], [zero, one], Fraction(49, 100), one)
    for i in range(25):
        n = 2 + i % 3
        cost = [zero, *(Fraction(int(c), 4) for c in rng.integers(0, 5, size=n - 2)), one]
        nu_0, beta = oracles.random_distribution(rng, n, 9), Fraction(int(rng.integers(1, 9)), 4)
        spent = sum((p * c for p, c in zip(nu_0, cost, strict=True)), zero)
        yield Loop(nu_0, cost, spent * Fraction(int(rng.integers(3, 10)), 10), beta)


def plot() -> Plot:
    """Follow the multiplier below and above the sharp step."""
    half = Fraction(1, 2)
    loop, lines = Loop([half, half], [Fraction(0), Fraction(1)], Fraction(1, 4), Fraction(1)), []
    star, sharp = loop.equilibrium(), stated(loop).nearby
    for share in (0.3, 0.95, 1.05):
        path = [star + 0.05]
        for _ in range(60):
            path.append(loop.step(path[-1], share * sharp))
        lines.append(Line(f"{share:g} of the sharp step", list(range(len(path))), path))
    lines.append(Line("equilibrium", [0, 60], [star, star], "bound"))
    caption = "Cost (0, 1), budget 1/4, nu_0 = (1/2, 1/2), beta = 1. Below 2 beta / Var it converges, above it cycles."
    return Plot("step", "multiplier", lines, caption)


I28 = Claim(
    id="I.28",
    title="Dual ascent on a safety budget",
    whose="ours",
    place="on the multiplier loop of the paper's appendix D.3 and algorithm 4, which set no condition on alpha",
    plain=(
        "The multipliers of safety training converge if their step is short enough, and otherwise oscillate for ever."
    ),
    statement=(
        "With exact policy steps the loop multiplier <- max(0, multiplier + alpha (E c - b)) converges from "
        "everywhere if alpha < 2 beta / sup |Cov_nu(c)|, which is 8 beta for one cost that ranges over [0, 1]. Near "
        "an equilibrium with the budget active it converges for alpha < 2 beta / Var_nu*(c) and not for larger alpha."
    ),
    printed="multiplier <- max(0, multiplier + alpha (E c - b)),  alpha < 2 beta / Var_nu*(c)",
    kind="convergence",
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
        "The dual is concave with second derivative -Var / beta, so that for steps below twice the inverse of its "
        "bound each round reduces the distance to the equilibrium. Near the equilibrium a round multiplies this "
        "distance by 1 - alpha Var / beta: by -1.02 at 1.01 times the sharp step. For larger steps the loop ends in a "
        "bounded cycle."
    ),
    plot=plot,
)

CLAIMS = (I28,)
