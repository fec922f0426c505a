"""II.5b: the best approximation of -p log p, used in the literature for estimates of entropies, from its definition."""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linprog

from dagames.estimators import LOG
from dagames.estimators.exchange import certified_level, exchange
from proofs_check import approximation
from proofs_check.claim import Claim, Evidence, Formula, Reading

POINTS = 40
"""Points of the program's grid, per degree; its value is at most the share (pi / 80)^2 / 2 below the least error."""


def stated(n: int) -> float:
    """The least error of a polynomial of degree n, found by the library's exchange without the constraint at 0."""
    level, _ = certified_level(exchange(n, LOG, free=True).points, LOG, 256, free=True)
    return float(level)


def sabotage(n: int) -> float:
    """The least error of the constrained problem, of polynomials of the same degree that vanish at 0."""
    level, _ = certified_level(exchange(n - 1, LOG).points, LOG, 256)
    return float(level)


def off(n: int) -> float:
    """The least error times 1 + 1e-6."""
    return stated(n) * (1 + 1e-6)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is drawn
    """Compute the least error by an exchange at 50 digits and by a linear program on a grid.

    Args:
        formula: The claimed least error at degree n.
        rng: Source of randomness, not used.

    Yields:
        For n = 1..16 a comparison with an exchange at 50 digits, and with a linear program on a grid.
    """
    for n in range(1, 17):
        claimed, own, program = formula(n), float(approximation.best(n, free=True)[0]), _by_linear_program(n)
        instance = {"n": n, "least error": float(f"{own:.12g}"), "by a linear program": float(f"{program:.8g}")}
        here = instance | {"compared": "least error by the exchange"}
        yield Evidence(claimed, own, "equal", 1e-9 * own, here, size=n)
        here = instance | {"compared": "least error by the linear program"}
        yield Evidence(claimed, program, "equal", 0.5 * (0.5 * np.pi / POINTS) ** 2 * own, here, size=n)


def _by_linear_program(n: int) -> float:
    angle = np.linspace(0, np.pi, POINTS * (n + 1) + 1)
    p = np.sin(0.5 * angle) ** 2
    goal = p * np.log(np.where(p > 0, p, 1.0))
    basis = np.cos(angle[:, None] * np.arange(n + 1))
    ones = np.ones((p.size, 1))
    rows = np.block([[basis, -ones], [-basis, -ones]])
    cost = np.append(np.zeros(n + 1), 1.0)
    bounds = [(None, None)] * (n + 1) + [(0, None)]
    solved = linprog(cost, A_ub=rows, b_ub=np.concatenate([goal, -goal]), bounds=bounds)
    return float(np.asarray(solved.x)[-1])


II5B = Claim(
    id="II.5b",
    title="Entropy approximation of the literature",
    whose="ours",
    place="in addition to claim II.5",
    plain=(
        "The best polynomial for the entropy, known from statistics, is the one that the exchange algorithm of this "
        "project finds without its constraint."
    ),
    statement=(
        "For n = 1..16 the least error on [0, 1] of a polynomial of degree n against -p log p, on which the entropy "
        "estimator of Jiao, Venkat, Han and Weissman (2015) is built, is the one that the exchange algorithm for the "
        "minimax table finds if P(p) need not vanish at 0."
    ),
    printed="min_P max_{p in [0,1]} |P(p) - p log p|,  deg P <= n",
    kind="equality",
    expected="holds",
    readings=(Reading(expected="holds", stated=stated, sabotage=sabotage, near_miss=off, evidence=evidence),),
    remark=(
        "The error is reproduced from its definition, by an exchange at 50 digits and by a linear program. That "
        "article takes its polynomials from Remez's method; no published errors were available for a comparison."
    ),
)

CLAIMS = (II5B,)
