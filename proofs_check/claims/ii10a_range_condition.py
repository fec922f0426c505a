"""II.10a: the generalised game has the value of its objective iff a target expresses a best dual variable."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dagames.bregman import Entropic, Euclidean, Generator, Polynomial
from dagames.functionals import Functional, Linear, SquaredDistance
from dagames.games.bregman import BregmanGame
from dagames.solvers.bregman import solve_bregman
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims import ii10_generalised_game as ii10

Array = NDArray[np.float64]
_ON_ANSWERS: dict[str, Generator] = dict(
    zip(ii10.REACH, (Euclidean(), Polynomial([0, 0, Fraction(1, 2), Fraction(1, 3)]), Entropic()), strict=True)
)
SLACK = 1e-7
"""Largest error of 1,200 steps of ascent with three answers."""


def stated(game: ii10.Game) -> bool:
    """The decision of the library from the equilibrium: whether a target expresses a best dual variable."""
    point, weight = [float(p) for p in game.point], float(game.weight)
    functional: Functional = SquaredDistance(point, weight) if game.weight else Linear(point)
    generator = Entropic() if game.F == ii10.KL else Euclidean()
    solved = solve_bregman(
        BregmanGame(
            [float(p) for p in game.pi_0],
            list(range(len(point))),
            functional,
            float(game.beta),
            generator=generator,
            target_generator=_ON_ANSWERS[game.Phi],
            sign=float(game.sign),
        )
    )
    return solved.consistency.consistent


def near_miss(game: ii10.Game) -> bool:
    """The decision of the library for s times 1.02."""
    return stated(replace(game, sign=game.sign * Fraction(51, 50)))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare max min G_F with min J_F, for the games of claim II.10 and for games with three answers.

    Args:
        formula: Whether max min G_F is claimed to be min J_F.
        rng: Source of randomness.

    Yields:
        Those of II.10; and for F = Phi = |.|^2 / 2 and three answers the max-min value by projected ascent over q.
    """
    yield from ii10.evidence(formula, rng)
    games = []
    for _ in range(10):
        pi_0, point = (oracles.random_distribution(rng, 3, 5) for _ in range(2))
        weight, size = Fraction(int(rng.integers(1, 8)), 2), Fraction(int(rng.integers(1, 7)), 3)
        games.append(ii10.Game(pi_0, point, weight, Fraction(1), size * int(rng.choice([-1, 1]))))
    for game, least, value in zip(games, *_both_values(games), strict=True):
        yield ii10.compare(game, formula(game), least - value, "max min", least, value, SLACK)


def _both_values(games: list[ii10.Game]) -> tuple[list[float], list[float]]:
    """Compute min J_F by projection, and max min G_F by accelerated projected ascent, for F = Phi = |.|^2 / 2."""
    # J_F is a sum of two squared distances, a squared distance up to a constant, so its minimiser is a projection.
    pi_0, m = (
        np.array([[float(x) for x in p] for p in ps]) for ps in zip(*((g.pi_0, g.point) for g in games), strict=True)
    )
    w, beta, sign = (
        np.array([[float(x)] for x in xs]) for xs in zip(*((g.weight, g.beta, g.sign) for g in games), strict=True)
    )
    nu = _project((w * m + beta * pi_0) / (w + beta))
    least = (w / 2 * (nu - m) ** 2 + beta / 2 * (nu - pi_0) ** 2).sum(axis=1)
    strength = sign * beta
    step = 1 / (strength**2 * (1 / beta + 1 / w))
    q = ahead = np.full(pi_0.shape, 1 / 3)
    best = np.full(len(games), -np.inf)
    for i in range(1200):
        u = strength * ahead
        pi, nu = _project(pi_0 - u / beta), _project(m + u / w)
        values = beta / 2 * (pi - pi_0) ** 2 + pi * u - nu * u + w / 2 * (nu - m) ** 2
        best = np.maximum(best, values.sum(axis=1))
        following = _project(ahead + step * strength * (pi - nu))
        ahead = _project(following + (i % 50) / (i % 50 + 3) * (following - q))
        q = following
    return least.tolist(), best.tolist()


def _project(v: Array) -> Array:
    """Project rows on the simplex of three answers: try every number of positive entries."""
    ordered = -np.sort(-v, axis=1)
    levels = (ordered.cumsum(axis=1) - 1) / np.arange(1, 4)
    return np.asarray(np.maximum(v - levels.max(axis=1, keepdims=True), 0.0))


II10A = Claim(
    id="II.10a",
    title="Range condition of the generalised game",
    whose="ours",
    place="repair of claim II.10",
    plain="The game has the value of its objective if and only if some target expresses a best dual variable.",
    statement=(
        "Let q be a distribution. The maximum over targets of the minimum over policies of G_F is min J_F iff some "
        "best dual variable u* is s beta grad Phi(q) up to a constant. For Phi = |q|^2 / 2 this condition is sum (u*_z "
        "- min u*) <= s beta if s > 0, and sum (max u* - u*_z) <= |s| beta if s < 0; for a steep Phi it always holds. "
        "If the expressible u form a convex set, as for two answers, the min-max value equals the max-min value."
    ),
    printed="max_q min_pi G_F = min J_F  iff  u* = s beta grad Phi(q) + const for some best u* and some q",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=ii10.stated,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "min J_F is the maximum of a concave dual over all u; the maximum over the expressible u is the same iff these "
        "include a maximiser. A maximiser is grad R(nu*), and at an answer without mass every u_z from there down to "
        "the policy's own slope. The decision of the library is compared with searches that do not use the condition."
    ),
)

CLAIMS = (II10A,)
