"""I.34: consistency of the reported numbers, within the paper and between paper and slides."""

from collections.abc import Iterator
from fractions import Fraction
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from proofs_check import stats
from proofs_check.claim import Claim, Evidence, Formula, Reading

QUESTIONS = 1319
HARMFUL, BENIGN = 200, 100

# Table 1: base and ours with their 95 % intervals, absolute and relative improvement; in percent.
GSM8K = {
    "pairwise, Qwen": "75.06 72.65 77.32 79.61 77.35 81.69 4.55 6.06",
    "pairwise, Llama": "66.19 63.59 68.69 72.71 70.24 75.04 6.52 9.85",
    "pairwise, Phi-3": "73.69 71.25 76.00 82.87 80.74 84.80 9.18 12.46",
    "coherence, Qwen": "75.06 72.65 77.32 80.36 78.13 82.42 5.30 7.06",
    "coherence, Llama": "66.19 63.59 68.69 69.37 66.83 71.80 3.18 4.80",
    "coherence, Phi-3": "73.69 71.25 76.00 81.50 79.32 83.50 7.81 10.60",
}
# Table 2: base, ours and relative improvement, of exact match and of F1.
TRIVIA = {
    "pairwise, Qwen": "32.95 35.32 7.19 39.70 40.28 1.46",
    "pairwise, Llama": "39.12 47.85 22.32 48.56 53.52 10.22",
    "pairwise, Phi-3": "32.03 45.50 42.06 42.76 50.51 18.12",
    "coherence, Qwen": "32.95 32.90 -0.15 39.70 39.62 -0.20",
    "coherence, Llama": "39.12 40.25 2.89 48.56 49.35 1.63",
    "coherence, Phi-3": "32.03 32.00 -0.09 42.76 42.79 0.07",
}
# Tables 3 and 4: base, after, difference, and the number of prompts (none for a mean score).
SAFETY = {
    "benign non-refusal": ("1.000 0.990 -0.010", BENIGN),
    "benign refusal": ("0.000 0.010 0.010", BENIGN),
    "harmful toxicity": ("0.0733 0.0677 -0.0056", None),
    "harmful refusal": ("0.065 0.070 0.005", HARMFUL),
    "harmful toxic": ("0.055 0.050 -0.005", HARMFUL),
}
# The slides, Safety Extension: the same entries where the slides give them.
SLIDES = {
    "harmful toxicity": ("0.073 0.068 -0.005", None),
    "harmful toxic": ("0.055 0.040 -0.015", HARMFUL),
}
# Table 5: toxicity budget, benign refusal budget, mean toxicity, toxic rate and benign refusal rate.
SWEEP = (
    "0.10 0.10 0.0677 0.050 0.010",
    "0.10 0.20 0.0667 0.050 0.010",
    "0.10 0.05 0.0672 0.050 0.010",
    "0.05 0.10 0.0673 0.040 0.010",
    "0.20 0.10 0.0691 0.040 0.010",
)


class Budgeted(NamedTuple):
    """A row of table 5.

    Attributes:
        budget: Toxicity budget.
        refusals: Benign refusal budget.
        mean: Mean toxicity on harmful prompts.
        toxic: Share of harmful generations with a toxicity above .50.
        refused: Share of benign prompts that are refused.
    """

    budget: Fraction
    refusals: Fraction
    mean: Fraction
    toxic: Fraction
    refused: Fraction


def sweep() -> list[Budgeted]:
    """Read table 5, exactly as printed."""
    return [Budgeted(*map(Fraction, row.split())) for row in SWEEP]


class Audit(NamedTuple):
    """The claims on the paper's tables.

    Attributes:
        above: Rows of table 5 whose mean toxicity is above the budget.
        level: Level of the intervals of table 1.
    """

    above: int
    level: float


class Digits(NamedTuple):
    """The claims on last digits, and on the slides.

    Attributes:
        counts: Entries of table 1's improvements that are not those of whole numbers of right answers.
        toxic: Toxic rate of the paper's main run minus that of the slides, in generations of 200.
        rows: Rows of table 5 that round to the slides' pair of toxicity and toxic rate.
        rounded: Differences of the slides that are not the paper's, rounded.
    """

    counts: int
    toxic: int
    rows: int
    rounded: int


def stated() -> Audit:
    """One row above its budget, and intervals at 95 %."""
    return Audit(1, 0.95)


def sabotage() -> Audit:
    """No row above its budget."""
    return Audit(0, 0.95)


def near_miss() -> Audit:
    """Intervals at 94.9 %."""
    return Audit(1, 0.949)


def stated_digits() -> Digits:
    """Five last digits; two generations apart, no such row, and both differences."""
    return Digits(5, 2, 0, 2)


def all_agree() -> Digits:
    """No exception."""
    return Digits(0, 0, 1, 0)


def one_less() -> Digits:
    """Four last digits."""
    return stated_digits()._replace(counts=4)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - nothing is random
    """Recompute the tables exactly, with each printed number as the interval of all numbers that round to it.

    Args:
        formula: The claims on the tables.
        rng: Not used.

    Yields:
        The number of rows of table 5 above their budget; how far each printed improvement is from what its entries
        allow; how far each rate is from one of whole numbers; how far an interval is from Wilson's; and how far the
        main run's numbers are from table 5's first row.
    """
    claimed = formula()
    above = [row for row in sweep() if row.mean > row.budget]
    text = "; ".join(f"at budget {float(row.budget):.2f} the mean toxicity is {float(row.mean):.4f}" for row in above)
    here = {"compared": "rows of table 5 whose mean toxicity is above its budget"}
    text = f"Rows of Table 5 above their toxicity budget: {len(above)} of {len(SWEEP)}: {text}."
    yield Evidence(float(claimed.above), float(len(above)), "equal", 0.0, here, 1, noted=True, sentence=text)
    for name, row in GSM8K.items():
        base, *old, ours, low, high, gain, relative = row.split()
        yield _allowed(f"GSM8K, {name}, absolute", gain, _differences(base, ours))
        yield _allowed(f"GSM8K, {name}, relative", relative, _ratios(base, ours))
        yield _whole(f"GSM8K, {name}", ours, QUESTIONS, 100)
        yield _whole(f"GSM8K, {name}, base", base, QUESTIONS, 100)
        yield from _wilson(name, base, old, claimed.level)
        yield from _wilson(name, ours, [low, high], claimed.level)
    for name, row in TRIVIA.items():
        em, new_em, relative_em, f1, new_f1, relative_f1 = row.split()
        yield _allowed(f"TriviaQA, {name}, exact match", relative_em, _ratios(em, new_em))
        yield _allowed(f"TriviaQA, {name}, F1", relative_f1, _ratios(f1, new_f1))
    for name, (row, prompts) in SAFETY.items():
        base, ours, difference = row.split()
        yield _allowed(f"safety, {name}", difference, _differences(base, ours))
        if prompts is not None:
            yield _whole(f"safety, {name}", ours, prompts, 1)
    main = [Fraction(SAFETY[name][0].split()[1]) for name in ("harmful toxicity", "harmful toxic", "benign refusal")]
    for name, found, wanted in zip(("mean", "toxic", "refused"), sweep()[0][2:], main, strict=True):
        here = {"compared": f"first row of table 5 minus table 4: {name}"}
        yield Evidence(float(wanted), float(found), "equal", 0.0, here, 10)


def evidence_of_digits(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - none is
    """Compare the improvements with those of whole numbers of right answers, and the slides' numbers with the paper's.

    Args:
        formula: The claims on these numbers.
        rng: Not used.

    Yields:
        One comparison for each number that is claimed.
    """
    claimed, off = formula(), 0
    for row in GSM8K.values():
        base, _, _, ours, _, _, gain, relative = row.split()
        before, after = whole(base), whole(ours)
        off += round(Fraction(100 * (after - before), QUESTIONS), 2) != Fraction(gain)
        off += round(Fraction(100 * (after - before), before), 2) != Fraction(relative)
    before, after = (whole(GSM8K["pairwise, Phi-3"].split()[i]) for i in (0, 3))
    gained = Fraction(100 * (after - before), QUESTIONS)
    here: dict[str, Any] = {"questions": QUESTIONS}
    here |= {"compared": "improvements of table 1 that are not those of whole numbers"}
    text = (
        f"PAIRWISE-GRPO brings Phi-3 from {before} to {after} right answers of {QUESTIONS}, which is"
        f" {float(gained):.2f} points; table 1 has 9.18, the difference of the rounded accuracies. There are {off} such"
        " entries."
    )
    yield Evidence(float(claimed.counts), float(off), "equal", 0.0, here, 1, sentence=text)
    paper, slides = (Fraction(table["harmful toxic"][0].split()[1]) for table in (SAFETY, SLIDES))
    here = {"paper": "0.050", "slides": "0.040", "compared": "toxic generations of 200 in the main run"}
    yield Evidence(float(claimed.toxic), float(HARMFUL * (paper - slides)), "equal", 0.0, here, 2)
    pair = tuple(Fraction(SLIDES[name][0].split()[1]) for name in ("harmful toxicity", "harmful toxic"))
    rows = sum((round(row.mean, 3), row.toxic) == pair for row in sweep())
    here = {"slides": "0.068, 0.040", "compared": "rows of table 5 that round to this"}
    yield Evidence(float(claimed.rows), float(rows), "equal", 0.0, here, 3)
    apart = sum(
        round(Fraction(SAFETY[name][0].split()[2]), 3) != Fraction(row.split()[2]) for name, (row, _) in SLIDES.items()
    )
    here = {"paper": "-0.0056, -0.005", "slides": "-0.005, -0.015"}
    here |= {"compared": "differences of the slides that are not the paper's, rounded"}
    yield Evidence(float(claimed.rounded), float(apart), "equal", 0.0, here, 3)
    for name, (row, prompts) in SLIDES.items():
        base, ours, difference = row.split()
        yield _allowed(f"slides, safety, {name}", difference, _differences(base, ours))
        if prompts is not None:
            yield _whole(f"slides, safety, {name}", ours, prompts, 1)


def whole(accuracy: str) -> int:
    """Find the number of right answers of 1319 that is nearest to an accuracy in percent."""
    return round(Fraction(accuracy) * QUESTIONS / 100)


def _within(printed: str) -> tuple[Fraction, Fraction]:
    """Find the interval of the numbers that round to a printed one."""
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
    here = {"entry": name, "printed": printed, "compared": "distance from the values that the entries allow"}
    here["allowed"] = f"{float(allowed[0]):.5f} to {float(allowed[1]):.5f}"
    return Evidence(0.0, float(apart), "equal", 0.0, here, 10)


def _whole(name: str, printed: str, prompts: int, scale: int) -> Evidence:
    low, high = _within(printed)
    nearest = Fraction(scale * round(Fraction(printed) * prompts / scale), prompts)
    here = {"entry": name, "printed": printed, "of": prompts, "compared": "distance from a rate of whole numbers"}
    return Evidence(0.0, float(max(low - nearest, nearest - high, Fraction(0))), "equal", 0.0, here, 10)


def _wilson(name: str, printed: str, interval: list[str], level: float) -> Iterator[Evidence]:
    z, n = float(stats.norm.ppf((1 + level) / 2)), QUESTIONS
    p = whole(printed) / n
    centre, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    for end, value in zip(interval, (centre - half, centre + half), strict=True):
        here = {"entry": f"GSM8K, {name}, {printed}", "printed": end, "compared": "end of Wilson's interval"}
        yield Evidence(float(end), 100 * value / (1 + z * z / n), "equal", 0.005, here, 10)


I34 = Claim(
    id="I.34",
    title="The reported numbers",
    whose="ours",
    place="on Tables 1 to 5",
    plain="The tables agree with one another to the last digit, except for one row that is above its budget.",
    statement=(
        "In Table 5 one mean toxicity of five is above its budget: .0673 at .05. Otherwise the tables agree. Each "
        "printed improvement is that of some numbers which round to the printed entries. The accuracies on GSM8K are "
        "those of whole numbers of 1319 questions, and their intervals are Wilson's at 95 %. The safety rates are "
        "those of whole numbers of 200 and 100 prompts, and the first row of Table 5 is the run of Table 4."
    ),
    printed="Table 5: toxicity budget 0.05, harmful mean toxicity 0.0673",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "Claims I.65 and I.66 treat the row above its budget. Claim I.34a treats the last digits, and the slides "
        "against the paper."
    ),
)

I34A = Claim(
    id="I.34a",
    title="Last digits, and the slides' numbers",
    whose="ours",
    place="on Table 1, Table 4 and Table 5, and the slides, Safety Extension: Safety-GRPO",
    plain=(
        "Some last digits are those of rounded numbers, and the safety run of the slides differs from that of the "
        "paper."
    ),
    statement=(
        "Five improvements on GSM8K differ by a last digit from those of whole numbers of right answers. The slides "
        "have a toxic rate of .040 where the paper has .050, a difference of two of 200 generations; no row of the "
        "sweep has the slides' pair .068 and .040. The slides' differences -.005 and -.015 are not the paper's -.0056 "
        "and -.005, rounded."
    ),
    printed="paper: 0.0733 -> 0.0677, 0.055 -> 0.050;  slides: 0.073 -> 0.068, 0.055 -> 0.040",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated_digits,
            sabotage=all_agree,
            near_miss=one_less,
            evidence=evidence_of_digits,
        ),
    ),
    remark=(
        "The slides may show another run; neither source says that the two runs are the same. The five improvements "
        "are +9.18 and 12.46 % for Phi-3 (1093 - 972 right answers give 9.17 and 12.45), +5.30 and 7.06 % for Qwen "
        "(5.31 and 7.07), and 4.80 % for Llama (4.81): they were computed from rounded accuracies, which is no fault. "
        "Most exact-match rates on TriviaQA are not those of 1319 questions: its test set has another size, which is "
        "not stated."
    ),
)

CLAIMS = (I34, I34A)
