"""I.7: alternating best response need not converge."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading

STEPS = 200
Vector = list[Any]


def stated(log_nu: Vector, log_nu_0: Vector, ratio: Any) -> Vector:
    """Answer the target that answered nu: log nu' = log nu_0 - ratio log nu, with ratio = weight / beta."""
    return [a - ratio * b for a, b in zip(log_nu_0, log_nu, strict=True)]


def damped(log_nu: Vector, log_nu_0: Vector, ratio: Any) -> Vector:
    """Go only the part eta = beta / (beta + weight) of the way."""
    eta = 1 / (1 + ratio)
    answer = stated(log_nu, log_nu_0, ratio)
    return [(1 - eta) * b + eta * a for a, b in zip(answer, log_nu, strict=True)]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Run the iteration on entropy games, from the reference, and measure how far from the equilibrium it ends.

    Args:
        formula: One step of the iteration in log space.
        rng: Source of randomness.

    Yields:
        Distances after 200 and 201 steps, with weight below, at and above beta.
    """
    for nu_0, ratio in _instances(rng):
        log_nu_0 = [oracles.log(p) for p in nu_0]
        r = oracles.number(ratio)
        equilibrium = oracles.normalised([a / (1 + r) for a in log_nu_0])
        log_nu = log_nu_0
        distances = []
        for _ in range(STEPS + 1):
            log_nu = _centred(formula(log_nu, log_nu_0, r))
            nu = oracles.normalised(log_nu)
            distances.append(max(abs(a - b) for a, b in zip(nu, equilibrium, strict=True)))
        instance = {
            "R": f"{ratio} beta sum nu log nu",
            "nu_0": oracles.as_text(nu_0),
            "nu*": "(" + ", ".join(mp.nstr(p, 6) for p in equilibrium) + ")",
            f"distance after {STEPS}, {STEPS + 1}": [float(mp.nstr(d, 6)) for d in distances[-2:]],
        }
        if ratio == 1 and formula is stated:
            instance["iterates"] = ", ".join(oracles.as_text(nu) for nu in exact_cycle(nu_0)[:3])
        yield Evidence(
            claimed=0.0,
            measured=float(max(distances[-2:])),
            relation="equal",
            tolerance=1e-9,
            instance=instance,
            size=oracles.complexity(nu_0, [ratio]),
        )


def exact_cycle(nu_0: Sequence[Fraction]) -> list[list[Fraction]]:
    """Iterate nu' proportional to nu_0 / nu (weight = beta) three times from the reference, in exact rationals.

    Args:
        nu_0: Reference, positive.

    Returns:
        The start and three iterates.
    """
    iterates = [list(nu_0)]
    for _ in range(3):
        weights = [a / b for a, b in zip(nu_0, iterates[-1], strict=True)]
        iterates.append([w / sum(weights) for w in weights])
    return iterates


def _instances(rng: np.random.Generator) -> Iterator[tuple[list[Fraction], Fraction]]:
    simple = [Fraction(4, 5), Fraction(1, 5)]
    for ratio in (Fraction(1, 2), Fraction(9, 10), Fraction(1), Fraction(11, 10), Fraction(2)):
        yield simple, ratio
    for _ in range(20):
        nu_0 = oracles.random_distribution(rng, int(rng.integers(2, 6)), 99)
        yield nu_0, Fraction(int(rng.integers(1, 25)), 10)


def _centred(log_nu: Vector) -> Vector:
    """Fix the free constant, so that logarithms do not grow without need."""
    mean = mp.fsum(log_nu) / len(log_nu)
    return [a - mean for a in log_nu]


def plot() -> Plot:
    """Follow the iteration with the weight below, at and above beta."""
    log_nu_0, lines = [oracles.log(p) for p in (Fraction(4, 5), Fraction(1, 5))], []
    for ratio in (Fraction(1, 2), Fraction(1), Fraction(3, 2)):
        log_nu, path = log_nu_0, [0.8]
        for _ in range(16):
            log_nu = _centred(stated(log_nu, log_nu_0, oracles.number(ratio)))
            path.append(float(oracles.normalised(log_nu)[0]))
        lines.append(Line(f"weight = {float(ratio):g} beta", list(range(len(path))), path))
    caption = "Below beta the iterates converge, at beta they return every second step, above they end in the corners."
    return Plot("step", "nu(0)", lines, f"R = weight sum nu log nu, nu_0 = (4/5, 1/5). {caption}")


I7 = Claim(
    id="I.7",
    title="Alternating best response converges",
    whose="paper",
    place="paper, appendix E; section 2.3",
    statement=(
        "If both players' subproblems are solved exactly in turn, policy and target converge to the equilibrium, "
        "for every convex R and every beta > 0."
    ),
    kind="convergence",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=damped,
            evidence=evidence,
        ),
    ),
    remark=(
        "For R = weight sum nu log nu a step is linear in log space with factor -weight / beta: it converges below "
        "beta, is a 2-cycle at beta (nu_0 = (4/5, 1/5): (4/5, 1/5), (1/2, 1/2), (4/5, 1/5), ... around nu* = (2/3, "
        "1/3), exactly) and alternates between opposite corners above. The theorem cited for it is about "
        "minimisation. The damped step converges in every case (claim I.8)."
    ),
    amendment="I.8",
    plot=plot,
)

CLAIMS = (I7,)
