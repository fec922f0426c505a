"""I.72, I.72a, I.73: the significance of the gains on GSM8K and TriviaQA, from the printed counts alone."""

from collections.abc import Iterator
from math import sqrt

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i34_reported_numbers import GSM8K, QUESTIONS, TRIVIA, whole

USUAL = 1.96
"""Standard errors of a two-sided test at 5 %."""

HALF_WIDTH = 0.66
"""Half of the interval at 95 % of Llama's F1 on TriviaQA, in points."""

MODELS = ("Qwen", "Llama", "Phi-3")


def usual() -> float:
    """Beyond 1.96 standard errors, 5 %."""
    return USUAL


def lenient() -> float:
    """Beyond 1.6 standard errors, about 11 %."""
    return 1.6


def most_lenient() -> float:
    """Beyond 1.4 standard errors, about 16 %."""
    return 1.4


def strict() -> float:
    """Beyond 7 standard errors."""
    return 7.0


def just_too_strict() -> float:
    """Beyond 6.5 standard errors, .3 % above the least."""
    return 6.5


def right(row: str) -> tuple[int, int]:
    """Find the right answers of 1319 before and after training, from a row of table 1."""
    base, _, _, ours, *_ = row.split()
    return whole(base), whole(ours)


def independent(first: int, second: int) -> float:
    """Compute (second - first) over its standard error with pooled rates, for two independent samples."""
    p = (first + second) / (2 * QUESTIONS)
    return (second - first) / QUESTIONS / sqrt(2 * p * (1 - p) / QUESTIONS)


def paired(first: int, second: int, lost: int) -> float:
    """Compute McNemar's (won - lost) / sqrt(won + lost), with `lost` questions right before training only."""
    won = second - first + lost
    return (won - lost) / sqrt(won + lost)


def most_lost(first: int, second: int) -> int:
    """Compute the largest possible number of questions right before training only."""
    return min(first, QUESTIONS - second)


def evidence_of_samples(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Compare the right answers before and after training as two independent samples.

    Args:
        formula: The least number of standard errors.
        rng: Not used.

    Yields:
        The number of standard errors of each gain of table 1.
    """
    for name, row in GSM8K.items():
        first, second = right(row)
        z = independent(first, second)
        text = (
            f"With {name} {first} of {QUESTIONS} answers are right before training and {second} after it:"
            f" {100 * (second - first) / QUESTIONS:.2f} points, {z:.2f} standard errors of a difference of independent"
            " samples."
        )
        here = {"row": name, "right": f"{first}, {second}", "compared": "standard errors of the gain"}
        yield Evidence(formula(), z, "at least", 0.0, here, 1, sentence=text)


def evidence_of_kept(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Compute McNemar's statistic with no question lost that was right before training.

    Args:
        formula: The least number of standard errors.
        rng: Not used.

    Yields:
        McNemar's statistic of each gain of table 1.
    """
    for name, row in GSM8K.items():
        yield _paired(formula, name, *right(row), 0)


def evidence_of_swapped(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Compute McNemar's statistic with as many questions lost, and others won, as the counts allow.

    Args:
        formula: The least number of standard errors.
        rng: Not used.

    Yields:
        McNemar's statistic of each gain of table 1.
    """
    for name, row in GSM8K.items():
        first, second = right(row)
        yield _paired(formula, name, first, second, most_lost(first, second))


def _paired(formula: Formula, name: str, first: int, second: int, lost: int) -> Evidence:
    z, won = paired(first, second, lost), second - first + lost
    text = (
        f"With {name} {first} of {QUESTIONS} answers are right before and {second} after. If {lost} questions are lost"
        f" and {won} won, the gain is {won - lost} / sqrt({won + lost}) = {z:.2f} standard errors."
    )
    here = {"row": name, "won": won, "lost": lost, "compared": "standard errors of the gain, paired"}
    return Evidence(formula(), z, "at least", 0.0, here, 1, sentence=text)


def within_half() -> float:
    """Within half a standard error."""
    return 0.5


def just_within() -> float:
    """Within .58 standard errors, 2 % below the largest."""
    return 0.58


def within_three() -> float:
    """Within three standard errors."""
    return 3.0


def evidence_of_few(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Compare exact matches on TriviaQA before and after COHERENCE-GRPO, with 1319 questions.

    Args:
        formula: Largest number of standard errors of a negligible change.
        rng: Not used.

    Yields:
        The number of standard errors of each change.
    """
    yield from _changes(formula, QUESTIONS)


def evidence_of_many(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Compare exact matches on TriviaQA before and after COHERENCE-GRPO, with the most questions that F1 allows.

    An F1 is between 0 and 100, so its standard deviation is at most 50, and a 95 % interval of half-width w belongs to
    at most (1.96 * 50 / w)^2 questions.

    Args:
        formula: Largest number of standard errors of a negligible change.
        rng: Not used.

    Yields:
        The number of standard errors of each change.
    """
    yield from _changes(formula, int((USUAL * 50 / HALF_WIDTH) ** 2))


def _changes(formula: Formula, questions: int) -> Iterator[Evidence]:
    for model in MODELS:
        base, ours, *_ = map(float, TRIVIA[f"coherence, {model}"].split())
        p = (base + ours) / 200
        z = (ours - base) / 100 / sqrt(2 * p * (1 - p) / questions)
        text = (
            f"COHERENCE-GRPO changes {model}'s exact match from {base:.2f} to {ours:.2f} %. On {questions} questions"
            f" this is {z:.2f} standard errors of independent samples."
        )
        here = {"model": model, "questions": questions, "compared": "standard errors of the change, without sign"}
        yield Evidence(formula(), abs(z), "at most", 0.0, here, 1, sentence=text)


def none() -> float:
    """At least as high."""
    return 0.0


def some_points() -> float:
    """At most 3.4 points lower."""
    return -3.4


def evidence_of_advice(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Compare the two algorithms' final numbers, model by model.

    Args:
        formula: The least difference, in points, of the recommended algorithm less the other.
        rng: Not used.

    Yields:
        That difference for GSM8K, where the answers are discrete, and for TriviaQA, where they are open-ended.
    """
    for model in MODELS:
        coherence, pairwise = (GSM8K[f"{name}, {model}"].split()[3] for name in ("coherence", "pairwise"))
        text = f"On GSM8K {model} ends at {coherence} % with COHERENCE-GRPO and at {pairwise} % with PAIRWISE-GRPO."
        here = {"test": "GSM8K", "model": model, "compared": "points: COHERENCE less PAIRWISE"}
        apart = float(coherence) - float(pairwise)
        yield Evidence(formula(), apart, "at least", 0.0, here, 10 - round(abs(apart)), sentence=text)
        coherence, pairwise = (TRIVIA[f"{name}, {model}"].split()[1] for name in ("coherence", "pairwise"))
        text = f"On TriviaQA {model} ends at {coherence} % with COHERENCE-GRPO and at {pairwise} % with PAIRWISE-GRPO."
        here = {"test": "TriviaQA", "model": model, "compared": "points: PAIRWISE less COHERENCE"}
        yield Evidence(formula(), float(pairwise) - float(coherence), "at least", 0.0, here, 20, sentence=text)


def tied() -> float:
    """Less than 1.96 standard errors lower."""
    return -USUAL


def just_tied() -> float:
    """Less than 1.87 standard errors lower."""
    return -1.87


def never_lower() -> float:
    """At least as high."""
    return 0.0


def evidence_of_ties(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Compare the two algorithms' right answers on GSM8K as independent samples, model by model.

    Args:
        formula: The least difference in standard errors, COHERENCE-GRPO less PAIRWISE-GRPO.
        rng: Not used.

    Yields:
        That difference.
    """
    for model in MODELS:
        coherence, pairwise = (right(GSM8K[f"{name}, {model}"])[1] for name in ("coherence", "pairwise"))
        z = independent(pairwise, coherence)
        text = (
            f"On GSM8K {model} ends with {coherence} right answers of {QUESTIONS} with COHERENCE-GRPO and {pairwise}"
            f" with PAIRWISE-GRPO, {z:.2f} standard errors apart."
        )
        here = {"model": model, "compared": "standard errors: COHERENCE less PAIRWISE"}
        yield Evidence(formula(), z, "at least", 0.0, here, 1, sentence=text)


I72 = Claim(
    id="I.72",
    title="Significance of the gains on GSM8K",
    whose="paper",
    place="Section 5.2, Analysis: GSM8K; also the slides, Summary & Open Directions",
    plain="Both algorithms improve all three models on GSM8K substantially.",
    statement=(
        "On GSM8K both algorithms improve all three models, consistently and by a large amount: 3.18 to 9.18 points. "
        "The slides call these gains significant. No test is named."
    ),
    printed="gains of 4.55, 6.52, 9.18 (pairwise) and 5.30, 3.18, 7.81 points (coherence)",
    kind="arithmetic",
    expected="open",
    missing="Which of the 1319 questions each model answers correctly before training, and which after it.",
    readings=(
        Reading(
            supposes="every gain is significant at 5 %, the two accuracies being those of independent samples",
            expected="false",
            stated=usual,
            sabotage=lenient,
            near_miss="Every level of at most 1.75 standard errors is met; the sabotage is 1.6.",
            evidence=evidence_of_samples,
        ),
        Reading(
            supposes="every gain is significant at 5 %, and no question that was right before training is lost",
            expected="holds",
            stated=usual,
            sabotage=strict,
            near_miss=just_too_strict,
            evidence=evidence_of_kept,
        ),
        Reading(
            supposes="every gain is significant at 5 %, and as many questions are lost as the counts allow",
            expected="false",
            stated=usual,
            sabotage=most_lenient,
            near_miss="Every level of at most 1.44 standard errors is met; the sabotage is 1.4.",
            evidence=evidence_of_swapped,
        ),
    ),
    remark=(
        "All six gains are positive, as printed. Five of them are significant at 5 % for every pairing of the "
        "questions: at least 2.45 standard errors. The sixth, Llama's with COHERENCE-GRPO, is 42 questions: 1.44 to "
        "6.48 standard errors depending on the pairing, 1.75 for independent samples. The counts do not decide whether "
        "the sixth gain is significant; the answers to each question would."
    ),
)

I72A = Claim(
    id="I.72a",
    title="Significance of the changes on TriviaQA",
    whose="paper",
    place="Section 5.2, Analysis: TriviaQA",
    plain="On open-ended questions, voting on exact answers changes almost nothing.",
    statement=(
        "On TriviaQA COHERENCE-GRPO changes almost nothing, or loses a little, while PAIRWISE-GRPO gains much. For "
        "Llama the table has +2.89 % in exact match and +1.63 % in F1."
    ),
    printed="COHERENCE, exact match:  32.95 -> 32.90,  39.12 -> 40.25,  32.03 -> 32.00",
    kind="arithmetic",
    expected="open",
    missing=(
        "The number of test questions of TriviaQA (its rates are not multiples of 1/1319), and how they are paired."
    ),
    readings=(
        Reading(
            supposes="negligible means not significant at 5 %, on 1319 questions as for GSM8K, as independent samples",
            expected="holds",
            stated=usual,
            sabotage=within_half,
            near_miss=just_within,
            evidence=evidence_of_few,
        ),
        Reading(
            supposes="negligible means not significant at 5 %, on as many questions as the intervals of F1 allow",
            expected="false",
            stated=usual,
            sabotage=within_three,
            near_miss="Every level of at least 2.43 standard errors is met; the sabotage is 3.",
            evidence=evidence_of_many,
        ),
    ),
    remark=(
        "The half-width .66 of Llama's F1 allows at most 22 047 questions. On this many questions Llama's gain of 1.13 "
        "points in exact match is 2.4 standard errors, on 1319 it is .6. Qwen and Phi-3 lose .05 and .03 points, which "
        "is negligible for every number of questions up to 22 047. The gain of 42 % that the slides' summary names is "
        "the largest of the six."
    ),
)

I73 = Claim(
    id="I.73",
    title="The vote for discrete answers",
    whose="paper",
    place="Section 5.2, Practical guidance; also the slides, TriviaQA Results: Pairwise vs. Coherence",
    plain="Use the vote if answers can be extracted, and distances if they cannot.",
    statement=(
        "The results suggest COHERENCE-GRPO, the vote, for answers that an extractor reads reliably, such as numbers, "
        "and PAIRWISE-GRPO for open-ended answers."
    ),
    printed="discrete answers: COHERENCE;  open-ended: PAIRWISE",
    kind="arithmetic",
    expected="depends",
    readings=(
        Reading(
            supposes="the preferred algorithm is the one with the higher final result, with each model",
            expected="false",
            stated=none,
            sabotage=some_points,
            near_miss="Every bound of at most -3.34 points is met; the sabotage is -3.4.",
            evidence=evidence_of_advice,
        ),
        Reading(
            supposes=(
                "the vote is preferred as the simpler of two algorithms that do not differ significantly at 5 %, as "
                "independent samples"
            ),
            expected="holds",
            stated=tied,
            sabotage=never_lower,
            near_miss=just_tied,
            evidence=evidence_of_ties,
        ),
    ),
    remark=(
        "On GSM8K, where an extractor exists, PAIRWISE-GRPO has the higher final accuracy with Llama (by 3.34 points) "
        "and Phi-3 (1.37), COHERENCE-GRPO with Qwen (.75): these tables give no reason to prefer the vote by accuracy, "
        "and no difference is beyond 1.9 standard errors of independent samples. On TriviaQA PAIRWISE-GRPO has the "
        "higher final exact match with all three models."
    ),
)

CLAIMS = (I72, I72A, I73)
