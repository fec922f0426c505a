"""I.42: the functional R of the entropy game is H if R is maximised, and -H in problem (1), which minimises R."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

SHIFT = mp.mpf(10) ** -20


def stated(nu: Sequence[Fraction], weight: Fraction) -> list[Any]:
    """The reward -lambda (log nu + 1)."""
    return [-oracles.number(weight) * (oracles.log(p) + 1) for p in nu]


def sabotage(nu: Sequence[Fraction], weight: Fraction) -> list[Any]:
    """The reward with the opposite sign."""
    return [-r for r in stated(nu, weight)]


def near_miss(nu: Sequence[Fraction], weight: Fraction) -> list[Any]:
    """The reward times 1.01."""
    return [mp.mpf("1.01") * r for r in stated(nu, weight)]


def evidence_minimised(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the derivative of -lambda H as mass moves from answer 1 to answer 0 with the difference of rewards.

    Args:
        formula: The reward of each answer, from nu and lambda.
        rng: Source of randomness.

    Yields:
        One comparison per marginal; the derivative is a finite difference at 50 digits.
    """
    yield from _slopes(formula, rng, -1)


def evidence_maximised(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the derivative of lambda H as mass moves from answer 1 to answer 0 with the difference of rewards.

    Args:
        formula: The reward of each answer, from nu and lambda.
        rng: Source of randomness.

    Yields:
        One comparison per marginal; the derivative is a finite difference at 50 digits.
    """
    yield from _slopes(formula, rng, 1)


def _slopes(formula: Formula, rng: np.random.Generator, sign: int) -> Iterator[Evidence]:
    for nu, weight in _instances(rng):
        rewards = formula(nu, weight)
        ends = [
            [oracles.number(p) + side * SHIFT * ((z == 0) - (z == 1)) for z, p in enumerate(nu)] for side in (1, -1)
        ]
        high, low = (-oracles.number(weight) * mp.fsum(p * mp.log(p) for p in end) for end in ends)
        slope = sign * (high - low) / (2 * SHIFT)
        yield Evidence(
            claimed=float(rewards[0] - rewards[1]),
            measured=float(slope),
            relation="equal",
            tolerance=1e-14,
            instance={
                "nu": oracles.as_text(nu),
                "R": f"{weight} H",
                "compared": "derivative of R from answer 1 to 0, difference of rewards",
            },
            size=oracles.complexity(nu, [weight]),
            sentence=(
                f"Take nu = {oracles.as_text(nu)} and R = {'' if weight == 1 else weight}H. The reward "
                f"{'' if weight == 1 else weight}(-log nu - 1) of answer 0 exceeds that of answer 1 by "
                f"{mp.nstr(rewards[0] - rewards[1], 3)}, and moving mass from answer 1 to answer 0 increases R at this "
                "rate. But problem (1) minimises R, so the mass has to move the other way."
                if sign < 0
                else ""
            ),
        )


def _instances(rng: np.random.Generator) -> Iterator[tuple[list[Fraction], Fraction]]:
    yield [Fraction(1, 3), Fraction(2, 3)], Fraction(1)
    for i in range(20):
        nu = oracles.random_distribution(rng, 2 + i % 3, 9)
        if nu[0] != nu[1]:
            yield nu, Fraction(int(rng.integers(1, 9)), 4)


I42 = Claim(
    id="I.42",
    title="Sign of the entropy functional",
    whose="paper",
    place="appendix C.2.1, the functional, compared with section 2.4, Diversity",
    plain="With the entropy as the functional, the framework rewards rare answers.",
    statement=(
        "In the framework the functional is set to the entropy, R(nu) = lambda H(nu). The gradient of R in the "
        "policy's parameters, written as a policy gradient, has the effective reward -(log nu + 1) for the maximum "
        "entropy objective."
    ),
    printed="R(nu) = lambda H(nu):  R(z) = -(log nu(z) + 1)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="R is the functional of problem (1), which is minimised, and lambda > 0",
            expected="false",
            stated=stated,
            sabotage=sabotage,
            near_miss="A sign has only two values; the sabotage is the other one.",
            evidence=evidence_minimised,
        ),
        Reading(
            supposes="R is maximised, as the name of the objective says",
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence_maximised,
        ),
    ),
    remark=(
        "Section 2.4 has R = -H for the same goal, and the printed reward is that of R = -H. In problem (1) R = H has "
        "the opposite effect: for nu_0 = (1/3, 2/3) and beta = 2, H + 2 KL is least at (1/5, 4/5), and -H + 2 KL at "
        "(.386, .614)."
    ),
    amendment="I.12a",
)

CLAIMS = (I42,)
