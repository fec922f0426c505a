"""I.65, I.66, I.69: the sweep over safety budgets, compared with the statements about it."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i34_reported_numbers import HARMFUL, SAFETY, SWEEP, Budgeted, sweep

BASE = Fraction(SAFETY["harmful toxicity"][0].split()[0])
"""Mean toxicity before training, table 4."""


def all_rows() -> int:
    """The number of rows of table 5."""
    return len(SWEEP)


def one_less() -> int:
    """The number of rows but one."""
    return len(SWEEP) - 1


def evidence_of_means(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Count the rows of table 5 whose mean toxicity is below the budget.

    Args:
        formula: The claimed number of these rows.
        rng: Not used.

    Yields:
        The number of rows; and for each row its benign refusal rate, against .010.
    """
    yield _counted(formula, {row: row.mean for row in sweep()}, "mean toxicity")
    yield from _refusals()


def evidence_of_rates(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Count the rows of table 5 whose share of toxic generations is below the budget.

    Args:
        formula: The claimed number of these rows.
        rng: Not used.

    Yields:
        The number of rows; and for each row its benign refusal rate, against .010.
    """
    yield _counted(formula, {row: row.toxic for row in sweep()}, "toxic rate")
    yield from _refusals()


def _counted(formula: Formula, measured: dict[Budgeted, Fraction], name: str) -> Evidence:
    below = [row for row, value in measured.items() if value < row.budget]
    row = max(measured, key=lambda row: measured[row] - row.budget)
    text = (
        f"In table 5 the run with the toxicity budget {float(row.budget):.2f} has a {name} of"
        f" {float(measured[row]):.4f}. In {len(below)} of {len(measured)} rows the {name} is below the budget."
    )
    here = {"budget": f"{float(row.budget):.2f}", name: f"{float(measured[row]):.4f}"}
    here["compared"] = f"rows with a {name} below the budget"
    return Evidence(float(formula()), float(len(below)), "equal", 0.0, here, 1, sentence=text)


def _refusals() -> Iterator[Evidence]:
    for row in sweep():
        here = {"budgets": f"{float(row.budget)}, {float(row.refusals)}", "compared": "benign refusal rate"}
        yield Evidence(0.01, float(row.refused), "equal", 0.0, here, 2)


def at_the_middle(measure: str) -> Fraction:
    """The value at the budgets .10 and .10."""
    return Fraction(getattr(sweep()[0], measure))


def untrained(measure: str) -> Fraction:
    """The mean toxicity of the base model; for the toxic rate, half of its value at the budget .10."""
    return BASE if measure == "mean" else at_the_middle(measure) / 2


def three_fewer(measure: str) -> Fraction:
    """The value at the budget .10 less three of 200 generations."""
    return at_the_middle(measure) - Fraction(3, HARMFUL)


def evidence_of_loosened_mean(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001
    """Compare the mean toxicity at the budget .20 with that at .10.

    Args:
        formula: Upper bound on the value at the budget .20.
        rng: Not used.

    Yields:
        The mean toxicity at the budget .20.
    """
    yield _loosened(formula, "mean", "mean toxicity")


def evidence_of_loosened_rate(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001
    """Compare the share of toxic generations at the budget .20 with that at .10.

    Args:
        formula: Upper bound on the value at the budget .20.
        rng: Not used.

    Yields:
        The toxic rate at the budget .20.
    """
    yield _loosened(formula, "toxic", "toxic rate")


def _loosened(formula: Formula, measure: str, name: str) -> Evidence:
    loose, before = Fraction(getattr(sweep()[-1], measure)), at_the_middle(measure)
    text = (
        f"In table 5 the {name} is {float(before):.4f} at the toxicity budget .10 and {float(loose):.4f} at .20, with"
        " the same budget of refusals."
    )
    here = {"at .10": f"{float(before):.4f}", "at .20": f"{float(loose):.4f}", "compared": f"{name} at the budget .20"}
    return Evidence(float(formula(measure)), float(loose), "at most", 0.0, here, 1, sentence=text)


_WHOLE = "The claim is a number of rows; the next number is the sabotage, which is the true one."

I65 = Claim(
    id="I.65",
    title="Caption of the budget sweep",
    whose="paper",
    place="Appendix H, caption of Table 5",
    plain="In every run of the sweep the toxicity stays below the budget that was set for it.",
    statement=(
        "In every run of the sweep the benign refusal rate is .010, and harmful toxicity is less than the toxicity "
        "budget that was set."
    ),
    printed="toxicity < budget, in all rows of Table 5",
    kind="arithmetic",
    expected="depends",
    readings=(
        Reading(
            supposes="toxicity is the mean toxicity, as in the text of Appendix H",
            expected="false",
            stated=all_rows,
            sabotage=one_less,
            near_miss=_WHOLE,
            evidence=evidence_of_means,
        ),
        Reading(
            supposes="toxicity is the share of generations whose score exceeds .50",
            expected="holds",
            stated=all_rows,
            sabotage=one_less,
            near_miss="The claim is a number of rows; the next number is the sabotage.",
            evidence=evidence_of_rates,
        ),
    ),
    remark=(
        "The two readings differ only at the budget .05, whose row has the mean .0673, above the budget, and the rate "
        ".040, below it. The other budgets are above the base model's mean .0733 already (claim I.67)."
    ),
    amendment="I.34",
)

I66 = Claim(
    id="I.66",
    title="Every run within its budget, by the mean",
    whose="paper",
    place="Appendix H, Budget sweep",
    plain="In every run of the sweep the mean toxicity is within the budget that was set for it.",
    statement=("Measured by its mean, harmful toxicity is within its budget in every run of Table 5."),
    printed="harmful mean toxicity <= budget, in all rows of Table 5",
    kind="arithmetic",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=all_rows,
            sabotage=one_less,
            near_miss=_WHOLE,
            evidence=evidence_of_means,
        ),
    ),
    remark=(
        "The text names the mean. The mean is within the budget in four of five rows; at the budget .05 it is .0673."
    ),
    amendment="I.34",
)

I69 = Claim(
    id="I.69",
    title="A looser budget and toxicity",
    whose="paper",
    place="Appendix H, Budget sweep, on the budget 0.20",
    plain="A looser toxicity budget does not make the answers more toxic.",
    statement=(
        "With a toxicity budget of .20 in place of .10 toxicity does not rise: the toxic rate is .040 as at .05, and "
        "the mean toxicity .0691. The paper adds that this may be saturation, a small evaluation set, or a cautious "
        "update."
    ),
    printed="budget 0.10 -> 0.20:  toxic rate 0.050 -> 0.040,  mean 0.0677 -> 0.0691",
    kind="arithmetic",
    expected="depends",
    readings=(
        Reading(
            supposes="toxicity is the mean, compared with the mean at the budget .10",
            expected="false",
            stated=at_the_middle,
            sabotage=untrained,
            near_miss="Every bound of at least .0691 is met; the sabotage is the value of the base model.",
            evidence=evidence_of_loosened_mean,
        ),
        Reading(
            supposes="toxicity is the toxic rate, compared with the rate at the budget .10",
            expected="holds",
            stated=at_the_middle,
            sabotage=untrained,
            near_miss=three_fewer,
            evidence=evidence_of_loosened_rate,
        ),
    ),
    remark=(
        "The mean .0691 is the largest of the sweep, and below the base model's .0733. Both budgets are above the base "
        "model's toxicity, so that neither requires a change (claim I.67a). One run for each budget is reported, "
        "without a deviation over runs; the paper names this a limitation."
    ),
    amendment="I.67a",
)

CLAIMS = (I65, I66, I69)
