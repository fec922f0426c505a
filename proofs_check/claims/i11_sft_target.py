"""I.11, I.11a: the target of supervised fine-tuning is not the point mass on the right answer."""

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


def near_miss(game: LogLoss) -> list[Any]:
    """The right answer's weight one percent too large."""
    right, *others = amended(game)
    return oracles.normalised([mp.log(right) + mp.log(mp.mpf("1.01")), *map(mp.log, others)])


def answered(game: LogLoss) -> list[Any]:
    """The marginal of the best response to the library's target."""
    return oracles.normalised([oracles.log(p) + mp.log(m) for p, m in zip(game.nu_0, amended(game), strict=True)])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare J of the best response to the target with the least J, searched at 50 digits.

    Args:
        formula: The target of a game.
        rng: Source of randomness.

    Yields:
        One comparison per game; the least J is searched over the mass of the right answer at 50 digits.
    """
    for game in _instances(rng):
        weights = [oracles.number(p) * m for p, m in zip(game.nu_0, formula(game), strict=True)]
        yield _compared(game, weights[0] / mp.fsum(weights), "the best response to q = (1, 0, ...)")


def evidence_of_marginal(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare J of the policy whose marginal is the target with the least J, searched at 50 digits.

    Args:
        formula: The target of a game.
        rng: Source of randomness.

    Yields:
        One comparison per game.
    """
    for game in _instances(rng):
        yield _compared(game, formula(game)[0], "the policy with the marginal (1, 0, ...)")


def _compared(game: LogLoss, t: Any, policy: str) -> Evidence:
    star = game.right()
    other = Fraction(mp.nstr(star, 15)).limit_denominator(8)
    J, lower = game.objective(t), game.objective(oracles.number(other))
    words = (
        f"Take nu_0 = {oracles.as_text(game.nu_0)} and beta = {game.beta}, where the first answer is right. For "
        f"{policy} J = -beta log nu_0(0) = {mp.nstr(J, 3)}. But for nu(0) = {other}, with the other answers in the "
        f"ratios of nu_0, J = beta KL(nu || nu_0) - log {other} = {mp.nstr(lower, 3)}."
    )
    return Evidence(
        claimed=0.0,
        measured=float(J - game.objective(star)),
        relation="equal",
        tolerance=1e-14,
        instance={
            "R": "-log nu(0)",
            "nu_0": oracles.as_text(game.nu_0),
            "beta": str(game.beta),
            "nu(0)": mp.nstr(t, 8),
            "nu*(0)": mp.nstr(star, 8),
            "compared": "J minus min J",
        },
        size=oracles.complexity(game.nu_0, [game.beta]),
        sentence=words if t == 1 and lower < J else "",
    )


def _instances(rng: np.random.Generator) -> Iterator[LogLoss]:
    yield LogLoss([Fraction(1, 2)] * 2, Fraction(1))
    yield LogLoss([Fraction(1, 5)] * 5, Fraction(1))
    for _ in range(10):
        nu_0 = oracles.random_distribution(rng, int(rng.integers(2, 6)), 9)
        yield LogLoss(nu_0, Fraction(int(rng.integers(1, 30)), 10))


I11 = Claim(
    id="I.11",
    title="Target of supervised fine-tuning",
    whose="paper",
    place=(
        "section 2.4, Supervised Fine-Tuning; also the slides, Instantiations: One Game, Many Alignment Goals, SFT / "
        "RLVR"
    ),
    plain="If the goal is to match the right answer, the target is the point mass on the right answer.",
    statement=(
        "One interpretation of supervised fine-tuning is to match the Dirac distribution of the right answer g, by "
        "R(nu) = KL(delta_g || nu). The game is called trivial, with delta_g as the fixed target."
    ),
    printed="R(nu) = KL(delta_g || nu):  q*(z) = delta_g(z)",
    kind="equality",
    expected="false",
    readings=(
        Reading(
            supposes="the target is the q of Theorem 2.1, to which the policy responds by pi_0 q",
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss="The sabotage is the true target; any other point mass is further from it.",
            evidence=evidence,
        ),
        Reading(
            supposes="the target is the marginal that the policy is to match",
            expected="false",
            stated=stated,
            sabotage=answered,
            near_miss="The sabotage is the true marginal; any other point mass is further from it.",
            evidence=evidence_of_marginal,
        ),
    ),
    remark=(
        "R is finite inside the simplex, so that every answer keeps some mass for beta > 0. The Dirac is right for "
        "another R, the indicator of delta_g, and it is the limit as beta goes to 0. The qualification, one "
        "interpretation, is about fine-tuning and not about the game."
    ),
    amendment="I.11a",
)

I11A = Claim(
    id="I.11a",
    title="Target of the log-loss at equilibrium",
    whose="ours",
    place="repair of claim I.11",
    plain="The target favours the right answer by a finite factor, which increases as beta decreases.",
    statement=(
        "For R(nu) = -log nu(g) and nu_0 > 0 the equilibrium target is proportional to exp(1 / (beta nu*(g))) at g, "
        "and to 1 at every other answer."
    ),
    printed="q*(g) : q*(z) = exp(1 / (beta nu*(g))) : 1",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "u* = grad R(nu*) is -1 / nu*(g) at g and 0 elsewhere. Since nu*(g) <= 1, another answer has at most exp(-1 "
        "/ beta) of the right one's weight: the point mass is the limit of small beta."
    ),
)

CLAIMS = (I11, I11A)
