"""II.6: the bias of Taylor's correction is of the order 1 / n^2 at a fixed p, and 1 / n or more for p about 1 / n."""

from collections.abc import Iterator
from functools import lru_cache
from math import e, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dagames.estimators import taylor_table
from proofs_check import stats
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.rates import extrapolated, fit_rate

Array = NDArray[np.float64]
Choice = Literal["best", "zero"]
SIZES = (16, 32, 64, 128, 256, 512)
_HIGHEST = 40.0
"""Largest n p of the grid near the edge; the bias is far below its worst there."""


def stated(place: str, n: int) -> float:
    """One over the order of the bias: 1 / n at the edge, log(n) / n there with c_0 = 0, 1 / n^2 at a fixed p."""
    return {"best": n, "zero": n / log(n), "inside": n**2}[place]


def sabotage(place: str, n: int) -> float:  # noqa: ARG001 - the same everywhere
    """One over the order 1 / n^2 of a fixed p, for every place."""
    return float(n**2)


def off(place: str, n: int) -> float:
    """The factor times n^.05."""
    return stated(place, n) * float(np.power(n, 0.05))


def of_order_one(n: int) -> float:
    """One over the order 1 / n."""
    return float(n)


def of_order_nearly_one(n: int) -> float:
    """The factor n^1.05."""
    return float(np.power(n, 1.05))


def of_order_two(n: int) -> float:
    """One over the order 1 / n^2."""
    return float(n) ** 2


def with_logarithm(n: int) -> float:
    """One over the order log(n) / n."""
    return n / log(n)


def best_start(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is drawn
    """Fit the power of n of the worst bias, measured on dense grids, with the best value at X = 0.

    Args:
        formula: The factor that makes the worst bias tend to a constant, by n.
        rng: Source of randomness, not used.

    Yields:
        The power of n.
    """
    biases = [_worst("best", n)[0] for n in SIZES]
    yield _exponent(lambda _, n: formula(n), "best", biases, _best_limit()[0], 0.01)


def zero_start(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is drawn
    """Compare multiples of the worst bias for several n, measured on dense grids, with the value 0 at X = 0.

    Args:
        formula: The factor that makes the worst bias tend to a constant, by n.
        rng: Source of randomness, not used.

    Yields:
        For each doubling of n the growth of the multiple, which has to be at most that of a constant and a term 1 / n.
    """
    multiples = [formula(n) * _worst("zero", n)[0] for n in SIZES]
    for n, before, after in zip(SIZES, multiples, multiples[1:], strict=False):
        growth = after / before
        sentence = (
            f"Take c_0 = 0, and {n} and {2 * n} traces. K times the worst bias is {n * _worst('zero', n)[0]:.3f} and "
            f"{2 * n * _worst('zero', 2 * n)[0]:.3f}: K times the worst bias is not bounded, but grows like log(K) / "
            "e."
        )
        yield Evidence(1.0, growth, "at most", 1 / n, {"n": n, "growth": round(growth, 6)}, n, sentence=sentence)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is drawn
    """Measure the bias on dense grids, and compare its multiples with those for a Poisson count.

    Args:
        formula: The factor that makes the bias tend to a constant, by place and n.
        rng: Source of randomness, not used.

    Yields:
        With the best c_0 the limit of the multiples and the power of n; with c_0 = 0 the multiples; and at fixed p the
        limit, from the expansion of the mean, and the power.
    """
    least, offset = _best_limit()
    found = [_worst("best", n) for n in SIZES]
    scaled = [formula("best", n) * bias for n, (bias, _) in zip(SIZES, found, strict=True)]
    where = {f"n p at n = {n}": round(n * p, 3) for n, (_, p) in zip(SIZES, found, strict=True)}
    instance = {
        "c_0": "best",
        "compared": "limit of the multiples of the worst bias",
        "multiples": [round(s, 6) for s in scaled],
        "c_0 + log n in the limit": round(offset, 6),
    } | where
    yield Evidence(least, extrapolated(scaled[2:]), "equal", 1e-5, instance, size=1)
    yield _exponent(formula, "best", [bias for bias, _ in found], least, 0.01)
    for n in SIZES:
        bias, p = _worst("zero", n)
        instance = {"c_0": "0", "n": n, "bias": bias, "n p": round(n * p, 3), "compared": "multiple of the worst bias"}
        yield Evidence(_limit(0.0, log(n)) / log(n), formula("zero", n) * bias, "equal", 2 / n, instance, size=n)
    for height in (1e2, 1e3, 1e4):
        instance = {"c_0": "0", "log n": height, "compared": "limit of n times the worst bias over log n"}
        yield Evidence(1 / e, _limit(0.0, height) / height, "equal", 1 / height, instance, size=3)
    for p in (0.25, 0.5, 0.75, 0.9):
        multiples = [formula("inside", n) * float(_errors("zero", n, np.array([p]))[0]) for n in SIZES[2:]]
        instance = {"p": p, "multiples": [round(m, 6) for m in multiples], "compared": "limit of the multiples at p"}
        constant = (1 - p**2) / (12 * p)
        yield Evidence(constant, extrapolated(multiples), "equal", 1e-4, instance, size=4)
        biases = [abs(float(_errors("zero", n, np.array([p]))[0])) for n in SIZES[2:]]
        yield _exponent(formula, "inside", biases, constant, 2 / (SIZES[2] * p))


def _exponent(formula: Formula, place: str, biases: list[float], constant: float, tolerance: float) -> Evidence:
    """Compare the power of n of the biases with that of the claimed order; the next term is one power of n p lower."""
    sizes = SIZES[-len(biases) :]
    claimed = -fit_rate(sizes, [formula(place, n) for n in sizes]).exponent
    rate = fit_rate(sizes, biases, power=claimed)
    instance = {"place": place, "n": str(sizes), "compared": "power of n"} | rate.as_instance()
    instance["constant by theory"] = float(f"{constant:.6g}")
    return Evidence(claimed, rate.exponent, "equal", tolerance, instance, size=2, noted=True)


@lru_cache
def _inner(choice: Choice, n: int) -> Array:
    table = taylor_table(n, c_0="best" if choice == "best" else 0.0, counts="independent")
    return np.asarray(table.coefficients)


def _errors(choice: Choice, n: int, p: Array) -> Array:
    """Compute p (E c_X - log p) from binomial masses, any number of p."""
    means = stats.binom.pmf(np.arange(n + 1), n, p[:, None]) @ _inner(choice, n)
    return np.asarray(p * (means - np.log(p)))


@lru_cache
def _worst(choice: Choice, n: int) -> tuple[float, float]:
    """Find the largest error and its p: on a grid up to 40 / n, then on a finer one; include a grid beyond 40 / n."""
    p = np.minimum(np.geomspace(1e-3, min(_HIGHEST, n), 2000) / n, 1.0)
    top = p[np.abs(_errors(choice, n, p)).argmax()]
    fine = np.minimum(top * np.geomspace(0.99, 1.01, 801), 1.0)
    sizes = np.abs(_errors(choice, n, fine))
    beyond = np.linspace(min(_HIGHEST / n, 1.0), 1.0, 400)
    return float(max(sizes.max(), np.abs(_errors(choice, n, beyond)).max())), float(fine[sizes.argmax()])


def _poisson_errors(m: Array) -> Array:
    """Compute m (sum over k >= 1 of Poisson masses times log k + 1 / (2 k), less log m), without the term of c_0."""
    k = np.arange(1, 200)
    return np.asarray(m * (stats.poisson.pmf(k, m[:, None]) @ (np.log(k) + 0.5 / k) - np.log(m)))


_M = np.geomspace(1e-3, _HIGHEST, 40_000)


@lru_cache
def _rest() -> Array:
    return _poisson_errors(_M)


@lru_cache
def _limit(offset: float, height: float = 0.0) -> float:
    """Compute the limit of n times the worst bias if c_0 + log n is offset + height."""
    return float(np.abs(_rest() + _M * np.exp(-_M) * (offset + height)).max())


@lru_cache
def _best_limit() -> tuple[float, float]:
    """Find the offset of least worst bias in the limit: the worst is convex in it."""
    low, high = -4.0, 0.0
    for _ in range(60):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if _limit(left) < _limit(right) else (left, high)
    return _limit(low), low


II6 = Claim(
    id="II.6",
    title="Bias of Taylor's correction",
    whose="slides",
    place="Bias Rates and the Pareto Frontier, Left",
    plain="The correction of the logarithm by its first Taylor term does not help for rare answers.",
    statement=(
        "Taylor's correction of the log-frequency, log x + (1 - x) / (2 K x) with x = X / K, fails at the boundary: "
        "its worst bias is of the order 1 / K. The slide does not give the value at X = 0."
    ),
    printed="max_p |p (E[log(X/K) + (1 - X/K) / (2X)] - log p)| = O(1 / K)",
    kind="rate",
    expected="depends",
    readings=(
        Reading(
            supposes="the value at X = 0 is the best one, about -log K - 1.48",
            expected="holds",
            stated=of_order_one,
            sabotage=of_order_two,
            near_miss=of_order_nearly_one,
            evidence=best_start,
        ),
        Reading(
            supposes="the value at X = 0 is 0, so that an answer that does not occur has no reward",
            expected="false",
            stated=of_order_one,
            sabotage=with_logarithm,
            near_miss="The factor between the two orders is a logarithm; there is no power between them.",
            evidence=zero_start,
        ),
    ),
    remark=(
        "The point of the slide, an order worse than 1 / K^2, holds in both readings. Near p = 0 the count is Poisson "
        "with mean K p, so that K times the bias is a function of K p alone, except for the value at X = 0, which "
        "should be near -log K. With log 0 = -inf the bias is infinite."
    ),
    amendment="II.6a",
)

II6A = Claim(
    id="II.6a",
    title="Constants of Taylor's bias",
    whose="ours",
    place="repair of claim II.6",
    plain=(
        "The worst bias of Taylor's correction is known to leading order, for rare answers and for a fixed probability."
    ),
    statement=(
        "With n random traces (n = K for independent counts, K - 1 for self-inclusive ones) the table log x + (1 - "
        "x) / (2 n x), x = k / n, has the worst weighted bias .1045 / n + o(1 / n) with the best entry c_0, and "
        "log(n) / (e n) + O(1 / n) with c_0 = 0; both are reached where n p is of order 1. At a fixed p its weighted "
        "bias is (1 - p^2) / (12 p n^2) + O(1 / n^3)."
    ),
    printed=".1045 / n;  log(n) / (e n);  (1 - p^2) / (12 p n^2)",
    kind="rate",
    expected="holds",
    readings=(Reading(expected="holds", stated=stated, sabotage=sabotage, near_miss=off, evidence=evidence),),
    remark=(
        "Near p = 0 the count is Poisson with mean n p, and n times the bias is a function of n p alone. With the best "
        "c_0 = -log n - 1.483 + o(1) it is largest, with opposite signs, at n p = .139 and 1.48; with c_0 = 0 at n p "
        "near 1, because c_0 should be near -log n."
    ),
)

CLAIMS = (II6, II6A)
