"""I.3: min J is the min-max value of the game, whose inner supremum need not be attained."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, log1p
from typing import NamedTuple

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames import AlignmentGame, solve
from dagames.functionals import Functional, Gini, Linear, LogScore, NegativeEntropy, Polytope, SquaredDistance
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.one_functional import VALUE, FunctionalGame, convexity, games, named, refined, scale

Array = NDArray[np.float64]
REACH = 60.0
"""The dual variable (0, d) is searched for |d| up to this; best ones of the instances are below 40."""


@dataclass(frozen=True)
class Case:
    """A game on two answers, whose functional's conjugate is written down again.

    Attributes:
        name: The functional, in words.
        functional: The library's.
        conjugate: R* at (0, d).
        pi_0: Reference over traces.
        pi: A policy with finite R.
        E: Answer of each trace.
        beta: Weight of the divergence.
    """

    name: str
    functional: Functional
    conjugate: Callable[[float], float]
    pi_0: tuple[float, ...]
    pi: tuple[float, ...]
    E: tuple[int, ...]
    beta: float


class Values(NamedTuple):
    """J at the policy, and the least J; the claim equates both with suprema over targets."""

    at_policy: float
    least: float


def stated(case: Case) -> Values:
    """J at the policy and min J, as the library computes them."""
    game = AlignmentGame(case.pi_0, case.E, case.functional, case.beta)
    return Values(float(game.objective(case.pi)), float(solve(game).value))


def sabotage(case: Case) -> Values:
    """Let the divergence to the reference count once, not beta times."""
    game = AlignmentGame(case.pi_0, case.E, case.functional, 1.0)
    return Values(float(game.objective(case.pi)), float(solve(game).value))


def near_miss(case: Case) -> Values:
    """Let the divergence to the reference count .1 % more."""
    game = AlignmentGame(case.pi_0, case.E, case.functional, 1.001 * case.beta)
    return Values(float(game.objective(case.pi)), float(solve(game).value))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search sup over targets of G at one policy, and its least value over all policies.

    Args:
        formula: J at the policy, and min J.
        rng: Source of randomness.

    Yields:
        Both comparisons for every functional, by nested searches that know only R*.
    """
    for case in _instances(rng):
        values = formula(case)
        instance = {"R": case.name, "pi_0": str(case.pi_0), "E": str(case.E), "beta": case.beta}
        t = sum(p for p, z in zip(case.pi, case.E, strict=True) if z)
        found = case.beta * _kl(case.pi, case.pi_0) + _supremum(case, t)
        here = instance | {"pi": str(case.pi), "compared": "J(pi), sup G(pi, .)"}
        yield Evidence(values.at_policy, found, "equal", 1e-10, here, size=len(case.pi))
        # Given its mass t on answer 1, the cheapest policy has the reference's conditionals.
        p = sum(mass for mass, z in zip(case.pi_0, case.E, strict=True) if z)

        def value(t: float, case: Case = case, p: float = p) -> float:
            return case.beta * _kl((1 - t, t), (1 - p, p)) + _supremum(case, t)

        found = value(_by_thirds(value, 0.0, 1.0))
        here = instance | {"compared": "min J, min sup G"}
        yield Evidence(values.least, found, "equal", 1e-10, here, size=len(case.pi))


def of_functional(R: Functional, formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare min J, and J at one policy, for a user's R.

    Args:
        R: The functional.
        formula: J at the policy, and min J.
        rng: Source of randomness.

    Yields:
        That R is convex, and nothing else if it is not; the library's min J against a search over R's values; for two
        reachable answers J at a policy against the supremum of G(pi, .), for which the library's conjugate is searched.
    """
    for game in games(R, rng):
        yield (supposed := convexity(game, rng))
        if not supposed.holds:
            return
        pi = 0.8 * rng.dirichlet(np.ones(len(game.face))) + 0.2 / len(game.face)
        if not np.isfinite(game.cost(pi)):
            pi = game.star[1]
        reference, policy = (tuple(game.spread(nu).tolist()) for nu in (game.floats, pi))
        E = tuple(range(game.n_answers))
        values = formula(Case(named(R), R, lambda d: d, reference, policy, E, float(game.beta)))
        slack = VALUE * scale(values.at_policy, values.least)
        instance = game.instance | {"pi": str(tuple(pi.round(6).tolist()))}
        if len(game.face) == 2:
            found = float(game.beta) * float(game.divergence(pi)) + _supremum_for_two(game, float(pi[1]))
            here = instance | {"compared": "J(pi), sup G(pi, .)"}
            yield Evidence(values.at_policy, found, "equal", slack, here, size=game.n_answers)
        here = game.instance | {"compared": "min J by dagames, by search"}
        yield Evidence(values.least, game.star[0], "equal", slack, here, size=game.n_answers)


def _supremum_for_two(game: FunctionalGame, t: float) -> float:
    """Search the supremum of d t - R*(0, d) for the library's conjugate, in a growing interval."""

    def loss(d: Array) -> Array:
        return game.conjugate(np.stack([0.0 * d, d], axis=-1)) - d * t

    inside, reach = np.array([-0.5, 0.0, 0.5]), 1.0
    while reach < 2**12 and loss(np.array([-reach, reach])).min() < loss(reach * inside).min():
        reach *= 2
    return -float(refined(lambda x: loss((2 * x - 1) * reach), ())[0])


def _supremum(case: Case, t: float) -> float:
    """Search the supremum of <nu, u> - R*(u) over u = (0, d), to which all targets reduce by a shift."""
    d = _by_thirds(lambda d: case.conjugate(d) - d * t, -REACH, REACH)
    return d * t - case.conjugate(d)


def _by_thirds(convex: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(75):
        left, right = (2 * low + high) / 3, (low + 2 * high) / 3
        low, high = (low, right) if convex(left) < convex(right) else (left, high)
    return (low + high) / 2


def _kl(p: tuple[float, ...], q: tuple[float, ...]) -> float:
    return sum(a * log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def _instances(rng: np.random.Generator) -> Iterator[Case]:
    for name, functional, conjugate, most in _functionals(round(float(rng.uniform(0.2, 2)), 2)):
        for E in ((0, 1), (1, 0, 1, 0)):
            pi_0 = tuple(rng.dirichlet(np.full(len(E), 2.0)).round(3).tolist()[:-1])
            pi = [float(p) for p in rng.dirichlet(np.full(len(E), 2.0))]
            mass = sum(p for p, z in zip(pi, E, strict=True) if z)
            share = min(1.0, most / mass)
            policy = [p * (share if z else (1 - share * mass) / (1 - mass)) for p, z in zip(pi, E, strict=True)]
            beta = round(float(rng.uniform(0.2, 3)), 2)
            yield Case(name, functional, conjugate, (*pi_0, 1 - sum(pi_0)), tuple(policy), E, beta)


def _functionals(w: float) -> Iterator[tuple[str, Functional, Callable[[float], float], float]]:
    """Name functionals, with R* at (0, d) and the largest mass of answer 1 that a policy is given."""

    def collisions(d: float) -> float:
        v = min(max(0.5 + d / (2 * w), 0.0), 1.0)
        return d * v - w / 2 * (v**2 + (1 - v) ** 2)

    def distance(d: float) -> float:
        v = min(max(0.8 + d / (2 * w), 0.0), 1.0)
        return d * v - w * (v - 0.8) ** 2

    yield f"-{w} nu_1", Linear([0.0, w]), lambda d: max(0.0, d + w), 1.0
    yield f"{w} sum nu log nu", NegativeEntropy(w), lambda d: max(d, 0.0) + w * log1p(exp(-abs(d) / w)), 1.0
    yield f"{w / 2} |nu|^2", Gini(w), collisions, 1.0
    yield f"{w / 2} |nu - (.2, .8)|^2", SquaredDistance([0.2, 0.8], w), distance, 1.0
    yield "-log nu_1", LogScore(1), lambda d: d if d >= -1 else -1 - log(-d), 1.0
    yield "indicator of nu_1 <= 1/5", Polytope([0.0, 1.0], 0.2), lambda d: 0.2 * max(d, 0.0), 0.2


def attained(s: Fraction) -> mp.mpf:  # noqa: ARG001 - none whatever the target
    """No shortfall at the best target."""
    return mp.mpf(0)


def never_attained(s: Fraction) -> mp.mpf:
    """A shortfall of -log(1 - s), above 0 for every positive target."""
    return -oracles.log(1 - s)


def evidence_of_maximum(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Measure J(pi) - G(pi, q) from the definitions at 50 digits, for pi = (1, 0) and q = (s, 1 - s) with s towards 0.

    Args:
        formula: The least shortfall of the targets with q(0) >= s.
        rng: Not used: the targets are given.

    Yields:
        A comparison for each s.
    """
    del rng
    top = mp.log(2)  # J(1, 0) = 1 log 1 + KL((1, 0) || (1/2, 1/2))
    for k in range(1, 6):
        s = Fraction(1, 10**k)
        u = [-oracles.log(s), -oracles.log(1 - s)]
        G = top + u[0] - mp.log(mp.exp(u[0]) + mp.exp(u[1]))
        yield Evidence(
            claimed=float(formula(s)),
            measured=float(top - G),
            relation="equal",
            tolerance=1e-16,
            instance={
                "R": "sum nu log nu",
                "nu_0": "(1/2, 1/2)",
                "beta": "1",
                "pi": "(1, 0)",
                "q": oracles.as_text([s, 1 - s]),
            },
            size=k,
            sentence=(
                "Take R = sum nu log nu, nu_0 = (1/2, 1/2), beta = 1 and pi = (1, 0). J(pi) = log 2 = .693, but for "
                f"q = (s, 1 - s) G(pi, q) = log 2 + log(1 - s): {float(G):.3f} for s = {s}. G(pi, q) tends to .693 as "
                "s falls to 0, equals .693 for no s > 0, and is infinity minus infinity at s = 0."
            ),
        )


I3 = Claim(
    id="I.3",
    title="Value of the game",
    whose="paper",
    place=(
        "section 2.3, Theorem 2.1, part 1 (Consistency of the Game); also the slides, Consistency: Nash Equilibrium "
        "= Optimal ALFT, theorem, 1"
    ),
    plain=(
        "The least value of the training objective is the value of a game between the policy and an opponent who "
        "chooses targets."
    ),
    statement=(
        "Let R be convex and lower semicontinuous. Then min J over Pi is min over Pi of max over q in the simplex of "
        "G. The theorem writes a maximum, its proof a supremum. In this part q is written without the prompt as an "
        "argument, in part 2 with it."
    ),
    printed="min_{pi in Pi} J(pi) = min_{pi in Pi} max_{q in Delta(Z)} G(pi, q)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="max is a supremum, over positive targets, one for each prompt",
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
            of_functional=of_functional,
        ),
        Reading(
            supposes="max is a maximum, which a target attains for every policy",
            expected="false",
            stated=attained,
            sabotage=never_attained,
            near_miss=(
                "The formula states whether a maximum exists; the sabotage is the exact shortfall, which is 0 for no "
                "target."
            ),
            evidence=evidence_of_maximum,
        ),
    ),
    remark=(
        "J(pi) = sup over q of G(pi, q) is the Fenchel-Moreau theorem on the simplex, for any Pi. The supremum is "
        "attained where R has a subgradient at nu, hence for every positive nu. The supremum need not be finite: "
        "outside the constraints of an indicator it is infinite, as is J. With one target for all prompts the value "
        "is different (I.35)."
    ),
)

CLAIMS = (I3,)
