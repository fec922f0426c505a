"""B.4: a tenth of the plug-in's bias at little more variance."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from dagames.estimators import RewardTable, elevated_table, minimax_table, plugin_table, variance_table
from proofs_check import groups
from proofs_check.claim import Claim, Evidence, Formula, Reading

K = 32
PART = 14
"""Traces whose minimax table is averaged over the group."""


def stated() -> tuple[float, float]:
    """A tenth of the plug-in's worst bias for 1.065 times its worst variance."""
    return 0.1, 1.065


def sabotage() -> tuple[float, float]:
    """A fiftieth of the bias for the same variance: below the least bias of any table."""
    return 0.02, 1.065


def for_a_little_less() -> tuple[float, float]:
    """A tenth of the bias for 1.055 times the variance."""
    return 0.1, 1.055


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Measure the table of least excess at that share of the plug-in's bias, and an averaged minimax table.

    Args:
        formula: The share of the plug-in's bias, and the factor on its variance.
        rng: Source of randomness.

    Yields:
        Bias and variance of the table of least excess; and of the averaged table, at another share. The attack
        maximises the variance over p; the bias of the first table equals its budget.
    """
    share, factor = formula()
    plain = groups.measure(plugin_table(K).coefficients[1:])
    _, plain_variance = groups.noisiest(plugin_table(K).coefficients[1:], "variance", rng)
    easy = elevated_table(minimax_table(PART, counts="independent"), K)
    optimum = minimax_table(K).optimum
    quiet = _quiet(max(share * plain.bias, optimum.upper if optimum else 0.0))
    for name, table, allowed in (("least excess", quiet, share), ("averaged", easy, max(share, 0.09))):
        seen = groups.measure(table.coefficients[1:])
        place, variance = groups.noisiest(table.coefficients[1:], "variance", rng)
        instance = {
            "K": K,
            "table": name,
            "bias / plug-in bias": round(seen.bias / plain.bias, 4),
            "variance / plug-in variance": round(variance / plain_variance, 3),
            "at p": str(place),
        }
        yield Evidence(allowed * plain.bias, seen.bias, "at most", 1e-9, instance | {"of": "bias"}, size=K)
        bound = (factor if name == "least excess" else 1.5) * plain_variance
        here = instance | {"of": "variance"}
        yield Evidence(bound, variance, "at most", 0.0, here, size=K, ratio=variance / bound)


@lru_cache
def _quiet(bias: float) -> RewardTable:
    return variance_table(K, bias=bias, unit="absolute")


B4 = Claim(
    id="B.4",
    title="A tenth of the bias for little more variance",
    whose="ours",
    place="beside the slides, Bias Rates and the Pareto Frontier",
    plain="A table for the logarithm has a tenth of the plug-in's bias at about six percent more variance.",
    statement=(
        "For K = 32 self-inclusive counts, a table for log p has a tenth of the plug-in's worst weighted bias and at "
        "most 1.065 times its worst weighted variance: the table of least excess at that bias."
    ),
    printed="bias <= .1 bias(plug-in)  and  variance <= 1.065 variance(plug-in)",
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=for_a_little_less,
            evidence=evidence,
        ),
    ),
    remark=(
        "The variance is 1.062 times the plug-in's. The minimax table of 14 traces averaged over the group, which "
        "needs no further optimisation, has less than a tenth of the bias at under 1.5 times the variance."
    ),
)

CLAIMS = (B4,)
