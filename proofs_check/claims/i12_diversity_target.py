"""I.12: the inverse frequency is the target of the entropy game only if its weight is beta."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
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

    def best(self) -> list[Any]:
        """Compute nu* in closed form."""
        b = oracles.number(self.beta)
        return oracles.normalised([oracles.log(p) * b / (b + oracles.number(self.weight)) for p in self.nu_0])

    def searched(self) -> Any:
        """Search min J over two answers."""
        return self.objective(_two(oracles.by_thirds(lambda t: self.objective(_two(t)))))


def _two(t: Any) -> list[Any]:
    return [1 - t, t]


def stated(game: EntropyGame, nu: Sequence[Any]) -> list[Any]:  # noqa: ARG001 - no weight in it
    """The target proportional to 1 / nu."""
    return oracles.normalised([-mp.log(p) for p in nu])


def amended(game: EntropyGame, nu: Sequence[Any]) -> list[Any]:
    """The target proportional to nu^(-lambda / beta)."""
    power = oracles.number(game.weight / game.beta)
    return oracles.normalised([-power * mp.log(p) for p in nu])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Ask whether the answer to the target of nu* is nu* again.

    Args:
        formula: The target, from the game and nu*.
        rng: Source of randomness.

    Yields:
        KL(nu* || answer) at 50 digits; for two answers also J of the answer less the searched min J.
    """
    for game in _instances(rng):
        star = game.best()
        q = formula(game, star)
        answer = oracles.normalised([oracles.log(p) + mp.log(m) for p, m in zip(game.nu_0, q, strict=True)])
        instance = {
            "R": f"{game.weight} sum nu log nu",
            "nu_0": oracles.as_text(game.nu_0),
            "beta": str(game.beta),
            "nu*": ", ".join(mp.nstr(p, 6) for p in star),
            "answer to q": ", ".join(mp.nstr(p, 6) for p in answer),
        }
        measures = {"KL(nu* || answer)": mp.fsum(p * mp.log(p / m) for p, m in zip(star, answer, strict=True))}
        if len(star) == 2:
            measures["J of the answer, less min J"] = game.objective(answer) - game.searched()
        for name, measured in measures.items():
            size = oracles.complexity(game.nu_0, [game.weight, game.beta])
            yield Evidence(0.0, float(measured), "equal", 1e-40, instance | {"compared": name}, size)


def _instances(rng: np.random.Generator) -> Iterator[EntropyGame]:
    one, two = Fraction(1), Fraction(2)
    yield EntropyGame([Fraction(1, 9), Fraction(8, 9)], one, two)
    yield EntropyGame([Fraction(1, 3), Fraction(2, 3)], one, one)
    for i in range(30):
        nu_0 = oracles.random_distribution(rng, 2 + i % 4, 9)
        yield EntropyGame(nu_0, *(Fraction(int(a), 4) for a in rng.integers(1, 20, size=2)))


I12 = Claim(
    id="I.12",
    title="Target of diversity",
    whose="slides",
    place="slides, instantiations; paper, section 2.4, Diversity, and appendix C.1",
    statement=(
        "For R = lambda sum nu log nu (the sources: lambda = 1) and any beta, the equilibrium target is "
        "proportional to 1 / nu*."
    ),
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            evidence=evidence,
        ),
    ),
    remark=(
        "It is right for lambda = beta. With lambda = 1, beta = 2 and nu_0 = (1/9, 8/9), nu* = (1/5, 4/5), and the "
        "policy that answers 1 / nu* has nu = (1/3, 2/3)."
    ),
    amendment="I.12a",
)

I12A = Claim(
    id="I.12a",
    title="Target of diversity, by its weight",
    whose="ours",
    place="amendment of claim I.12",
    statement=(
        "For R = lambda sum nu log nu the equilibrium is nu* proportional to nu_0^(beta / (beta + lambda)), with "
        "the target q* proportional to nu*^(-lambda / beta)."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "u* = lambda (log nu* + 1) gives the target, and log nu* = log nu_0 - u* / beta up to a constant the "
        "equilibrium. The reward -lambda log nu of the sources is beta log q* up to a constant: it is right as it "
        "is."
    ),
)

CLAIMS = (
    I12,
    I12A,
)
