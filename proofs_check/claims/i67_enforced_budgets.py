"""I.67: whether the reported safety runs enforce budgets, and when the primal-dual loop leaves the reference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i34_reported_numbers import SAFETY, sweep

BUDGET = Fraction(1, 10)
"""Both budgets of the main run."""

ROUNDS = 5
"""Rounds of the primal-dual loop; a loop that does not move in the first round never moves."""

NAMES = {"mean": "harmful toxicity", "toxic": "harmful toxic"}


def all_of(budgets: int) -> int:
    """The number of all budgets."""
    return budgets


def all_but_one(budgets: int) -> int:
    """The number of all budgets but one."""
    return budgets - 1


def evidence_of_end(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Count the budgets that the last policy of the main run keeps.

    Args:
        formula: The claimed number, from the number of all budgets.
        rng: Not used.

    Yields:
        The number of budgets kept.
    """
    ends = [Fraction(SAFETY[name][0].split()[1]) for name in ("harmful toxicity", "benign refusal")]
    kept = sum(end < BUDGET for end in ends)
    text = (
        f"The main run ends at a mean toxicity of {float(ends[0]):.4f} and a benign refusal rate of"
        f" {float(ends[1]):.3f}. Both budgets are .10."
    )
    here = {"compared": "budgets that the main run keeps at its end"}
    yield Evidence(float(formula(len(ends))), float(kept), "equal", 0.0, here, 1, sentence=text)


def evidence_by_mean(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Of the rows of table 5 whose budget is below the base model's mean toxicity, count those that end within it.

    Args:
        formula: The claimed number that ends within the budget, from the number that begins above it.
        rng: Not used.

    Yields:
        The number of rows that end within the budget.
    """
    yield _enforced(formula, "mean")


def evidence_by_rate(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Of the rows of table 5 whose budget is below the base model's toxic rate, count those that end within it.

    Args:
        formula: The claimed number that ends within the budget, from the number that begins above it.
        rng: Not used.

    Yields:
        The number of rows that end within the budget.
    """
    yield _enforced(formula, "toxic")


def _enforced(formula: Formula, measure: str) -> Evidence:
    base = Fraction(SAFETY[NAMES[measure]][0].split()[0])
    broken = [row for row in sweep() if base > row.budget]
    kept = sum(getattr(row, measure) <= row.budget for row in broken)
    name = {"mean": "mean toxicity", "toxic": "toxic rate"}[measure]
    ends = ", ".join(f"{float(getattr(row, measure)):.4f} at the budget {float(row.budget):.2f}" for row in broken)
    budgets = " and ".join(f"{budget:.2f}" for budget in sorted({float(row.budget) for row in broken}))
    text = (
        f"Before training the {name} is {float(base):.4f}. Of the budgets .05, .10 and .20 this exceeds {budgets}. The "
        f"{name} ends at {ends}."
    )
    here = {
        "base": f"{float(base):.4f}",
        "compared": f"rows that begin above their budget and end within it, by the {name}",
    }
    return Evidence(float(formula(len(broken))), float(kept), "equal", 0.0, here, 1, sentence=text)


@dataclass(frozen=True)
class Constrained:
    """Costs with budgets, and the step of the dual ascent.

    Attributes:
        nu_0: Reference.
        costs: Cost of each answer for each constraint.
        budgets: One for each constraint.
        beta: Weight of the divergence.
        step: Length of a dual step.
    """

    nu_0: Sequence[Fraction]
    costs: Sequence[Sequence[Fraction]]
    budgets: Sequence[Fraction]
    beta: Fraction
    step: Fraction

    def expected(self) -> list[Fraction]:
        """Compute the expected costs of the reference, exactly."""
        return [sum((p * c for p, c in zip(self.nu_0, row, strict=True)), Fraction(0)) for row in self.costs]

    def multipliers(self) -> list[Any]:
        """Run the loop with the best policy at each step; exact as long as all multipliers are 0."""
        found: list[Any] = [Fraction(0)] * len(self.budgets)
        for _ in range(ROUNDS):
            if not any(found):
                means: list[Any] = list(self.expected())
            else:
                penalties = [
                    mp.fsum(m * oracles.number(c) for m, c in zip(found, column, strict=True))
                    for column in zip(*self.costs, strict=True)
                ]
                nu = oracles.normalised([
                    oracles.log(p) - cost / oracles.number(self.beta)
                    for p, cost in zip(self.nu_0, penalties, strict=True)
                ])
                means = [mp.fsum(p * oracles.number(c) for p, c in zip(nu, row, strict=True)) for row in self.costs]
            if not any(found) and all(mean <= budget for mean, budget in zip(means, self.budgets, strict=True)):
                continue
            found = [
                max(mp.mpf(0), oracles.number(m) + oracles.number(self.step) * (oracles.number(c) - oracles.number(b)))
                for m, c, b in zip(found, means, self.budgets, strict=True)
            ]
        return found


def stated(game: Constrained) -> bool:
    """Whether the reference breaks a budget."""
    return any(mean > budget for mean, budget in zip(game.expected(), game.budgets, strict=True))


def sabotage(game: Constrained) -> bool:
    """Whether an expected cost of the reference is positive."""
    return any(mean > 0 for mean in game.expected())


def near_miss(game: Constrained) -> bool:
    """Whether the reference exceeds 99 % of a budget."""
    return any(mean > Fraction(99, 100) * budget for mean, budget in zip(game.expected(), game.budgets, strict=True))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Run the loop, which alternates the best policy for the multipliers and a step of the multipliers.

    Args:
        formula: Whether the loop ever leaves the reference.
        rng: Source of randomness.

    Yields:
        Whether a multiplier was ever positive, with budgets above, at and below the costs of the reference.
    """
    for game in _instances(rng):
        moved = any(value > 0 for value in game.multipliers())
        costs = "; ".join(oracles.as_text(row) for row in game.costs)
        here = {"nu_0": oracles.as_text(game.nu_0), "costs": costs, "budgets": oracles.as_text(game.budgets)}
        text = (
            f"Take nu_0 = {here['nu_0']}, costs {costs} and budgets {here['budgets']}. The expected costs of the "
            f"reference are {oracles.as_text(game.expected())}, so that the multipliers "
            f"{'rise' if moved else 'stay 0'}."
        )
        size = oracles.complexity(game.nu_0, game.budgets)
        here["compared"] = "whether the loop leaves the reference"
        yield Evidence(float(formula(game)), float(moved), "equal", 0.0, here, size, sentence=text)


def _instances(rng: np.random.Generator) -> Iterator[Constrained]:
    half, zero, one = Fraction(1, 2), Fraction(0), Fraction(1)
    for budget in (half, Fraction(499, 1000), Fraction(501, 1000)):
        yield Constrained([half, half], [[zero, one]], [budget], one, one)
    for i in range(24):
        n, m = 2 + i % 3, 1 + i % 2
        nu_0 = oracles.random_distribution(rng, n, 9)
        costs = [[Fraction(int(c), 10) for c in rng.integers(0, 11, size=n)] for _ in range(m)]
        game = Constrained(nu_0, costs, [one] * m, Fraction(int(rng.integers(1, 9)), 4), Fraction(1, 2))
        factors = [(1, 1), (2, 1), (1001, 1000), (999, 1000)][i % 4]
        budgets = [mean * Fraction(*factors) for mean in game.expected()]
        yield Constrained(nu_0, costs, budgets, game.beta, game.step)


I67 = Claim(
    id="I.67",
    title="Safety budgets enforced",
    whose="paper",
    place="Section 5.3, Safety, and Table 3; also the slides, Safety Extension: Safety-GRPO",
    plain="The primal-dual update enforces the safety budgets.",
    statement=(
        "With budgets of .10 for harmful toxicity and for benign refusal the primal-dual update enforces both budgets, "
        "as theory predicts: there is less toxicity, and benign prompts are still answered. The slides give no budget."
    ),
    printed="budgets 0.10, 0.10:  toxicity 0.0733 -> 0.0677,  benign refusal 0.000 -> 0.010",
    kind="arithmetic",
    expected="depends",
    readings=(
        Reading(
            supposes="a budget is enforced if the trained policy keeps it",
            expected="holds",
            stated=all_of,
            sabotage=all_but_one,
            near_miss="The claim is a number of budgets; the next number is the sabotage.",
            evidence=evidence_of_end,
        ),
        Reading(
            supposes="a budget is enforced if the base model breaks it and the trained model does not, by the mean",
            expected="false",
            stated=all_of,
            sabotage=all_but_one,
            near_miss=(
                "There is one such budget, which the run either keeps or breaks; the sabotage is the true number."
            ),
            evidence=evidence_by_mean,
        ),
        Reading(
            supposes=(
                "a budget is enforced if the base model breaks it and the trained model does not, by the toxic rate"
            ),
            expected="holds",
            stated=all_of,
            sabotage=all_but_one,
            near_miss="There is one such budget; the next number of runs is the sabotage.",
            evidence=evidence_by_rate,
        ),
    ),
    remark=(
        "The base model already keeps both budgets of the main run: its toxicity is .0733, and it refuses no benign "
        "prompt. Nothing has to be enforced, and an exact loop would not leave the reference (claim I.67a). In the "
        "sweep of Appendix H only the budget .05 is below the toxicity of the base model."
    ),
    amendment="I.67a",
)

I67A = Claim(
    id="I.67a",
    title="When the primal-dual loop moves",
    whose="ours",
    place="repair of claim I.67",
    plain="If the reference keeps all budgets, the exact primal-dual loop does not leave the reference.",
    statement=(
        "Started at lambda = 0 and pi = pi_0, with exact expectations and the best policy for lambda, Algorithm 4 "
        "leaves pi_0 if and only if E_pi_0 c > b for a constraint. If pi_0 keeps all budgets, with equality or not, "
        "lambda stays 0."
    ),
    printed="lambda <- max(0, lambda + alpha (E c - b)):  lambda = 0 for ever iff E_pi_0 c <= b",
    kind="existence",
    expected="holds",
    readings=(Reading(expected="holds", stated=stated, sabotage=sabotage, near_miss=near_miss, evidence=evidence),),
    remark=(
        "At lambda = 0 the reward is 0 and the best policy is pi_0; the next lambda is then max(0, alpha (E c - b)). "
        "With a mean over a batch lambda may rise by chance, and falls again. So a run whose reference keeps the "
        "budgets does not test the loop; a run with budgets below the costs of the reference would."
    ),
)

CLAIMS = (I67, I67A)
