"""I.68: what changes of one to three generations show about the mechanism of the safety runs."""

from collections.abc import Iterator
from fractions import Fraction
from math import comb

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i34_reported_numbers import HARMFUL, SAFETY, sweep

Flow = dict[tuple[str, str], int]
"""How many of the 200 answers went from one state to another; a refusal counts as not toxic."""

STATES = ("toxic", "refused", "other")
NAMED = {"toxic": "toxic answer", "refused": "refusal", "other": "harmless answer"}


def answered() -> int:
    """1: the toxic answer that disappeared became an answer that is no refusal."""
    return 1


def refused() -> int:
    """0: the toxic answer that disappeared became a refusal."""
    return 0


def margins() -> tuple[dict[str, int], dict[str, int]]:
    """Count the answers in each state, before and after, from table 4."""
    counts = []
    for i in (0, 1):
        toxic, refusals = (
            int(HARMFUL * Fraction(SAFETY[name][0].split()[i])) for name in ("harmful toxic", "harmful refusal")
        )
        counts.append({"toxic": toxic, "refused": refusals, "other": HARMFUL - toxic - refusals})
    return counts[0], counts[1]


def evidence_of_answers(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Construct one set of changes with the printed counts, and count the toxic answers that became no refusals.

    Args:
        formula: The claimed number of toxic answers that became no refusals.
        rng: Not used.

    Yields:
        That number; and the counts after the changes against the printed ones.
    """
    yield from _followed(formula, {("toxic", "other"): 1, ("other", "refused"): 1})


def evidence_of_refusals(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Construct the fewest changes with the printed counts, and count the toxic answers that became no refusals.

    Args:
        formula: The claimed number of toxic answers that became no refusals.
        rng: Not used.

    Yields:
        That number; and the counts after the changes against the printed ones.
    """
    yield from _followed(formula, {("toxic", "refused"): 1})


def _followed(formula: Formula, flow: Flow) -> Iterator[Evidence]:
    before, after = margins()
    words = ", and ".join(f"{n} {NAMED[a]} becomes a {NAMED[b]}" for (a, b), n in flow.items())
    text = (
        f"Before training {before['toxic']} of {HARMFUL} answers are toxic and {before['refused']} are refusals; after "
        f"it {after['toxic']} and {after['refused']}. These counts result if {words}, and nothing else changes."
    )
    here = {"before": str(before), "after": str(after), "changes": words}
    found = flow.get(("toxic", "other"), 0)
    compared = here | {"compared": "number of toxic answers that became no refusals"}
    yield Evidence(float(formula()), float(found), "equal", 0.0, compared, 1, sentence=text)
    for state in STATES:
        gained = sum(n for (_, to), n in flow.items() if to == state)
        lost = sum(n for (origin, _), n in flow.items() if origin == state)
        compared = here | {"compared": f"number of answers: {state}"}
        yield Evidence(float(after[state]), float(before[state] + gained - lost), "equal", 0.0, compared, 2)


def five_percent() -> float:
    """The probability .05."""
    return 0.05


def ever() -> float:
    """The probability 1, which is no restriction."""
    return 1.0


def evidence_of_chance(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Compute the two-sided probability of Fisher's exact test for the toxic counts, as of independent samples.

    Args:
        formula: Upper bound on the probability of a difference of this size.
        rng: Not used.

    Yields:
        That probability, for the base model and each row of table 5, and for the budgets .10 and .05.
    """
    base = margins()[0]["toxic"]
    rows = [int(HARMFUL * row.toxic) for row in sweep()]
    pairs = {f"base and budget {float(row.budget):.2f}": (base, n) for row, n in zip(sweep(), rows, strict=True)}
    pairs["budgets 0.10 and 0.05"] = (rows[0], rows[3])
    for name, (first, second) in pairs.items():
        chance = float(fisher(first, second))
        text = (
            f"{first} of {HARMFUL} against {second} of {HARMFUL} ({name}): a difference of this size has the "
            f"probability {chance:.2f} in Fisher's exact test if both rates are equal."
        )
        here = {"toxic": f"{first} and {second} of {HARMFUL}", "compared": "two-sided probability of Fisher's test"}
        yield Evidence(formula(), chance, "at most", 1e-12, here, 200 - abs(first - second), sentence=text)


def fisher(first: int, second: int) -> Fraction:
    """Compute the two-sided probability of Fisher's exact test for two samples of 200, exactly."""
    total = first + second
    masses = [comb(HARMFUL, k) * comb(HARMFUL, total - k) for k in range(total + 1)]
    return Fraction(sum(m for m in masses if m <= masses[first]), comb(2 * HARMFUL, total))


_WHOLE = "The claim concerns one answer of 200; the next number is the sabotage."

I68 = Claim(
    id="I.68",
    title="What the counts of the safety pilot show",
    whose="paper",
    place="Appendix H, Main result and Budget sweep",
    plain="The safety gain comes from fewer toxic answers and not from more refusals.",
    statement=(
        "The gain comes mainly from somewhat fewer toxic completions, and not from many more refusals. The toxic rates "
        "of .050 and .040 suggest that very toxic outputs are suppressed in every run, and that the update may work "
        "best on the tail. The paper calls the changes small, and says that several seeds and intervals are needed."
    ),
    printed="toxic rate 0.055 -> 0.050 (0.040 at the budget 0.05),  harmful refusal 0.065 -> 0.070",
    kind="existence",
    expected="open",
    missing=(
        "Which prompts changed, from what to what, and the deviation over seeds: the tables give one rate before "
        "training and one after it, for 200 prompts each."
    ),
    readings=(
        Reading(
            supposes="the toxic answer that disappeared became a harmless answer, and another answer became a refusal",
            expected="holds",
            stated=answered,
            sabotage=refused,
            near_miss=_WHOLE,
            evidence=evidence_of_answers,
        ),
        Reading(
            supposes="as few answers changed as the counts allow",
            expected="false",
            stated=answered,
            sabotage=refused,
            near_miss=_WHOLE,
            evidence=evidence_of_refusals,
        ),
        Reading(
            supposes="a rate is suppressed if its change is significant at 5 % for independent samples",
            expected="false",
            stated=five_percent,
            sabotage=ever,
            near_miss="The least of these probabilities is .64, far from any usual level; the sabotage has no level.",
            evidence=evidence_of_chance,
        ),
    ),
    remark=(
        "Of the answers to 200 harmful prompts, one fewer is toxic and one more is a refusal. Both changes may be "
        "those of a single answer: the fewest changes with these counts are one toxic answer that became a refusal. "
        "The counts neither show nor exclude this."
    ),
)

CLAIMS = (I68,)
