"""I.17a: with the usual estimate of the divergence as a loss term, the rest point is not the equilibrium."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames import AlignmentGame, solve
from dagames.functionals import Linear
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

SMALL = mp.mpf(10) ** -40
"""Imaginary step, whose square is the error of a derivative; and the tolerance of a rest point."""

HOP = mp.mpf(10) ** -20
"""Step of a difference quotient, for Newton's method only."""

Losses = dict[str, Any]


@dataclass(frozen=True)
class Rewarded:
    """A reward of answers and a reference, one trace of one token per answer.

    Attributes:
        nu_0: Reference, positive.
        rewards: Reward of each answer.
        beta: Weight of the divergence.
    """

    nu_0: list[Fraction]
    rewards: list[Fraction]
    beta: Fraction

    def equilibrium(self) -> list[Any]:
        """Compute nu_0 exp(r / beta), normalised."""
        return oracles.normalised([
            oracles.log(p) + oracles.number(r / self.beta) for p, r in zip(self.nu_0, self.rewards, strict=True)
        ])

    def penalty_slopes(self, formula: Formula, nu: list[Any]) -> dict[str, list[Any]]:
        """Differentiate the expected loss in the logits, with traces drawn from nu and held fixed."""
        old, ref = [mp.log(p) for p in nu], [oracles.log(p) for p in self.nu_0]

        def loss(new: list[Any]) -> Losses:
            each = [formula(n, o, r) for n, o, r in zip(new, old, ref, strict=True)]
            return {name: mp.fsum(p * e[name] for p, e in zip(nu, each, strict=True)) for name in each[0]}

        return slopes(loss, old)

    def divergence_slope(self, nu: list[Any]) -> list[Any]:
        """Differentiate KL(nu || nu_0) in the logits, from its definition."""
        ref = [oracles.log(p) for p in self.nu_0]

        def divergence(new: list[Any]) -> Losses:
            return {"KL": mp.fsum(mp.exp(n) * (n - r) for n, r in zip(new, ref, strict=True))}

        return slopes(divergence, [mp.log(p) for p in nu])["KL"]

    def in_words(self, rest: list[Any]) -> str:
        """State the rest point for two answers with k3 as a loss, and the two slopes that balance."""
        if len(rest) > 2:
            return ""
        p, p_0 = rest[1], self.nu_0[1]
        gap = oracles.number(self.rewards[1] - self.rewards[0])
        of_reward, of_penalty = p * (1 - p) * gap, oracles.number(self.beta) * (p - oracles.number(p_0))
        odds = mp.nstr(self.equilibrium()[1], 3)
        return (
            f"Take nu_0 = {oracles.as_text(self.nu_0)}, r = {oracles.as_text(self.rewards)}, beta = {self.beta}. At "
            f"nu = {_text(rest)}, with p = nu(1), the slope of the reward in the second logit is p (1 - p) (r(1) - "
            f"r(0)) = {mp.nstr(of_reward, 5)}, and that of beta k3 is beta (p - p_0) = {mp.nstr(of_penalty, 5)}: "
            f"this is the rest point. But the equilibrium, nu_0 exp(r / beta) normalised, has p = {odds}."
        )

    def reward_slope(self, nu: list[Any]) -> list[Any]:
        """Differentiate the expected reward in the logits."""
        r = [oracles.number(v) for v in self.rewards]
        mean = mp.fsum(p * v for p, v in zip(nu, r, strict=True))
        return [p * (v - mean) for p, v in zip(nu, r, strict=True)]

    def rest(self, formula: Formula, name: str) -> list[Any]:
        """Find where the reward's gradient balances beta times the penalty's, by Newton's method in short steps."""
        logits = [oracles.log(p / self.nu_0[0]) for p in self.nu_0[1:]]
        for _ in range(200):
            balance = self._imbalance(formula, name, logits)
            if max(map(abs, balance)) < SMALL:
                return oracles.normalised([mp.mpf(0), *logits])
            moved = [[a + HOP * (i == j) for i, a in enumerate(logits)] for j in range(len(logits))]
            columns = [self._imbalance(formula, name, point) for point in moved]
            slope = mp.matrix([[(c[i] - f) / HOP for c in columns] for i, f in enumerate(balance)])
            step = mp.lu_solve(slope, mp.matrix(balance))
            short = min(mp.mpf(1), 1 / max(map(abs, step)))
            logits = [a - short * s for a, s in zip(logits, step, strict=True)]
        raise RuntimeError("no rest point was found in 200 steps.")

    def _imbalance(self, formula: Formula, name: str, logits: list[Any]) -> list[Any]:
        nu, b = oracles.normalised([mp.mpf(0), *logits]), oracles.number(self.beta)
        terms = self.penalty_slopes(formula, nu)[name]
        # Per mass, for in the corners of the simplex every slope in the logits vanishes.
        balance = [(a - b * t) / p for a, t, p in zip(self.reward_slope(nu), terms, nu, strict=True)]
        return [f - balance[0] for f in balance[1:]]


def slopes(loss: Callable[[list[Any]], Losses], logs: list[Any]) -> dict[str, list[Any]]:
    """Differentiate losses of softmax(logits) by steps into the complex plane.

    Args:
        loss: From log-probabilities to losses by name, analytic.
        logs: Logits where to differentiate, normalised.

    Returns:
        Slopes by name, one per logit.
    """
    found: dict[str, list[Any]] = {}
    for j in range(len(logs)):
        moved = [a + mp.mpc(0, SMALL) * (i == j) for i, a in enumerate(logs)]
        total = mp.log(mp.fsum(mp.exp(a) for a in moved))
        for name, value in loss([a - total for a in moved]).items():
            found.setdefault(name, []).append(mp.im(value) / SMALL)
    return found


def stated(new: Any, old: Any, ref: Any) -> Losses:  # noqa: ARG001 - no weight: the draw is held fixed
    """The estimate k3 = rho - log rho - 1, rho = pi_0 / pi, of the traces drawn."""
    return {"k3": mp.exp(ref - new) - (ref - new) - 1}


def amended(new: Any, old: Any, ref: Any) -> Losses:
    """The estimate k3 weighted by pi / pi_old; and the log-ratio as a part of the reward."""
    weight = mp.exp(new - old)
    return {"weighed k3": weight * stated(new, old, ref)["k3"], "in the reward": weight * (old - ref)}


def near_miss(new: Any, old: Any, ref: Any) -> Losses:
    """Weight k3 by the power 19/20 of pi / pi_old; and put 19/20 of the log-ratio into the reward."""
    weight = mp.exp(new - old)
    return {
        "weighed k3": weight ** mp.mpf("0.95") * stated(new, old, ref)["k3"],
        "in the reward": weight * mp.mpf("0.95") * (old - ref),
    }


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Differentiate the sampled penalty, and find the rest point of training.

    Args:
        formula: Loss of a trace by the name of the estimate, from its log-probability, the same held fixed, and that
            under the reference.
        rng: Source of randomness.

    Yields:
        At 50 digits the penalty's slopes minus those of KL(nu || nu_0) at the equilibrium and at another nu, and the
        rest point minus the equilibrium, which is computed here and by the library.
    """
    for case in _instances(rng):
        star = case.equilibrium()
        other = [oracles.number(p) for p in oracles.random_distribution(rng, len(case.nu_0), 9)]
        reference, rewards = [float(p) for p in case.nu_0], [float(r) for r in case.rewards]
        library = solve(AlignmentGame(reference, range(len(rewards)), Linear(rewards), float(case.beta))).nu
        for name in formula(mp.mpf(-1), mp.mpf(-1), mp.mpf(-1)):
            instance = {
                "nu_0": oracles.as_text(case.nu_0),
                "r": oracles.as_text(case.rewards),
                "beta": str(case.beta),
                "penalty": name,
            }
            size = oracles.complexity(case.nu_0, case.rewards, [case.beta])
            rest = case.rest(formula, name)
            here = instance | {"rest point": _text(rest), "nu*": _text(star)}
            words = case.in_words(rest) if name == "k3" else ""
            yield Evidence(0.0, apart(rest, star), "equal", 1e-30, here, size, sentence=words)
            here = here | {"compared": "rest point minus the library's nu*"}
            yield Evidence(0.0, apart(rest, [mp.mpf(float(p)) for p in library]), "equal", 1e-9, here, size + 1)
            for nu in (star, other):
                terms = case.penalty_slopes(formula, nu)[name]
                here = instance | {"nu": _text(nu), "compared": "slopes of the penalty minus those of KL(nu || nu_0)"}
                yield Evidence(0.0, apart(terms, case.divergence_slope(nu)), "equal", 1e-40, here, size + 2)


def apart(first: list[Any], second: list[Any]) -> float:
    """Measure the largest difference of two lists."""
    return float(max(abs(a - b) for a, b in zip(first, second, strict=True)))


def _text(nu: list[Any]) -> str:
    return "(" + ", ".join(mp.nstr(p, 6) for p in nu) + ")"


def _instances(rng: np.random.Generator) -> Iterator[Rewarded]:
    half = Fraction(1, 2)
    yield Rewarded([half, half], [Fraction(0), Fraction(3, 4)], Fraction(1))
    for i in range(6):
        n = 2 + i % 3
        rewards = [Fraction(int(r), 4) for r in rng.integers(0, 9, size=n - 1)] + [Fraction(3)]
        yield Rewarded(oracles.random_distribution(rng, n, 9), rewards, Fraction(int(rng.integers(2, 9)), 4))


I17A = Claim(
    id="I.17a",
    title="Divergence as a loss term",
    whose="practice",
    place="GRPO as DeepSeekMath published it and as trainers have it, beta k3 as a loss term",
    plain=(
        "With the usual estimate of the divergence as a loss term, differentiated as it stands, training ends at the "
        "right distance from the reference."
    ),
    statement=(
        "Let the divergence KL(pi || pi_0) of the objective be estimated by k3 = pi_0 / pi - log(pi_0 / pi) - 1 of "
        "the traces drawn, as a loss that is differentiated as it stands. Then the rest point of training on a reward "
        "of answers is the equilibrium, pi_0 exp(r / beta) normalised. The paper and the slides contain the "
        "divergence itself."
    ),
    printed="k3 = pi_0 / pi - log(pi_0 / pi) - 1,   loss = -(reward's surrogate) + beta k3",
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss=(
                "The sabotage is the true loss; a slightly different loss has a different rest point too (claim I.17d)."
            ),
            evidence=evidence,
        ),
    ),
    remark=(
        "Practice states a method; the question here is whether the method solves the objective. The mean of k3 is "
        "the divergence, but the slope of k3 does not have the divergence's slope as its mean. With the draw held "
        "fixed the mean slope is that of KL(pi_0 || pi), nu - nu_0 in the logits. So the rest point is nu = nu_0 / (c "
        "- r / beta), a power where the equilibrium is an exponential. The difference grows as beta decreases: for a "
        "verified answer at nu_0 = (1/2, 1/2) and beta = 1/50 the rest point is .9901, where exp(50) : 1 is right."
    ),
    amendment="I.17d",
)

CLAIMS = (I17A,)
