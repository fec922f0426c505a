"""I.34: whether the reported numbers agree with themselves and with each other."""

from collections.abc import Iterator
from fractions import Fraction
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from proofs_check.claim import Claim, Evidence, Formula, Reading

QUESTIONS = 1319
HARMFUL, BENIGN = 200, 100

# Paper, table 1: base and ours with their 95 % intervals, absolute and relative improvement; in percent.
GSM8K = {
    "pairwise, Qwen": "75.06 72.65 77.32 79.61 77.35 81.69 4.55 6.06",
    "pairwise, Llama": "66.19 63.59 68.69 72.71 70.24 75.04 6.52 9.85",
    "pairwise, Phi-3": "73.69 71.25 76.00 82.87 80.74 84.80 9.18 12.46",
    "coherence, Qwen": "75.06 72.65 77.32 80.36 78.13 82.42 5.30 7.06",
    "coherence, Llama": "66.19 63.59 68.69 69.37 66.83 71.80 3.18 4.80",
    "coherence, Phi-3": "73.69 71.25 76.00 81.50 79.32 83.50 7.81 10.60",
}
# Paper, table 2: base, ours and relative improvement, of exact match and of F1.
TRIVIA = {
    "pairwise, Qwen": "32.95 35.32 7.19 39.70 40.28 1.46",
    "pairwise, Llama": "39.12 47.85 22.32 48.56 53.52 10.22",
    "pairwise, Phi-3": "32.03 45.50 42.06 42.76 50.51 18.12",
    "coherence, Qwen": "32.95 32.90 -0.15 39.70 39.62 -0.20",
    "coherence, Llama": "39.12 40.25 2.89 48.56 49.35 1.63",
    "coherence, Phi-3": "32.03 32.00 -0.09 42.76 42.79 0.07",
}
# Paper, tables 3 and 4: base, after, difference, and the number of prompts (none for a mean score).
SAFETY = {
    "benign non-refusal": ("1.000 0.990 -0.010", BENIGN),
    "benign refusal": ("0.000 0.010 0.010", BENIGN),
    "harmful toxicity": ("0.0733 0.0677 -0.0056", None),
    "harmful refusal": ("0.065 0.070 0.005", HARMFUL),
    "harmful toxic": ("0.055 0.050 -0.005", HARMFUL),
    "harmful toxicity, slides": ("0.073 0.068 -0.005", None),
    "harmful toxic, slides": ("0.055 0.040 -0.015", HARMFUL),
}
# Paper, table 5: mean toxicity and toxic rate of each budget.
SWEEP = ("0.0677 0.050", "0.0667 0.050", "0.0672 0.050", "0.0673 0.040", "0.0691 0.040")


class Disagreements(NamedTuple):
    """What is claimed of the comparisons between tables.

    Attributes:
        toxic: Toxic rate of the paper's main run less that of the slides, in generations of 200.
        rows: Rows of the paper's sweep that round to the slides' pair of toxicity and toxic rate.
        counts: Entries of table 1's improvements that are not those of whole numbers of right answers.
    """

    toxic: int
    rows: int
    counts: int


def stated() -> Disagreements:
    """All agree."""
    return Disagreements(0, 1, 0)


def amended() -> Disagreements:
    """Two generations apart, no such row, and five last digits."""
    return Disagreements(2, 0, 5)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is random
    """Recompute the tables, exactly, each printed number standing for all that round to it.

    Args:
        formula: What is claimed between tables.
        rng: Not used.

    Yields:
        How far each printed improvement is from what its entries allow; how far each rate is from one of whole numbers;
        how far an interval is from Wilson's; and the comparisons between tables.
    """
    claimed, numbers = formula(), {name: row.split() for name, row in GSM8K.items()}
    off = 0
    for name, (base, *old, ours, low, high, gain, relative) in numbers.items():
        yield _allowed(f"GSM8K, {name}, absolute", gain, _differences(base, ours))
        yield _allowed(f"GSM8K, {name}, relative", relative, _ratios(base, ours))
        yield _whole(f"GSM8K, {name}", ours, QUESTIONS, 100)
        yield _whole(f"GSM8K, {name}, base", base, QUESTIONS, 100)
        yield from _wilson(name, base, old)
        yield from _wilson(name, ours, [low, high])
        before, after = (round(Fraction(x) * QUESTIONS / 100) for x in (base, ours))
        off += round(Fraction(100 * (after - before), QUESTIONS), 2) != Fraction(gain)
        off += round(Fraction(100 * (after - before), before), 2) != Fraction(relative)
    for name, row in TRIVIA.items():
        em, new_em, relative_em, f1, new_f1, relative_f1 = row.split()
        yield _allowed(f"TriviaQA, {name}, exact match", relative_em, _ratios(em, new_em))
        yield _allowed(f"TriviaQA, {name}, F1", relative_f1, _ratios(f1, new_f1))
    for name, (row, prompts) in SAFETY.items():
        base, ours, difference = row.split()
        yield _allowed(f"safety, {name}", difference, _differences(base, ours))
        if prompts is not None:
            yield _whole(f"safety, {name}", ours, prompts, 1)
    paper, slides = (Fraction(SAFETY[name][0].split()[1]) for name in ("harmful toxic", "harmful toxic, slides"))
    apart = HARMFUL * (paper - slides)
    here = {"paper": "0.050", "slides": "0.040", "compared": "toxic generations of 200 in the main run"}
    yield Evidence(float(claimed.toxic), float(apart), "equal", 0.0, here, 1)
    pair = tuple(Fraction(SAFETY[f"harmful {name}, slides"][0].split()[1]) for name in ("toxicity", "toxic"))
    rows = sum((round(Fraction(a), 3), Fraction(b)) == pair for a, b in map(str.split, SWEEP))
    here = {"slides": "0.068, 0.040", "compared": "rows of table 5 that round to this"}
    yield Evidence(float(claimed.rows), float(rows), "equal", 0.0, here, 2)
    here = {"questions": str(QUESTIONS), "compared": "improvements of table 1 that are not those of whole numbers"}
    yield Evidence(float(claimed.counts), float(off), "equal", 0.0, here, 3)


def _within(printed: str) -> tuple[Fraction, Fraction]:
    """Find the numbers that round to what is printed."""
    half = Fraction(1, 2 * 10 ** len(printed.partition(".")[2]))
    return Fraction(printed) - half, Fraction(printed) + half


def _differences(base: str, ours: str) -> tuple[Fraction, Fraction]:
    (low, high), (least, most) = _within(base), _within(ours)
    return least - high, most - low


def _ratios(base: str, ours: str) -> tuple[Fraction, Fraction]:
    (low, high), (least, most) = _within(base), _within(ours)
    return 100 * (least / high - 1), 100 * (most / low - 1)


def _allowed(name: str, printed: str, allowed: tuple[Fraction, Fraction]) -> Evidence:
    low, high = _within(printed)
    apart = max(allowed[0] - high, low - allowed[1], Fraction(0))
    here = {"entry": name, "printed": printed, "compared": "distance from what the entries allow"}
    here["allowed"] = f"{float(allowed[0]):.5f} to {float(allowed[1]):.5f}"
    return Evidence(0.0, float(apart), "equal", 0.0, here, 10)


def _whole(name: str, printed: str, prompts: int, scale: int) -> Evidence:
    low, high = _within(printed)
    nearest = Fraction(scale * round(Fraction(printed) * prompts / scale), prompts)
    here = {"entry": name, "printed": printed, "of": prompts, "compared": "distance from a rate of whole numbers"}
    return Evidence(0.0, float(max(low - nearest, nearest - high, Fraction(0))), "equal", 0.0, here, 10)


def _wilson(name: str, printed: str, interval: list[str]) -> Iterator[Evidence]:
    z, n = float(norm.ppf(0.975)), QUESTIONS
    p = round(Fraction(printed) * n / 100) / n
    centre, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    for end, value in zip(interval, (centre - half, centre + half), strict=True):
        here = {"entry": f"GSM8K, {name}, {printed}", "printed": end, "compared": "end of Wilson's interval"}
        yield Evidence(float(end), 100 * value / (1 + z * z / n), "equal", 0.005, here, 10)


I34 = Claim(
    id="I.34",
    title="The reported numbers",
    whose="paper",
    place="paper, tables 1 to 5; slides, experimental results and safety extension",
    statement=(
        "The tables agree: improvements with the entries they are computed from, rates and intervals with the sizes"
        " of the test sets, and the slides with the paper."
    ),
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            evidence=evidence,
        ),
    ),
    remark=(
        "The safety run has a toxic rate of .050 in the paper and .040 on the slides, two of 200 generations apart."
        " Two rows of the paper's sweep have .040, but with mean toxicities .067 and .069, not the .068 beside it. "
        "All else agrees within rounding (I.34a)."
    ),
    amendment="I.34a",
)

I34A = Claim(
    id="I.34a",
    title="The reported numbers, table by table",
    whose="ours",
    place="amendment of claim I.34",
    statement=(
        "Every printed improvement is that of some entries which round to the printed ones; the accuracies on GSM8K"
        " are those of whole numbers of 1319 questions and their intervals Wilson's, at 95 %; the safety rates are "
        "of whole numbers of 200 and 100 prompts. Five improvements on GSM8K are a last digit away from those of "
        "the whole numbers. The slides' toxic rate is two generations below the paper's; no row of the sweep has "
        "the pair."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "The five: +9.18 and 12.46 % for Phi-3 (1093 - 972 right answers make 9.17 and 12.45), +5.30 and 7.06 % for"
        " Qwen (5.31 and 7.07), 4.80 % for Llama (4.81): computed from rounded accuracies. Most exact matches on "
        "TriviaQA are none of 1319 questions: its test set has another size, which is not stated."
    ),
)

CLAIMS = (
    I34,
    I34A,
)
