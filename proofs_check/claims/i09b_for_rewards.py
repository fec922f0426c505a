"""I.9b: for rewards the gap of the mean plays first falls like 1 / t, and later like 1 / sqrt(t)."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.rates import fit_rate
from proofs_check.two_learners import Duel


class Rates(NamedTuple):
    """The claimed gap of a duel in early rounds, and the claimed limit of sqrt(t) times its gap."""

    early: float
    late: float


def two_rates(duel: Duel, t: int) -> Rates:
    """With x = nu_0(0) / t: the primal's loss beta (x log(x / nu*(0)) - x + nu*(0)); and 2 m |1 - 2 m|."""
    x, star = (1 - duel.better) / t, duel.star
    m = min(star, 1 - star)
    return Rates(duel.beta * (x * math.log(x / star) - x + star), 2 * m * (1 - 2 * m))


def one_rate(duel: Duel, t: int) -> Rates:
    """The later rate in all rounds."""
    late = two_rates(duel, t).late
    return Rates(late / math.sqrt(t), late)


def near_rates(duel: Duel, t: int) -> Rates:
    """A limit that is 5 % larger."""
    rates = two_rates(duel, t)
    return Rates(rates.early, 1.05 * rates.late)


FAR = tuple(2**k for k in range(14, 18))
EARLY = (256, 512, 1024, 2048)


def evidence_of_two_rates(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Follow duels for beta from 1/50 to 1/2, up to round 2048 or 131072, and compare their gaps with both laws.

    Args:
        formula: Both laws, for a duel and a round.
        rng: Not used: the duels are given.

    Yields:
        For beta of 1/2, 3/10, 1/5 and 3/20 sqrt(t) times the gap at round 131072, to 3 % of the limit; for 1/20 and
        1/50 the gap at rounds 256 and 1024, to 1 %; and the fitted exponents.
    """
    del rng
    for policy in ("best_response", "mw"):
        for beta in (0.5, 0.3, 0.2, 0.15):
            duel = Duel(beta, policy)
            seen = duel.run(FAR)
            gaps = [duel.gap(seen[t]) for t in FAR]
            late = formula(duel, FAR[-1]).late
            turn = (1 - duel.better) ** 2 / two_rates(duel, 1).late ** 2
            instance = duel.described | fit_rate(FAR, gaps, -0.5).as_instance()
            here = instance | {"compared": "sqrt(t) times the gap", "round": FAR[-1], "t_2": f"{turn:.3g}"}
            yield Evidence(late, math.sqrt(FAR[-1]) * gaps[-1], "equal", 0.03 * late, here, 4, noted=True)
        for beta in (0.05, 0.02):
            duel = Duel(beta, policy)
            seen = duel.run(EARLY)
            gaps = [duel.gap(seen[t]) for t in EARLY]
            instance = duel.described | fit_rate(EARLY, gaps, -1.0).as_instance()
            for t, gap in zip(EARLY[::2], gaps[::2], strict=True):
                early = formula(duel, t).early
                here = instance | {"compared": "gap", "round": t, "t_1": f"{first_turn(duel):.3g}"}
                yield Evidence(early, gap, "equal", 0.01 * early, here, 5, noted=True)


def first_turn(duel: Duel) -> float:
    """Compute t_1 = nu_0(0) / nu_2(0), when the other plays contribute as much as the first, for a best response.

    In the first round R* has a kink, at which the target answers with answer 0, and d moves to sqrt(2) nu_0(1).

    Args:
        duel: The game.

    Returns:
        The number of rounds.
    """
    odds = duel.better / (1 - duel.better) * math.exp((1 - math.sqrt(2) * duel.better) / duel.beta)
    return (1 - duel.better) * (1 + odds)


I9B = Claim(
    id="I.9b",
    title="No-regret play for rewards has two rates",
    whose="ours",
    place="on claim I.9",
    plain=(
        "For rewards the gap of the averages first decreases like one over T, as the error of the first play is "
        "averaged out, and later like one over the root of T; for a small beta the first phase is longer than any run."
    ),
    statement=(
        "Take R = -nu(1) on two answers, nu_0 = (.8, .2), and the learners of I.9. With m = min(nu*(0), nu*(1)), "
        "sqrt(t) times the gap of the average plays tends to 2 m (1 - 2 m); this law holds from t_2 = nu_0(0)^2 / (2 "
        "m (1 - 2 m))^2 on, about exp(2 / beta). For t far below t_1 = nu_0(0) / nu_2(0), about exp((1 - sqrt(2) "
        "nu_0(1)) / beta), the gap is beta (x log(x / nu*(0)) - x + nu*(0)) with x = nu_0(0) / t, which has an "
        "exponent slightly below -1."
    ),
    printed=(
        "gap ~ 2 m (1 - 2 m) / sqrt(t)  for t >> t_2\n"
        "gap ~ beta (x log(x / nu*(0)) - x + nu*(0)), x = nu_0(0) / t,  for t << t_1"
    ),
    kind="rate",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=two_rates,
            sabotage=one_rate,
            near_miss=near_rates,
            evidence=evidence_of_two_rates,
        ),
    ),
    remark=(
        "Near the equilibrium d = u(1) - u(0) + 1 alternates across the kink of R*, with steps of 2 nu*(1) / sqrt(t) "
        "upwards and 2 nu*(0) / sqrt(t) downwards. So d is evenly distributed over an interval about 0 whose midpoint "
        "is off by (2 nu*(1) - 1) / sqrt(t); the dual loss is m times that. For a small beta m is about exp(-1 / "
        "beta), and nu* is so near a corner that J decreases linearly in the first play's share 1 / t of the average. "
        "With nu_0 = (.8, .2) the exponents over rounds 256 to 2048 are about -1/2 for beta of .3 and more, and -.9 "
        "to -1.1 for .1 and less; t_2 is 15 at beta = 1/2, 259 at 1/5 and 4.9e6 at 1/10. Between t_1 and t_2 "
        "exponents from -1.3 to -.5 were observed. Not known are a law between t_1 and t_2, the rate at which the "
        "limit is reached, and t_1 and t_2 for more than two answers. Follow-the-leader avoids both phases for "
        "rewards: it plays u* at once."
    ),
)

CLAIMS = (I9B,)
