"""I.11: the target of supervised fine-tuning is not the point mass on the right answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames import AlignmentGame, solve
from dagames.functionals import LogScore
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class LogLoss:
    """The game of R(nu) = KL(delta_g || nu) = -log nu(g), with one trace per answer and g = 0.

    Attributes:
        nu_0: Reference, positive.
        beta: Weight of the divergence.
    """

    nu_0: Sequence[Fraction]
    beta: Fraction

    def objective(self, t: Any) -> Any:
        """Compute the least J of a policy with mass t on the right answer, the others' ratios being the reference's."""
        p, b = oracles.number(self.nu_0[0]), oracles.number(self.beta)
        divergence = mp.fsum(a * mp.log(a / c) for a, c in ((t, p), (1 - t, 1 - p)) if a > 0)
        return b * divergence - mp.log(t) if t > 0 else mp.inf

    def right(self) -> Any:
        """Search nu*(g)."""
        return oracles.by_thirds(self.objective)


def stated(game: LogLoss) -> list[Any]:
    """The point mass on the right answer."""
    return [mp.mpf(int(z == 0)) for z in range(len(game.nu_0))]


def amended(game: LogLoss) -> list[Any]:
    """The weight exp(1 / (beta nu*(g))) for the right answer and 1 for the others, nu* being the library's."""
    nu_0 = [float(p) for p in game.nu_0]
    solution = solve(AlignmentGame(nu_0, list(range(len(nu_0))), LogScore(0), float(game.beta)))
    slope = 1 / (oracles.number(game.beta) * mp.mpf(float(solution.nu[0])))
    return oracles.normalised([slope, *[mp.mpf(0)] * (len(nu_0) - 1)])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Measure by how much the policy that answers the target misses the least J.

    Args:
        formula: The target of a game.
        rng: Source of randomness.

    Yields:
        One comparison per game; the least J is searched over the mass of the right answer at 50 digits.
    """
    for game in _instances(rng):
        q = formula(game)
        weights = [oracles.number(p) * m for p, m in zip(game.nu_0, q, strict=True)]
        t, star = weights[0] / mp.fsum(weights), game.right()
        yield Evidence(
            claimed=0.0,
            measured=float(game.objective(t) - game.objective(star)),
            relation="equal",
            tolerance=1e-14,
            instance={
                "R": "-log nu(0)",
                "nu_0": oracles.as_text(game.nu_0),
                "beta": str(game.beta),
                "q(0)": mp.nstr(q[0], 8),
                "nu(0) of the answer to q": mp.nstr(t, 8),
                "nu*(0)": mp.nstr(star, 8),
                "compared": "J of the answer to q, less min J",
            },
            size=oracles.complexity(game.nu_0, [game.beta]),
        )


def _instances(rng: np.random.Generator) -> Iterator[LogLoss]:
    yield LogLoss([Fraction(1, 2)] * 2, Fraction(1))
    yield LogLoss([Fraction(1, 5)] * 5, Fraction(1))
    for _ in range(25):
        nu_0 = oracles.random_distribution(rng, int(rng.integers(2, 6)), 9)
        yield LogLoss(nu_0, Fraction(int(rng.integers(1, 30)), 10))


I11 = Claim(
    id="I.11",
    title="Target of supervised fine-tuning",
    whose="paper",
    place="paper, section 2.4, Supervised Fine-Tuning; slides, instantiations",
    statement=("For R(nu) = KL(delta_g || nu) the equilibrium target is the point mass delta_g on the right answer."),
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
        "The answer to a point mass is a point mass, with J = -beta log nu_0(g). With nu_0 = (1/2, 1/2), beta = 1 "
        "that is log 2 = .693, while nu = (3/4, 1/4) has J = .418. The point mass is the target of the indicator of"
        " delta_g, and the limit as beta goes to 0."
    ),
    amendment="I.11a",
)

I11A = Claim(
    id="I.11a",
    title="Target of supervised fine-tuning at equilibrium",
    whose="ours",
    place="amendment of claim I.11",
    statement=(
        "For R(nu) = -log nu(g) the equilibrium target has q*(g) proportional to exp(1 / (beta nu*(g))), and 1 for "
        "every other answer."
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
        "u* = grad R(nu*) is -1 / nu*(g) at g and 0 elsewhere. As nu*(g) <= 1, another answer has at most exp(-1 / "
        "beta) of the right one's weight: the point mass is the limit of small beta."
    ),
)

CLAIMS = (
    I11,
    I11A,
)
