"""I.70: possible meanings of the plus-minus in the accuracies of the talk."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, sqrt

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i34_reported_numbers import QUESTIONS

GSM8K = {
    "Qwen-7B, Std. Log": (Fraction("90.7"), Fraction("1.1")),
    "Qwen-7B, Minimax LP": (Fraction("92.1"), Fraction("0.4")),
    "Llama-8B, Std. Log": (Fraction("85.6"), Fraction("1.2")),
    "Llama-8B, Minimax LP": (Fraction("87.2"), Fraction("0.3")),
}
"""Accuracy in percent and the printed plus-minus."""


def one_error(accuracy: Fraction) -> float:
    """The standard error of a share of 1319 questions, in points."""
    p = float(accuracy) / 100
    return 100 * sqrt(p * (1 - p) / QUESTIONS)


def nothing(accuracy: Fraction) -> float:  # noqa: ARG001 - whatever it is
    """0, which is no restriction."""
    return 0.0


def evidence_of_errors(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Compare each printed plus-minus with the lower bound that its meaning implies.

    Args:
        formula: Lower bound on the plus-minus, from the accuracy.
        rng: Not used.

    Yields:
        The plus-minus of each row on GSM8K, rounded up by half a digit.
    """
    for name, (accuracy, spread) in GSM8K.items():
        p, most = float(accuracy) / 100, float(spread) + 0.05
        text = (
            f"{name} has {float(accuracy)} +- {float(spread)} % on GSM8K. A share of {p:.3f} of {QUESTIONS} questions"
            f" has a standard error of {one_error(accuracy):.2f} points; {float(spread)} would need"
            f" {ceil(p * (1 - p) / (float(spread) / 100) ** 2)} questions."
        )
        here = {"row": name, "printed": float(spread), "compared": "plus-minus, in points"}
        size = 10 + round(10 * float(spread))
        yield Evidence(formula(accuracy), most, "at least", 0.0, here, size, sentence=text)


def spread_of_answers(accuracy: Fraction) -> float:
    """The deviation if all questions have the same probability of a right answer."""
    return one_error(accuracy)


def spread_nearly(accuracy: Fraction) -> float:
    """The deviation for equal probabilities, times .99."""
    return 0.99 * one_error(accuracy)


def half_a_spread(accuracy: Fraction) -> float:
    """Half of the deviation for equal probabilities."""
    return one_error(accuracy) / 2


def evidence_of_runs(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Draw probabilities of the questions with the accuracy as their mean, and compute the exact deviation over runs.

    A run answers each question independently, with its probability. The deviation of a run's accuracy is sqrt(sum p (1
    - p)) / n.

    Args:
        formula: Upper bound on the deviation, from the accuracy.
        rng: Source of randomness.

    Yields:
        The deviation for equal probabilities, for different ones, and for probabilities 0 and 1.
    """
    for name, (accuracy, _) in GSM8K.items():
        mean, right = float(accuracy) / 100, round(QUESTIONS * float(accuracy) / 100)
        equal, certain = np.full(QUESTIONS, mean), (np.arange(QUESTIONS) < right).astype(float)
        share = rng.uniform(0.2, 0.8)
        for kind, chances in (
            ("equal", equal),
            ("mixed", share * certain + (1 - share) * certain.mean()),
            ("certain", certain),
        ):
            deviation = 100 * float(np.sqrt((chances * (1 - chances)).sum())) / QUESTIONS
            here = {"row": name, "probabilities": kind, "compared": "deviation of the accuracy over runs, in points"}
            yield Evidence(formula(accuracy), deviation, "at most", 1e-9, here, 30)


I70 = Claim(
    id="I.70",
    title="The plus-minus of the larger models",
    whose="slides",
    place="Impact on LLM Fine-Tuning",
    plain="The accuracies of the larger models are printed with a plus-minus that is not explained.",
    statement=(
        "Qwen-7B and Llama-8B have accuracies with a plus-minus of .3 to 1.2 points on GSM8K, those of the minimax "
        "table .4 and .3. The slide does not say what the plus-minus is."
    ),
    printed="GSM8K:  90.7 +- 1.1 -> 92.1 +- 0.4,  85.6 +- 1.2 -> 87.2 +- 0.3",
    kind="arithmetic",
    expected="open",
    missing="What the plus-minus is, the number of runs, and how many test questions there were.",
    readings=(
        Reading(
            supposes=(
                "the plus-minus is a standard error, or more, of one run's accuracy on the 1319 test questions that "
                "the paper names"
            ),
            expected="false",
            stated=one_error,
            sabotage=nothing,
            near_miss="Every bound below .38 of the standard error is met; the sabotage has no bound.",
            evidence=evidence_of_errors,
        ),
        Reading(
            supposes=(
                "the plus-minus is a standard deviation over runs that draw new answers, with a fixed probability for "
                "each of the 1319 questions"
            ),
            expected="holds",
            stated=spread_of_answers,
            sabotage=half_a_spread,
            near_miss=spread_nearly,
            evidence=evidence_of_runs,
        ),
    ),
    remark=(
        "One standard error of an accuracy of 92.1 % on 1319 questions is .74 points, and an interval at 95 % is twice "
        "that to each side. So .4 and .3 are not standard errors of one run; a deviation over runs, or a standard "
        "error over several runs, can be as small. As a deviation over runs, anything from 0 to .74 can result from "
        "drawing answers; 1.1 and 1.2 then require policies that differ between runs."
    ),
)

CLAIMS = (I70,)
