"""II.6b: how far Taylor's correction is from the frontier of bias and second moment."""

from collections.abc import Iterator
from functools import lru_cache
from math import log

import numpy as np

from dagames.estimators import FrontierPoint, RewardTable, solve_aqp, taylor_table
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated() -> tuple[float, float]:
    """Bounds on the Taylor table's bias over the least bias of any table with its second moment."""
    return 1.09, 1.2


def sabotage() -> tuple[float, float]:
    """The bounds, had Taylor's correction been optimal to eight parts in a hundred."""
    return 1.0, 1.08


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is drawn
    """Prove which side of the frontier lies below the Taylor table's second moment, at two budgets of bias.

    Args:
        formula: The least and the largest ratio.
        rng: Source of randomness, not used.

    Yields:
        For K = 8 and 16: with the bias divided by the largest ratio, no table has so small a second moment, by
        duality; with the bias divided by the least ratio, a table has it, by its certificate. The program is the
        attack: it makes the best table there is, and the ratios compare its second moment with Taylor's.
    """
    low, high = formula()
    for K in (8, 16):
        table = _taylor(K)
        budgets = [table.bias.upper / high, table.bias.lower / low]
        tight, loose = (_frontier(K, budget) for budget in budgets)
        moment = table.second_moment
        instance = {
            "K": K,
            "bias of Taylor's": table.bias.upper,
            "second moment": moment.upper,
            "ratio, interpolated": round(_interpolated(table, [tight, loose]), 4),
            "variance of Taylor's": round(table.variance.upper, 4),
            "of the frontier's": round(loose.table.variance.upper, 3),
        }
        reached = moment.upper / tight.objective.lower
        here = instance | {"bias divided by": high}
        yield Evidence(moment.upper, tight.objective.lower, "at least", 0.0, here, size=K, ratio=reached)
        reached = loose.objective.upper / moment.lower
        here = instance | {"bias divided by": low}
        yield Evidence(moment.lower, loose.objective.upper, "at most", 0.0, here, size=K, ratio=reached)


@lru_cache
def _taylor(K: int) -> RewardTable:
    return taylor_table(K)


@lru_cache
def _frontier(K: int, budget: float) -> FrontierPoint:
    return solve_aqp(K, budget, unit="absolute")


def _interpolated(table: RewardTable, points: list[FrontierPoint]) -> float:
    """Read the ratio off the line through two points of the frontier, on logarithmic axes."""
    x = [log(point.budget) for point in points]
    y = [log(point.objective.upper) for point in points]
    share = (log(table.second_moment.upper) - y[0]) / (y[1] - y[0])
    return float(table.bias.upper / np.exp(x[0] + share * (x[1] - x[0])))


II6B = Claim(
    id="II.6b",
    title="Taylor's correction beside the frontier",
    whose="ours",
    place="ours",
    statement=(
        "For K = 8 and 16 and self-inclusive counts the worst weighted bias of Taylor's correction with the best "
        "c_0 is between 1.09 and 1.2 times the least bias of any table whose worst second moment is no larger."
    ),
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            evidence=evidence,
        ),
    ),
    remark=(
        "At these sizes the worst rate of Taylor's correction costs little in the measure of the slides; the order "
        "1 / K is lost to tables only as K grows. The frontier's tables pay for it inside: their weighted variance "
        "is tens to hundreds of times that of Taylor's (claim II.8)."
    ),
)

CLAIMS = (II6B,)
