"""I.10, I.10a: a reward r has the target exp(r / beta), which is unique if every answer has mass."""

from collections.abc import Iterator, Sequence
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


def near_miss(game: oracles.LinearGame) -> list[Any]:
    """Use a beta that is one percent larger."""
    return oracles.normalised([oracles.number(r / game.beta * Fraction(100, 101)) for r in game.rewards])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Measure the losses of the target, and of the best response to it, against the game's value.

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
            "value minus the target's bound": (game.value() - bound, 1e-40),
            "J of the best response minus value": (b * divergence - reward - game.value(), 1e-40),
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


def least_loss(nu: Sequence[Fraction], spread: Fraction) -> Fraction:
    """The rarest answer's mass times the spread of u + r."""
    return min(nu) * spread


def least_loss_times_answers(nu: Sequence[Fraction], spread: Fraction) -> Fraction:
    """The mean mass of an answer times the spread."""
    return Fraction(1, len(nu)) * spread


def least_loss_near(nu: Sequence[Fraction], spread: Fraction) -> Fraction:
    """One percent more than the least loss."""
    return Fraction(101, 100) * min(nu) * spread


def positive(nu: Sequence[Fraction], spread: Fraction) -> Fraction:  # noqa: ARG001 - whatever the marginal
    """A billionth of the spread."""
    return spread / 10**9


def evidence_inside(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate dual variables other than -r, and compute their exact losses against R(nu), with mass on every answer.

    Args:
        formula: The least loss, from the marginal and the largest difference between two entries of u + r.
        rng: Source of randomness.

    Yields:
        One comparison per marginal, at the dual variable that loses least.
    """
    for i in range(30):
        nu = oracles.random_distribution(rng, 2 + i % 3, 9)
        yield _single(formula, nu, [Fraction(int(r), 2) for r in rng.integers(-4, 5, size=len(nu))])


def evidence_anywhere(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate dual variables other than -r, and compute their exact losses against R(nu), also for answers of mass 0.

    Args:
        formula: The least loss, from the marginal and the largest difference between two entries of u + r.
        rng: Source of randomness.

    Yields:
        One comparison per marginal, at the dual variable that loses least.
    """
    yield _single(formula, [Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)])
    for i in range(20):
        nu = oracles.random_distribution(rng, 2 + i % 2, 9)
        nu = [*nu, Fraction(0)] if i % 4 else nu
        yield _single(formula, nu, [Fraction(int(r), 2) for r in rng.integers(-4, 5, size=len(nu))])


def _single(formula: Formula, nu: list[Fraction], rewards: list[Fraction]) -> Evidence:
    """Find the dual variable of least loss among those whose u + r has entries 0 and -1, both present."""
    options: list[tuple[Fraction, list[Fraction]]] = []
    for pattern in range(1, 2 ** len(nu) - 1):
        v = [Fraction(-(pattern >> z & 1)) for z in range(len(nu))]
        u = [a - r for a, r in zip(v, rewards, strict=True)]
        value = sum((p * a for p, a in zip(nu, u, strict=True)), Fraction(0)) - max(
            a + r for a, r in zip(u, rewards, strict=True)
        )
        loss = -sum((p * r for p, r in zip(nu, rewards, strict=True)), Fraction(0)) - value
        options.append((loss, u))
    least, where = min(options, key=lambda option: option[0])
    claimed = formula(nu, Fraction(1))
    names = f"nu = {oracles.as_text(nu)} and r = {oracles.as_text(rewards)}"
    return Evidence(
        claimed=float(claimed),
        measured=float(least),
        relation="at least",
        tolerance=0.0,
        instance={"nu": oracles.as_text(nu), "r": oracles.as_text(rewards), "u": oracles.as_text(where)},
        size=oracles.complexity(nu, rewards),
        sentence=(
            f"Take {names}. Both u = -r and u = {oracles.as_text(where)} give <nu, u> - R*(u) = R(nu) ="
            f" {-sum((p * r for p, r in zip(nu, rewards, strict=True)), Fraction(0))}, with R*(u) = max (u + r)."
            if least == 0
            else ""
        ),
    )


I10 = Claim(
    id="I.10",
    title="Target of a reward",
    whose="paper",
    place="section 2.4, Standard RL; also the slides, Instantiations: One Game, Many Alignment Goals",
    plain="If the goal is the mean of a reward, the target is the Boltzmann weight of the reward at temperature beta.",
    statement=(
        "For R(nu) = -E_nu r the optimal target is fixed to the exponentiated reward, q* proportional to exp(r / beta)."
    ),
    printed="R(nu) = -E_{z ~ nu}[r(z)]:  q*(z) ~ exp(r(z) / beta)",
    kind="equality",
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
        "The gradient of R is -r everywhere, so that u* = -r up to a constant, for every reference. For a verified "
        "answer, r = 1 there and 0 elsewhere, q* has odds exp(1 / beta) to 1 and is no point mass (claim I.47). Claim "
        "I.10a treats the uniqueness of this target."
    ),
)

I10A = Claim(
    id="I.10a",
    title="A reward leaves a single dual point",
    whose="paper",
    place="section 2.4, Standard RL",
    plain="If the goal is the mean of a reward, only one target is a best response to a policy.",
    statement=(
        "For R(nu) = -E_nu r the conjugate leaves one point of the dual space, up to constants, and this fixes the "
        "optimal target."
    ),
    printed="argmax_u {<nu, u> - R*(u)} = {-r + const}",
    kind="existence",
    expected="depends",
    readings=(
        Reading(
            supposes="every answer has mass under the policy",
            expected="holds",
            stated=least_loss,
            sabotage=least_loss_times_answers,
            near_miss=least_loss_near,
            evidence=evidence_inside,
        ),
        Reading(
            supposes="an answer may have no mass under the policy",
            expected="false",
            stated=positive,
            sabotage=least_loss,
            near_miss=(
                "The formula states that the loss is above 0, which has no near miss; the sabotage is the exact bound."
            ),
            evidence=evidence_anywhere,
        ),
    ),
    remark=(
        "Over the simplex R*(u) = max (u + r) is finite everywhere. Another u has the loss max v - <nu, v> with v = u "
        "+ r, which is at least the rarest answer's mass times max v - min v, and the bound is attained. If an answer "
        "has no mass, a lower u at this answer, which gives it more mass under the target, does not change the value."
    ),
)

CLAIMS = (I10, I10A)
