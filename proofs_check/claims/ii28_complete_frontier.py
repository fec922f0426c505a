"""II.28: whether the program's budgets trace the whole frontier of bias and second moment, and of bias and variance."""

from collections.abc import Iterator
from functools import lru_cache
from math import exp

import numpy as np
from numpy.typing import NDArray

from dagames.estimators import RewardTable, aqp_table, elevated_table, minimax_table, taylor_table
from proofs_check import groups
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.oracle_tables import least_bias, least_noise

Array = NDArray[np.float64]
_SLACK = 1e-4
"""Largest relative error of a supremum on the grid of p."""


@lru_cache
def stated(n: int, budget: float) -> RewardTable:
    """The program's table for a bias budget; zero from the bias 1/e of the zero table on."""
    if budget >= exp(-1):
        return RewardTable(n, np.zeros(n + 1), "independent")
    return aqp_table(n, bias=budget, unit="absolute", counts="independent")


def one_less(n: int, budget: float) -> RewardTable:
    """The program's table for one trace less, averaged over which trace is left out."""
    least = minimax_table(n - 1, counts="independent").bias.upper
    return elevated_table(stated(n - 1, max(budget, least)), n, counts="independent")


def least_biased(n: int, budget: float) -> RewardTable:
    """The table of least bias, whatever the budget."""
    del budget
    return minimax_table(n, counts="independent")


def in_second_moment(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Measure other tables on a grid of p, and compare bias and second moment with those of the frontier's table.

    Args:
        formula: The table for n traces and a bias budget.
        rng: Source of the random tables.

    Yields:
        For Taylor's table, averaged tables of fewer traces, random ones near those of a cone program on a grid, and
        zero: bias and second moment of the frontier's table at the other's bias.
    """
    for n in (3, 4):
        for name, table in _rivals(n, rng):
            other = groups.measure(table)
            found = groups.measure(formula(n, other.bias * (1 + _SLACK)).coefficients)
            instance = {"n": n, "other table": name, "its bias": other.bias, "its second moment": other.second_moment}
            bound = other.bias * (1 + _SLACK)
            yield Evidence(bound, found.bias, "at most", 0.0, instance | {"compared": "bias"}, size=n)
            slack = _SLACK * other.second_moment + 1e-12
            yield Evidence(
                other.second_moment,
                found.second_moment,
                "at most",
                slack,
                instance | {"compared": "second moment"},
                size=n,
            )


def _rivals(n: int, rng: np.random.Generator) -> Iterator[tuple[str, Array]]:
    yield "zero", np.zeros(n + 1)
    yield "Taylor", taylor_table(n, counts="independent").coefficients
    for m in sorted({1, n - 1}):
        yield (
            f"averaged over {m}",
            elevated_table(minimax_table(m, counts="independent"), n, counts="independent").coefficients,
        )
    for multiple in (2.0, 4.0)[: n - 2]:
        table = np.array(least_noise(n, multiple))
        yield f"cone program, {multiple:g} times the least bias", table
        yield "random, near it", table + rng.normal(scale=0.05, size=n + 1)


def least_variance(n: int, budget: float) -> Array:
    """Find the table of least variance on the frontier, for budgets from the least one to slightly above the given one.

    Args:
        n: Number of traces.
        budget: The largest budget.

    Returns:
        Its table.
    """
    least = least_bias(n)[1]
    tables = [np.array(least_noise(n, share)) for share in np.linspace(1.001, 1.02 * budget / least, 12).tolist()]
    return min(tables, key=lambda table: groups.measure(table).variance)


def by_excess(n: int, budget: float) -> Array:
    """The table of least excess within the budget."""
    return np.array(least_noise(n, budget / least_bias(n)[1], excess=True))


def in_variance(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare worst weighted variances with those of tables of least excess, on a grid of p.

    Args:
        formula: The frontier's table of least variance up to a bias.
        rng: Source of randomness, not used.

    Yields:
        For 3 and 4 traces the variance, which has to be no larger than that of the table of least excess.
    """
    del rng
    for n in (3, 4):
        budget = 2 * least_bias(n)[1]
        rival = by_excess(n, budget)
        other, found = groups.measure(rival), groups.measure(formula(n, budget))
        instance = {"n": n, "bias": budget, "its variance": other.variance, "the frontier's": found.variance}
        sentence = (
            f"Take {n} traces. The table ({', '.join(f'{c:.3f}' for c in rival)}) has the bias {other.bias:.4f} and "
            f"the worst weighted variance {other.variance:.4f}. Of the program's tables up to this bias the one of "
            f"least variance has {found.variance:.4f}."
        )
        slack = 1e-3 * other.variance
        yield Evidence(other.variance, found.variance, "at most", slack, instance, size=n, sentence=sentence)


II28 = Claim(
    id="II.28",
    title="The complete frontier",
    whose="slides",
    place="Backup: AQP Formulation; also Bias Rates and the Pareto Frontier",
    plain="Varying the bias budget gives every best compromise of bias and noise, if noise is the second moment.",
    statement=(
        "Varying the budget eps from the least bias to infinity, the program traces the complete Pareto frontier, "
        "which the figure names after bias and variance."
    ),
    printed="eps in [eps_min, inf)  traces the complete Pareto frontier",
    kind="existence",
    expected="depends",
    readings=(
        Reading(
            supposes="the frontier is that of bias and worst second moment, the two quantities of the program",
            expected="holds",
            stated=stated,
            sabotage=least_biased,
            near_miss=one_less,
            evidence=in_second_moment,
        ),
        Reading(
            supposes="the frontier is that of bias and worst variance of the weighted reward, as in the figure",
            expected="false",
            stated=least_variance,
            sabotage=by_excess,
            near_miss="The sabotage minimises another quantity by the same program; nothing lies between.",
            evidence=in_variance,
        ),
    ),
    remark=(
        "By definition the program's table is the best at its bias. The frontier ends at eps = beta / e, as the zero "
        "table is within every larger budget. The variance of the weighted reward is another quantity (claim II.8), "
        "and its frontier is traced by minimising the excess."
    ),
    amendment="II.8b",
)

CLAIMS = (II28,)
