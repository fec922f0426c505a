"""II.4: the table for a count that contains the trace itself."""

from collections.abc import Iterator
from fractions import Fraction
from math import comb

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames.estimators import minimax_table
from proofs_check import oracles, stats
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(K: int, k: int) -> int:
    """The entry of the table for K - 1 other traces that a self-inclusive count k reads."""
    return min(k, K) - 1


def sabotage(K: int, k: int) -> int:
    """The entry of the same number, without the shift."""
    return min(k, K - 1)


def between(K: int) -> tuple[float, float, float]:
    """The lower and the upper bound on the table's worst bias, and the upper bound on the plain logarithm's."""
    return 0.9 / K, 1.15 / K, 0.6 / K


def narrower(K: int) -> tuple[float, float, float]:
    """The bounds with a smaller upper bound on the table's worst bias."""
    return 0.9 / K, 1.14 / K, 0.6 / K


def of_order_two(K: int) -> tuple[float, float, float]:
    """The order 1 / K^2, which holds for the count of the table."""
    return 1 / K**2, 1.2 / K**2, 0.6 / K


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the groups, and compare the mean reward of their traces with p times the independent table's mean.

    Args:
        formula: Which entry of the independent table belongs to a self-inclusive count.
        rng: Source of randomness.

    Yields:
        A comparison for random rational tables and probabilities, exact.
    """
    for K in range(1, 8):
        for _ in range(3):
            p = oracles.random_distribution(rng, 2, 20)[0]
            table = [Fraction(int(c), 7) for c in rng.integers(-40, 40, size=K)]
            weighted = Fraction(0)
            for k in range(1, K + 1):
                mass = comb(K, k) * p**k * (1 - p) ** (K - k)
                weighted += mass * Fraction(k, K) * table[formula(K, k)]
            mean = sum((c * comb(K - 1, j) * p**j * (1 - p) ** (K - 1 - j) for j, c in enumerate(table)), Fraction(0))
            instance = {
                "K": K,
                "p": str(p),
                "table": oracles.as_text(table),
                "group": str(weighted),
                "p P(p)": str(p * mean),
                "compared": "group less p P(p)",
            }
            yield Evidence(0.0, float(weighted - p * mean), "equal", 0.0, instance, size=K + oracles.complexity([p]))


def evidence_of_unshifted(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001
    """Search for the worst bias on a dense grid, by the binomial law of the other K - 1 traces.

    Args:
        formula: The lower and the upper bound on the table's worst bias, and the upper bound on the plain logarithm's,
            by K.
        rng: Source of randomness, not used.

    Yields:
        Three comparisons for each K, and one for K = 64 at 50 digits.
    """
    for K in (4, 8, 16, 32):
        least, largest, of_log = formula(K)
        table = np.asarray(minimax_table(K, counts="independent").coefficients)
        logs = np.log(np.arange(1, K + 1) / K)
        found, plain = _worst_own(table[1:]), _worst_own(logs)
        instance = {"K": K, "worst bias": round(found, 6), "worst bias of the logarithm": round(plain, 6)}
        of_table, of_plain = ({"compared": f"worst bias of the {name}"} for name in ("table", "logarithm"))
        yield Evidence(least, found, "at least", 0.0, instance | of_table, size=K)
        yield Evidence(largest, found, "at most", 0.0, instance | of_table, size=K, ratio=found / largest)
        yield Evidence(of_log, plain, "at most", 0.0, instance | of_plain, size=K)
    beyond = _worst_exactly(minimax_table(64, counts="independent").coefficients[1:].tolist())
    here: dict[str, object] = {"K": 64, "worst bias": round(beyond, 6), "compared": "worst bias of the table"}
    yield Evidence(1.8 / 64, beyond, "at least", 0.0, here, size=64)


def _worst_own(entries: NDArray[np.float64]) -> float:
    """Return the largest |p (mean entry - log p)|, the entries being those of the counts 1..K of the trace's group."""
    others = len(entries) - 1
    p = np.sin(0.5 * np.pi * np.arange(1, 20_001) / 20_000) ** 2
    masses = stats.binom.pmf(np.arange(others + 1), others, p[:, None])
    return float(np.abs(p * (masses @ entries - np.log(p))).max())


def _worst_exactly(entries: list[float]) -> float:
    """Return the same at 50 digits on a coarser grid, for entries whose sum in float64 is all rounding error."""
    others = len(entries) - 1
    with mp.workdps(oracles.DIGITS):
        biases = []
        for k in range(1, 801):
            p = mp.sin(mp.pi * k / 1600) ** 2
            mean = mp.fsum(comb(others, j) * p**j * (1 - p) ** (others - j) * c for j, c in enumerate(entries))
            biases.append(abs(p * (mean - mp.log(p))))
        return float(max(biases))


II4 = Claim(
    id="II.4",
    title="Self-inclusive counts",
    whose="ours",
    place="in addition to the slides, Solution 2: Optimal Approximation for KL Games",
    plain="For a count that contains the rewarded sample, the table is that for one sample less, shifted by one entry.",
    statement=(
        "For every table c_0..c_{K-1} and every p, the group mean E[(X/K) c_{X-1}] over X ~ Binomial(K, p) equals p "
        "times the mean of c under Binomial(K - 1, p). So the best table for a count that contains the trace itself "
        "is the best table for K - 1 other traces, shifted by one."
    ),
    printed="E[(X/K) c_{X-1}] = p E[c_Y],  X ~ Binomial(K, p), Y ~ Binomial(K - 1, p)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss="The shift is an integer: the next one is the sabotage.",
            evidence=evidence,
        ),
    ),
    remark=(
        "The proof is (k/K) B_{k,K}(p) = p B_{k-1,K-1}(p). The slide's program is for K independent traces, and the "
        "slide does not say which count the table is for. With the entry of the same number the bias is of the order "
        "1/K again (claim II.4a)."
    ),
)

II4A = Claim(
    id="II.4a",
    title="The best table without the shift",
    whose="ours",
    place="in addition to the slides, Solution 2, Practical cost",
    plain=(
        "If the count contains the rewarded sample, the best table without a shift is no better than the plain "
        "logarithm."
    ),
    statement=(
        "Without the shift, and with a count that contains the trace itself, the minimax table for K independent "
        "traces has a worst weighted bias between .9 / K and 1.15 / K for K = 4, 8, 16, 32: about twice that of the "
        "plain log(X / K), which is at most .6 / K there. At K = 64, with entries rounded to float64, the worst bias "
        "of the table is above 1.8 / K."
    ),
    printed="max_p |p (E[c_X] - log p)| ~ 1 / K,  X = 1 + Binomial(K - 1, p)",
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=between,
            sabotage=of_order_two,
            near_miss=narrower,
            evidence=evidence_of_unshifted,
        ),
    ),
    remark=(
        "The count of a rare answer includes its own trace, so that it is one too high where the table decreases "
        "fastest. The entries for many traces are large and alternate in sign; they cancel for the right count and not "
        "for the next one. With the shift, the worst bias at K = 16 is 0.00127."
    ),
)

CLAIMS = (II4, II4A)
