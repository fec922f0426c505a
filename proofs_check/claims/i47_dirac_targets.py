"""I.47, I.48: a reward for one answer has the Dirac target if advantages are standardised, and not otherwise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class OneAnswer:
    """The game of the reward 1 for answer 0 and 0 for the others, with one trace per answer.

    Attributes:
        nu_0: Reference, positive.
        beta: Weight of the divergence.
    """

    nu_0: Sequence[Fraction]
    beta: Fraction

    def objective(self, nu: Sequence[Any]) -> Any:
        """Compute J."""
        return oracles.number(self.beta) * oracles.kl(nu, self.nu_0) - nu[0]

    def least(self) -> Any:
        """Search min J over the mass of answer 0, the others' ratios being the reference's."""
        p = oracles.number(self.nu_0[0])
        others = [oracles.number(r) / (1 - p) for r in self.nu_0[1:]]
        t = oracles.by_thirds(lambda t: self.objective([t, *((1 - t) * r for r in others)]))
        return self.objective([t, *((1 - t) * r for r in others)])


def dirac(game: OneAnswer) -> list[Any]:
    """The point mass on the right answer."""
    return [mp.mpf(int(z == 0)) for z in range(len(game.nu_0))]


def boltzmann(game: OneAnswer) -> list[Any]:
    """The target exp(1 / beta) for the right answer, and 1 for the others."""
    return oracles.normalised([1 / oracles.number(game.beta), *[mp.mpf(0)] * (len(game.nu_0) - 1)])


def raised(n: int, floor: Fraction) -> list[Any]:
    """The Dirac with the mass of every other answer raised to a floor."""
    return [1 - (n - 1) * oracles.number(floor), *[oracles.number(floor)] * (n - 1)]


def raised_near(n: int, floor: Fraction) -> list[Any]:
    """The last answer's floor one percent higher."""
    q = raised(n, floor)
    return [*q[:-1], q[-1] * mp.mpf("1.01")]


def raised_unevenly(n: int, floor: Fraction) -> list[Any]:
    """The floors in proportion to 1, 2, 3 ..."""
    q = raised(n, floor)
    return [q[0], *[m * (z + 1) for z, m in enumerate(q[1:])]]


def odds_of_match(beta: Fraction) -> Any:
    """The factor exp(-1 / beta) by which a reward of 1 for the match multiplies the odds of another answer."""
    return mp.exp(-1 / oracles.number(beta))


def odds_of_dirac(beta: Fraction) -> Any:  # noqa: ARG001 - whatever beta
    """0, the odds of another answer under the Dirac."""
    return mp.mpf(0)


def evidence_of_target(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare J of the best response to the target, for the 0/1 reward, with the searched min J.

    Args:
        formula: The target, from the game.
        rng: Source of randomness.

    Yields:
        One comparison per game; the least J is searched over the mass of the right answer at 50 digits.
    """
    half = Fraction(1, 2)
    drawn = (
        OneAnswer(oracles.random_distribution(rng, 2 + i % 3, 9), Fraction(int(rng.integers(1, 12)), 4))
        for i in range(12)
    )
    for game in (OneAnswer([half, half], Fraction(1)), *drawn):
        weights = [oracles.number(p) * m for p, m in zip(game.nu_0, formula(game), strict=True)]
        answer = [w / mp.fsum(weights) for w in weights]
        J, least = game.objective(answer), game.least()
        t = boltzmann(game)[0] * oracles.number(game.nu_0[0])
        best = t / (t + boltzmann(game)[1] * (1 - oracles.number(game.nu_0[0])))
        yield Evidence(
            claimed=0.0,
            measured=float(J - least),
            relation="equal",
            tolerance=1e-40,
            instance={
                "nu_0": oracles.as_text(game.nu_0),
                "beta": str(game.beta),
                "compared": "J of the best response to q, less min J",
            },
            size=oracles.complexity(game.nu_0, [game.beta]),
            sentence=(
                f"Take nu_0 = {oracles.as_text(game.nu_0)}, beta = {game.beta} and the reward 1 for answer 0. The best "
                f"response to the Dirac is the Dirac, where J = beta KL - E r is {mp.nstr(J, 3)}. But J is "
                f"{mp.nstr(least, 3)} at nu(0) = {mp.nstr(best, 3)}, where the odds are exp(1 / beta) times those of "
                "nu_0."
                if answer[0] == 1
                else ""
            ),
        )


def evidence_of_advantages(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Standardise log q of a raised Dirac in every group, and compare it with the standardised 0/1 reward.

    Args:
        formula: The raised Dirac, from the number of answers and the floor.
        rng: Source of randomness; the groups are enumerated.

    Yields:
        The largest difference between two advantages over all groups of K traces whose rewards differ, at 50 digits.
    """
    for n in (2, 3, 4):
        for floor in (Fraction(1, 10), Fraction(1, int(rng.integers(20, 10**6)))):
            logs = [mp.log(m) for m in formula(n, floor)]
            for K in (2, 4, 6):
                apart = mp.mpf(0)
                for counts in oracles.group_counts(n, K):
                    z = [answer for answer, count in enumerate(counts) for _ in range(count)]
                    if 0 < counts[0] < K:
                        pairs = zip(
                            _advantages([logs[a] for a in z]), _advantages([mp.mpf(a == 0) for a in z]), strict=True
                        )
                        apart = max(apart, *(abs(a - b) for a, b in pairs))
                here = {"|Z|": n, "K": K, "floor": str(floor), "compared": "largest difference of advantages"}
                yield Evidence(0.0, float(apart), "equal", 1e-40, here, n + K + oracles.complexity([floor]))


def evidence_of_logarithm(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the odds that a reward of 1 for the match gives another answer with those of the Dirac itself.

    Args:
        formula: The odds, from beta.
        rng: Source of randomness; beta is enumerated.

    Yields:
        One comparison per beta: exp((r(z) - r(mode)) / beta) against q(z) / q(mode), which is 0.
    """
    yield from _odds(formula, Fraction(1))
    for k in rng.choice(np.arange(1, 20), size=6, replace=False):
        yield from _odds(formula, Fraction(int(k), 4))


def _odds(formula: Formula, beta: Fraction) -> Iterator[Evidence]:
    q = dirac(OneAnswer([Fraction(1, 2)] * 2, beta))
    yield Evidence(
        claimed=float(formula(beta)),
        measured=float(q[1] / q[0]),
        relation="equal",
        tolerance=1e-12,
        instance={"beta": str(beta), "compared": "odds of another answer against the mode"},
        size=oracles.complexity([beta]),
        sentence=(
            f"Take beta = {beta}. log q* of a Dirac is 0 at the mode and minus infinity elsewhere, where the policy in "
            "proportion to pi_0 q* has no mass. The reward 1 for a match and 0 otherwise multiplies the odds of "
            "another answer against the mode, under the reference, by exp(-1 / beta) = "
            f"{mp.nstr(odds_of_match(beta), 3)}."
        ),
    )


def _advantages(rewards: Sequence[Any]) -> list[Any]:
    mean = mp.fsum(rewards) / len(rewards)
    deviation = mp.sqrt(mp.fsum((r - mean) ** 2 for r in rewards) / len(rewards))
    return [(r - mean) / deviation for r in rewards]


I47 = Claim(
    id="I.47",
    title="Verifiable rewards have a Dirac target",
    whose="slides",
    place="Instantiations: One Game, Many Alignment Goals, Key observation",
    plain="Reinforcement learning with a verified answer is the game whose target has all its mass on that answer.",
    statement=(
        "The row SFT / RLVR is a fixed Dirac target, exactly what current reasoning models are trained with: "
        "reinforcement learning with verifiable rewards (RLVR) is the special case where the answer is given."
    ),
    printed="RLVR:  r(z) = 1{z = gt},  q* = delta_gt",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the reward of the right answer is 1 and of others 0, with a penalty beta KL, beta > 0",
            expected="false",
            stated=dirac,
            sabotage=boltzmann,
            near_miss="The sabotage is the true target; any other point mass is further from it.",
            evidence=evidence_of_target,
        ),
        Reading(
            supposes="the advantages are standardised, and the zeros of the Dirac are raised to any one small number",
            expected="holds",
            stated=raised,
            sabotage=raised_unevenly,
            near_miss=raised_near,
            evidence=evidence_of_advantages,
        ),
    ),
    remark=(
        "The 0/1 reward is the first row of the same table, whose target has the ratio exp(1 / beta) to 1 (claim "
        "I.10); the Dirac is the limit of this target as beta goes to 0. Standardised advantages are the same for any "
        "two values of a reward and do not depend on its size. What other laboratories do is a citation, which no "
        "computation can check."
    ),
)

I48 = Claim(
    id="I.48",
    title="Majority reward from a Dirac target",
    whose="paper",
    place="section 4.3, Reward Definition, and appendix F.3",
    plain=(
        "The reward for agreement with the majority follows from the target with all its mass on the majority's answer."
    ),
    statement=(
        "The target is set to the Dirac distribution of the most frequent answer, and the reward, 1 for a match and "
        "0 otherwise, is derived directly from it. Section 3 has the reward log q*, and standardised advantages."
    ),
    printed="q* = delta_mode:  R_i = 1{E(y_i) = mode}",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the reward is the logarithm of the Dirac, as in section 3",
            expected="false",
            stated=odds_of_match,
            sabotage=odds_of_dirac,
            near_miss="The logarithm of the Dirac is infinite; no finite reward is close to it.",
            evidence=evidence_of_logarithm,
        ),
        Reading(
            supposes="the zeros of the Dirac are raised to any one small number, and the advantages are standardised",
            expected="holds",
            stated=raised,
            sabotage=raised_unevenly,
            near_miss=raised_near,
            evidence=evidence_of_advantages,
        ),
    ),
    remark=(
        "With eq. 5 the advantages of log q* are those of the match reward for every floor, up to eps. Without eq. 5 "
        "the floor sets the size of the reward. The paper calls the vote a heuristic approximation (F.3)."
    ),
)

CLAIMS = (I47, I48)
