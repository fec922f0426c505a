"""I.30: where projecting the views on their arithmetic mean, again and again, ends."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

from dagames import orbits
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Views = Sequence[Sequence[Fraction]]


class Course(NamedTuple):
    """What is claimed of the loop.

    Attributes:
        limit: The common marginal at the end, for full steps.
        factor: By which a step of length eta multiplies the disagreement.
    """

    limit: Sequence[Any]
    factor: Fraction


def stated(views: Views, eta: Fraction) -> Course:
    """End at the coherent equilibrium, the geometric mean of the references."""
    columns = zip(*views, strict=True)
    return Course(oracles.normalised([mp.fsum(map(oracles.log, column)) / len(views) for column in columns]), 1 - eta)


def amended(views: Views, eta: Fraction) -> Course:
    """End at their arithmetic mean."""
    return Course([oracles.number(p) for p in mean_of(views)], 1 - eta)


def mean_of(views: Views) -> list[Fraction]:
    """Compute the arithmetic mean, exactly."""
    return [sum(column, Fraction(0)) / len(views) for column in zip(*views, strict=True)]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Run the loop: with full steps over traces, exactly and by the library, and with damped steps at 50 digits.

    Args:
        formula: Limit and factor, by the references' marginals and the length of the step.
        rng: Source of randomness.

    Yields:
        How far the marginals are from the limit after one full step, and after three by the library; the largest
        distance of the factor of a damped step from what is claimed, where disagreement is the largest difference of
        log-ratios of two answers between two views.
    """
    for policies, E, eta in _instances(rng):
        n = max(E) + 1
        views = [oracles.marginal(pi, E, n) for pi in policies]
        course = formula(views, eta)
        mean = mean_of(views)
        after = [
            [p * mean[z] / nu[z] for p, z in zip(pi, E, strict=True)] for pi, nu in zip(policies, views, strict=True)
        ]
        instance = {"views": "; ".join(oracles.as_text(nu) for nu in views)}
        size = oracles.complexity(*views)
        apart = max(
            abs(oracles.number(p) - m)
            for pi in after
            for p, m in zip(oracles.marginal(pi, E, n), course.limit, strict=True)
        )
        here = instance | {"compared": "distance of the views from the limit after a full step"}
        yield Evidence(0.0, float(apart), "equal", 1e-30, here, size)
        table = np.array([[float(p) for p in pi] for pi in policies])
        for _ in range(3):
            nu = np.stack([table[:, np.array(E) == z].sum(axis=1) for z in range(n)], axis=1)
            table = orbits.project_onto_marginal(table, E, orbits.arithmetic_mean(nu))
        wanted = [float(p) for p in course.limit]
        off = max(abs(table[:, np.array(E) == z].sum(axis=1) - wanted[z]).max() for z in range(n))
        here = instance | {"compared": "distance after three steps of the library"}
        yield Evidence(0.0, float(off), "equal", 1e-12, here, size)
        here = instance | {"eta": str(eta), "compared": "factor of the disagreement in a damped step"}
        factors = _factors([[oracles.log(p) for p in row] for row in views], oracles.number(eta))
        off = max((abs(factor - oracles.number(course.factor)) for factor in factors), default=mp.mpf(0))
        yield Evidence(0.0, float(off), "equal", 1e-25, here, size)


def _factors(logs: list[list[Any]], eta: Any) -> list[Any]:
    """Damp ten times: log nu_x' = (1 - eta) log nu_x + eta log mean, up to a constant."""
    factors: list[Any] = []
    before = _disagreement(logs)
    for _ in range(10):
        if before < mp.mpf("1e-10"):
            break
        mean = [mp.log(mp.fsum(map(mp.exp, column)) / len(logs)) for column in zip(*logs, strict=True)]
        moved = [[(1 - eta) * a + eta * m for a, m in zip(row, mean, strict=True)] for row in logs]
        logs = [[mp.log(p) for p in oracles.normalised(row)] for row in moved]
        now = _disagreement(logs)
        factors.append(now / before)
        before = now
    return factors


def _disagreement(logs: Sequence[Sequence[Any]]) -> Any:
    gaps = [[a - b for a, b in zip(row, other, strict=True)] for row in logs for other in logs]
    return max(max(gap) - min(gap) for gap in gaps)


def _instances(rng: np.random.Generator) -> Iterator[tuple[Views, list[int], Fraction]]:
    half, fifth = Fraction(1, 2), Fraction(1, 5)
    yield [[half, half], [4 * fifth, fifth]], [0, 1], half
    yield [[half, half], [half, half]], [0, 1], half
    for i in range(20):
        n = 2 + i % 3
        E = [*range(n), *(int(z) for z in rng.integers(0, n, size=i % 3))]
        views = [oracles.random_distribution(rng, len(E), 9) for _ in range(2 + i % 3)]
        yield views, E, Fraction(int(rng.integers(1, 8)), 8)


I30 = Claim(
    id="I.30",
    title="Projecting on the arithmetic mean",
    whose="paper",
    place="paper, appendix F.2 B, which refers to F.4 for it; nothing there speaks of iterating",
    statement=(
        "Projecting the views' policies again and again on those whose answers have their arithmetic mean converges"
        " to the equilibrium of the coherence game, if the references cover the true answer."
    ),
    kind="convergence",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            evidence=evidence,
        ),
    ),
    remark=(
        "Read with 'a coherent equilibrium' as that of the game, section 4.1. After one projection all views have "
        "the arithmetic mean, and stay: coherent at once, but (13/20, 7/20) for (1/2, 1/2) and (4/5, 1/5), whose "
        "equilibrium is (2/3, 1/3). As for the proviso: a view without traces for an answer of another cannot be "
        "projected at all, so that each view must cover the answers of all. I.30a says what holds, I.30b what "
        "sampling makes of it. The other loop in the paper, pi proportional to pi_0 times the mean, need not even "
        "become coherent: (2/3, 1/3) and (1/3, 2/3) never move."
    ),
    amendment="I.30a",
)

I30A = Claim(
    id="I.30a",
    title="Rate of agreement on the arithmetic mean",
    whose="ours",
    place="amendment of claim I.30",
    statement=(
        "If each view has mass on all answers of the others, projecting on the arithmetic mean makes all views that"
        " mean in one step. Steps of length eta in logarithms, nu_x' proportional to nu_x^(1 - eta) mean^eta, "
        "multiply the largest difference of log-ratios between views by exactly 1 - eta."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "The mean and the normalisation drop out of log nu_x(z) / nu_x(w) - log nu_y(z) / nu_y(w), for whatever "
        "consensus. Damped steps end at a common law as well, as their lengths are summable; it depends on eta, and"
        " is neither mean. In the game the arithmetic mean costs KL(AM || GM) more than the least."
    ),
)

CLAIMS = (
    I30,
    I30A,
)
