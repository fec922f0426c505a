"""II.32: what the printed accuracies with the logarithm and with the minimax table show by themselves."""

from collections.abc import Iterator
from math import sqrt

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula, Reading

TABLE = (
    ("Qwen-7B, GSM8K", 90.7, 1.1, 92.1, 0.4),
    ("Qwen-7B, MathQA", 57.0, 1.4, 62.3, 0.5),
    ("Llama-8B, GSM8K", 85.6, 1.2, 87.2, 0.3),
    ("Llama-8B, MathQA", 49.1, 0.9, 52.8, 0.6),
)
"""Accuracy in per cent and its +-, with the standard logarithm and with the minimax table."""


def larger() -> float:
    """The mean is larger: a difference of at least 0."""
    return 0.0


def by_six() -> float:
    """A difference of at least 6 points."""
    return 6.0


def by_three_halves() -> float:
    """A difference of at least 1.5 points."""
    return 1.5


def of_means(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Subtract the printed means with the logarithm from those with the minimax table.

    Args:
        formula: By how much the minimax table is claimed to be better.
        rng: Source of randomness, not used.

    Yields:
        For each row the difference.
    """
    del rng
    for row, plain, _, minimax, _ in TABLE:
        difference = round(minimax - plain, 1)
        sentence = f"{row}: {minimax} - {plain} = {difference} points."
        yield Evidence(formula(), difference, "at least", 0.0, {"row": row}, size=1, sentence=sentence)


def apart() -> float:
    """The ranges are disjoint: a distance of at least 0."""
    return 0.0


def nearly_apart() -> float:
    """The ranges overlap by at most a tenth of a point."""
    return -0.1


def of_ranges(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Subtract the upper end of the logarithm's range from the lower end of the minimax table's.

    Args:
        formula: The least distance claimed.
        rng: Source of randomness, not used.

    Yields:
        For each row the distance; negative where the ranges overlap.
    """
    del rng
    for row, plain, half, minimax, other in TABLE:
        distance = round((minimax - other) - (plain + half), 1)
        sentence = (
            f"{row}: the range of the logarithm ends at {plain} + {half} = {plain + half:.1f}, and that of the minimax "
            f"table begins at {minimax} - {other} = {minimax - other:.1f}."
        )
        error = round(sqrt(minimax * (100 - minimax) / 1319), 2)
        instance = {"row": row, "binomial standard error of 1319 questions": error}
        yield Evidence(formula(), distance, "at least", 0.0, instance, size=1, sentence=sentence)


II32 = Claim(
    id="II.32",
    title="Accuracies with the minimax table",
    whose="slides",
    place="Impact on LLM Fine-Tuning, table",
    plain=(
        "For two models and two sets of questions the accuracy is higher with the minimax table than with the "
        "logarithm."
    ),
    statement=(
        "With the minimax table the accuracies of Qwen-7B and Llama-8B on GSM8K and MathQA are above those with the "
        "standard logarithm, in all four pairs. Each is given with a +-."
    ),
    printed="90.7+-1.1 : 92.1+-0.4   57.0+-1.4 : 62.3+-0.5   85.6+-1.2 : 87.2+-0.3   49.1+-0.9 : 52.8+-0.6",
    kind="existence",
    expected="open",
    missing="What +- is, the number of runs, and K; the accuracies need the authors' models.",
    readings=(
        Reading(
            supposes="only the printed means are compared",
            expected="holds",
            stated=larger,
            sabotage=by_six,
            near_miss=by_three_halves,
            evidence=of_means,
        ),
        Reading(
            supposes="the ranges given by +- have to be disjoint",
            expected="false",
            stated=apart,
            sabotage=nearly_apart,
            near_miss="The sabotage allows the last printed digit; nothing lies between.",
            evidence=of_ranges,
        ),
    ),
    remark=(
        "The ranges overlap by a tenth in one pair of four. The GSM8K test has 1319 questions, so that one run has a "
        "binomial standard error of .74 and .92 points; a +- of .4 and .3 is less, as is possible for a deviation over "
        "runs on the same questions, or for a standard error over several runs. Nothing here contradicts the table."
    ),
)

CLAIMS = (II32,)
