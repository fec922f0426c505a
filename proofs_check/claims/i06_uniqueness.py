"""I.6: with every policy allowed and reference mass everywhere the equilibrium is unique; otherwise q* may not be."""

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
from proofs_check.two_answer_games import Kinked, restricted

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
    """The least dual loss of a target q: beta KL(nu* || best response to q), above 0 unless q is q*."""
    weights = [p * r for p, r in zip(game.nu_0, q, strict=True)]
    response = [w / sum(weights) for w in weights]
    return oracles.number(game.beta) * oracles.kl(game.star, response)


def sabotage(game: Game, q: Sequence[Fraction]) -> Any:
    """Twice that loss."""
    return 2 * stated(game, q)


def near_miss(game: Game, q: Sequence[Fraction]) -> Any:
    """1 % more than that loss."""
    return stated(game, q) * 101 / 100


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack the dual loss of a target, with random targets and by a descent on the loss minus the claimed bound.

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
        lowest = mp.inf
        for _ in range(12):
            trial = [p * Fraction(int(f), 10) for p, f in zip(q, rng.integers(4, 25, size=len(q)), strict=True)]
            trial = [Fraction(p / sum(trial)).limit_denominator(1000) for p in trial]
            trial = [p / sum(trial) for p in trial]
            found = _compare(formula, game, trial, least)
            if found.measured - found.claimed < lowest:
                q, lowest = trial, found.measured - found.claimed
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
    """Measure the dual loss of targets for a user's R, and compare the library's target with nu* / nu_0.

    Args:
        R: The functional.
        formula: The least loss of a target in the dual.
        rng: Source of randomness.

    Yields:
        That R is convex, and nothing else if it is not; losses, where min J and nu* are searched over R's values and
        the bound is the library's; then the best response to the library's target against nu*.
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
        instance = stated_game.instance | {"compared": "best response to the target of dagames, searched nu*"}
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


def one_target(game: Kinked) -> int:  # noqa: ARG001 - one whatever the game
    """One target is best."""
    return 1


def targets_that_answer(game: Kinked) -> int:
    """The number of targets that are best responses to pi* and to which pi* is a best response."""
    return sum(game.answering(q) for q in game.targets)


def evidence_of_restricted(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Count the best among given targets, where policies have pi(0) <= 1/2, by search at 50 digits.

    Args:
        formula: How many are best.
        rng: Not used: the games are given.

    Yields:
        A comparison for each game.
    """
    del rng
    half, third, one = Fraction(1, 2), Fraction(1, 3), Fraction(1)
    yield _count(formula, restricted([half, half], one, ((1, 2), (3, 4), (1, 4), (9, 10))))
    yield _count(formula, restricted([third, 1 - third], Fraction(2), ((1, 2), (2, 3), (5, 7), (3, 4))))


def evidence_of_unreachable(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Count the best among given targets, where answer 1 has no reference mass, from the definition of G.

    Args:
        formula: How many are best.
        rng: Not used: the games are given.

    Yields:
        A comparison for each game.
    """
    del rng
    one, zero = Fraction(1), Fraction(0)
    targets = [[Fraction(a, b), 1 - Fraction(a, b)] for a, b in ((1, 2), (1, 4), (3, 4))]
    yield _count(formula, Kinked("0", lambda _: mp.mpf(0), max, [one, zero], one, one, targets, lambda q: q[0] <= q[1]))

    def collisions(u: Vector) -> Any:
        v = min(max((1 + u[0] - u[1]) / 2, mp.mpf(0)), mp.mpf(1))
        return u[0] * v + u[1] * (1 - v) - (v**2 + (1 - v) ** 2) / 2

    targets = [[Fraction(a, b), 1 - Fraction(a, b)] for a, b in ((1, 2), (1, 4), (1, 5))]
    yield _count(
        formula,
        Kinked(
            "|nu|^2 / 2",
            lambda nu: (nu[0] ** 2 + nu[1] ** 2) / 2,
            collisions,
            [one, zero],
            one,
            one,
            targets,
            lambda q: bool(oracles.log(q[1] / q[0]) >= 1),
        ),
    )


def _count(formula: Formula, game: Kinked) -> Evidence:
    best = game.best_targets()
    shown = " and ".join(oracles.as_text(q) for q in best)
    limit = "" if game.budget == 1 else f" and the policies with pi(0) <= {game.budget}"
    why = {
        "|nu(0) - nu(1)|": (
            "J is least at (1/2, 1/2). For each target named below, R*(u) is (u(0) + u(1)) / 2, so that G(pi, q) = "
            "beta KL(pi || nu_0) + (pi(0) - 1/2) (u(0) - u(1)), which is least at (1/2, 1/2) too, and equal to min J "
            "there."
        ),
        "0": "Only pi = (1, 0) has a finite J, which is 0; and G(pi, q) = u(0) - max(u(0), u(1)) = 0 for q(0) <= q(1).",
        "|nu|^2 / 2": "Only pi = (1, 0) has a finite J, 1/2; and R*(u) = u(0) - 1/2 for u(0) - u(1) >= 1.",
    }[game.name]
    return Evidence(
        claimed=float(formula(game)),
        measured=float(len(best)),
        relation="equal",
        tolerance=0.0,
        instance={
            "R": game.name,
            "nu_0": oracles.as_text(game.nu_0),
            "beta": str(game.beta),
            "policies": f"pi(0) <= {game.budget}",
            "targets": ", ".join(oracles.as_text(q) for q in game.targets),
            "best targets": shown,
        },
        size=oracles.complexity(game.nu_0, [game.beta, game.budget]),
        sentence=f"Take R = {game.name}, beta = {game.beta}, nu_0 = {oracles.as_text(game.nu_0)}{limit}. {why} So "
        f"the targets {shown} are all best.",
    )


I6 = Claim(
    id="I.6",
    title="Uniqueness of the equilibrium",
    whose="paper",
    place=(
        "section 2.3, below Prop. 2.2, and appendix E, Convergence; also the slides, Consistency: Nash Equilibrium = "
        "Optimal ALFT"
    ),
    plain="Exactly one pair of policy and target is an equilibrium.",
    statement=(
        "G is strictly convex in pi and concave in u, and the implied dual strictly concave modulo shifts, so that "
        "the equilibrium (pi*, q*) is unique. Pi is a convex set of policies; nothing is said about the support of "
        "pi_0."
    ),
    printed="(pi*, q*) is unique",
    kind="lower bound",
    expected="depends",
    readings=(
        Reading(
            supposes="every policy is allowed and every answer has reference mass",
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
            of_functional=of_functional,
        ),
        Reading(
            supposes="Pi is any closed convex set of policies, as in section 2.1",
            expected="false",
            stated=one_target,
            sabotage=targets_that_answer,
            near_miss=(
                "The formula is a number of targets. The sabotage is the correct number, 2; neither 1 nor 3 is correct."
            ),
            evidence=evidence_of_restricted,
        ),
        Reading(
            supposes="an answer may have no reference mass",
            expected="false",
            stated=one_target,
            sabotage=targets_that_answer,
            near_miss=(
                "The formula is a number of targets. The sabotage is the correct number, 2; neither 1 nor 3 is correct."
            ),
            evidence=evidence_of_unreachable,
        ),
    ),
    remark=(
        "pi* is unique in all three readings (I.37); the readings differ in q*. As J* >= G(pi*, q) = min over pi of "
        "G(., q) + beta KL(pi* || best response to q), the dual loss of a target q is at least the last term, and two "
        "targets with the same best response are equal; the target is proportional to nu* / nu_0. So with every "
        "policy allowed q* is unique even for R = .3 |nu(0) - nu(1)|, nu_0 = (.6, .4), beta = 1, where many targets "
        "are best responses to pi*. If R is smooth, q* is unique for every Pi, as q* is then proportional to "
        "exp(-grad R(nu*) / beta) if nu* is positive."
    ),
)


CLAIMS = (I6,)
