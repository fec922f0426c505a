"""I.51: the sign of the bias of the log of a frequency, for rare and for frequent answers."""

from collections.abc import Iterator
from fractions import Fraction
from math import comb
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from proofs_check import oracles
from proofs_check.attack import attack
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.rates import extrapolated

Array = NDArray[np.float64]
SIZES = (128, 256, 512, 1024)


def stated(K: int, q: Fraction) -> Any:
    """The bias -(1 - q) / (2 K q)."""
    return -oracles.number((1 - q) / (2 * K * q))


def opposite(K: int, q: Fraction) -> Any:
    """The bias with the opposite sign."""
    return -stated(K, q)


def larger(K: int, q: Fraction) -> Any:
    """The bias times 1.02."""
    return stated(K, q) * mp.mpf("1.02")


def own(K: int, q: Fraction) -> Any:
    """Compute E log((1 + Bin(K - 1, q)) / K) - log q, the bias for a trace that has the answer itself.

    Args:
        K: Group size.
        q: Probability of the answer.

    Returns:
        The bias.
    """
    return mp.fsum(
        oracles.number(comb(K - 1, k) * q**k * (1 - q) ** (K - 1 - k)) * mp.log(mp.mpf(1 + k) / K) for k in range(K)
    ) - oracles.log(q)


def seen(K: int, q: Fraction) -> Any:
    """Compute E[log(X / K) | X > 0] - log q for X ~ Bin(K, q).

    Args:
        K: Group size.
        q: Probability of the answer.

    Returns:
        The bias.
    """
    masses = [comb(K, k) * q**k * (1 - q) ** (K - k) for k in range(1, K + 1)]
    total = mp.fsum(oracles.number(m) * mp.log(mp.mpf(k) / K) for k, m in enumerate(masses, start=1))
    return total / oracles.number(sum(masses, Fraction(0))) - oracles.log(q)


def own_counts(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Sum over all counts of the other traces, at 50 digits, and extrapolate K times the bias.

    Args:
        formula: The bias, from K and q.
        rng: Source of randomness.

    Yields:
        The sign of bias times formula, which must not be negative; and the limit of K times the bias.
    """
    yield from _signs(formula, own, [(16, Fraction(1, 50)), *_rare(rng)])
    for q in (Fraction(1, 4), Fraction(2, 5), Fraction(3, 4)):
        yield _limit(formula, _own_fast, q)


def rare_counts(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Sum over the counts from 1 on, at 50 digits, for answers with K q < 1.

    Args:
        formula: The bias, from K and q.
        rng: Source of randomness.

    Yields:
        The sign of bias times formula, which must not be negative.
    """
    yield from _signs(formula, seen, [(16, Fraction(1, 50)), *_rare(rng)])


def counted(K: int, q: Fraction) -> Any:
    """Compute E log(X / K) - log q with log 0 = -inf for X ~ Bin(K, q).

    Args:
        K: Group size.
        q: Probability of the answer.

    Returns:
        The bias: minus infinity, as X = 0 has a positive probability.
    """
    return -mp.inf if (1 - q) ** K > 0 else mp.mpf(0)


def all_counts(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the mean over all counts, including 0.

    Args:
        formula: The bias, from K and q.
        rng: Source of randomness.

    Yields:
        The sign of bias times formula, which must not be negative.
    """
    for i, (K, q) in enumerate([(16, Fraction(1, 50)), *_rare(rng)]):
        said = formula(K, q)
        instance = {"K": K, "q": str(q), "bias": "-inf", "formula": f"{float(said):+.4f}"}
        yield Evidence(0.0, float(mp.sign(counted(K, q) * said)), "at least", 0.0, instance, i)


def frequent_counts(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Sum over the counts from 1 on for answers with K q >= 5, and extrapolate K times the bias.

    Args:
        formula: The bias, from K and q.
        rng: Source of randomness.

    Yields:
        The sign of bias times formula, which must not be negative; and the limit of K times the bias.
    """
    drawn = [(int(K), Fraction(int(rng.integers(5, K)), int(K))) for K in rng.integers(8, 65, size=10)]
    yield from _signs(formula, seen, drawn)
    for q in (Fraction(1, 4), Fraction(2, 5), Fraction(3, 4)):
        yield _limit(formula, _seen_fast, q)


def _signs(formula: Formula, bias: Formula, instances: list[tuple[int, Fraction]]) -> Iterator[Evidence]:
    for i, (K, q) in enumerate(instances):
        found, said = bias(K, q), formula(K, q)
        instance = {"K": K, "q": str(q), "bias": f"{float(found):+.4f}", "formula": f"{float(said):+.4f}"}
        instance["compared"] = "sign of bias times formula"
        words = _sentence(K, q, found) if i == 0 and q * K < 1 else ""
        yield Evidence(0.0, float(mp.sign(found * said)), "at least", 0.0, instance, i, sentence=words)


def _sentence(K: int, q: Fraction, found: Any) -> str:
    return (
        f"Take K = {K} and q* = {float(q)}. The formula gives {float(stated(K, q)):+.2f}. But for a count of at least "
        f"1, log(count / {K}) is at least log(1/{K}) = {-np.log(K):.2f}, above log {float(q)} = "
        f"{float(oracles.log(q)):.2f}: in every such group the estimate is too large, on average by "
        f"{float(found):+.2f}."
    )


def _limit(formula: Formula, bias: Formula, q: Fraction) -> Evidence:
    at = extrapolated([K * bias(K, float(q)) for K in SIZES])
    said = 10**6 * formula(10**6, q)
    instance = {"K": f"{SIZES[0]} to {SIZES[-1]}, extrapolated", "q": str(q), "compared": "K times the bias"}
    return Evidence(float(said), at, "equal", 1e-4, instance, 10**3)


def _own_fast(K: int, q: float) -> float:
    k = np.arange(K)
    return float(np.exp(_log_masses(K - 1, q)) @ np.log((1 + k) / K) - np.log(q))


def _seen_fast(K: int, q: float) -> float:
    masses = np.exp(_log_masses(K, q))[1:]
    return float(masses @ np.log(np.arange(1, K + 1) / K) / masses.sum() - np.log(q))


def _log_masses(n: int, q: float) -> Array:
    k = np.arange(n + 1)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.asarray(ways + k * np.log(q) + (n - k) * np.log1p(-q))


def _rare(rng: np.random.Generator) -> list[tuple[int, Fraction]]:
    return [(int(K), Fraction(1, int(K * rng.integers(2, 20)))) for K in rng.integers(2, 33, size=12)]


def least(K: int, q: Any) -> Any:
    """The lower bound -log(1 - (1 - q)^K) on the bias."""
    return -mp.log(-mp.expm1(K * mp.log1p(-q)))


def more(K: int, q: Any) -> Any:
    """The bound times 1.01."""
    return mp.mpf("1.01") * least(K, q)


def twice(K: int, q: Any) -> Any:
    """Twice the bound."""
    return 2 * least(K, q)


def least_evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack the bound in q for groups of 2 to 64, and sum over all counts at 50 digits at the end of each attack.

    Args:
        formula: The bound, from K and q.
        rng: Source of randomness.

    Yields:
        The bias at the end of each attack, and at q = 1/50.
    """
    for K in (2, 4, 8, 16, 32, 64):
        found = attack(_shares(K), rng.uniform(-12, 4, size=(60, 1)), rng, climbers=2, trials=6, rounds=20)
        q = Fraction(float(_probability(found.place[0]))).limit_denominator(10**7)
        for place in (q, Fraction(1, 50)):
            bias, bound = own(K, place), formula(K, oracles.number(place))
            instance = {"K": K, "q": str(place), "compared": "bias of log(count / K), the trace itself counted"}
            yield Evidence(float(bound), float(bias), "at least", 1e-15, instance, K, float(bound / bias))


def _shares(K: int) -> Any:
    def ratio(points: Array) -> Array:
        q = _probability(points[:, 0])
        bounds = -np.log(-np.expm1(K * np.log1p(-q)))
        return np.asarray([bound / _own_fast(K, float(m)) for bound, m in zip(bounds, q, strict=True)])

    return ratio


def _probability(logit: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(logit, -14, 5)))


I51 = Claim(
    id="I.51",
    title="Sign of the bias of the log frequency",
    whose="slides",
    place="The Hidden Bias in Small-Batch ALFT, Jensen's Inequality Bias and Consequences",
    plain="The logarithm of an answer's frequency in a small group makes rare answers look rarer than they are.",
    statement=(
        "With q* estimated by X / K, where X is Binomial(K, q*), the mean of log(X / K) is approximately log q* - (1 "
        "- q*) / (2 K q*). So the bias penalises answers, rare ones most. The slide adds that X = 0 gives minus "
        "infinity."
    ),
    printed="E[log q^(z)] ~ log q*(z) - (1 - q*(z)) / (2 K q*(z))",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=opposite,
            near_miss="A sign has only two values; the sabotage is the true formula.",
            evidence=own_counts,
            supposes=(
                "the mean is over the traces that are rewarded by the frequency in their own group, as the "
                "consequences for training require, so that each trace is counted itself"
            ),
        ),
        Reading(
            expected="false",
            stated=stated,
            sabotage=opposite,
            near_miss="A sign has only two values.",
            evidence=rare_counts,
            supposes="the count is from another group, in which the answer occurs, and K q* is below 1",
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=opposite,
            near_miss=larger,
            evidence=frequent_counts,
            supposes="the count is from another group, in which the answer is expected several times",
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=opposite,
            near_miss="The mean is minus infinity: only the sign can be wrong.",
            evidence=all_counts,
            supposes="X = 0 is included as printed, with log 0 = -inf, and only the sign of the bias is meant",
        ),
    ),
    remark=(
        "With X = 0 included the sign is right by Jensen's inequality, and the bias is infinite. The expansion needs K "
        "q* to be large. For a nonzero count from another group the bias changes its sign near K q* = 2: at K = 16 and "
        "q* = .02 it is +1.25. The count in a trace's own group is at least 1, and its bias is positive for every q* "
        "and K: at K = 16 and q* = .02 it is +1.34, where the formula gives -1.53."
    ),
    amendment="I.51a",
)

I51A = Claim(
    id="I.51a",
    title="Bias of the count in a trace's own group",
    whose="ours",
    place="repair of claim I.51",
    plain="In the group of a trace that has a given answer, this answer looks more frequent than it is.",
    statement=(
        "For a trace with an answer of probability q < 1 in a group of K, the mean of log(count / K) exceeds log q by "
        "at least -log(1 - (1 - q)^K)."
    ),
    printed="E log((1 + Bin(K - 1, q)) / K) - log q >= -log(1 - (1 - q)^K) > 0",
    kind="lower bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=least,
            sabotage=twice,
            near_miss=more,
            evidence=least_evidence,
        ),
    ),
    remark=(
        "The proof is Jensen's inequality with E[K / count] = (1 - (1 - q)^K) / q. The bound is attained in the limit "
        "q -> 0, where both sides behave as -log(K q). For large K q the bias is about (1 - q) / (2 K q), the slide's "
        "term with the opposite sign."
    ),
)

CLAIMS = (I51, I51A)
