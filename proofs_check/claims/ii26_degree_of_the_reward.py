"""II.26: when a polynomial generator gives a reward polynomial in q(z), and the estimator for other generators."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import NamedTuple

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Polynomial = dict[tuple[int, ...], Fraction]
"""Coefficients by exponents of q_0, q_1, ..."""


class Dependence(NamedTuple):
    """The claimed dependence of a reward.

    Attributes:
        entries: The entries of q that it depends on.
        degree: Its degree in them.
    """

    entries: tuple[int, ...]
    degree: int


def stated(z: int, n_answers: int, degree: int) -> Dependence:  # noqa: ARG001 - whatever their number
    """The entry q(z) alone, and one degree less than Phi."""
    return Dependence((z,), degree - 1)


def near_miss(z: int, n_answers: int, degree: int) -> Dependence:  # noqa: ARG001 - whatever their number
    """The entry q(z) alone, and two degrees less than Phi."""
    return Dependence((z,), degree - 2)


def same_degree(z: int, n_answers: int, degree: int) -> Dependence:  # noqa: ARG001 - whatever their number
    """The entry q(z) alone, and the degree of Phi."""
    return Dependence((z,), degree)


def of_all_entries(z: int, n_answers: int, degree: int) -> Dependence:  # noqa: ARG001 - the same for every answer
    """All entries of q, and one degree less than Phi."""
    return Dependence(tuple(range(n_answers)), degree - 1)


def separable(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Differentiate sums of one-variable polynomials exactly, and move the entries of q.

    Args:
        formula: Entries and degree, from the answer, |Z| and the degree of Phi.
        rng: Source of randomness.

    Yields:
        For each degree the change of the reward when entries move on which it should not depend, and its degree along a
        line in the others.
    """
    for degree in range(2, 6):
        for n in (2, 3):
            Phi: Polynomial = {}
            for z in range(n):
                for power in range(1, degree + 1):
                    key = tuple(power * (i == z) for i in range(n))
                    Phi[key] = Fraction(int(rng.integers(1, 9)), int(rng.integers(1, 5)))
            yield from _compared(formula, Phi, f"separable, of degree {degree}", n, degree, rng)


def of_any_kind(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Differentiate convex polynomials in several entries exactly, and move the entries of q.

    Args:
        formula: Entries and degree, from the answer, |Z| and the degree of Phi.
        rng: Source of randomness.

    Yields:
        As for separable ones.
    """
    one = Fraction(1)
    squares: Polynomial = {(2, 0, 0): one, (0, 2, 0): one, (0, 0, 2): one}
    name = "q_0^2 + q_1^2 + q_2^2"
    yield from _compared(formula, {**squares, (1, 1, 0): one}, f"{name} + q_0 q_1", 3, 2, rng)
    twice: Polynomial = {powers: 2 * c for powers, c in squares.items()}
    # The Hessian's block of q_0, q_1 has the determinant 8 q_1 + 16 - 4 q_0^2 > 0: it is convex on the simplex.
    cubic: Polynomial = {**twice, (2, 1, 0): one, (0, 0, 3): one}
    yield from _compared(formula, cubic, f"2 ({name}) + q_0^2 q_1 + q_2^3", 3, 3, rng)


def _compared(
    formula: Formula, Phi: Polynomial, name: str, n: int, degree: int, rng: np.random.Generator
) -> Iterator[Evidence]:
    claimed = formula(0, n, degree)
    reward = _derivative(Phi, 0)
    instance = {"Phi": name, "answers": n, "entries": str(claimed.entries)}
    others = [i for i in range(n) if i not in claimed.entries]
    if len(others) > 1:
        q = [Fraction(1, 3)] * n
        moved = list(q)
        moved[others[0]], moved[others[1]] = Fraction(2, 3), Fraction(0)
        change = _value(reward, moved) - _value(reward, q)
        sentence = (
            f"Take Phi = {name} and beta = 1. The first answer's reward is {_value(reward, q)} at q = "
            f"{oracles.as_text(q)} and {_value(reward, moved)} at q = {oracles.as_text(moved)}, but q_0 = {q[0]} at "
            "both: the reward is not a function of q_0."
        )
        shown = instance | {"q": oracles.as_text(q), "moved to": oracles.as_text(moved)}
        yield Evidence(0.0, float(change), "equal", 0.0, shown, size=degree, sentence=sentence)
    start, way = oracles.random_distribution(rng, n, 9), oracles.random_distribution(rng, n, 9)
    line = [
        _value(
            reward,
            [a + (t * b if i in claimed.entries else 0) for i, (a, b) in enumerate(zip(start, way, strict=True))],
        )
        for t in range(degree + 3)
    ]
    found = _degree(line)
    yield Evidence(
        claimed.degree, found, "equal", 0.0, instance | {"compared": "degree of the reward"}, size=100 + degree
    )


def _derivative(Phi: Polynomial, z: int) -> Polynomial:
    return {
        tuple(m - (i == z) for i, m in enumerate(powers)): c * powers[z] for powers, c in Phi.items() if powers[z] > 0
    }


def _value(polynomial: Polynomial, q: Sequence[Fraction]) -> Fraction:
    return sum(
        (
            c * prod((x**m for x, m in zip(q, powers, strict=True)), start=Fraction(1))
            for powers, c in polynomial.items()
        ),
        Fraction(0),
    )


def _degree(values: Sequence[Fraction]) -> int:
    """Find the degree of a polynomial from its values at 0, 1, 2, ...: how many differences do not vanish."""
    degree = -1
    row = list(values)
    while any(row):
        degree += 1
        row = [b - a for a, b in pairwise(row)]
    return degree


II26 = Claim(
    id="II.26",
    title="Degree of a polynomial game's reward",
    whose="slides",
    place="Solution 1: Change the Geometry, Key Insight",
    plain=(
        "If a polynomial generator is a sum over answers, the reward of an answer is a polynomial in its probability."
    ),
    statement=(
        "Let the distance-generating function Phi be convex and a polynomial in q, of degree d + 1. Then the reward "
        "beta grad Phi(q)_z has degree d in q(z)."
    ),
    printed="deg Phi = d + 1  =>  R(z) = beta grad Phi(q)_z has degree d in q(z)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="Phi is a sum over answers of polynomials of that degree",
            expected="holds",
            stated=stated,
            sabotage=same_degree,
            near_miss=near_miss,
            evidence=separable,
        ),
        Reading(
            supposes="Phi is any convex polynomial in the entries of q",
            expected="false",
            stated=stated,
            sabotage=of_all_entries,
            near_miss="The reward is a function of q(z) or it is not; the sabotage names the other entries.",
            evidence=of_any_kind,
        ),
    ),
    remark=(
        "A product such as q_0 q_1 in Phi gives the first answer a reward of q_1. With two answers q_1 = 1 - q_0, so "
        "that a counterexample needs three answers. The theorem below this statement on the slide estimates powers of "
        "one entry; claim II.26a has the estimator for products."
    ),
    amendment="II.26a",
)


def joint(counts: Sequence[int], powers: Sequence[int]) -> Fraction:
    """The product of the falling factorials of the counts, over that of K."""
    total = _falling(sum(counts), sum(powers))
    return Fraction(prod(_falling(x, m) for x, m in zip(counts, powers, strict=True)), total)


def each_alone(counts: Sequence[int], powers: Sequence[int]) -> Fraction:
    """The product of the estimates for each answer."""
    K = sum(counts)
    return prod(
        (Fraction(_falling(x, m), _falling(K, m)) for x, m in zip(counts, powers, strict=True)), start=Fraction(1)
    )


def one_factor_off(counts: Sequence[int], powers: Sequence[int]) -> Fraction:
    """One factor of K too large by one."""
    K, m = sum(counts), sum(powers)
    return joint(counts, powers) * Fraction(K - m + 1, K - m + 2)


def _falling(x: int, m: int) -> int:
    return prod(x - i for i in range(m))


def over_groups(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the mean of the estimate over all counts of a group, in exact rationals.

    Args:
        formula: The estimate, from counts and powers.
        rng: Source of randomness.

    Yields:
        For each size of the group and product of powers its mean against the product at nu.
    """
    for K in range(2, 7):
        for powers in ((1, 1, 0), (2, 1, 0), (1, 1, 1), (0, 2, 2), (2, 0, 0)):
            if sum(powers) > K:
                continue
            nu = oracles.random_distribution(rng, 3, 7)
            mean = sum(
                (oracles.multinomial(x, nu) * formula(x, powers) for x in oracles.group_counts(3, K)), Fraction(0)
            )
            true = prod((p**m for p, m in zip(nu, powers, strict=True)), start=Fraction(1))
            instance = {"K": K, "powers": str(powers), "nu": oracles.as_text(nu), "mean": str(mean), "true": str(true)}
            instance["compared"] = "mean of the estimate less the product"
            yield Evidence(0.0, float(mean - true), "equal", 0.0, instance, size=K + sum(powers))


II26A = Claim(
    id="II.26a",
    title="Unbiased products of several answers",
    whose="ours",
    place="repair of claim II.26",
    plain="Products of several probabilities are estimated without bias by counting ordered tuples of traces.",
    statement=(
        "Let m be the sum of the powers m_z, at most K. The product over answers of X_z (X_z - 1) ... (X_z - m_z + "
        "1), over K (K - 1) ... (K - m + 1), has the mean product of nu(z)^m_z, where X counts the answers of K "
        "traces. So every polynomial generator of degree at most K + 1 has an unbiased reward."
    ),
    printed="E prod_z (X_z)_{m_z} / (K)_m = prod_z nu(z)^{m_z}",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=joint,
            sabotage=each_alone,
            near_miss=one_factor_off,
            evidence=over_groups,
        ),
    ),
    remark=(
        "The estimate is the share of ordered m-tuples of different traces with the given answers. The product of the "
        "single estimates is biased, as counts of one group are correlated. For counts of the other traces of a group, "
        "K is one less."
    ),
)

CLAIMS = (II26, II26A)
