"""II.7: the augmented program traces the frontier between bias and second moment."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dagames.estimators import RewardTable, aqp_table, elevated_table, minimax_table, variance_table
from proofs_check import groups, stats
from proofs_check.attack import attack
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
SIZES = (3, 6, 10)
BUDGETS = (1.5, 3.0, 10.0)
_SLACK = 2e-6
_GRID = 150
"""Points of the attack's grid, per degree."""


@lru_cache
def stated(n: int, budget: float) -> RewardTable:
    """The table of least second moment within a bias budget."""
    return aqp_table(n, bias=budget, unit="absolute", counts="independent")


def sabotage(n: int, budget: float) -> RewardTable:
    """The table of least bias, which is within every budget."""
    del budget
    return minimax_table(n, counts="independent")


@lru_cache
def above(n: int, budget: float) -> RewardTable:
    """The table of least second moment within a budget that is 1 % smaller."""
    return aqp_table(n, bias=0.99 * budget, unit="absolute", counts="independent")


def in_variance(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is drawn
    """Compare worst weighted variances with those of averaged tables of fewer traces within the same budget.

    Args:
        formula: The table for n independent traces and a bias budget.
        rng: Source of randomness, not used.

    Yields:
        For each n and budget a comparison with each averaged minimax table of fewer traces within the budget.
    """
    for n in SIZES:
        least = minimax_table(n, counts="independent").bias.upper
        for multiple in BUDGETS:
            budget = multiple * least
            found = groups.measure(formula(n, budget).coefficients).variance
            for m in range(1, n):
                averaged = elevated_table(minimax_table(m, counts="independent"), n, counts="independent")
                seen = groups.measure(averaged.coefficients)
                if seen.bias > budget:
                    continue
                sentence = (
                    f"Take K = {n} and {multiple} times the least bias. The program's table has a worst variance p^2 "
                    f"Var c_X of {found:.3g}; the minimax table of {m} traces, averaged over the group, is within the "
                    f"same bias and has the worst variance {seen.variance:.3g}."
                )
                instance = {"n": n, "budget / least bias": multiple, "compared with": f"the averaged table of {m}"}
                slack = _SLACK * seen.variance
                yield Evidence(
                    seen.variance, found, "at most", slack, instance, n, found / seen.variance, False, sentence
                )


def of_least_variance(n: int, budget: float) -> RewardTable:
    """The table of least excess p^2 (E c_X^2 - log(p)^2) within the budget."""
    return variance_table(n, bias=budget, unit="absolute", counts="independent")


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare second moments with those of a conic program on a grid, averaged tables of fewer traces, and an attack.

    Args:
        formula: The table for n independent traces and a bias budget.
        rng: Source of randomness.

    Yields:
        The bias against its budget; the second moment against that of every other table within the budget. The attack
        searches a table of smaller second moment; every trial is mixed with the table of least bias until it is within
        the budget.
    """
    for n in SIZES:
        least = minimax_table(n, counts="independent").bias.upper
        for multiple in BUDGETS:
            budget = multiple * least
            table = formula(n, budget)
            found = groups.measure(table.coefficients)
            place = {"n": n, "budget / least bias": multiple}
            here = place | {"compared": "bias, the budget"}
            yield Evidence(budget, found.bias, "at most", 1e-12, here, size=n)
            for name, other in _others(n, budget, table, rng):
                instance = place | {"compared": f"second moment, that of {name}"}
                slack = _SLACK * other.second_moment
                ratio = found.second_moment / other.second_moment
                yield Evidence(other.second_moment, found.second_moment, "at most", slack, instance, n, ratio)


def _others(
    n: int, budget: float, table: RewardTable, rng: np.random.Generator
) -> Iterator[tuple[str, groups.Measured]]:
    conic = aqp_table(n, bias=budget, unit="absolute", counts="independent", method="cvxpy")
    yield "the conic program on a grid", groups.measure(conic.coefficients)
    for m in range(1, n):
        averaged = elevated_table(minimax_table(m, counts="independent"), n, counts="independent")
        seen = groups.measure(averaged.coefficients)
        if seen.bias <= budget:
            yield f"the averaged minimax table of {m}", seen
    rival = _rival(n, budget, table, rng)
    # Between the points of the grid the bias is slightly larger: the certificate decides.
    if RewardTable(n, rival, "independent").bias.upper <= budget:
        yield "the end of an attack", groups.measure(rival)


def _rival(n: int, budget: float, table: RewardTable, rng: np.random.Generator) -> Array:
    """Maximise the ratio of the table's second moment to that of another table within the budget."""
    p = np.sin(0.5 * np.pi * np.arange(_GRID * (n + 1) + 1) / (_GRID * (n + 1))) ** 2
    masses = np.asarray(stats.binom.pmf(np.arange(n + 1), n, p[:, None]))
    logs = np.log(np.where(p > 0, p, 1.0))
    easiest = minimax_table(n, counts="independent").coefficients
    least, allowed = minimax_table(n, counts="independent").bias.upper, budget * (1 - 2e-4)
    moment = ((masses @ table.coefficients**2).max()).item()

    def drawn(rows: Array) -> Array:
        bias = np.asarray(np.abs(p * (rows @ masses.T - logs)).max(axis=1, keepdims=True))
        share = np.where(bias > allowed, (bias - allowed) / np.maximum(bias - least, 1e-9), 0.0)
        return np.asarray(rows + share * (easiest - rows))

    def ratio(rows: Array) -> Array:
        return np.asarray(moment / (drawn(rows) ** 2 @ masses.T).max(axis=1))

    lengths = 10 ** rng.uniform(-4, 0, size=(60, 1))
    starts = table.coefficients + rng.normal(size=(60, n + 1)) * lengths
    found = attack(ratio, starts, rng, climbers=2, trials=12, rounds=40)
    return np.asarray(drawn(found.place[None])[0])


II7 = Claim(
    id="II.7",
    title="The frontier of the augmented program",
    whose="slides",
    place="Backup: AQP Formulation; Bias Rates and the Pareto Frontier, Right",
    plain="For each allowed bias a quadratic program finds the least noisy table.",
    statement=(
        "The augmented quadratic program minimises the worst second moment of the reward within a bias budget; "
        "varying the budget traces the complete frontier, which another slide calls one of bias and variance."
    ),
    printed="min_c max_p E[c_X^2]  s.t.  |p P_c(p) - beta p log p| <= eps for all p",
    kind="lower bound",
    expected="depends",
    readings=(
        Reading(
            supposes="the second axis is the second moment, which the program minimises",
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=above,
            evidence=evidence,
        ),
        Reading(
            supposes="the second axis is the variance of the weighted reward, as the other slide says",
            expected="false",
            stated=stated,
            sabotage=of_least_variance,
            near_miss=(
                "The program has one table; tables between it and that of least variance are the subject of claim "
                "II.8b."
            ),
            evidence=in_variance,
        ),
    ),
    remark=(
        "A Lagrangian that is separable in the entries bounds the least second moment from below, in ball arithmetic; "
        "the gap is part of every point that `dagames pareto` prints. At the least bias the second moment grows like "
        "4^K / K^4; at twice the least bias it does not. The second moment is largest for rare answers, where the "
        "reward itself is large, and says little about the variance for other answers (claim II.8)."
    ),
    amendment="II.8b",
)

CLAIMS = (II7,)
