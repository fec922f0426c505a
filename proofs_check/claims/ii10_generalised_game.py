"""II.10: the generalised game has the value of its objective if a target expresses a best dual variable."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading

Array = NDArray[np.float64]
REACH = {"|q|^2 / 2": Fraction(1), "|q|^2 / 2 + |q|^3 / 3": Fraction(2), "sum q log q": Fraction(10**6)}
"""phi'(1) - phi'(0) of the generators on answers; for a steep one a number above every slope that occurs."""
KL = "sum p log p"
EXACT = 1e-20
"""Largest error of the searches at 50 digits."""


@dataclass(frozen=True)
class Game:
    """A generalised game with one trace per answer, whose F is Euclidean or KL.

    Attributes:
        pi_0: Reference.
        point: Where R = weight / 2 |nu - point|^2 is least; or the rewards of R = -<point, nu> if the weight is 0.
        weight: Weight of R.
        beta: Weight of the divergence.
        sign: s.
        Phi: Generator on answers, a key of `REACH`.
        F: Generator on traces, "|p|^2 / 2" or "sum p log p".
    """

    pi_0: Sequence[Fraction]
    point: Sequence[Fraction]
    weight: Fraction
    beta: Fraction
    sign: Fraction
    Phi: str = "|q|^2 / 2"
    F: str = "|p|^2 / 2"

    @property
    def slope(self) -> Callable[[Any], Any]:
        """Derivative of R in the mass t of the second of two answers."""
        w, p = self.weight, self.point
        return (lambda t: 2 * w * (t - p[1])) if w else (lambda t: p[0] - p[1] + 0 * t)

    def cost(self, t: Any) -> Any:
        """R at the mass t of the second of two answers."""
        w, p = self.weight, self.point
        return w * (t - p[1]) ** 2 if w else -p[0] * (1 - t) - p[1] * t


def stated(game: Game) -> bool:  # noqa: ARG001 - claimed of every game
    """True: the minimax value of G_F is min J_F."""
    return True


def every_slope(game: Game) -> Fraction | None:  # noqa: ARG001 - claimed of every game
    """The largest gap u_1 - u_0 that targets express if they are any vectors: None, without a bound."""
    return None


def of_distributions(game: Game) -> Fraction | None:
    """The largest gap that distributions express."""
    return abs(game.sign) * game.beta * REACH[game.Phi]


def almost_enough(game: Game) -> Fraction | None:
    """The gap of a best dual variable, times 99/100."""
    return Fraction(99, 100) * needed(game)


def expressible(game: Game) -> bool:
    """Decide whether a target expresses a best dual variable, for two answers, by the gap d = u_1 - u_0.

    Math:
        d = R'(t*), or anything from it to the policy's own slope -2 beta (t* - p_0) if t* is 0 or 1;
        expressed iff |d| <= |s| beta (phi'(1) - phi'(0)).

    Args:
        game: The game.

    Returns:
        Whether one does.
    """
    if game.F == KL:
        gap = game.slope(oracles.by_thirds(lambda t: game.cost(t) + game.beta * oracles.kl([1 - t, t], game.pi_0)))
        return bool(abs(gap) <= oracles.number(abs(game.sign) * game.beta * REACH[game.Phi]))
    return needed(game) <= abs(game.sign) * game.beta * REACH[game.Phi]


def needed(game: Game) -> Fraction:
    """Find the least |u_1 - u_0| of a best dual variable, for two answers and Euclidean F."""
    t = _best_mass(game)
    d, own = game.slope(t), -2 * game.beta * (t - game.pi_0[1])
    ends = (d, own) if t in {0, 1} else (d, d)
    return Fraction(0) if min(ends) <= 0 <= max(ends) else min(abs(e) for e in ends)


def over_vectors(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare min J_F with max min G_F over the gaps that targets express, for two answers in exact rationals.

    Args:
        formula: The largest gap |u_1 - u_0| that targets express; None for any.
        rng: Source of randomness.

    Yields:
        For each game with Euclidean F the max-min value, whose inner minimum and R* are in closed form and whose
        candidates are listed.
    """
    for game in _instances(rng):
        if game.F != KL:
            least, value = _least(game), _max_min(game, formula(game))
            yield compare(game, True, least - value, "max min", least, value)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare min J_F with max min and min max of G_F for two answers, in exact rationals where F is Euclidean.

    Args:
        formula: Whether the two are claimed to be equal.
        rng: Source of randomness.

    Yields:
        For each game the max-min value, whose inner minimum and R* are in closed form and whose candidates are listed;
        for some the min-max value by searching the mass at 50 digits. For F = sum p log p both by searches.
    """
    for i, game in enumerate(_instances(rng)):
        if game.F == KL:
            least, lower = _searched(game)
            yield compare(game, formula(game), least - lower, "max min", least, lower)
            continue
        least, lower = _least(game), _max_min(game, of_distributions(game))
        yield compare(game, formula(game), least - lower, "max min", least, lower)
        if i % 4 == 0:
            upper = _min_max(game)
            yield compare(game, formula(game), oracles.number(least) - upper, "min max", least, upper)


def compare(game: Game, equal: bool, gap: Any, which: str, least: Any, value: Any, slack: float = EXACT) -> Evidence:
    """Compare the values where they are claimed to be equal, and require a gap where they are not.

    Args:
        game: The game.
        equal: What is claimed.
        gap: min J_F less the value of G_F.
        which: Order of min and max in the value of G_F.
        least: min J_F.
        value: The value.
        slack: Largest error of an inexact search.

    Returns:
        The comparison.
    """
    instance = {
        "R": f"{game.weight / 2} |nu - m|^2" if game.weight else "-<r, nu>",
        "m" if game.weight else "r": oracles.as_text(game.point),
        "F": game.F,
        "Phi": game.Phi,
        "pi_0": oracles.as_text(game.pi_0),
        "beta": str(game.beta),
        "s": str(game.sign),
        "min J": str(least) if isinstance(least, Fraction) else mp.nstr(mp.mpf(least), 10),
        which: str(value) if isinstance(value, Fraction) else mp.nstr(mp.mpf(value), 10),
        "compared": f"{which}, min J" if equal else "whether the two values differ",
    }
    size = oracles.complexity(game.pi_0, game.point, [game.beta, game.sign], [game.weight] if game.weight else [])
    # The slides call s a sign: instances with another s are shown last.
    size += 1000 * (abs(game.sign) != 1)
    claimed, measured = (float(value + gap), float(value)) if equal else (1.0, float(gap > slack))
    tolerance = 0.0 if isinstance(gap, Fraction) or not equal else max(slack, 1e-14)
    sentence = _in_words(game, least, value) if gap > slack and game.F != KL and which == "max min" else ""
    return Evidence(claimed, measured, "equal", tolerance, instance, size=size, sentence=sentence)


def _in_words(game: Game, least: Any, value: Any) -> str:
    """Describe where the values differ, for two answers and Euclidean F; empty for three."""
    if len(game.pi_0) != 2 or not isinstance(value, Fraction):
        return ""
    t, w, (r, m) = _best_mass(game), game.weight, game.point
    R = f"{w / 2} |nu - {oracles.as_text(game.point)}|^2" if w else f"-<{oracles.as_text(game.point)}, nu>"
    cost = (
        [f"{_times(w)}{_square(m)}"] if w else [*([str(-r)] if r else []), *([f"{_times(r - m)}t"] if r != m else [])]
    )
    J = " + ".join([*cost, f"{_times(game.beta)}{_square(game.pi_0[1])}"])
    return (
        f"Take F = |p|^2 / 2, Phi = {game.Phi}, beta = {game.beta}, s = {game.sign}, pi_0 = "
        f"{oracles.as_text(game.pi_0)} and R = {R}, and write t for the probability of the second answer. Then J = {J} "
        f"is least at t = {t}, with the value {least}. There u_1 - u_0 = R' = {game.slope(t)}, but for a distribution "
        f"q the dual variable u = s beta grad Phi(q) has |u_1 - u_0| at most {of_distributions(game)}. The best of "
        f"these gives {value}, as max min and also as min max, because G is convex in t and concave in u."
    )


def _times(number: Fraction) -> str:
    return {1: "", -1: "-"}.get(int(number), f"{number} ") if number.denominator == 1 else f"{number} "


def _square(p: Fraction) -> str:
    return f"(t - {p})^2" if p else "t^2"


def _least(game: Game) -> Fraction:
    """Compute min J_F for two answers and Euclidean F."""
    t = _best_mass(game)
    return Fraction(game.cost(t) + game.beta * (t - game.pi_0[1]) ** 2)


def _best_mass(game: Game) -> Fraction:
    """Minimise J_F for two answers and Euclidean F: a parabola in the mass of the second, cut off at 0 and 1."""
    w, p = game.weight, game.point
    top = game.beta * game.pi_0[1] + (w * p[1] if w else (p[1] - p[0]) / 2)
    return min(max(top / (game.beta + w), Fraction(0)), Fraction(1))


def _max_min(game: Game, reach: Fraction | None) -> Any:
    """Maximise the concave dual over the gaps d up to a reach: at an end, a kink or a parabola's top."""
    beta, p_0, w, p = game.beta, game.pi_0[1], game.weight, game.point
    places = [2 * beta * p_0, 2 * beta * (p_0 - 1)]
    places += [-2 * w * p[1], 2 * w * (1 - p[1]), 2 * w * beta * (p_0 - p[1]) / (w + beta)] if w else [p[0] - p[1]]

    def dual(d: Fraction) -> Any:
        """Least beta D_F + d t over policies, less R* at (0, d)."""
        t = min(max(p_0 - d / (2 * beta), Fraction(0)), Fraction(1))
        ends = [Fraction(0), Fraction(1)] + ([p[1] + d / (2 * w)] if w else [])
        conjugate = max(d * v - game.cost(v) for v in ends if 0 <= v <= 1)
        return beta * (t - p_0) ** 2 + d * t - conjugate

    if reach is not None:
        places = [min(max(d, -reach), reach) for d in [*places, reach, -reach]]
    return max(dual(d) for d in places)


def _min_max(game: Game) -> Any:
    """Search the mass t of the policy by thirds; the best gap against it is R'(t), clipped to the expressible ones."""
    reach = oracles.number(abs(game.sign) * game.beta * REACH[game.Phi])
    beta, p_0 = oracles.number(game.beta), oracles.number(game.pi_0[1])
    w, p = oracles.number(game.weight), [oracles.number(x) for x in game.point]

    def conjugate(d: Any) -> Any:
        """R* at (0, d)."""
        v = min(max(p[1] + d / (2 * w), mp.mpf(0)), mp.mpf(1)) if w else mp.mpf(d > p[0] - p[1])
        return d * v - (w * (v - p[1]) ** 2 if w else -p[0] * (1 - v) - p[1] * v)

    def payoff(t: Any) -> Any:
        """Largest G_F(t, .)."""
        d = min(max(2 * w * (t - p[1]) if w else p[0] - p[1], -reach), reach)
        return beta * (t - p_0) ** 2 + d * t - conjugate(d)

    return payoff(oracles.by_thirds(payoff))


def _searched(game: Game) -> tuple[Any, Any]:
    """Search min J_F over the mass and max min G_F over the gap, the least over policies being a log of a sum."""
    beta, (q, p) = oracles.number(game.beta), [oracles.number(x) for x in game.pi_0]
    reach = oracles.number(min(abs(game.sign) * game.beta * REACH[game.Phi], Fraction(100)))
    w, m = oracles.number(game.weight), oracles.number(game.point[1])

    def loss(x: Any) -> Any:
        """R* less the least of beta KL + d t over policies, at the gap d that x in [0, 1] stands for."""
        d = (2 * x - 1) * reach
        v = min(max(m + d / (2 * w), mp.mpf(0)), mp.mpf(1))
        return d * v - w * (v - m) ** 2 + beta * mp.log(q + p * mp.exp(-d / beta))

    def objective(t: Any) -> Any:
        """J_F."""
        return w * (t - m) ** 2 + beta * oracles.kl([1 - t, t], game.pi_0)

    return objective(oracles.by_thirds(objective)), -loss(oracles.by_thirds(loss))


def _instances(rng: np.random.Generator) -> Iterator[Game]:
    half = Fraction(1, 2)
    references = [[Fraction(1), Fraction(0)], [half, half], [Fraction(2, 3), Fraction(1, 3)]]
    numbers = [Fraction(n) for n in (1, 2, -1)]
    for pi_0, r, beta, sign in product(references, numbers, (Fraction(1), half), (Fraction(1), Fraction(-1), half)):
        yield Game(pi_0, [Fraction(0), r], Fraction(0), beta, sign)
    for sign in (Fraction(99, 100), Fraction(101, 100)):
        yield Game(references[0], [Fraction(0), Fraction(1)], Fraction(0), Fraction(1), sign)
    slides = [Fraction(19, 20), Fraction(1, 20)]
    for weight, Phi in product((Fraction(1, 5), Fraction(2)), REACH):
        yield Game(slides, slides[::-1], weight, half, Fraction(1), Phi)
        yield Game(slides, slides[::-1], weight, half, Fraction(1), Phi, KL)
    for _ in range(8):
        pi_0, point = (oracles.random_distribution(rng, 2, 9) for _ in range(2))
        weight, sign = (Fraction(int(a), 4) for a in rng.integers(1, 12, size=2))
        yield Game(pi_0, point, weight, half, sign, "|q|^2 / 2", KL)
    for _ in range(24):
        pi_0, point = (oracles.random_distribution(rng, 2, 9) for _ in range(2))
        weight, beta = (Fraction(int(a), 4) for a in rng.integers(1, 12, size=2))
        sign = Fraction(int(rng.integers(1, 5)), 2) * int(rng.choice([-1, 1]))
        yield Game(pi_0, point, weight, beta, sign, list(REACH)[int(rng.integers(3))])


def plot() -> Plot:
    """Plot both values of the smallest counterexample against s."""
    one, zero = Fraction(1), Fraction(0)
    signs = [Fraction(k, 20) for k in range(1, 31)]
    games = [Game([one, zero], [zero, one], zero, one, sign) for sign in signs]
    places = [float(sign) for sign in signs]
    lines = [
        Line("min J", [places[0], places[-1]], [-0.25, -0.25], "bound"),
        Line("max min G", places, [float(_max_min(game, of_distributions(game))) for game in games]),
    ]
    caption = "R = -nu_1, pi_0 = (1, 0), beta = 1, F = Phi = |.|^2 / 2. The two values are equal for s >= 1."
    return Plot("s", "value", lines, caption)


II10 = Claim(
    id="II.10",
    title="Value of the generalised game",
    whose="slides",
    place="Backup: Generalized Game (Bregman), Consistency (Theorem)",
    plain=(
        "The best policy of the generalised problem is the minimax policy of the game if targets may be any vectors; "
        "if targets are distributions it need not be."
    ),
    statement=(
        "min over policies of J_F = min over policies of max over targets of G_F, for the generators F on traces and "
        "Phi on answers. The slide gives no domain for the target q, and does not define Psi and s: here Psi(q) is "
        "R*(s beta grad Phi(q)), as the game requires."
    ),
    printed="min_pi J_F(pi) = min_pi max_q G_F(pi, q)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="q is any vector, so that s beta grad Phi(q) is every vector up to a constant",
            expected="holds",
            stated=every_slope,
            sabotage=of_distributions,
            near_miss=almost_enough,
            evidence=over_vectors,
        ),
        Reading(
            supposes="q is a distribution, as in the game of Part I, and Phi is any generator",
            expected="false",
            stated=stated,
            sabotage=expressible,
            near_miss=(
                "The sabotage is the exact condition under which the claim holds; claim II.10a has a condition close "
                "to it."
            ),
            evidence=evidence,
        ),
    ),
    remark=(
        "A target enters the game by u = s beta grad Phi(q), and distributions q do not give every u. They do if the "
        "slope of Phi is unbounded, as that of sum q log q. At pi_0 = (.95, .05), R = |nu - (.05, .95)|^2, beta = 1/2, "
        "s = 1, Phi = |q|^2 / 2 the values are .324 and .29375; with the entropy as F they are .811 and .403."
    ),
    amendment="II.10a",
    plot=plot,
)

CLAIMS = (II10,)
