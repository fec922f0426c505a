"""I.30: the limit of repeated projection of the views on their arithmetic mean, by the kind of projection."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

from dagames import orbits
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Views = Sequence[Sequence[Fraction]]
ROUNDS = 20_000
"""Most rounds of the loop with the policy step, which ends earlier if it has converged."""


class Course(NamedTuple):
    """The claimed limit and rate of the loop.

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
    """End at the arithmetic mean of the references."""
    return Course([oracles.number(p) for p in mean_of(views)], 1 - eta)


def near_miss(views: Views, eta: Fraction) -> Course:
    """The same limit, with a factor off by a hundredth of the step."""
    return Course(amended(views, eta).limit, 1 - Fraction(101, 100) * eta)


def agreed(views: Views) -> Any:  # noqa: ARG001 - whatever they are
    """The views agree at the end."""
    return mp.mpf(0)


def left_by_the_step(views: Views) -> Any:
    """The distance between the views nu_k q / <nu_k, q> for the q with the largest mean log <nu_k, q>."""
    return spread_of(responses_to(views, best_mixture(views)))


def half_agreed(views: Views) -> Any:
    """Half of the references' distance remains."""
    return spread_of([[oracles.number(p) for p in nu] for nu in views]) / 2


def nearly_agreed(views: Views) -> Any:
    """A hundredth of the references' distance remains."""
    return half_agreed(views) / 50


def best_mixture(views: Views, power: float = 0.0) -> list[Any]:
    """Search for the q on two answers with the largest mean log <nu_k, q>.

    Args:
        views: Marginals of one or two answers.
        power: Maximise the mean of <nu_k, q>^power instead, if it is not 0.

    Returns:
        The distribution.
    """
    if len(views[0]) == 1:
        return [mp.mpf(1)]
    rows = [[oracles.number(p) for p in nu] for nu in views]

    def loss(first: Any) -> Any:
        likely = [a * first + b * (1 - first) for a, b in rows]
        return -mp.fsum(mp.log(x) if power == 0 else x**power / power for x in likely)

    first = oracles.by_thirds(loss)
    # A search ends near a corner, not on it.
    first = min((mp.mpf(0), first, mp.mpf(1)), key=loss)
    return [first, 1 - first]


def responses_to(views: Views, q: Sequence[Any]) -> list[list[Any]]:
    """Compute the best response nu_k q / <nu_k, q> of each view to a common target."""
    rows = [[oracles.number(p) * m for p, m in zip(nu, q, strict=True)] for nu in views]
    return [[p / mp.fsum(row) for p in row] for row in rows]


def spread_of(views: Sequence[Sequence[Any]]) -> Any:
    """Compute the largest difference of a mass between two views."""
    return max(max(column) - min(column) for column in zip(*views, strict=True))


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
    for policies, E, eta in instances(rng):
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
        limit = ", ".join(mp.nstr(p, 3) for p in course.limit)
        text = (
            f"From the views {' and '.join(oracles.as_text(nu) for nu in views)} one projection leads all of them to"
            f" the mean, {oracles.as_text(mean)}, where they stay; the equilibrium of the game is ({limit})."
        )
        yield Evidence(0.0, float(apart), "equal", 1e-30, here, size, sentence=text)
        off = np.abs(_projected(policies, E, 3) - np.array([float(p) for p in course.limit])).max()
        here = instance | {"compared": "distance after three steps of the library"}
        yield Evidence(0.0, float(off), "equal", 1e-12, here, size)
        here = instance | {"eta": str(eta), "compared": "factor of the disagreement in a damped step"}
        factors = _factors([[oracles.log(p) for p in row] for row in views], oracles.number(eta))
        off = max((abs(factor - oracles.number(course.factor)) for factor in factors), default=mp.mpf(0))
        yield Evidence(0.0, float(off), "equal", 1e-25, here, size)


def evidence_of_the_step(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Iterate the policy step on the mean of the views, each from its own reference, until it converges.

    Args:
        formula: The largest difference of a mass between views at the end, by the references' marginals.
        rng: Source of randomness.

    Yields:
        That difference, for references of one or two answers.
    """
    for policies, E, _ in instances(rng):
        views = [oracles.marginal(pi, E, max(E) + 1) for pi in policies]
        if len(views[0]) > 2:
            continue
        table, rounds = loop(views)
        mean = " and ".join(oracles.as_text(nu) for nu in views)
        ends = " and ".join("(" + ", ".join(f"{p:.3g}" for p in row) + ")" for row in table)
        if rounds == 1:
            text = (
                f"Take two views with references {mean}. Their mean is {oracles.as_text(mean_of(views))}. Each "
                "reference times this mean is, normalised, the reference again. So the views never change, and their "
                f"difference in each answer stays {np.ptp(table, axis=0).max():.3g}."
            )
        else:
            text = f"From the references {mean} the loop converges, after {rounds} rounds, to {ends}."
        here = {"views": "; ".join(oracles.as_text(nu) for nu in views), "compared": "largest difference of a mass"}
        measured = float(np.ptp(table, axis=0).max())
        yield Evidence(float(formula(views)), measured, "equal", 1e-7, here, oracles.complexity(*views), sentence=text)


def loop(views: Views) -> tuple[Any, int]:
    """Replace each view by its reference times the mean of all views, until nothing moves by more than rounding.

    Args:
        views: Marginals of the references.

    Returns:
        The views at the end, [K, Z], and the number of rounds.
    """
    reference = np.array([[float(p) for p in nu] for nu in views])
    table = reference
    rounds = 0
    while rounds < ROUNDS:
        rounds += 1
        new = reference * table.mean(axis=0)
        new /= new.sum(axis=1, keepdims=True)
        moved, table = np.abs(new - table).max(), new
        if moved < 1e-15:
            break
    return table, rounds


def evidence_of_agreement(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Rescale the traces of each answer so that it has its mean mass, exactly, and compare the views' marginals.

    Args:
        formula: The largest remaining difference of a mass, by the references' marginals.
        rng: Source of randomness.

    Yields:
        That difference after one projection, exactly, and after three by the library.
    """
    for policies, E, _ in instances(rng):
        n = max(E) + 1
        views = [oracles.marginal(pi, E, n) for pi in policies]
        mean, size = mean_of(views), oracles.complexity(*views)
        after = [
            [p * mean[z] / nu[z] for p, z in zip(pi, E, strict=True)] for pi, nu in zip(policies, views, strict=True)
        ]
        remaining = spread_of([oracles.marginal(pi, E, n) for pi in after])
        instance = {"views": "; ".join(oracles.as_text(nu) for nu in views)}
        before = " and ".join(oracles.as_text(nu) for nu in views)
        text = f"From {before} one projection makes the marginal of every view their mean, {oracles.as_text(mean)}."
        here = instance | {"compared": "largest difference of a mass after one projection"}
        yield Evidence(float(formula(views)), float(remaining), "equal", 0.0, here, size, sentence=text)
        found = _projected(policies, E, 3)
        here = instance | {"compared": "largest difference of a mass after three projections of the library"}
        yield Evidence(float(formula(views)), float(np.ptp(found, axis=0).max()), "equal", 1e-12, here, size)


def _projected(policies: Views, E: Sequence[int], times: int) -> Any:
    """Project on the mean with the library; marginals at the end, [K, Z]."""
    table, n = np.array([[float(p) for p in pi] for pi in policies]), max(E) + 1
    for _ in range(times + 1):
        nu = np.stack([table[:, np.array(E) == z].sum(axis=1) for z in range(n)], axis=1)
        table = orbits.project_onto_marginal(table, E, orbits.arithmetic_mean(nu))
    return nu


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


def instances(rng: np.random.Generator) -> Iterator[tuple[Views, list[int], Fraction]]:
    """Yield references, the answer of each trace and the length of a step: by hand, then at random."""
    half, third, fifth = Fraction(1, 2), Fraction(1, 3), Fraction(1, 5)
    yield [[2 * third, third], [third, 2 * third]], [0, 1], half
    yield [[fifth, 4 * fifth], [7 * half * fifth, 3 * half * fifth]], [0, 1], third
    yield [[fifth / 2, 9 * half * fifth], [half, half], [4 * fifth, fifth]], [0, 1], third
    yield [[half, half], [4 * fifth, fifth]], [0, 1], half
    yield [[half, half], [half, half]], [0, 1], half
    for i in range(20):
        n = 2 + i % 3
        E = [*range(n), *(int(z) for z in rng.integers(0, n, size=i % 3))]
        views = [oracles.random_distribution(rng, len(E), 9) for _ in range(2 + i % 3)]
        yield views, E, Fraction(int(rng.integers(1, 8)), 8)


I30 = Claim(
    id="I.30",
    title="Iterating on the arithmetic mean",
    whose="paper",
    place="Appendix F.2 B, Theoretical Guarantee",
    plain="Repeated fitting of the views to their average makes them agree.",
    statement=(
        "Repeated projection on the arithmetic mean of the views converges to a coherent equilibrium, if the first "
        "policy is diverse enough that it covers the true answer."
    ),
    printed="pi_k <- Proj(nubar), nubar = 1/K sum_k nu_k:  nu_1 = ... = nu_K in the limit",
    kind="convergence",
    expected="depends",
    readings=(
        Reading(
            supposes="a projection is the paper's policy step, pi proportional to pi_0 times the mean",
            expected="false",
            stated=agreed,
            sabotage=left_by_the_step,
            near_miss=(
                "The views agree or not, without a constant that could be varied; the sabotage is the remaining "
                "distance."
            ),
            evidence=evidence_of_the_step,
        ),
        Reading(
            supposes=(
                "a projection gives each policy the mean as its marginal, each view has mass on the answers of all, "
                "and an equilibrium is any distribution on which the views agree"
            ),
            expected="holds",
            stated=agreed,
            sabotage=half_agreed,
            near_miss=nearly_agreed,
            evidence=evidence_of_agreement,
        ),
        Reading(
            supposes="the equilibrium is that of the coherence game, the geometric mean of section 4.1",
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss=(
                "The sabotage is the true limit; the two means do not differ by a constant that could be varied."
            ),
            evidence=evidence,
        ),
    ),
    remark=(
        "The policy step of the paper may leave every view unchanged. It leads to the best mixture of claim I.30c, at "
        "which views of different odds agree only on a single answer. A projection on the mean as the marginal makes "
        "the views agree at once, but on the arithmetic mean. The condition on the first policy is then not enough: a "
        "view without traces for an answer of another view cannot be projected. Appendix F.4, to which the paper "
        "refers, does not treat iteration. Claim I.30b treats the iteration with samples."
    ),
    amendment="I.30a",
)

I30A = Claim(
    id="I.30a",
    title="Rate of agreement on the arithmetic mean",
    whose="ours",
    place="repair of claim I.30",
    plain=(
        "Projection on the average makes all views equal to it in one step; a damped step removes a fixed share of "
        "the difference."
    ),
    statement=(
        "If each view has mass on all answers of the others, projection on the arithmetic mean makes all views equal "
        "to this mean in one step. Steps of length eta in logarithms, nu_x' proportional to nu_x^(1 - eta) mean^eta, "
        "multiply the largest difference of log-ratios between views by exactly 1 - eta."
    ),
    printed="max |log-ratio of nu_k - log-ratio of nu_l| <- (1 - eta) times it",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "The mean and the normalisation drop out of log nu_x(z) / nu_x(w) - log nu_y(z) / nu_y(w), for every "
        "consensus. Damped steps converge to a common distribution as well, as their lengths are summable; this "
        "distribution depends on eta, and is neither mean. In the game the objective at the arithmetic mean is KL(AM "
        "|| GM) above the least."
    ),
)

CLAIMS = (I30, I30A)
