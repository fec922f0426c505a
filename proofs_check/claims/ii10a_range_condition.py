"""II.10a: the generalised game has the value of its objective iff a target can say a best dual variable."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames.bregman import Entropic, Euclidean, Generator, Polynomial
from dagames.bregman_game import BregmanGame
from dagames.functionals import Functional, Linear, SquaredDistance
from dagames.solvers.bregman import solve_bregman
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims import ii10_generalised_game as ii10

Array = NDArray[np.float64]
_ON_ANSWERS: dict[str, Generator] = dict(
    zip(ii10.REACH, (Euclidean(), Polynomial([0, 0, Fraction(1, 2), Fraction(1, 3)]), Entropic()), strict=True)
)
SLACK = 1e-7
"""What 1,200 steps of ascent may miss with three answers."""


def stated(game: ii10.Game) -> bool:
    """What the library decides from the equilibrium: whether a target expresses a best dual variable."""
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


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Repeat the comparisons of claim II.10, and add three answers.

    Args:
        formula: Whether max min G_F is claimed to be min J_F.
        rng: Source of randomness.

    Yields:
        Those of II.10; and for F = Phi = |.|^2 / 2 and three answers the max-min value by projected ascent over q.
    """
    yield from ii10.evidence(formula, rng)
    for _ in range(10):
        pi_0, point = (oracles.random_distribution(rng, 3, 5) for _ in range(2))
        weight, size = Fraction(int(rng.integers(1, 8)), 2), Fraction(int(rng.integers(1, 7)), 3)
        game = ii10.Game(pi_0, point, weight, Fraction(1), size * int(rng.choice([-1, 1])))
        least, value = _least(game), _max_min(game)
        yield ii10.compare(game, formula(game), least - value, "max min", least, value, SLACK)


def _least(game: ii10.Game) -> Any:
    """Minimise J_F: the sum of two squared distances is one, whose least point is a projection."""
    pi_0, m, w, beta = _numbers(game)
    nu = _project((w * m + beta * pi_0) / (w + beta))
    return w / 2 * ((nu - m) ** 2).sum() + beta / 2 * ((nu - pi_0) ** 2).sum()


def _max_min(game: ii10.Game) -> Any:
    """Climb the dual over q in the simplex by projected gradient steps, with momentum."""
    pi_0, m, w, beta = _numbers(game)
    strength = float(game.sign) * beta
    step = 1 / (strength**2 * (1 / beta + 1 / w))
    q = ahead = np.full(3, 1 / 3)
    best = -np.inf
    for i in range(1200):
        u = strength * ahead
        pi, nu = _project(pi_0 - u / beta), _project(m + u / w)
        value = beta / 2 * ((pi - pi_0) ** 2).sum() + pi @ u - nu @ u + w / 2 * ((nu - m) ** 2).sum()
        best = max(best, value)
        following = _project(ahead + step * strength * (pi - nu))
        ahead = _project(following + (i % 50) / (i % 50 + 3) * (following - q))
        q = following
    return best


def _numbers(game: ii10.Game) -> tuple[Array, Array, float, float]:
    pi_0, m = (np.array([float(x) for x in p]) for p in (game.pi_0, game.point))
    return pi_0, m, float(game.weight), float(game.beta)


def _project(v: Array) -> Array:
    """Project on the simplex of three answers: try every number of positive entries."""
    ordered = np.sort(v)[::-1]
    levels = [(ordered[:n].sum() - 1) / n for n in (1, 2, 3)]
    return np.asarray(np.maximum(v - max(levels), 0.0))


II10A = Claim(
    id="II.10a",
    title="Range condition of the generalised game",
    whose="ours",
    place="amendment of claim II.10",
    statement=(
        "The maximum over targets of the minimum over policies of G_F is min J_F iff some best dual variable u* is "
        "s beta grad Phi(q) up to a constant. For Phi = |q|^2 / 2 that is sum (u*_z - min u*) <= s beta if s > 0, "
        "and sum (max u* - u*_z) <= |s| beta if s < 0; for a steep Phi it always holds. Where the expressible u "
        "form a convex set, as on two answers, the min-max value is the same."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=ii10.stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "min J_F is the maximum of a concave dual over all u; over the expressible u it is attained iff they hold a"
        " maximiser. Best is grad R(nu*), and at an answer without mass every u_z down to the policy's own slope. "
        "The library's verdict is compared with searches that know nothing of the condition."
    ),
)

CLAIMS = (II10A,)
