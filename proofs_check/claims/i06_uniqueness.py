"""I.6: the equilibrium is unique, target included, even where the functional has a kink."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames import solve
from dagames.functionals import Functional
from proofs_check import oracles
from proofs_check.attack import attack, simplex
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.one_functional import PLACE, VALUE, convexity, games, scale

Array = NDArray[np.float64]
Vector = list[Any]


@dataclass(frozen=True)
class Game:
    """A game with one trace per answer, its equilibrium known without a dual variable.

    Attributes:
        name: The functional, in words.
        value: R.
        conjugate: R* over the simplex.
        nu_0: Reference, positive.
        beta: Weight of the divergence.
        star: The best marginal nu*.
    """

    name: str
    value: Callable[[Vector], Any]
    conjugate: Callable[[Vector], Any]
    nu_0: Sequence[Fraction]
    beta: Fraction
    star: Vector

    def least(self) -> Any:
        """Compute min J."""
        return self.value(self.star) + oracles.number(self.beta) * oracles.kl(self.star, self.nu_0)

    def lower_bound(self, q: Sequence[Fraction]) -> Any:
        """Compute min over policies of G(., q) = -beta log sum nu_0 q - R*(-beta log q)."""
        b = oracles.number(self.beta)
        mass = sum((p * r for p, r in zip(self.nu_0, q, strict=True)), Fraction(0))
        return -b * oracles.log(mass) - self.conjugate([-b * oracles.log(r) for r in q])


def stated(game: Game, q: Sequence[Fraction]) -> Any:
    """What a target other than q* loses: at least beta KL(nu* || its best response), above 0 unless q is q*."""
    weights = [p * r for p, r in zip(game.nu_0, q, strict=True)]
    response = [w / sum(weights) for w in weights]
    return oracles.number(game.beta) * oracles.kl(game.star, response)


def sabotage(game: Game, q: Sequence[Fraction]) -> Any:
    """Twice that loss."""
    return 2 * stated(game, q)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack the loss of a target: random ones, and a descent on what is left of it beyond the claim.

    Args:
        formula: The least loss of a target in the dual.
        rng: Source of randomness.

    Yields:
        One comparison per target tried, at 50 digits; and where an attack on claimed over measured loss ended, for
        the entropy with 2 to 6 answers and for the kinked functional.
    """
    for n in range(2, 7):
        yield _attacked(formula, n, rng)
    kinked = _kinked(Fraction(3, 10), [Fraction(3, 5), Fraction(2, 5)], Fraction(1))
    yield _compare(formula, kinked, [Fraction(12, 25), Fraction(13, 25)], ended=True)
    for game in _instances(rng):
        least = game.least()
        q = oracles.random_distribution(rng, len(game.nu_0), 30)
        left = mp.inf
        for _ in range(12):
            trial = [p * Fraction(int(f), 10) for p, f in zip(q, rng.integers(4, 25, size=len(q)), strict=True)]
            trial = [Fraction(p / sum(trial)).limit_denominator(1000) for p in trial]
            trial = [p / sum(trial) for p in trial]
            found = _compare(formula, game, trial, least)
            if found.measured - found.claimed < left:
                q, left = trial, found.measured - found.claimed
            yield found


def _compare(
    formula: Formula, game: Game, q: Sequence[Fraction], least: Any = None, *, ended: bool = False
) -> Evidence:
    loss = (game.least() if least is None else least) - game.lower_bound(q)
    claimed = formula(game, q)
    return Evidence(
        claimed=float(claimed),
        measured=float(loss),
        relation="at least",
        tolerance=1e-14,
        instance={
            "R": game.name,
            "nu_0": oracles.as_text(game.nu_0),
            "beta": str(game.beta),
            "q": oracles.as_text(q),
        },
        size=oracles.complexity(game.nu_0, [game.beta], q),
        ratio=float(claimed / loss) if ended else None,
    )


def _attacked(formula: Formula, n: int, rng: np.random.Generator) -> Evidence:
    """Attack the loss of the entropy, over its weight from 1/10 to 100 (beta being 1), reference and target."""

    def ratio(x: Array) -> Array:
        w = 10 ** (1.5 * np.tanh(x[:, :1]) + 0.5)
        nu_0, q = (0.999 * simplex(part) + 1e-3 / n for part in (x[:, 1 : n + 1], x[:, n + 1 :]))
        star = simplex(np.log(nu_0) / (1 + w))
        response = nu_0 * q / (nu_0 * q).sum(axis=1, keepdims=True)
        claimed = (star * np.log(star / response)).sum(axis=1)
        least = -(1 + w[:, 0]) * np.log((nu_0 ** (1 / (1 + w))).sum(axis=1))
        loss = least + np.log((nu_0 * q).sum(axis=1)) + w[:, 0] * np.log((q ** (-1 / w)).sum(axis=1))
        return np.asarray(np.where(loss > 1e-3, claimed / np.maximum(loss, 1e-3), 0.0))

    place = attack(ratio, rng.normal(size=(300, 2 * n + 1)), rng).place
    weight = Fraction(round(1000 * 10 ** (1.5 * float(np.tanh(place[0])) + 0.5)), 1000)
    nu_0, q = (oracles.rounded(0.999 * simplex(part) + 1e-3 / n) for part in (place[1 : n + 1], place[n + 1 :]))
    return _compare(formula, _entropy(weight, nu_0, Fraction(1)), q, ended=True)


def of_functional(R: Functional, formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Measure what targets lose in the dual of a user's R, and compare the library's target with nu* / nu_0.

    Args:
        R: The functional.
        formula: The least loss of a target in the dual.
        rng: Source of randomness.

    Yields:
        That R is convex, and nothing else if it is not; losses, min J and nu* being searched over R's values and the
        bound being the library's; then the library's answers to its own target against nu*.
    """
    for stated_game in games(R, rng):
        yield (supposed := convexity(stated_game, rng))
        if not supposed.holds:
            return
        value, star = stated_game.star
        game = Game("", lambda _: None, lambda _: None, stated_game.nu_0, stated_game.beta, star.tolist())
        for _ in range(4):
            q = oracles.random_distribution(rng, len(star), 30)
            bound = stated_game.lower_bound([float(p) for p in q])
            yield Evidence(
                claimed=float(formula(game, q)),
                measured=value - bound,
                relation="at least",
                tolerance=PLACE * scale(value, bound),
                instance=stated_game.instance | {"q": oracles.as_text(q)},
                size=stated_game.n_answers,
            )
        found = solve(stated_game.library)
        weights = stated_game.floats * found.q[list(stated_game.face)]
        apart = float(np.abs(weights / weights.sum() - star).max())
        instance = stated_game.instance | {"compared": "answer to the target of dagames, searched nu*"}
        slack = (2 * VALUE * scale(value) / float(stated_game.beta)) ** 0.5
        yield Evidence(0.0, apart, "equal", slack, instance, size=stated_game.n_answers)


def _instances(rng: np.random.Generator) -> Iterator[Game]:
    yield _kinked(Fraction(3, 10), [Fraction(3, 5), Fraction(2, 5)], Fraction(1))
    for i in range(20):
        nu_0 = oracles.random_distribution(rng, 2 + i % 3, 9)
        weight, beta = (Fraction(int(a), 4) for a in rng.integers(1, 12, size=2))
        yield _linear(nu_0, beta) if i % 2 else _entropy(weight, nu_0, beta)
        yield _kinked(weight, oracles.random_distribution(rng, 2, 9), beta)


def _kinked(weight: Fraction, nu_0: Sequence[Fraction], beta: Fraction) -> Game:
    """State R = weight |nu_0 - nu_1|, whose nu* is often (1/2, 1/2), where R has many slopes."""
    w, b = oracles.number(weight), oracles.number(beta)

    def value(nu: Vector) -> Any:
        return w * abs(nu[0] - nu[1])

    def conjugate(u: Vector) -> Any:
        return max(u[0] - w, (u[0] + u[1]) / 2, u[1] - w)

    t = oracles.by_thirds(lambda t: value([1 - t, t]) + b * oracles.kl([1 - t, t], nu_0))
    half = mp.mpf(1) / 2
    star = [half, half] if abs(t - half) < mp.mpf(10) ** -20 else [1 - t, t]
    return Game(f"{weight} |nu(0) - nu(1)|", value, conjugate, nu_0, beta, star)


def _entropy(weight: Fraction, nu_0: Sequence[Fraction], beta: Fraction) -> Game:
    w, b = oracles.number(weight), oracles.number(beta)
    star = oracles.normalised([oracles.log(p) * b / (b + w) for p in nu_0])
    return Game(
        f"{weight} sum nu log nu",
        lambda nu: w * mp.fsum(p * mp.log(p) for p in nu),
        lambda u: w * mp.log(mp.fsum(mp.exp(v / w) for v in u)),
        nu_0,
        beta,
        star,
    )


def _linear(nu_0: Sequence[Fraction], beta: Fraction) -> Game:
    star = oracles.normalised([oracles.log(p) + z / oracles.number(beta) for z, p in enumerate(nu_0)])
    return Game(
        "-<r, nu>, r = 0, 1, ..",
        lambda nu: -mp.fsum(z * p for z, p in enumerate(nu)),
        lambda u: max(v + z for z, v in enumerate(u)),
        nu_0,
        beta,
        star,
    )


I6 = Claim(
    id="I.6",
    title="Uniqueness of the equilibrium",
    whose="paper",
    place="paper, section 2.3 and appendix E; slides, consistency",
    statement=(
        "Over all policies, and with a reference that gives every answer mass, the game has one equilibrium: J is "
        "least at one policy, and min over policies of G(., q) is greatest at one target."
    ),
    kind="lower bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            evidence=evidence,
            of_functional=of_functional,
        ),
    ),
    remark=(
        "As J* >= G(pi*, q) = min over pi of G(., q) + beta KL(pi* || best response to q), a target loses at least "
        "the last term, and two targets with one best response are one, q proportional to nu* / nu_0. So q* is "
        "unique even for R = .3 |nu(0) - nu(1)|, nu_0 = (.6, .4), beta = 1, where nu* is at the kink and many "
        "targets are best against pi* alone. With Pi = {pi*} all of those are equilibria, and at an answer without "
        "reference mass q* is free as well."
    ),
)

CLAIMS = (I6,)
