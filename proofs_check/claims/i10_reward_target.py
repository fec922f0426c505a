"""I.10: maximising a reward has the target exp(r / beta)."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames import AlignmentGame, solve
from dagames.functionals import Linear
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(game: oracles.LinearGame) -> list[Any]:
    """The target proportional to exp(r / beta)."""
    return oracles.normalised([oracles.number(r / game.beta) for r in game.rewards])


def sabotage(game: oracles.LinearGame) -> list[Any]:
    """Forget beta."""
    return oracles.normalised([oracles.number(r) for r in game.rewards])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Measure what the target and the policy that answers it lose against the game's value.

    Args:
        formula: The target of a game.
        rng: Source of randomness.

    Yields:
        Both losses at 50 digits, by J, G and the value in closed form; and the distance from the library's target.
    """
    for game in _instances(rng):
        q = formula(game)
        b = oracles.number(game.beta)
        u = [-b * mp.log(p) for p in q]
        conjugate = max(v + oracles.number(r) for v, r in zip(u, game.rewards, strict=True))
        bound = -b * mp.log(mp.fsum(oracles.number(p) * m for p, m in zip(game.nu_0, q, strict=True))) - conjugate
        answer = oracles.normalised([oracles.log(p) + mp.log(m) for p, m in zip(game.nu_0, q, strict=True)])
        reward = mp.fsum(p * oracles.number(r) for p, r in zip(answer, game.rewards, strict=True))
        divergence = mp.fsum(p * (mp.log(p) - oracles.log(m)) for p, m in zip(answer, game.nu_0, strict=True))
        library = solve(
            AlignmentGame(
                [float(p) for p in game.nu_0],
                list(range(len(q))),
                Linear([float(r) for r in game.rewards]),
                float(game.beta),
            )
        ).q
        measures = {
            "value less the target's bound": (game.value() - bound, 1e-40),
            "J of the answer less value": (b * divergence - reward - game.value(), 1e-40),
            "distance from the library's q": (max(abs(p - float(m)) for p, m in zip(q, library, strict=True)), 1e-12),
        }
        for name, (loss, tolerance) in measures.items():
            yield Evidence(
                claimed=0.0,
                measured=float(loss),
                relation="equal",
                tolerance=tolerance,
                instance={
                    "r": oracles.as_text(game.rewards),
                    "nu_0": oracles.as_text(game.nu_0),
                    "beta": str(game.beta),
                    "compared": name,
                },
                size=oracles.complexity(game.nu_0, game.rewards, [game.beta]),
            )


def _instances(rng: np.random.Generator) -> Iterator[oracles.LinearGame]:
    half = Fraction(1, 2)
    yield oracles.LinearGame([half, half], [Fraction(0), Fraction(1)], Fraction(2))
    for i in range(40):
        n = 1 + i % 5
        rewards = [Fraction(int(r), 10) for r in rng.integers(-20, 21, size=n)]
        yield oracles.LinearGame(
            oracles.random_distribution(rng, n, 9), rewards, Fraction(int(rng.integers(1, 30)), 10)
        )


I10 = Claim(
    id="I.10",
    title="Target of a reward",
    whose="paper",
    place="paper, section 2.4, Standard RL",
    statement=("For R(nu) = -<r, nu> the equilibrium target is proportional to exp(r / beta), whatever the reference."),
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
        "The slope of R is -r everywhere, so u* = -r up to a constant. Against a verified answer, r = 1 there and 0"
        " elsewhere, q* is exp(1 / beta) to 1 and no point mass."
    ),
)

CLAIMS = (I10,)
