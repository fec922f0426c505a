"""I.15: the entropy of answers is not a convex functional, and the problem with it is convex only for some beta."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from proofs_check import oracles
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
FLOOR = Fraction(1, 100)
"""Least mass of an answer where the ratio is attacked."""


def stated(nu: Sequence[Fraction]) -> Any:
    """The entropy, to be minimised."""
    return -mp.fsum(oracles.number(p) * oracles.log(p) for p in nu if p)


def negative(nu: Sequence[Fraction]) -> Any:
    """The negative entropy, to be minimised for diversity."""
    return -stated(nu)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare R at the midpoint of two distributions with the mean of R over the two.

    Args:
        formula: The functional R.
        rng: Source of randomness.

    Yields:
        One comparison per pair at 50 digits; the ratio for pairs whose masses are at least 1/100, as between point
        masses it is infinite.
    """
    for p, q in _instances(rng):
        middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
        ends, between = (formula(p) + formula(q)) / 2, formula(middle)
        bounded = min(*p, *q) >= FLOOR and ends > 0
        yield Evidence(
            claimed=float(ends),
            measured=float(between),
            relation="at most",
            tolerance=1e-14,
            instance={
                "nu": oracles.as_text(p),
                "nu'": oracles.as_text(q),
                "compared": "R at the midpoint, mean of R at both",
            },
            size=oracles.complexity(p, q),
            ratio=float(between / ends) if bounded else None,
            sentence=(
                f"Take nu = {oracles.as_text(p)} and nu' = {oracles.as_text(q)}. The entropies are "
                f"{_short(formula(p))} and {_short(formula(q))}, but at the midpoint {oracles.as_text(middle)} the "
                f"entropy is {_short(between)}, above the mean of the two; a convex R is at most the mean."
                if between > ends
                else ""
            ),
        )


def _short(value: Any) -> str:
    return "0" if value == 0 else str(mp.nstr(value, 3))


def objective(weight: Fraction, beta: Fraction, nu: Sequence[Fraction], nu_0: Sequence[Fraction]) -> Any:
    """Compute weight H + beta KL."""
    return oracles.number(weight) * stated(nu) + oracles.number(beta) * oracles.kl(nu, nu_0)


def heavier(weight: Fraction, beta: Fraction, nu: Sequence[Fraction], nu_0: Sequence[Fraction]) -> Any:
    """Take the entropy with twice its weight."""
    return objective(2 * weight, beta, nu, nu_0)


def slightly_heavier(weight: Fraction, beta: Fraction, nu: Sequence[Fraction], nu_0: Sequence[Fraction]) -> Any:
    """Take the entropy with two percent more weight."""
    return objective(weight * Fraction(51, 50), beta, nu, nu_0)


def diverse(weight: Fraction, beta: Fraction, nu: Sequence[Fraction], nu_0: Sequence[Fraction]) -> Any:
    """Take the negative entropy."""
    return objective(-weight, beta, nu, nu_0)


def evidence_of_problem(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare J at the midpoint of two distributions with its mean, for a weight of 1/2 and 99/100 of beta.

    Args:
        formula: The objective, from the weight of the entropy, beta, nu and nu_0.
        rng: Source of randomness.

    Yields:
        One comparison per pair at 50 digits.
    """
    for p, q in _pairs(rng):
        for share in (Fraction(1, 2), Fraction(99, 100)):
            yield _at_midpoint(formula, share, Fraction(1), p, q, oracles.random_distribution(rng, len(p), 9))


def evidence_for_any_beta(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare J at the midpoint of two distributions with its mean over the two, for a weight above and below beta.

    Args:
        formula: The objective, from the weight of the entropy, beta, nu and nu_0.
        rng: Source of randomness.

    Yields:
        One comparison per pair at 50 digits.
    """
    half = Fraction(1, 2)
    for p, q in _pairs(rng):
        for beta in (half, Fraction(2)):
            nu_0 = [half, half] if len(p) == 2 else oracles.random_distribution(rng, len(p), 9)
            yield _at_midpoint(formula, Fraction(1), beta, p, q, nu_0)


def _at_midpoint(
    formula: Formula, weight: Fraction, beta: Fraction, p: list[Fraction], q: list[Fraction], nu_0: list[Fraction]
) -> Evidence:
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    at_p, at_q, between = (formula(weight, beta, nu, nu_0) for nu in (p, q, middle))
    ends = (at_p + at_q) / 2
    return Evidence(
        claimed=float(ends),
        measured=float(between),
        relation="at most",
        tolerance=0.0,  # 50 digits, and pairs far apart
        instance={
            "R": f"{weight} H",
            "beta": str(beta),
            "nu_0": oracles.as_text(nu_0),
            "nu": oracles.as_text(p),
            "nu'": oracles.as_text(q),
            "compared": "J at the midpoint, mean of J at both",
        },
        size=oracles.complexity(p, q, nu_0, [beta]),
        sentence=(
            f"Take R = H, beta = {beta} and nu_0 = {oracles.as_text(nu_0)}. At nu = {oracles.as_text(p)} and nu' = "
            f"{oracles.as_text(q)} J = H + beta KL is {_short(at_p)} and {_short(at_q)}. At the midpoint "
            f"{oracles.as_text(middle)} J is {_short(between)}, which is more than the mean of the two."
            if between > ends and weight == 1
            else ""
        ),
    )


def _pairs(rng: np.random.Generator) -> Iterator[tuple[list[Fraction], list[Fraction]]]:
    yield [Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]
    for i in range(20):
        p, q = (oracles.random_distribution(rng, 2 + i % 3, 9) for _ in range(2))
        if p != q:
            yield p, q


def _instances(rng: np.random.Generator) -> Iterator[tuple[list[Fraction], list[Fraction]]]:
    yield [Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]
    for i in range(40):
        yield oracles.random_distribution(rng, 2 + i % 3, 9), oracles.random_distribution(rng, 2 + i % 3, 9)
    for n in range(2, 7):
        found = attack_distributions(_ratio, (2, n), rng, least=float(FLOOR))
        p, q = ([max(FLOOR, mass) for mass in oracles.rounded(nu)] for nu in found.place)
        yield [mass / sum(p) for mass in p], [mass / sum(q) for mass in q]


def _ratio(nu: Array) -> Array:
    """Divide the entropy at the midpoint by the mean entropy, [M, 2, Z] to [M]."""
    middle = nu.mean(axis=1)
    return np.asarray(2 * (middle * np.log(middle)).sum(axis=1) / (nu * np.log(nu)).sum(axis=(1, 2)))


I15 = Claim(
    id="I.15",
    title="Entropy minimisation as an example",
    whose="paper",
    place="section 2.1, the examples below eq. 1",
    plain="Minimising the entropy of answers, so that answers agree, is an example of the convex problem.",
    statement=(
        "Minimising the entropy of answers, for coherence, is named as an example of the functional R of problem "
        "(1). The problem is called convex, R is assumed convex, and the KL term is said to make J strictly convex."
    ),
    printed="R(nu) = H(nu),  J = R + beta KL(. || pi_0)",
    kind="upper bound",
    expected="depends",
    readings=(
        Reading(
            supposes="the example must meet the assumption that R is convex",
            expected="false",
            stated=stated,
            sabotage=negative,
            near_miss=(
                "Convexity is true or false; the sabotage is the negative entropy, which is as convex as the entropy "
                "is concave."
            ),
            evidence=evidence,
        ),
        Reading(
            supposes="J must be strictly convex with this R, and beta exceeds the weight of the entropy",
            expected="holds",
            stated=objective,
            sabotage=heavier,
            near_miss=slightly_heavier,
            evidence=evidence_of_problem,
        ),
        Reading(
            supposes="J must be strictly convex with this R, for any beta > 0",
            expected="false",
            stated=objective,
            sabotage=diverse,
            near_miss="Convexity is true or false; the sabotage is the other example, which is convex.",
            evidence=evidence_for_any_beta,
        ),
    ),
    remark=(
        "The entropy is concave, so that the duality of Theorem 2.1 does not apply to it as R. The KL term "
        "compensates for this if beta exceeds the weight of the entropy (claim I.15a). The coherence functional of "
        "section 4.1 is an indicator, and convex."
    ),
    amendment="I.15a",
)

CLAIMS = (I15,)
