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
    """Best response to the best target against nu: log nu' = log nu_0 - ratio log nu, with ratio = weight / beta."""
    return [a - ratio * b for a, b in zip(log_nu_0, log_nu, strict=True)]


def damped(log_nu: Vector, log_nu_0: Vector, ratio: Any) -> Vector:
    """A step damped by eta = beta / (beta + weight)."""
    eta = 1 / (1 + ratio)
    answer = stated(log_nu, log_nu_0, ratio)
    return [(1 - eta) * b + eta * a for a, b in zip(answer, log_nu, strict=True)]


def just_damped(log_nu: Vector, log_nu_0: Vector, ratio: Any) -> Vector:
    """A step damped by 1.88 eta: 6 % below 2 eta, which gives a cycle."""
    part = mp.mpf("1.88")
    return [(1 - part) * b + part * a for a, b in zip(damped(log_nu, log_nu_0, ratio), log_nu, strict=True)]


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
        sentence = ""
        if ratio == 1 and formula is stated:
            cycle = [oracles.as_text(nu) for nu in exact_cycle(nu_0)]
            instance["iterates"] = ", ".join(cycle[:3])
            sentence = (
                f"Take R = sum nu log nu, beta = 1, one trace per answer and nu_0 = {oracles.as_text(nu_0)}. The best "
                f"response to the best target against nu is proportional to nu_0 / nu. The iteration maps {cycle[0]} "
                f"to {cycle[1]}, then to {cycle[2]}, then to {cycle[3]}, and so on with period 2. The equilibrium is "
                f"({', '.join(mp.nstr(p, 3) for p in equilibrium)}), proportional to the square root of nu_0."
            )
        yield Evidence(
            claimed=0.0,
            measured=float(max(distances[-2:])),
            relation="equal",
            tolerance=1e-9,
            instance=instance,
            size=oracles.complexity(nu_0, [ratio]),
            sentence=sentence,
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
    """Subtract the mean of the logarithms, a free constant, so that they do not overflow."""
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
    caption = (
        "For weight < beta the iterates converge, for weight = beta they have period 2, for weight > beta they tend "
        "to the corners."
    )
    return Plot("step", "nu(0)", lines, f"R = weight sum nu log nu, nu_0 = (4/5, 1/5). {caption}")


I7 = Claim(
    id="I.7",
    title="Alternating best response converges",
    whose="paper",
    place="section 2.3, below Prop. 2.2; appendix E, Convergence, and Connection to Variational EM",
    plain=(
        "If target and policy are replaced in turn by the best response to the other, they converge to the equilibrium."
    ),
    statement=(
        "Alternating best responses need not converge for games in general. For strictly convex-concave games with "
        "exact subproblems they must converge; J is strictly convex and the implied dual strictly concave modulo "
        "shifts, so that they converge to the unique (pi*, q*). R is any convex functional and beta > 0."
    ),
    printed="q_t = argmax_q G(pi_t, q), pi_{t+1} = argmin_pi G(pi, q_t)  =>  (pi_t, q_t) -> (pi*, q*)",
    kind="convergence",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=damped,
            near_miss=just_damped,
            evidence=evidence,
        ),
    ),
    remark=(
        "The required strictness holds here: KL is strictly convex in pi, and R* = log sum exp(u) is strictly convex "
        "modulo shifts. For R = weight sum nu log nu a step is linear in log space, with the factor -weight / beta. "
        "So the iteration converges for weights below beta, has the cycle shown at weight = beta, and ends "
        "alternating between opposite corners for weights above beta. The cited theorem is about the minimisation of "
        "one function in turns, not about saddle points. The text has strictness alone as the condition, so that a "
        "condition on beta is no reading of it. A step that goes only part of the way converges (I.8). The slides "
        "name the loop, claim no convergence of it, and call its rate open."
    ),
    amendment="I.8",
    plot=plot,
)

CLAIMS = (I7,)
