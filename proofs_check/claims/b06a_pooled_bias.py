"""B.6a: a bound, by second differences, on the bias that pooling over views adds to the mean of a table."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dagames.estimators import minimax_table
from proofs_check import oracles
from proofs_check.attack import attack
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.b06_pooled_counts import moments, pooled_mean

Array = NDArray[np.float64]
Bounds = tuple[Fraction, Fraction]
BEST = "k / K times the minimax table"


def stated(table: Sequence[Fraction], low: Fraction, high: Fraction, variance: Fraction) -> Bounds:
    """Bound P(p) - E c_X between two multiples of K s^2 / 2.

    Math:
        K s^2 / 2 min_j D_j <= P(p) - E c_X <= K s^2 / 2 max_j D_j,
        D_j = E[c_{M+2} - 2 c_{M+1} + c_M],  M = Bin(j, low) + Bin(K - 2 - j, high),  j = 0..K - 2.

    For low = 0 and high = 1 the D_j are the second differences of the table themselves, whence the bound
    |E c_X - P(p)| <= K s^2 / 2 max_k |c_{k+2} - 2 c_{k+1} + c_k|, which depends on s^2 alone.

    Args:
        table: c_0..c_K, K at least 2.
        low: Least probability of a trace.
        high: Largest.
        variance: s^2, of the traces' probabilities.

    Returns:
        The bounds on P(p) - E c_X, lower and upper.
    """
    K = len(table) - 1
    bends = [a - 2 * b + c for a, b, c in zip(table, table[1:], table[2:], strict=False)]
    means = [pooled_mean(bends, [low] * j + [high] * (K - 2 - j)) for j in range(K - 1)]
    return K * variance / 2 * min(means), K * variance / 2 * max(means)


def sabotage(table: Sequence[Fraction], low: Fraction, high: Fraction, variance: Fraction) -> Bounds:
    """The bound with (K - 1) s^2 / 2 in place of K s^2 / 2."""
    K = len(table) - 1
    lower, upper = stated(table, low, high, variance)
    return lower * Fraction(K - 1, K), upper * Fraction(K - 1, K)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack the bounds jointly over table and probabilities, and compare at random ones, in exact rationals.

    Args:
        formula: Lower and upper bound on P(p) - E c_X.
        rng: Source of randomness.

    Yields:
        For every instance the two bounds with the probabilities' own range, and with the whole of [0, 1]; the ratio is
        that of the difference to the bound on its side.
    """
    for name, table, probabilities in _instances(rng):
        K = len(probabilities)
        mean, variance = moments(probabilities)
        pooled, single = pooled_mean(table, probabilities), pooled_mean(table, [mean] * K)
        for low, high in ((min(probabilities), max(probabilities)), (Fraction(0), Fraction(1))):
            lower, upper = formula(table, low, high, variance)
            difference = single - pooled
            excess, bound = max(difference - upper, lower - difference), upper if difference > 0 else lower
            yield Evidence(
                claimed=0.0,
                measured=float(excess),
                relation="at most",
                tolerance=0.0,
                instance={
                    "instance": name,
                    "table": oracles.as_text(table) if name != BEST else "as stored",
                    "probabilities": oracles.as_text(probabilities),
                    "range": oracles.as_text([low, high]),
                    "P(p) - E c_X": str(difference),
                    "bounds": oracles.as_text([lower, upper]),
                },
                size=oracles.complexity(table, probabilities),
                ratio=float(difference / bound) if bound else None,
            )


def _instances(rng: np.random.Generator) -> Iterator[tuple[str, list[Fraction], list[Fraction]]]:
    yield "one pair", [Fraction(0), Fraction(0), Fraction(1)], [Fraction(0), Fraction(1)]
    for K in (3, 8):
        square = [Fraction(k * (k - 1), K * (K - 1)) for k in range(K + 1)]
        yield "the square", square, _views(rng, K)
        weighted = [Fraction(k * k, K * K) for k in range(K + 1)]
        yield "k / K times a table k / K", weighted, _views(rng, K)
    for K in (8, 16):
        table = [Fraction(k, K) * Fraction(c) for k, c in enumerate(minimax_table(K).coefficients.tolist())]
        for share in (Fraction(3, 5), Fraction(9, 10)):
            yield BEST, table, [share] * (K // 2) + [1 - share] * (K // 2)
    for K in range(2, 9):
        for _ in range(6):
            table = [Fraction(int(c), 7) for c in rng.integers(-40, 40, size=K + 1)]
            yield "random", table, _views(rng, K)
        if K <= 6:
            yield "attack", *_attacked(K, rng)


def _views(rng: np.random.Generator, K: int) -> list[Fraction]:
    return [Fraction(int(a), 12) for a in rng.integers(0, 13, size=K)]


def _attacked(K: int, rng: np.random.Generator) -> tuple[list[Fraction], list[Fraction]]:
    """Climb the ratio of the difference to the simpler bound, in c_0..c_K and the logits of the probabilities."""

    def mean(table: Array, probabilities: Array) -> Array:
        for p in probabilities.T[:, :, None]:
            table = (1 - p) * table[:, :-1] + p * table[:, 1:]
        return table[:, 0]

    def ratio(x: Array) -> Array:
        table, p = x[:, : K + 1], 1 / (1 + np.exp(-np.clip(x[:, K + 1 :], -30, 30)))
        center = p.mean(axis=1, keepdims=True)
        difference = mean(table, np.repeat(center, K, axis=1)) - mean(table, p)
        bends = np.diff(table, 2, axis=1) * K * p.var(axis=1, keepdims=True) / 2
        bound = np.where(difference > 0, bends.max(axis=1), bends.min(axis=1))
        return np.asarray(np.where(np.abs(bound) > 1e-3, difference / np.where(bound == 0, 1.0, bound), 0.0))

    place = attack(ratio, rng.normal(size=(200, 2 * K + 1)), rng, trials=24, rounds=100).place
    table = [Fraction(round(float(c) * 10**6), 10**6) for c in place[: K + 1]]
    return table, [Fraction(round(10**6 / (1 + np.exp(-float(x)))), 10**6) for x in np.clip(place[K + 1 :], -30, 30)]


B6A = Claim(
    id="B.6a",
    title="Bias of pooled counts",
    whose="ours",
    place="repair of claim B.6",
    plain=(
        "The bias that pooling adds to a table's mean is bounded by the table's second differences and the variance "
        "over the wordings."
    ),
    statement=(
        "For every table c_0..c_K, let P be its mean under a binomial count, p the mean and s^2 the variance of the "
        "traces' probabilities. Then |E c_X - P(p)| <= K s^2 / 2 max_k |c_{k+2} - 2 c_{k+1} + c_k|. More sharply, "
        "P(p) - E c_X lies between K s^2 / 2 times the least and K s^2 / 2 times the largest mean second difference "
        "over counts of K - 2 traces, each with the least or the largest probability of the views. For the term of a "
        "gradient, E (X/K) c_X, the table is (k/K) c_k."
    ),
    printed="|E c_X - P(p)| <= K s^2 / 2 max_k |c_{k+2} - 2 c_{k+1} + c_k|",
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=sabotage,
            evidence=evidence,
        ),
    ),
    remark=(
        "E c_X is affine in each probability. Replacing p_i and p_j by their mean raises E c_X by (p_i - p_j)^2 / 4 "
        "times the mean second difference over the other traces, and lowers sum (p_i - p)^2 by (p_i - p_j)^2 / 2; "
        "such steps lead to p, inside the range of the views. Equality holds for tables of degree 2, and for two "
        "traces. If the views differ much, the error of the minimax table is large: half of the traces at .9 and half "
        "at .1 give E (X/K) c_X an error of .22 at K = 8, 2.5 at K = 16, 1153 at K = 32."
    ),
)

CLAIMS = (B6A,)
