"""I.12, I.12a: the inverse frequency is the target of the entropy game only if its weight is beta."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
from scipy.optimize import minimize

from proofs_check import oracles
from proofs_check.attack import simplex
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class EntropyGame:
    """The game of R = weight sum nu log nu, with one trace per answer.

    Attributes:
        nu_0: Reference, positive.
        weight: The functional's weight lambda.
        beta: Weight of the divergence.
    """

    nu_0: Sequence[Fraction]
    weight: Fraction
    beta: Fraction

    def objective(self, nu: Sequence[Any]) -> Any:
        """Compute J at a marginal."""
        w, b = oracles.number(self.weight), oracles.number(self.beta)
        return mp.fsum(
            p * (w * mp.log(p) + b * (mp.log(p) - oracles.log(r))) for p, r in zip(nu, self.nu_0, strict=True) if p
        )

    def payoff(self, nu: Sequence[Any], q: Sequence[Any]) -> Any:
        """Compute G, the conjugate of R being weight log sum exp(u / weight)."""
        w, b = oracles.number(self.weight), oracles.number(self.beta)
        u = [-b * mp.log(m) for m in q]
        conjugate = w * mp.log(mp.fsum(mp.exp(v / w) for v in u))
        return mp.fsum(
            p * (b * (mp.log(p) - oracles.log(r)) + v) for p, r, v in zip(nu, self.nu_0, u, strict=True)
        ) - conjugate  # fmt: skip

    def best(self) -> list[Any]:
        """Search nu* from J alone: by thirds for two answers, by a general optimiser, to 1e-7, for more."""
        if len(self.nu_0) == 1:
            return [mp.mpf(1)]
        if len(self.nu_0) == 2:
            t = oracles.by_thirds(lambda t: self.objective([1 - t, t]))
            return [1 - t, t]
        log_nu_0, w, b = np.log([float(p) for p in self.nu_0]), float(self.weight), float(self.beta)

        def objective(logits: np.ndarray[Any, np.dtype[np.float64]]) -> float:
            nu = simplex(logits)
            return float((nu * ((w + b) * np.log(nu) - b * log_nu_0)).sum())

        found = minimize(objective, log_nu_0, method="BFGS", options={"gtol": 1e-9}).x
        return oracles.normalised([mp.mpf(float(a)) for a in found])


class Equilibrium(NamedTuple):
    """The claimed equilibrium.

    Attributes:
        nu: The marginal.
        q: The target.
    """

    nu: list[Any]
    q: list[Any]


def stated(game: EntropyGame, nu: Sequence[Any]) -> list[Any]:  # noqa: ARG001 - no weight in it
    """The target proportional to 1 / nu."""
    return oracles.normalised([-mp.log(p) for p in nu])


def near_miss(game: EntropyGame, nu: Sequence[Any]) -> list[Any]:  # noqa: ARG001 - no weight in it
    """The target proportional to nu^-1.01."""
    return oracles.normalised([mp.mpf("-1.01") * mp.log(p) for p in nu])


def flat(game: EntropyGame, nu: Sequence[Any]) -> list[Any]:  # noqa: ARG001 - whatever the game
    """The uniform target."""
    return [mp.mpf(1) / len(nu) for _ in nu]


def amended(game: EntropyGame, nu: Sequence[Any]) -> list[Any]:
    """The target proportional to nu^(-lambda / beta)."""
    power = oracles.number(game.weight / game.beta)
    return oracles.normalised([-power * mp.log(p) for p in nu])


def equilibrium(game: EntropyGame, slip: Fraction = Fraction(1)) -> Equilibrium:
    """The marginal nu_0^(beta / (beta + lambda)), and nu^(-lambda / beta), both normalised."""
    power = oracles.number(game.beta / (game.beta + game.weight * slip))
    nu = oracles.normalised([power * oracles.log(p) for p in game.nu_0])
    return Equilibrium(nu, amended(game, nu))


def equilibrium_of_stated(game: EntropyGame) -> Equilibrium:
    """The same marginal with the target 1 / nu."""
    nu = equilibrium(game).nu
    return Equilibrium(nu, stated(game, nu))


def equilibrium_near(game: EntropyGame) -> Equilibrium:
    """The target for a weight one percent larger."""
    nu = equilibrium(game).nu
    return Equilibrium(nu, oracles.normalised([mp.mpf("1.01") * mp.log(m) for m in amended(game, nu)]))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search min J for one to five answers, and compare it with J of the best response to the target.

    Args:
        formula: The target, from the game and nu*.
        rng: Source of randomness.

    Yields:
        J of the best response minus the searched min J, at 50 digits for two answers.
    """
    for game in _instances(rng):
        yield _compared(formula, game)


def evidence_at_beta(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search min J, and compare it with J of the best response to the target, with weight beta of the functional.

    Args:
        formula: The target, from the game and nu*.
        rng: Source of randomness.

    Yields:
        J of the best response minus the searched min J, at 50 digits for two answers.
    """
    for game in _instances(rng):
        yield _compared(formula, EntropyGame(game.nu_0, game.beta, game.beta))


def evidence_of_equilibrium(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search min J for one to five answers, and compare it with J and G at the claimed marginal and target.

    Args:
        formula: The marginal and the target, from the game.
        rng: Source of randomness.

    Yields:
        J at the marginal minus the searched min J; J of the best response to the target minus min J; J minus G of the
        two, which is 0 if the target is best, with R* in closed form. Where a general optimiser searches, to 1e-11.
    """
    for game in _instances(rng):
        nu, q = formula(game)
        least, answer = game.objective(game.best()), _answer(game, q)
        measures = {
            "J of nu minus min J": game.objective(nu) - least,
            "J of the best response to q minus min J": game.objective(answer) - least,
            "J(nu) minus G(nu, q)": game.objective(nu) - game.payoff(nu, q),
        }
        size = oracles.complexity(game.nu_0, [game.weight, game.beta])
        for name, measured in measures.items():
            exact = len(nu) < 3 or "G" in name
            yield Evidence(
                0.0, float(measured), "equal", 1e-40 if exact else 1e-11, _instance(game) | {"compared": name}, size
            )


def _compared(formula: Formula, game: EntropyGame) -> Evidence:
    star = game.best()
    q = formula(game, star)
    answer = _answer(game, q)
    J, least = game.objective(answer), game.objective(star)
    names = [" = (" + ", ".join(mp.nstr(p, 3) for p in values) + ")" for values in (star, q, answer)]
    return Evidence(
        claimed=0.0,
        measured=float(J - least),
        relation="equal",
        tolerance=1e-40 if len(star) < 3 else 1e-11,
        instance=_instance(game) | {"compared": "J of the best response to q, minus min J"},
        size=oracles.complexity(game.nu_0, [game.weight, game.beta]),
        sentence=(
            f"Take nu_0 = {oracles.as_text(game.nu_0)} and beta = {game.beta}, with weight {game.weight} of R. J is "
            f"least at nu*{names[0]}, where it is {mp.nstr(least, 3)}. The target proportional to 1 / nu* is "
            f"q{names[1]}, and the best response to it has nu ~ nu_0 q{names[2]}, with J = {mp.nstr(J, 3)}."
        ),
    )


def _answer(game: EntropyGame, q: Sequence[Any]) -> list[Any]:
    return oracles.normalised([oracles.log(p) + mp.log(m) for p, m in zip(game.nu_0, q, strict=True)])


def _instance(game: EntropyGame) -> dict[str, Any]:
    return {"R": f"{game.weight} sum nu log nu", "nu_0": oracles.as_text(game.nu_0), "beta": str(game.beta)}


def _instances(rng: np.random.Generator) -> Iterator[EntropyGame]:
    one, two = Fraction(1), Fraction(2)
    yield EntropyGame([Fraction(1, 9), Fraction(8, 9)], one, two)
    yield EntropyGame([Fraction(1, 3), Fraction(2, 3)], one, one)
    yield EntropyGame([Fraction(1, 27), Fraction(8, 27), Fraction(2, 3)], one, two)
    for i in range(13):
        nu_0 = oracles.random_distribution(rng, 2 + i % 4, 9)
        yield EntropyGame(nu_0, *(Fraction(int(a), 4) for a in rng.integers(1, 20, size=2)))


I12 = Claim(
    id="I.12",
    title="Target of diversity",
    whose="slides",
    place="Instantiations: One Game, Many Alignment Goals, Diversity",
    plain="If the goal is diversity, the target is proportional to the inverse of each answer's frequency.",
    statement=(
        "For the negative entropy, R = -H, the optimal target is proportional to 1 / nu_pi, the inverse frequency. "
        "The row does not name beta, which is positive."
    ),
    printed="R(nu) = -H(nu):  q*(z) ~ 1 / nu_pi(z)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="beta is any positive number, as in the slides' problem",
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss="The sabotage is the true formula; another power of nu without beta fails for some beta.",
            evidence=evidence,
        ),
        Reading(
            supposes="the weight of the functional is beta, which for -H means beta = 1",
            expected="holds",
            stated=stated,
            sabotage=flat,
            near_miss=near_miss,
            evidence=evidence_at_beta,
        ),
    ),
    remark=(
        "u* = log nu* + 1, and q* ~ exp(-u* / beta), so that the power of nu is -1 / beta; the row on rewards "
        "contains this beta. The paper states less: that the target favours rare answers, and that the reward is -log "
        "nu. This reward is beta log q* up to a constant, and it is right for every beta."
    ),
    amendment="I.12a",
)

I12A = Claim(
    id="I.12a",
    title="Target of diversity, by its weight",
    whose="ours",
    place="repair of claim I.12",
    plain=(
        "The target is a power of the inverse frequency; the exponent is the ratio of the weight of diversity to beta."
    ),
    statement=(
        "For R = lambda sum nu log nu and nu_0 > 0 the equilibrium is nu* proportional to nu_0^(beta / (beta + "
        "lambda)), with the target q* proportional to nu*^(-lambda / beta)."
    ),
    printed="nu* ~ nu_0^(beta / (beta + lambda)),  q* ~ nu*^(-lambda / beta)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=equilibrium,
            sabotage=equilibrium_of_stated,
            near_miss=equilibrium_near,
            evidence=evidence_of_equilibrium,
        ),
    ),
    remark=(
        "u* = lambda (log nu* + 1) gives the target, and log nu* = log nu_0 - u* / beta, up to a constant, gives the "
        "equilibrium."
    ),
)

CLAIMS = (I12, I12A)
