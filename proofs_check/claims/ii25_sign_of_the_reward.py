"""II.25: the sign of the Euclidean example's reward, against the gradient on the same slide."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Vector = list[Fraction]


def stated(beta: Fraction, q: Sequence[Fraction]) -> Vector:
    """The example's reward, beta (1 - q)."""
    return [beta * (1 - mass) for mass in q]


def near_miss(beta: Fraction, q: Sequence[Fraction]) -> Vector:
    """The reward beta (1 - 1.01 q)."""
    return [beta * (1 - Fraction(101, 100) * mass) for mass in q]


def opposite(beta: Fraction, q: Sequence[Fraction]) -> Vector:
    """The reward beta q."""
    return [beta * mass for mass in q]


def as_the_insight_has_it(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare differences of rewards with those of beta grad Phi, by exact difference quotients of Phi = |q|^2 / 2.

    Args:
        formula: The rewards, from beta and q.
        rng: Source of randomness.

    Yields:
        For some q the first two answers' difference; a constant that all answers share cancels in advantages.
    """
    yield from _compared(formula, 1, rng)


def as_the_game_has_it(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare differences of rewards with those of -s beta grad Phi at s = 1, by exact difference quotients.

    Args:
        formula: The rewards, from beta and q.
        rng: Source of randomness.

    Yields:
        For some q the first two answers' difference.
    """
    yield from _compared(formula, -1, rng)


def _compared(formula: Formula, sign: int, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare with sign beta grad Phi."""
    places = [[Fraction(1, 4), Fraction(3, 4)], *(oracles.random_distribution(rng, n, 9) for n in (2, 3, 4, 5))]
    for i, q in enumerate(places):
        beta = Fraction(i + 1, 1 + i // 2)
        slope = [beta * _slope(q, z) for z in (0, 1)]
        rewards = formula(beta, q)
        claimed, measured = rewards[1] - rewards[0], sign * (slope[1] - slope[0])
        instance = {"q": oracles.as_text(q), "beta": str(beta), "claimed": str(claimed), "from Phi": str(measured)}
        instance["compared"] = "reward of the second answer less that of the first"
        sentence = (
            f"Take beta = {beta} and q = {oracles.as_text(q)}. Phi = |q|^2 / 2 has the gradient q, so that beta grad "
            f"Phi rewards the second answer by {slope[1] - slope[0]} more than the first, but beta (1 - q) by "
            f"{claimed}."
        )
        size, sentence = oracles.complexity(q, [beta]), sentence if claimed != measured else ""
        yield Evidence(float(claimed), float(measured), "equal", 0.0, instance, size=size, sentence=sentence)


def _slope(q: Sequence[Fraction], z: int) -> Fraction:
    """Differentiate |q|^2 / 2 by a central difference, which is exact for a square."""

    def value(step: int) -> Fraction:
        return sum(((mass + step * (i == z)) ** 2 for i, mass in enumerate(q)), Fraction(0)) / 2

    return (value(1) - value(-1)) / 2


II25 = Claim(
    id="II.25",
    title="Sign of the Euclidean reward",
    whose="slides",
    place="Solution 1: Change the Geometry, Example compared with Key Insight",
    plain="The example rewards rare answers; the rule above it on the slide, read as it stands, rewards frequent ones.",
    statement=(
        "In the Euclidean game the reward is beta (1 - q(z)), up to a constant that all answers share. The rule on the "
        "same slide is R(z) = beta grad Phi(q)_z; the game of the backup slide has the term s beta grad Phi(q), which "
        "the policy minimises, with a sign s that is not defined."
    ),
    printed="R(z) = beta grad Phi(q)_z;   example: R(z) = beta (1 - q(z))",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the reward is -s beta grad Phi(q) of the backup slide's game, with s = 1 and Phi = |q|^2 / 2",
            expected="holds",
            stated=stated,
            sabotage=opposite,
            near_miss=near_miss,
            evidence=as_the_game_has_it,
        ),
        Reading(
            supposes="the reward is beta grad Phi(q) of the rule on the same slide, with Phi = |q|^2 / 2",
            expected="false",
            stated=stated,
            sabotage=opposite,
            near_miss="A sign has only two values: the sabotage is the other one.",
            evidence=as_the_insight_has_it,
        ),
    ),
    remark=(
        "The reward beta log q of the KL game is that of the rule with Phi = sum q log q, and corresponds to s = -1: "
        "the policy moves towards answers of large target mass. The reward 1 - q corresponds to s = 1: the policy "
        "moves away from frequent answers, as for diversity. Both are games of the backup slide; only the sign has to "
        "be given. With s = -1 the Euclidean reward is beta q."
    ),
)

CLAIMS = (II25,)
