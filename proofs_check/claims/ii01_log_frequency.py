"""II.1: the bias of the log of a frequency: minus infinity over all counts, finite with a bound given X > 0."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import comb
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from proofs_check import oracles, stats
from proofs_check.attack import attack
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
FIRST = Fraction(104, 100)
"""Bound on (Kq)^2 times the remainder after the term in 1 / (Kq); the largest value found is 1.0312, as q -> 0."""
SECOND = Fraction(325, 100)
"""Bound on (Kq)^3 times the remainder after the term in 1 / (Kq)^2; the largest value found is 3.236."""


def stated(K: int, q: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Give the two expansions of E[log(X / (Kq)) | X > 0], each with the bound on its error.

    Math:
        -(1-q) / (2Kq) up to 1.04 / (Kq)^2;  -(1-q) / (2Kq) - (1-q)(5-q) / (12 (Kq)^2) up to 3.25 / (Kq)^3.

    Args:
        K: Number of traces.
        q: Probability of the answer.

    Returns:
        Pairs of expansion and bound.
    """
    m = K * q
    first = -(1 - q) / (2 * m)
    return [(first, FIRST / m**2), (first - (1 - q) * (5 - q) / (12 * m**2), SECOND / m**3)]


def off(K: int, q: Fraction) -> list[tuple[Fraction, Fraction]]:
    """The expansions with 2 % less of the first term."""
    return [(value + (1 - q) / (100 * K * q), bound) for value, bound in stated(K, q)]


def expansion(K: int, q: Fraction) -> Any:
    """The printed expansion, log q - (1 - q) / (2 K q)."""
    return oracles.log(q) - oracles.number((1 - q) / (2 * K * q))


def given_seen(K: int, q: Fraction) -> Any:
    """The mean of log(X / K) given X > 0."""
    return _by_law(K, q) + oracles.log(q)


def unconditional(K: int, q: Fraction) -> Any:  # noqa: ARG001 - the same for every K
    """The mean of log(X / K) over all counts: minus infinity unless q = 1."""
    return mp.mpf(0) if q == 1 else mp.mpf("-inf")


def sabotage(K: int, q: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Twice the expansions, as with the variance not halved."""
    return [(2 * value, bound) for value, bound in stated(K, q)]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the expansions with the mean given X > 0, by the binomial law and by an integral.

    Args:
        formula: Pairs of an expansion of E[log(X / (Kq)) | X > 0] and a bound on its error.
        rng: Source of randomness.

    Yields:
        For a grid of K and Kq, a random search, and the ends of attacks on the ratio of error to bound for K = 2 to
        800: the error of each order by the law at 50 digits, in units of its bound; a few of them by the integral.
    """
    places = [(K, Fraction(a, 10) / K) for K in (1, 2, 4, 16, 64, 400) for a in (1, 5, 9, 12, 17, 27, 39, 100, 600)]
    places += [(K, q) for K in (2, 8, 32, 128) for q in oracles.random_distribution(rng, 3, 50)]
    places = [(K, q) for K, q in places if q <= 1] + [(1600, Fraction(1, 8))]
    ends = [_attacked(K, order, rng) for K in (2, 8, 64, 800) for order in (0, 1)]
    for K, q in ends:
        for found in _comparisons(formula, K, q, _by_law(K, q), "law, at the end of an attack"):
            yield replace(found, ratio=found.measured)
    for K, q in places:
        yield from _comparisons(formula, K, q, _by_law(K, q), "law")
    for K, q in [(1, Fraction(1, 2)), (4, Fraction(1, 3)), (16, Fraction(1, 10)), (64, Fraction(1, 2))]:
        yield from _comparisons(formula, K, q, _by_integral(K, q), "integral")


def first_order(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the expansion of one term with the mean given X > 0, as in II.1a.

    Args:
        formula: Pairs of an expansion of E[log(X / (Kq)) | X > 0] and a bound on its error.
        rng: Source of randomness.

    Yields:
        The comparisons of II.1a that concern it.
    """
    yield from (found for found in evidence(formula, rng) if found.instance["terms"] == 1)


def rare(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the sign of the bias given X > 0, by the binomial law at 50 digits.

    Args:
        formula: The mean of log(X / K).
        rng: Source of randomness.

    Yields:
        For rare and for frequent answers the claimed sign and the one found.
    """
    places = [(16, Fraction(1, 50)), (8, Fraction(1, 16)), (16, Fraction(1, 2)), (64, Fraction(3, 4))]
    places += [(8, oracles.random_distribution(rng, 2, 9)[0]) for _ in range(3)]
    for K, q in places:
        claimed, measured = formula(K, q) - oracles.log(q), _by_law(K, q)
        sentence = (
            f"Take K = {K} and q = {q}. An answer with X > 0 has a frequency of at least 1/{K}: the mean of log(X/K) "
            f"less log q is {mp.nstr(measured, 3)}, where the expansion gives {mp.nstr(claimed, 3)}."
        )
        yield Evidence(
            float(mp.sign(claimed)),
            float(mp.sign(measured)),
            "equal",
            0.0,
            {
                "K": K,
                "q": str(q),
                "bias given X > 0": mp.nstr(measured, 8),
                "claimed": mp.nstr(claimed, 8),
                "compared": "sign of the bias",
            },
            K + oracles.complexity([q]),
            sentence=sentence if measured > 0 else "",
        )


def counted(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare geometric means exp(E log(X / K)), which are finite, by the binomial law at 50 digits.

    Args:
        formula: The claimed mean of log(X / K).
        rng: Source of randomness.

    Yields:
        A comparison for each K and q, with half of the claimed geometric mean as slack for "approximately".
    """
    for K in (1, 2, 8, 64):
        for q in (Fraction(1), Fraction(1, 2), Fraction(9, 10), oracles.random_distribution(rng, 2, 9)[0]):
            empty = (1 - q) ** K
            claimed, mean = float(mp.exp(formula(K, q))), mp.mpf("-inf") if empty else mp.mpf(0)
            sentence = (
                f"Take K = {K} and q = {q}. With probability {empty} no trace has the answer, and log 0 is minus "
                "infinity, so the mean is minus infinity."
            )
            yield Evidence(
                claimed,
                float(mp.exp(mean)),
                "equal",
                claimed / 2,
                {"K": K, "q": str(q), "P(X = 0)": str(empty)},
                len(str(K)) + oracles.complexity([q]),
                sentence=sentence,
            )


def _comparisons(formula: Formula, K: int, q: Fraction, mean: Any, route: str) -> Iterator[Evidence]:
    for order, (value, bound) in enumerate(formula(K, q), start=1):
        error = abs(mean - oracles.number(value))
        # In units of the bound, so that every K and q have the same weight.
        yield Evidence(
            claimed=1.0,
            measured=float(error / oracles.number(bound)),
            relation="at most",
            tolerance=1e-12,
            instance={
                "K": K,
                "q": str(q),
                "terms": order,
                "route": route,
                "error": mp.nstr(error, 8),
                "compared": "error over its bound",
            },
            size=K + oracles.complexity([q]),
        )


def _by_law(K: int, q: Fraction) -> Any:
    p, total, rest = oracles.number(q), mp.mpf(0), 1 - oracles.number(1 - q) ** K
    for k in range(1, K + 1):
        mass = comb(K, k) * p**k * (1 - p) ** (K - k)
        total += mass * mp.log(k / (K * p))
        if k > K * q and mass < mp.mpf(10) ** -(oracles.DIGITS):
            break
    return total / rest


def _by_integral(K: int, q: Fraction) -> Any:
    """Integrate log x = int (e^-t - e^-xt) / t dt over t > 0, with the mean of e^-Xt in closed form."""
    p = oracles.number(q)
    empty = (1 - p) ** K

    def integrand(t: Any) -> Any:
        """(e^-t - E[e^-Xt | X > 0]) / t."""
        return (mp.exp(-t) - ((1 - p + p * mp.exp(-t)) ** K - empty) / (1 - empty)) / t

    with mp.workdps(25):
        return mp.quad(integrand, [0, mp.mpf(1) / K, 1, 10, 70]) - mp.log(K * p)


def _attacked(K: int, order: int, rng: np.random.Generator) -> tuple[int, Fraction]:
    """Maximise the ratio of error to bound in log q."""
    k = np.arange(1, K + 1)

    def ratio(x: Array) -> Array:
        q = np.minimum(np.exp(x[:, 0]), 1.0)
        masses = np.asarray(stats.binom.pmf(k, K, q[:, None]))
        mean = masses @ np.log(k) / masses.sum(axis=1) - np.log(K * q)
        m = K * q
        first = mean + (1 - q) / (2 * m)
        second = first + (1 - q) * (5 - q) / (12 * m**2)
        return np.asarray(np.abs(first) * m**2 / float(FIRST) if order == 0 else np.abs(second) * m**3 / float(SECOND))

    starts = np.log(np.minimum(rng.uniform(0.3, 6.0, size=(60, 1)) / K, 1.0))
    found = attack(ratio, starts, rng, climbers=2, trials=6, rounds=40)
    return K, min(Fraction(1), Fraction(float(np.exp(found.place[0]))).limit_denominator(10**6))


II1 = Claim(
    id="II.1",
    title="Bias of the log-frequency",
    whose="slides",
    place="The Hidden Bias in Small-Batch ALFT, Jensen's Inequality Bias",
    plain="The log of a frequency underestimates the log of a probability, and more so for rarer answers.",
    statement=(
        "For X ~ Binomial(K, q), E log(X / K) is approximately log q - (1 - q) / (2 K q). The same slide says that for "
        "rare answers X = 0 may occur, with log 0 = -inf."
    ),
    printed="E[log qhat(z)] ~ log q*(z) - (1 - q*(z)) / (2 K q*(z)),  qhat = X / K,  X ~ Binomial(K, q*(z))",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the answer occurs (X > 0), and the remainder is of the order 1 / (Kq)^2",
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=off,
            evidence=first_order,
        ),
        Reading(
            supposes=(
                "the answer occurs (X > 0), and the expansion has the right sign for every q, as for rare answers on "
                "the slide"
            ),
            expected="false",
            stated=expansion,
            sabotage=given_seen,
            near_miss="The sign is wrong for every constant; the constant is that of the first reading.",
            evidence=rare,
        ),
        Reading(
            supposes="X = 0 is included in the mean",
            expected="false",
            stated=expansion,
            sabotage=unconditional,
            near_miss="The mean is minus infinity: no finite formula is close to it.",
            evidence=counted,
        ),
    ),
    remark=(
        "X = 0 has the probability (1 - q)^K > 0, so that the mean itself is minus infinity for every K and every q < "
        "1, as the slide says of rare answers. The expansion is that of the mean given X > 0, and is useful if Kq is "
        "above about 2: for smaller Kq the answers that occur are over-represented, and the bias is positive."
    ),
    amendment="II.1a",
)

II1A = Claim(
    id="II.1a",
    title="Bias of the log-frequency if the answer occurs",
    whose="ours",
    place="repair of claim II.1",
    plain=(
        "The bias of the log-frequency of an answer that occurs is known to second order, with a bound on the "
        "remainder."
    ),
    statement=(
        "For X ~ Binomial(K, q) and every K and 0 < q <= 1, E[log(X/K) | X > 0] is log q - (1-q)/(2Kq) up to 1.04 / "
        "(Kq)^2, and log q - (1-q)/(2Kq) - (1-q)(5-q)/(12 (Kq)^2) up to 3.25 / (Kq)^3. An answer with X = 0 is "
        "excluded: no trace of the group has it, so that no trace is rewarded for it."
    ),
    printed="|E[log(X/K) | X > 0] - log q + (1-q)/(2Kq)| <= 1.04 / (Kq)^2",
    kind="upper bound",
    expected="holds",
    readings=(Reading(expected="holds", stated=stated, sabotage=sabotage, near_miss=off, evidence=evidence),),
    remark=(
        "The terms are those of the moments of X / (Kq) - 1 up to the fourth, given X > 0. The constants are the "
        "results of a search, without a proof: the error is largest for Poisson counts, 1.0312 / (Kq)^2 at Kq = 1.685 "
        "and 3.236 / (Kq)^3 at Kq = 2.773. Below Kq = 1 the terms are as large as the bias that they approximate."
    ),
)

CLAIMS = (II1, II1A)
