"""II.27: whether giving up exactness for less variance makes training converge in fewer steps."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.ii12_training import REFERENCES, SEEDS, interval, passage, suboptimality, train
from proofs_check.oracle_tables import aqp, minimax, plug_in

Array = NDArray[np.float64]
SHARE = 0.25
BUDGETS = (1.5, 2.0, 4.0, 10.0, 30.0, 100.0)


def stated(K: int) -> float:
    """The budget over the least bias: 1.5 for groups of 8, and 30 for groups of 16."""
    return {8: 1.5, 16: 30.0}[K]


def near_miss(K: int) -> float:
    """The budget of groups of 8 for groups of 16 too."""
    return stated(8) if K == 16 else stated(K)


def without_budget(K: int) -> float:
    """A hundred times the least bias for both."""
    del K
    return 100.0


@lru_cache
def _course(reference: tuple[float, ...], K: int, budget: float) -> Array:
    """Suboptimality of the runs with the program's table; 1 for the table of least bias, 0 for the plug-in."""
    table = plug_in(K) if budget == 0 else minimax(K) if budget == 1 else aqp(K, budget)
    return suboptimality(train(reference, table, K), reference)


def against_the_exact(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train on sampled groups, and compare the steps with the program's table and with the table of least bias.

    Args:
        formula: The budget over the least bias, from K.
        rng: Source of the resamples.

    Yields:
        For each size of the group and game the lower end of the 95 % interval of how many times fewer steps bring the
        mean suboptimality below a quarter of its first value; it has to be above 1.
    """
    for K in (8, 16):
        for reference in REFERENCES:
            exact, program = _course(reference, K, 1.0), _course(reference, K, formula(K))
            low, high = interval(exact, program, SHARE, rng)
            steps = [int(passage(path.mean(axis=0), SHARE)) for path in (exact, program)]
            instance = {"K": K, "nu_0": reference, "budget": formula(K), "steps": steps, "interval": [low, high]}
            sentence = (
                f"In groups of {K} and with nu_0 = {reference} the mean suboptimality over {SEEDS} runs is below a "
                f"quarter of its first value after {steps[1]} steps with the program's table at {formula(K):g} times "
                f"the least bias; with the table of least bias after {steps[0]}, where 240 is the end of the runs."
            )
            yield Evidence(1.0 + 1e-9, low, "at least", 0.0, instance, size=K + len(reference), sentence=sentence)


def factor() -> float:
    """The factor 1: at least as fast."""
    return 1.0


def a_third() -> float:
    """The factor 1/3."""
    return 1 / 3


def a_tenth() -> float:
    """The factor .1."""
    return 0.1


def against_the_log(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train on sampled groups of 16, and compare the steps with the program's tables and with log(X / K).

    Args:
        formula: The claimed factor.
        rng: Source of the resamples.

    Yields:
        For each game the upper end of the 95 % interval at the best of six budgets.
    """
    for reference in REFERENCES:
        plain = _course(reference, 16, 0.0)
        ends = {budget: interval(plain, _course(reference, 16, budget), SHARE, rng) for budget in BUDGETS}
        best = max(BUDGETS, key=lambda budget: ends[budget][1])
        steps = [int(passage(path.mean(axis=0), SHARE)) for path in (plain, _course(reference, 16, best))]
        instance = {"K": 16, "nu_0": reference, "best budget": best, "steps": steps, "interval": list(ends[best])}
        sentence = (
            f"Take groups of 16 and nu_0 = {reference}. With log(X / K) the mean suboptimality over {SEEDS} runs is "
            f"below a quarter of its first value after {steps[0]} steps; with the program's table at the best of six "
            f"budgets, {best:g} times the least bias, after {steps[1]}."
        )
        yield Evidence(formula(), ends[best][1], "at least", 0.0, instance, size=len(reference), sentence=sentence)


II27 = Claim(
    id="II.27",
    title="Exactness traded for convergence",
    whose="slides",
    place="Bias Rates and the Pareto Frontier; also Backup: AQP Formulation",
    plain=(
        "With a little more bias and less noise, training converges in fewer steps than with the table of least bias."
    ),
    statement=(
        "Trading exactness for a lower variance along the program's frontier accelerates convergence. The slides do "
        "not say in comparison with what, at which budget and for which groups."
    ),
    printed="less exact, lower variance  =>  accelerated convergence",
    kind="convergence",
    expected="depends",
    readings=(
        Reading(
            supposes=(
                "the comparison is with the table of least bias, the exact end of the frontier, at a suitable budget"
            ),
            expected="holds",
            stated=stated,
            sabotage=without_budget,
            near_miss=near_miss,
            evidence=against_the_exact,
        ),
        Reading(
            supposes="the comparison is with log(X / K), which the tables replace, in groups of 16 and at any budget",
            expected="false",
            stated=factor,
            sabotage=a_tenth,
            near_miss=a_third,
            evidence=against_the_log,
        ),
    ),
    remark=(
        "The games are the entropy games of claim II.12. The result depends on the budget: at 100 times the least bias "
        "training does not come near the equilibrium, and groups of 16 need about 30 times the least bias before the "
        "noise is small. In groups of 8 the program at 1.5 times the least bias is also faster than the logarithm, by "
        "a factor of about 2. In groups of 4 the exact table has little noise, and almost nothing is gained. Tables of "
        "least excess, or Taylor's, are faster than either (claim II.12a)."
    ),
    amendment="II.12a",
)

CLAIMS = (II27,)
