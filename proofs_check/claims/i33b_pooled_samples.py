"""I.33b: one half added to the counts of a view's n samples leaves a bias of order 1 / n^2."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from scipy.special import gammaln

from dagames import orbits
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.rates import fit_rate


def stated(p: Fraction, w: Fraction) -> tuple[Fraction, Fraction]:
    """Add 1/2; the bias of log p - log w is then (1 / w^2 - 1 / p^2) / (24 n^2)."""
    return Fraction(1, 2), (1 / w**2 - 1 / p**2) / 24


def sabotage(p: Fraction, w: Fraction) -> tuple[Fraction, Fraction]:
    """Add 1 instead."""
    return Fraction(1), stated(p, w)[1]


def near_miss(p: Fraction, w: Fraction) -> tuple[Fraction, Fraction]:
    """Add 1/2, with 1/25 for 1/24 in the bias."""
    return Fraction(1, 2), stated(p, w)[1] * 24 / 25


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Sum the expected log-ratio over binomial counts and follow its bias as n grows.

    Args:
        formula: The constant to add to a count, and n^2 times the bias.
        rng: Source of randomness.

    Yields:
        The fitted exponent of n in |bias|, -2 within half its interval and .02; n^2 times the bias, extrapolated from
        n = 800 and 1600, to 1 % of it; for three views, that the share |Z| / (2n + |Z|) makes the library's smoothed
        geometric mean that of the counts.
    """
    cases = [(Fraction(1, 4), Fraction(3, 4)), (Fraction(1, 5), Fraction(3, 10))]
    cases += [(Fraction(int(a), 20), Fraction(int(a + b), 20)) for a, b in rng.integers(3, 9, size=(6, 2))]
    for p, w in cases:
        added, constant = formula(p, w)
        sizes = np.array([100, 200, 400, 800, 1600])
        biases = np.array([_mean_log(n, float(p), float(added)) - _mean_log(n, float(w), float(added)) for n in sizes])
        biases -= float(oracles.log(p) - oracles.log(w))
        rate = fit_rate(sizes.tolist(), np.abs(biases).tolist(), -2.0)
        instance = {"masses": oracles.as_text([p, w]), "added": str(added)}
        here = instance | rate.as_instance() | {"compared": "exponent of n in |bias|"}
        yield Evidence(-2.0, rate.exponent, "equal", 0.02 + (rate.high - rate.low) / 2, here, noted=True)
        scaled = sizes**2 * biases
        here = instance | {"compared": "n^2 bias"}
        limit = float(2 * scaled[-1] - scaled[-2])
        yield Evidence(float(constant), limit, "equal", 0.01 * abs(float(constant)), here)
    counts = rng.integers(0, 8, size=(3, 4)) + np.array([1, 0, 0, 0])
    counts[:, 3] = 30 - counts[:, :3].sum(axis=1)
    added = float(formula(*cases[0])[0])
    geometric = np.exp(np.log(counts + added).mean(axis=0))
    found = orbits.geometric_mean(orbits.smoothed(counts / 30, 4 / (60 + 4)))
    here = {"counts": str(counts.tolist()), "compared": "the library's smoothed mean minus that of the counts"}
    yield Evidence(0.0, float(np.abs(found - geometric / geometric.sum()).max()), "equal", 1e-14, here)


def _mean_log(n: int, p: float, added: float) -> float:
    k = np.arange(n + 1)
    logs = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + k * np.log(p) + (n - k) * np.log1p(-p)
    weights = np.exp(logs - logs.max())
    return float(weights @ np.log(k + added) / weights.sum())


I33B = Claim(
    id="I.33b",
    title="Pooled samples with one half added",
    whose="ours",
    place="repair of claim I.33",
    plain=(
        "With one half added to each count, the logarithm of a frequency is estimated with an error of second order."
    ),
    statement=(
        "If each view's distribution is estimated from n samples by adding 1/2 to the count of each answer, the "
        "expected log-ratio of two answers has the bias (1 / nu(w)^2 - 1 / nu(z)^2) / (24 n^2) to leading order; the "
        "geometric mean of the views has the mean of these biases. With another added constant the bias is of order 1 "
        "/ n."
    ),
    printed="E log-ratio - log nu(z) / nu(w) = (1 / nu(w)^2 - 1 / nu(z)^2) / (24 n^2) + ...",
    kind="rate",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "E log(X + a) = log(n p) + (a - 1/2) / (n p) + 1 / (2 n) + ..., and the last term is the same for all "
        "answers. The estimate is the mixture of `orbits.smoothed` with the share |Z| / (2 n + |Z|) of the uniform "
        "distribution. For answers rarer than about 1 / n no constant removes the bias, as for the logarithm of any "
        "count (II.5)."
    ),
)

CLAIMS = (I33B,)
