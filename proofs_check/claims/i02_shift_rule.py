"""I.2: a shift of u shifts the conjugate over the simplex equally, and exactly one shift normalises exp(-u / beta)."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

from dagames.functionals import Functional, Gini, Linear, NegativeEntropy
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.one_functional import VALUE, games, scale


class Rule(NamedTuple):
    """The claimed change of R* under a shift, and the claimed shift that normalises exp(-u / beta)."""

    shift: Any
    normaliser: Any


def stated(u: Sequence[Fraction], c: Fraction, beta: Fraction) -> Rule:
    """Shift R* by c; normalise by c = beta logsumexp(-u / beta)."""
    b = oracles.number(beta)
    return Rule(oracles.number(c), b * mp.log(mp.fsum(mp.exp(-oracles.number(v) / b) for v in u)))


def sabotage(u: Sequence[Fraction], c: Fraction, beta: Fraction) -> Rule:
    """Forget the factor beta of the normaliser."""
    rule = stated(u, c, beta)
    return Rule(rule.shift, rule.normaliser / oracles.number(beta))


def near_miss(u: Sequence[Fraction], c: Fraction, beta: Fraction) -> Rule:
    """Shift R* by a billionth too much."""
    rule = stated(u, c, beta)
    return Rule(rule.shift * (1 + mp.mpf(10) ** -9), rule.normaliser)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare R*(u + c) with R*(u) + c for each functional, and test the normaliser from both sides.

    Args:
        formula: The claimed shift and normaliser.
        rng: Source of randomness.

    Yields:
        Comparisons at 50 digits for the oracle's conjugates, at 1e-12 for the library's.
    """
    for _ in range(100):
        n = int(rng.integers(1, 6))
        u = [Fraction(int(v), 100) for v in rng.integers(-500, 500, size=n)]
        c, beta = Fraction(int(rng.integers(-900, 900)), 100), Fraction(int(rng.integers(1, 300)), 100)
        weight = Fraction(int(rng.integers(1, 300)), 100)
        rule = formula(u, c, beta)
        instance = {"u": oracles.as_text(u), "c": str(c), "beta": str(beta), "weight": str(weight)}
        size = oracles.complexity(u, [c, beta, weight])
        for name, (functional, conjugate) in _functionals(u, weight).items():
            moved = conjugate([v + c for v in u]) - conjugate(u)
            here = instance | {"functional": name}
            yield _equal(rule.shift, moved, 1e-45, here, size)
            if functional is None:
                continue
            floats = np.array([float(v) for v in u])
            library = functional.conjugate(floats + float(c)) - functional.conjugate(floats)
            yield _equal(rule.shift, mp.mpf(float(library)), 1e-12, here | {"computed by": "dagames"}, size)
        yield from _normaliser(rule.normaliser, u, beta, instance, size)


def of_functional(R: Functional, formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare R*(u + c) with R*(u) + c for a user's R.

    Args:
        R: The functional.
        formula: The claimed shift and normaliser.
        rng: Source of randomness.

    Yields:
        The shift of the library's conjugate, and of one searched over R's values against the library's.
    """
    for game in games(R, rng):
        u = [Fraction(int(v), 10) for v in rng.integers(-30, 31, size=len(game.face))]
        c = Fraction(int(rng.integers(-90, 91)), 10)
        rule, moved = formula(u, c, game.beta), [float(v + c) for v in u]
        before = float(game.conjugate([float(v) for v in u]))
        instance = game.instance | {"u": oracles.as_text(u), "c": str(c)}
        size = oracles.complexity(u, [c, game.beta])
        for by, after in (("dagames", float(game.conjugate(moved))), ("search", game.searched_conjugate(moved))):
            here = instance | {"compared": f"R*(u + c) by {by}, minus R*(u) by dagames"}
            slack = VALUE * scale(before, after, *moved)
            yield Evidence(float(rule.shift), after - before, "equal", slack, here, size)
        yield from _normaliser(rule.normaliser, u, game.beta, instance, size)


def _normaliser(
    c: Any, u: Sequence[Fraction], beta: Fraction, instance: dict[str, Any], size: int
) -> Iterator[Evidence]:
    """Check that c normalises, and that no other shift does: the mass falls strictly with c."""
    b = oracles.number(beta)

    def mass(shift: Any) -> Any:
        return mp.fsum(mp.exp(-(oracles.number(v) + shift) / b) for v in u)

    yield _equal(mp.mpf(1), mass(c), 1e-45, instance | {"part": "normaliser"}, size)
    step = mp.mpf(10) ** -20
    slope = (mass(c + step) - mass(c - step)) / (2 * step)
    yield Evidence(0.0, float(slope * b), "at most", -0.999, instance | {"part": "uniqueness"}, size)


def _equal(claimed: Any, measured: Any, tolerance: float, instance: dict[str, Any], size: int) -> Evidence:
    return Evidence(0.0, float(abs(claimed - measured) / max(1, abs(claimed))), "equal", tolerance, instance, size)


def _functionals(
    u: Sequence[Fraction], weight: Fraction
) -> dict[str, tuple[Functional | None, Callable[[Sequence[Fraction]], Any]]]:
    """Pair functionals, the library's if it has them, with conjugates in exact or 50-digit arithmetic."""
    w, rewards = float(weight), [Fraction(z, 3) for z in range(len(u))]
    return {
        "Linear": (
            Linear([float(r) for r in rewards]),
            lambda v: oracles.number(max(a + r for a, r in zip(v, rewards, strict=True))),
        ),
        "NegativeEntropy": (
            NegativeEntropy(w),
            lambda v: (
                oracles.number(weight) * mp.log(mp.fsum(mp.exp(oracles.number(a) / oracles.number(weight)) for a in v))
            ),
        ),
        "entropy, which is concave": (None, lambda v: oracles.number(max(v))),
        "Gini": (Gini(w), lambda v: oracles.number(_quadratic_conjugate(v, weight))),
    }


def _quadratic_conjugate(u: Sequence[Fraction], weight: Fraction) -> Fraction:
    """Maximise <nu, u> - weight / 2 |nu|^2 exactly, by trying every support that is a set of largest entries."""
    ordered = sorted(u, reverse=True)
    best = None
    for size in range(1, len(u) + 1):
        tau = (sum(ordered[:size], Fraction(0)) - weight) / size
        nu = [(v - tau) / weight for v in ordered[:size]]
        if min(nu) >= 0:
            value = sum((p * v for p, v in zip(nu, ordered, strict=False)), Fraction(0)) - weight / 2 * sum(
                (p * p for p in nu), Fraction(0)
            )
            best = value if best is None else max(best, value)
    if best is None:
        raise ArithmeticError("no support gives a distribution, which cannot be: the largest entry alone does")
    return best


I2 = Claim(
    id="I.2",
    title="Shift rule",
    whose="paper",
    place=(
        "section 2.2, shift property and canonical representative; also the slides, Key Idea: Lift to a "
        "Distributional Game, which use it implicitly"
    ),
    plain=(
        "Adding a constant to all dual variables does not change the game, so that dual variables can be read as a "
        "target."
    ),
    statement=(
        "For any functional R on the simplex and any number c, R*(u + c 1) = R*(u) + c; and c = beta logsumexp(-u / "
        "beta) is the only shift for which exp(-(u + c) / beta) sums to 1, so that u modulo shifts and positive "
        "targets correspond one to one."
    ),
    printed="R*(u + c 1) = R*(u) + c;  c = beta log sum_z exp(-u(z) / beta)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
            of_functional=of_functional,
        ),
    ),
    remark=(
        "The first part follows from sum nu = 1, also for a concave R. The second part follows from the strict "
        "decrease of the mass sum exp(-(u + c) / beta) in c: d mass / dc = -1 / beta where the mass is 1."
    ),
)

CLAIMS = (I2,)
