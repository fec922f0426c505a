"""I.40: the reward log q* has the effect of beta log q* only for beta = 1 or for standardised rewards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from scipy.optimize import minimize

from proofs_check import oracles
from proofs_check.attack import simplex
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class Step:
    """A policy step: a target, the reference, and the weight of the penalty.

    Attributes:
        nu_0: Reference, positive, one trace per answer.
        q: Target, positive.
        beta: Weight of the divergence.
    """

    nu_0: Sequence[Fraction]
    q: Sequence[Fraction]
    beta: Fraction

    def gain(self, nu: Sequence[Any], rewards: Sequence[Any]) -> Any:
        """Compute E r - beta KL(nu || nu_0)."""
        return mp.fsum(p * r for p, r in zip(nu, rewards, strict=True)) - oracles.number(self.beta) * oracles.kl(
            nu, self.nu_0
        )

    def best(self, rewards: Sequence[Any]) -> list[Any]:
        """Search the policy of the largest gain: by thirds for two answers, by a general optimiser for more."""
        if len(self.nu_0) == 2:
            t = oracles.by_thirds(lambda t: -self.gain([1 - t, t], rewards))
            return [1 - t, t]
        r, b = np.array([float(a) for a in rewards]), float(self.beta)
        logs = np.log([float(p) for p in self.nu_0])

        def loss(logits: Any) -> float:
            nu = simplex(logits)
            return float((nu * (b * (np.log(nu) - logs) - r)).sum())

        return oracles.normalised([mp.mpf(float(a)) for a in minimize(loss, logs, options={"gtol": 1e-9}).x])


def stated(step: Step) -> list[Any]:
    """The reward log q."""
    return [oracles.log(m) for m in step.q]


def scaled(step: Step) -> list[Any]:
    """The reward beta log q."""
    return [oracles.number(step.beta) * r for r in stated(step)]


def halved(step: Step) -> list[Any]:
    """The reward log q, halved."""
    return [r / 2 for r in stated(step)]


def near_miss(step: Step) -> list[Any]:
    """The reward 1.01 log q."""
    return [mp.mpf("1.01") * r for r in stated(step)]


def itself(step: Step) -> list[Any]:
    """The target, without a logarithm."""
    return [oracles.number(m) for m in step.q]


def bent(step: Step) -> list[Any]:
    """The reward -|log q|^1.05."""
    return [-((-r) ** mp.mpf("1.05")) for r in stated(step)]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search the policy that maximises E r - beta KL, and compare its value with that of pi_0 q.

    Args:
        formula: The reward of each answer, from the step.
        rng: Source of randomness.

    Yields:
        The largest gain less that of pi_0 q: at 50 digits for two answers, to 1e-11 for more.
    """
    yield _compared(formula, Step([Fraction(1, 2)] * 2, [Fraction(1, 3), Fraction(2, 3)], Fraction(1, 2)))
    for i in range(16):
        yield _compared(formula, _drawn(rng, 2 + i % 3, Fraction(int(rng.integers(1, 12)), 4)))


def evidence_at_one(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search the policy that maximises E r - KL, so beta = 1, and compare its value with that of pi_0 q.

    Args:
        formula: The reward of each answer, from the step.
        rng: Source of randomness.

    Yields:
        The largest gain less that of pi_0 q: at 50 digits for two answers, to 1e-11 for more.
    """
    for i in range(16):
        yield _compared(formula, _drawn(rng, 2 + i % 3, Fraction(1)))


def evidence_of_advantages(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Standardise the rewards of every group of four traces, and compare the advantages with those of beta log q.

    Args:
        formula: The reward of each answer, from the step.
        rng: Source of randomness.

    Yields:
        The largest difference between two advantages over all groups whose rewards differ, at 50 digits.
    """
    for i in range(12):
        step = _drawn(rng, 2 + i % 3, Fraction(int(rng.integers(1, 12)), 4))
        rewards, meant = formula(step), scaled(step)
        apart = mp.mpf(0)
        for counts in oracles.group_counts(len(step.q), 4):
            z = [answer for answer, count in enumerate(counts) for _ in range(count)]
            if len({step.q[answer] for answer in z}) > 1:
                pairs = zip(_advantages([rewards[a] for a in z]), _advantages([meant[a] for a in z]), strict=True)
                apart = max(apart, *(abs(a - b) for a, b in pairs))
        here = _instance(step) | {"K": 4, "compared": "largest difference of advantages"}
        yield Evidence(0.0, float(apart), "equal", 1e-40, here, oracles.complexity(step.nu_0, step.q, [step.beta]))


def _advantages(rewards: Sequence[Any]) -> list[Any]:
    mean = mp.fsum(rewards) / len(rewards)
    deviation = mp.sqrt(mp.fsum((r - mean) ** 2 for r in rewards) / len(rewards))
    return [(r - mean) / deviation for r in rewards]


def _compared(formula: Formula, step: Step) -> Evidence:
    rewards = formula(step)
    best = step.best(rewards)
    answer = oracles.normalised([oracles.log(p) + oracles.log(m) for p, m in zip(step.nu_0, step.q, strict=True)])
    names = ["(" + ", ".join(mp.nstr(p, 3) for p in nu) + ")" for nu in (best, answer)]
    gains = [step.gain(nu, rewards) for nu in (best, answer)]
    return Evidence(
        claimed=0.0,
        measured=float(gains[0] - gains[1]),
        relation="equal",
        tolerance=1e-40 if len(answer) == 2 else 1e-11,
        instance=_instance(step) | {"compared": "largest gain, less that of pi_0 q"},
        size=oracles.complexity(step.nu_0, step.q, [step.beta]),
        sentence=(
            f"Take nu_0 = {oracles.as_text(step.nu_0)}, q* = {oracles.as_text(step.q)} and beta = {step.beta}. E log "
            f"q* - beta KL(nu || nu_0) is largest at nu ~ nu_0 q*^(1 / beta) = {names[0]}, with the value "
            f"{mp.nstr(gains[0], 3)}. At nu ~ nu_0 q* = {names[1]} its value is {mp.nstr(gains[1], 3)}."
        ),
    )


def _instance(step: Step) -> dict[str, Any]:
    return {"nu_0": oracles.as_text(step.nu_0), "q": oracles.as_text(step.q), "beta": str(step.beta)}


def _drawn(rng: np.random.Generator, n: int, beta: Fraction) -> Step:
    return Step(oracles.random_distribution(rng, n, 9), oracles.random_distribution(rng, n, 9), beta)


I40 = Claim(
    id="I.40",
    title="Reward log q* with a penalty beta KL",
    whose="paper",
    place=(
        "section 3, the reward R_i and eq. 4, compared with section 3.1, eq. 6; also the slides, The Game-Theoretic "
        "Alignment Loop, compared with Game-Derived Rewards for GRPO"
    ),
    plain="With the logarithm of the answer's target mass as the reward, the best policy is that of the game.",
    statement=(
        "The best policy is proportional to pi_0 q*. This suggests the reward R_i = log q*, less the penalty beta KL "
        "of eq. 4; eq. 6 gives beta log q*. The advantages are standardised."
    ),
    printed="R_i = log q*(E(y_i)), and R(y) = beta log q*(E(y)):  argmax E R - beta KL(pi || pi_0) = pi_0 q* / Z",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the reward enters the step as it is, and beta is any positive number",
            expected="false",
            stated=stated,
            sabotage=scaled,
            near_miss=(
                "The sabotage is eq. 6, which is correct; no factor independent of beta is correct for every beta."
            ),
            evidence=evidence,
        ),
        Reading(
            supposes="the reward enters the step as it is, and beta = 1",
            expected="holds",
            stated=stated,
            sabotage=halved,
            near_miss=near_miss,
            evidence=evidence_at_one,
        ),
        Reading(
            supposes="the reward only has to give the standardised advantages of eq. 6, with eps in eq. 5 negligible",
            expected="holds",
            stated=stated,
            sabotage=itself,
            near_miss=bent,
            evidence=evidence_of_advantages,
        ),
    ),
    remark=(
        "The best policy for a reward r is proportional to pi_0 exp(r / beta), so log q* leads to pi_0 q*^(1 / beta). "
        "Division by the standard deviation cancels the factor beta. It also cancels the scale of the reward of eq. 6, "
        "so with either reward pi_0 q* is not the rest point (claim I.17)."
    ),
)

CLAIMS = (I40,)
