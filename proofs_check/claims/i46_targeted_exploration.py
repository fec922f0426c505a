"""I.46, I.46a: targeted exploration moves the policy towards the prior, to a point between prior and reference."""

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
class Exploration:
    """The game of R = KL(nu || prior), with one trace per answer.

    Attributes:
        nu_0: Reference, positive.
        prior: Prior, positive.
        beta: Weight of the divergence.
    """

    nu_0: Sequence[Fraction]
    prior: Sequence[Fraction]
    beta: Fraction

    def objective(self, nu: Sequence[Any]) -> Any:
        """Compute J at a marginal."""
        return oracles.kl(nu, self.prior) + oracles.number(self.beta) * oracles.kl(nu, self.nu_0)

    def best(self) -> list[Any]:
        """Search nu* from J alone: by thirds for two answers, by a general optimiser, to 1e-7, for more."""
        if len(self.nu_0) == 2:
            t = oracles.by_thirds(lambda t: self.objective([1 - t, t]))
            return [1 - t, t]
        logs = [np.log([float(p) for p in law]) for law in (self.prior, self.nu_0)]
        b = float(self.beta)

        def objective(logits: Any) -> float:
            nu = simplex(logits)
            return float((nu * ((1 + b) * np.log(nu) - logs[0] - b * logs[1])).sum())

        return oracles.normalised([mp.mpf(float(a)) for a in minimize(objective, logs[1], options={"gtol": 1e-9}).x])


def reward(game: Exploration, nu: Sequence[Any]) -> list[Any]:
    """Log prior - log nu."""
    return [oracles.log(p) - mp.log(a) for p, a in zip(game.prior, nu, strict=True)]


def reward_without_prior(game: Exploration, nu: Sequence[Any]) -> list[Any]:  # noqa: ARG001 - no prior in it
    """-log nu."""
    return [-mp.log(a) for a in nu]


def reward_near(game: Exploration, nu: Sequence[Any]) -> list[Any]:
    """The reward times 1.01."""
    return [mp.mpf("1.01") * r for r in reward(game, nu)]


def prior_itself(game: Exploration) -> list[Any]:
    """The prior."""
    return [oracles.number(p) for p in game.prior]


def between(game: Exploration, slip: Any = 1) -> list[Any]:
    """The law proportional to (nu_0^beta prior)^(1 / (1 + beta))."""
    b = oracles.number(game.beta) * slip
    pairs = zip(game.nu_0, game.prior, strict=True)
    return oracles.normalised([(b * oracles.log(p) + oracles.log(m)) / (1 + b) for p, m in pairs])


def between_near(game: Exploration) -> list[Any]:
    """The same for a beta one percent larger."""
    return between(game, mp.mpf("1.01"))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search min J, and compare it with J at the claimed optimal marginal.

    Args:
        formula: The marginal, from the game.
        rng: Source of randomness.

    Yields:
        J of the claimed marginal less the searched min J: at 50 digits for two answers, to 1e-11 for more.
    """
    for game in _instances(rng):
        nu, star = formula(game), game.best()
        J, least = game.objective(nu), game.objective(star)
        yield Evidence(
            claimed=0.0,
            measured=float(J - least),
            relation="equal",
            tolerance=_tolerance(nu),
            instance=_instance(game) | {"nu*": _text(star), "compared": "J less min J"},
            size=_size(game),
            sentence=(
                f"Take nu_0 = {oracles.as_text(game.nu_0)}, Q = {oracles.as_text(game.prior)} and beta = {game.beta}. "
                f"J = KL(nu || Q) + beta KL(nu || nu_0) is {mp.nstr(J, 3)} at Q, but at nu = {_text(star)} it is "
                f"{mp.nstr(least, 3)}, its minimum."
                if J - least > mp.mpf("1e-9")
                else ""
            ),
        )


def evidence_of_direction(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare J at nu_0 exp(reward at nu* / beta) with the searched min J, and its KL to the prior with that of nu_0.

    Args:
        formula: The reward of each answer, from the game and a marginal.
        rng: Source of randomness.

    Yields:
        J of the policy proportional to nu_0 exp(reward / beta), with the reward at nu*, less the searched min J; and
        the divergence of this policy from the prior against that of the reference.
    """
    for game in _instances(rng):
        star, b = game.best(), oracles.number(game.beta)
        rewards = formula(game, star)
        nu = oracles.normalised([oracles.log(p) + r / b for p, r in zip(game.nu_0, rewards, strict=True)])
        excess = game.objective(nu) - game.objective(star)
        here = _instance(game) | {"nu": _text(nu), "compared": "J of the best policy for the reward, less min J"}
        # nu* is known to 1e-7; its error is divided by beta in the exponent and squared in J.
        yield Evidence(0.0, float(excess), "equal", _tolerance(nu), here, _size(game))
        before, after = oracles.kl(game.nu_0, game.prior), oracles.kl(nu, game.prior)
        here = _instance(game) | {"nu": _text(nu), "compared": "KL(nu || Q), KL(nu_0 || Q)"}
        yield Evidence(float(before), float(after), "at most", 1e-14, here, _size(game))


def _tolerance(nu: Sequence[Any]) -> float:
    return 1e-40 if len(nu) == 2 else 1e-11


def _text(nu: Sequence[Any]) -> str:
    return "(" + ", ".join(mp.nstr(p, 3) for p in nu) + ")"


def _instance(game: Exploration) -> dict[str, Any]:
    return {"nu_0": oracles.as_text(game.nu_0), "Q": oracles.as_text(game.prior), "beta": str(game.beta)}


def _size(game: Exploration) -> int:
    return oracles.complexity(game.nu_0, game.prior, [game.beta])


def _instances(rng: np.random.Generator) -> Iterator[Exploration]:
    yield Exploration([Fraction(1, 5), Fraction(4, 5)], [Fraction(4, 5), Fraction(1, 5)], Fraction(1))
    for i in range(16):
        n = 2 + i % 3
        nu_0, prior = oracles.random_distribution(rng, n, 9), oracles.random_distribution(rng, n, 9)
        if nu_0 != prior:
            yield Exploration(nu_0, prior, Fraction(int(rng.integers(2, 12)), 4))


I46 = Claim(
    id="I.46",
    title="Targeted exploration",
    whose="paper",
    place="appendix C.2.2, Targeted Exploration",
    plain=(
        "A reward for answers that are more likely under a prior than under the policy makes the policy match the "
        "prior."
    ),
    statement=(
        "The entropy can be replaced by a divergence relative to a prior Q. The policy is then led to match Q, and "
        "the reward becomes log Q - log nu, with nu estimated: an importance-weighted exploration signal."
    ),
    printed="R(nu) = KL(nu || Q):  R(y) = log Q(E(y)) - log nu(E(y))",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the optimal policy has the marginal Q, for any beta > 0",
            expected="false",
            stated=prior_itself,
            sabotage=between,
            near_miss=(
                "The sabotage is the optimal marginal; no distribution independent of the reference is optimal for "
                "every beta."
            ),
            evidence=evidence,
        ),
        Reading(
            supposes="the policy is driven towards Q by the reward",
            expected="holds",
            stated=reward,
            sabotage=reward_without_prior,
            near_miss=reward_near,
            evidence=evidence_of_direction,
        ),
    ),
    remark=(
        "The reward is correct: it is -grad R up to a constant. The penalty beta KL keeps the optimal policy away from "
        "Q unless reference and prior agree; the optimal policy tends to Q as beta goes to 0. With nu estimated from "
        "the group, the reward has the bias of claim I.18a."
    ),
    amendment="I.46a",
)

I46A = Claim(
    id="I.46a",
    title="Optimal policy of targeted exploration",
    whose="ours",
    place="repair of claim I.46",
    plain="The optimal policy is a geometric mean of the prior and the reference, weighted by beta.",
    statement=(
        "For R(nu) = KL(nu || Q) with positive Q and nu_0 the equilibrium is nu* proportional to (nu_0^beta Q)^(1 / "
        "(1 + beta))."
    ),
    printed="nu* ~ (nu_0^beta Q)^(1 / (1 + beta))",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=between,
            sabotage=prior_itself,
            near_miss=between_near,
            evidence=evidence,
        ),
    ),
    remark="J is (1 + beta) KL(nu || nu*) plus a constant.",
)

CLAIMS = (I46, I46A)
