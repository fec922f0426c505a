"""I.15a: the minima of J with the entropy, for a weight below, at and above that of the divergence."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading

GRID = 24
TINY = mp.mpf(10) ** -40


class Phase(NamedTuple):
    """The claimed minima of J = lambda H(nu) + beta KL(nu || nu_0).

    Attributes:
        least: Its least value.
        minimiser: A distribution where it is attained.
        traps: Whether every point mass is a strict local minimum.
    """

    least: Any
    minimiser: list[Any]
    traps: bool


def stated(nu_0: Sequence[Fraction], weight: Fraction, beta: Fraction) -> Phase:
    """One interior minimum, nu_0^(beta / (beta - lambda)), for lambda < beta; the mode of nu_0 for lambda >= beta."""
    if weight < beta:
        power = oracles.number(beta / (beta - weight))
        total = mp.fsum(oracles.number(p) ** power for p in nu_0)
        least = -oracles.number(beta - weight) * mp.log(total)
        return Phase(least, [oracles.number(p) ** power / total for p in nu_0], traps=False)
    mode = list(nu_0).index(max(nu_0))
    vertex = [mp.mpf(int(z == mode)) for z in range(len(nu_0))]
    return Phase(-oracles.number(beta) * oracles.log(max(nu_0)), vertex, traps=weight > beta)


def sabotage(nu_0: Sequence[Fraction], weight: Fraction, beta: Fraction) -> Phase:
    """Use half the weight, so that the interior minimum is claimed up to twice beta."""
    return stated(nu_0, weight / 2, beta)


def near_miss(nu_0: Sequence[Fraction], weight: Fraction, beta: Fraction) -> Phase:
    """Use a weight that is one percent larger."""
    return stated(nu_0, weight * Fraction(101, 100), beta)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Evaluate J by its definition: on a grid of the simplex, at the claimed minimiser, and near point masses.

    Args:
        formula: Least value, minimiser and whether point masses are local minima, from nu_0, lambda and beta.
        rng: Source of randomness.

    Yields:
        Comparisons at 50 digits, for lambda below, at and above beta.
    """
    for nu_0, weight, beta in _instances(rng):
        phase, w, b = formula(nu_0, weight, beta), oracles.number(weight), oracles.number(beta)
        reference = [oracles.log(p) for p in nu_0]

        def objective(nu: Sequence[Any], w: Any = w, b: Any = b, reference: list[Any] = reference) -> Any:
            return mp.fsum(p * ((b - w) * mp.log(p) - b * r) for p, r in zip(nu, reference, strict=True) if p)

        n = len(nu_0)
        grid = min(objective([mp.mpf(k) / GRID for k in counts]) for counts in oracles.group_counts(n, GRID))
        instance = {"R": f"{weight} H", "nu_0": oracles.as_text(nu_0), "beta": str(beta)}
        size = oracles.complexity(nu_0, [weight, beta])
        here = instance | {"compared": "least J on a grid, claimed least"}
        yield Evidence(float(phase.least), float(grid), "at least", 1e-14, here, size)
        here = instance | {"compared": "J at the claimed minimiser, claimed least"}
        yield Evidence(float(phase.least), float(objective(phase.minimiser)), "equal", 1e-14, here, size)
        rises = all(
            objective([1 - TINY if z == v else TINY if z == other else mp.mpf(0) for z in range(n)])
            > objective([mp.mpf(int(z == v)) for z in range(n)])
            for v in range(n)
            for other in range(n)
            if other != v
        )
        here = instance | {"compared": "J rises from every point mass towards every other"}
        yield Evidence(float(phase.traps), float(rises), "equal", 0.0, here, size)


def _instances(rng: np.random.Generator) -> Iterator[tuple[list[Fraction], Fraction, Fraction]]:
    one, two = Fraction(1), Fraction(2)
    for weight, beta in ((one, two), (one, one), (two, one)):
        yield [Fraction(1, 3), Fraction(2, 3)], weight, beta
    for i in range(18):
        # Three different masses, so that the mode is one answer and no point mass is as likely as another.
        masses = [int(m) for m in rng.choice(np.arange(1, 10), size=2 + i % 2, replace=False)]
        nu_0, beta = [Fraction(m, sum(masses)) for m in masses], Fraction(int(rng.integers(2, 9)), 4)
        yield nu_0, beta * (Fraction(1, 2), one, Fraction(4, 3))[i % 3], beta


def plot() -> Plot:
    """Draw the mass of the mode at the minimum against the weight."""
    lines = []
    for first in (Fraction(1, 2), Fraction(11, 20), Fraction(2, 3), Fraction(9, 10)):
        ratios = [Fraction(k, 50) for k in range(101)]
        mass = [float(max(stated([first, 1 - first], ratio, Fraction(1)).minimiser)) for ratio in ratios]
        lines.append(Line(f"nu_0 = ({first}, {1 - first})", [float(r) for r in ratios], mass))
    caption = (
        "For lambda >= beta a point mass is the minimum: the mode of the reference, or either answer if both are "
        "equally likely."
    )
    return Plot("lambda / beta", "mass of the likelier answer at the minimum", lines, caption)


I15A = Claim(
    id="I.15a",
    title="Thresholds of entropy minimisation",
    whose="ours",
    place="repair of claim I.15",
    plain=(
        "Minimising entropy keeps J convex below the weight of the divergence, and makes every point mass a local "
        "minimum above it."
    ),
    statement=(
        "For R = lambda H: if lambda < beta, J is strictly convex with nu* proportional to nu_0^(beta / (beta - "
        "lambda)); if lambda = beta, J is linear and least at every distribution on the most likely answers of nu_0; "
        "if lambda > beta, every point mass is a strict local minimum and the mode of nu_0 the global one."
    ),
    printed="nu* ~ nu_0^(beta / (beta - lambda)) for lambda < beta;  nu* = mode of nu_0 for lambda >= beta",
    kind="existence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "J = (beta - lambda) sum nu log nu - beta <nu, log nu_0>. For lambda > beta it is strictly concave, so that "
        "its minima are vertices; moving a mass t away from a vertex raises J by (lambda - beta) t log(1 / t), which "
        "is more than any decrease linear in t."
    ),
    plot=plot,
)

CLAIMS = (I15A,)
