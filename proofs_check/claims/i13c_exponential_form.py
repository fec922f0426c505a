"""I.13c: the exponential form of the projection on the constraints."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i13_safety_target import Budget, instance, instances, optimal, size, tilted


def exponential(game: Budget, nu: Sequence[Any]) -> list[Any]:
    """The distribution proportional to nu exp(-lambda c), with lambda from a bisection on the budget."""
    return game.projection(nu)


def exponential_near(game: Budget, nu: Sequence[Any]) -> list[Any]:
    """The same with nu to the power of 1.01."""
    rate = game.multiplier(nu)
    return tilted([mp.exp(mp.mpf("1.01") * mp.log(p)) for p in nu], rate, game.costs()) if rate else list(nu)


def linear(game: Budget, nu: Sequence[Any]) -> list[Any]:
    """The distribution proportional to the positive part of nu (1 - lambda c), with lambda = 1."""
    weights = [p * max(1 - c, mp.mpf("1e-30")) for p, c in zip(nu, game.costs(), strict=True)]
    return [w / mp.fsum(weights) for w in weights]


def restricted(game: Budget, nu: Sequence[Any]) -> list[Any]:
    """The distribution nu restricted to the answers without cost, the limit of large multipliers."""
    weights = [p if c == 0 else mp.mpf(0) for p, c in zip(nu, game.costs(), strict=True)]
    return [w / mp.fsum(weights) for w in weights]


def evidence_of_form(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Check that the distribution meets the budget, and that no other one that does is nearer to nu.

    Args:
        formula: The projection, from the game and a marginal.
        rng: Source of randomness.

    Yields:
        By how much the expected cost is above the budget, and KL(q || nu) above its least value on the constraint,
        a bound by convexity at the constraint's vertices; at 50 digits. The budgets can be met with room.
    """
    for game in instances(rng):
        yield from optimal(game, formula(game, [oracles.number(p) for p in game.nu_0]), "of the projection")


def evidence_of_form_anywhere(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Check that the distribution meets a budget of 0, which one answer without cost does.

    Args:
        formula: The projection, from the game and a marginal.
        rng: Source of randomness.

    Yields:
        The expected cost at 50 digits, with a multiplier of 200.
    """
    half = Fraction(1, 2)
    laws = [[half, half], *(oracles.random_distribution(rng, 2, 9) for _ in range(5))]
    for nu_0 in laws:
        game = Budget(nu_0, [Fraction(0), Fraction(1)], Fraction(0), Fraction(1))
        q = formula(game, [oracles.number(p) for p in nu_0])
        yield Evidence(
            claimed=0.0,
            measured=float(mp.fdot(q, game.costs())),
            relation="at most",
            tolerance=0.0,  # exact at 50 digits
            instance=instance(game) | {"compared": "expected cost"},
            size=size(game),
            sentence=(
                f"Take nu = {oracles.as_text(nu_0)} and the constraint nu(1) <= 0. The nearest distribution that "
                f"meets it is (1, 0). But nu exp(-lambda c) has the odds {nu_0[1] / nu_0[0]} exp(-lambda) for answer "
                "1: positive for each finite lambda."
                if q[1] > 0
                else ""
            ),
        )


I13C = Claim(
    id="I.13c",
    title="Exponential form of the projection",
    whose="paper",
    place="appendix D.3, the display before eq. 14",
    plain=(
        "The nearest safe distribution is the policy's marginal, with each answer's mass multiplied by an exponential "
        "of its negative cost."
    ),
    statement=(
        "For linear constraints E c <= b the information projection of nu_pi has the exponential form nu_pi "
        "exp(-lambda c), normalised, with multipliers lambda >= 0."
    ),
    printed="q*(z) ~ nu_pi(z) exp(-lambda c(z)),  lambda in R_{>= 0}^d",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="some distribution with the support of nu_pi meets the constraints",
            expected="holds",
            stated=exponential,
            sabotage=linear,
            near_miss=exponential_near,
            evidence=evidence_of_form,
        ),
        Reading(
            supposes="the constraints are any that can be met",
            expected="false",
            stated=exponential,
            sabotage=restricted,
            near_miss=(
                "The formula states whether a mass is 0, which has no near miss; the sabotage has the limit of large "
                "lambda."
            ),
            evidence=evidence_of_form_anywhere,
        ),
    ),
    remark=(
        "If only distributions on a face of the simplex meet the constraints, the multiplier is infinite. A budget of "
        "exactly no cost is such a case."
    ),
)

CLAIMS = (I13C,)
