"""I.13b: the reward that follows from the projection on the constraints."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i13_safety_target import Budget, instance, instances, optimal, setting, size, text

Reward = Callable[[Budget, Sequence[Any], Any], list[Any]]


def penalty(game: Budget, nu: Sequence[Any], rate: Any) -> list[Any]:  # noqa: ARG001 - the marginal drops out
    """The reward -lambda c."""
    return [-rate * c for c in game.costs()]


def penalty_near(game: Budget, nu: Sequence[Any], rate: Any) -> list[Any]:
    """A multiplier one percent too large."""
    return [mp.mpf("1.01") * r for r in penalty(game, nu, rate)]


def logarithm(game: Budget, nu: Sequence[Any], rate: Any) -> list[Any]:
    """The reward log nu - lambda c."""
    return [mp.log(p) + r for p, r in zip(nu, penalty(game, nu, rate), strict=True)]


def evidence_of_substitution(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Take the logarithm of the projected marginal, and compare it with the reward up to a constant.

    Args:
        formula: The reward, from the game, the policy's marginal and the multiplier of its projection.
        rng: Source of randomness.

    Yields:
        One comparison per game at 50 digits, the policy being the reference.
    """
    for game in instances(rng):
        nu = [oracles.number(p) for p in game.nu_0]
        q, reward = game.projection(nu), formula(game, nu, game.multiplier(nu))
        apart = [mp.log(m) - r for m, r in zip(q, reward, strict=True)]
        logs = [mp.log(m) for m in q]
        gap = mp.chop(logs[-1] - logs[0], mp.mpf("1e-30"))
        yield Evidence(
            claimed=0.0,
            measured=float(max(apart) - min(apart)),
            relation="equal",
            tolerance=1e-40,
            instance=instance(game) | {"q": text(q), "reward": text(reward), "compared": "log q - reward, range"},
            size=size(game),
            sentence=(
                f"{setting(game)} At the reference q = {text(q)} and log q = {text(logs)}, whose entries differ by"
                f" {mp.nstr(gap, 3)}. The reward is {text(reward)}, whose"
                " entries differ by"
                f" {mp.nstr(reward[-1] - reward[0], 3)}."
            ),
        )


def evidence_of_penalty(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Find the policy that is best for the reward minus beta KL, and check that it solves the constrained problem.

    Args:
        formula: The reward, from the game, the reference's marginal and the multiplier, in units of beta.
        rng: Source of randomness.

    Yields:
        By how much the expected cost is above the budget, and KL(nu || nu_0) above its least value on the constraint,
        a bound by convexity at the constraint's vertices; at 50 digits.
    """
    for game in instances(rng):
        nu, b = [oracles.number(p) for p in game.nu_0], oracles.number(game.beta)
        reward = formula(game, nu, b * game.multiplier(nu))
        best = oracles.normalised([mp.log(p) + r / b for p, r in zip(nu, reward, strict=True)])
        yield from optimal(game, best, "of the policy best for the reward")


I13B = Claim(
    id="I.13b",
    title="Reward of safety",
    whose="paper",
    place="appendix D.3, eq. 14",
    plain="The reward that follows from the safe target is the negative cost, times a multiplier.",
    statement=(
        "For linear constraints E c <= b the projection is nu_pi exp(-lambda c), normalised. Substituted in the "
        "reward log q*, it gives the effective reward -lambda c of a trace."
    ),
    printed="q* ~ nu_pi exp(-lambda c),  R = log q*:  R_safe = -lambda c",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the reward is the result of the substitution, up to a constant",
            expected="false",
            stated=penalty,
            sabotage=logarithm,
            near_miss="The sabotage is the true formula; no multiple of the cost gives log nu_pi.",
            evidence=evidence_of_substitution,
        ),
        Reading(
            supposes="the reward is one with which the policy step solves the constrained problem",
            expected="holds",
            stated=penalty,
            sabotage=logarithm,
            near_miss=penalty_near,
            evidence=evidence_of_penalty,
        ),
    ),
    remark=(
        "The substitution also leaves log nu_pi, which is a constant only if nu_pi is uniform. The reward is "
        "nevertheless right: it is beta log q* of the game's target nu* / nu_0 (claim I.13a), where lambda are the "
        "multipliers of the constraints. So the algorithm is right although the description of its target is not."
    ),
    amendment="I.13a",
)

CLAIMS = (I13B,)
