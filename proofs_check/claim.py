"""What a claim is, how it can be read, what counts as evidence, and how evidence becomes a verdict."""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from dagames import DomainError
from dagames.functionals import Functional

Relation = Literal["equal", "at most", "at least"]
Outcome = Literal["holds", "false"]
"""What can come out for a reading of a claim, where there is evidence."""

Verdict = Literal["holds", "false", "depends", "open"]
"""What can come out for a claim: `depends` where one fair reading holds and another does not."""

Whose = Literal["paper", "slides", "practice", "ours"]
"""Who states a claim: one of the two sources, common practice, or this project."""

Kind = Literal["equality", "upper bound", "lower bound", "rate", "convergence", "existence", "arithmetic"]
"""What sort of statement a claim is; "arithmetic" is about printed numbers, which no search can move."""
Formula = Callable[..., Any]

TIGHT = 1e-6
"""How far from 1 the ratio of a bound that is touched may be: the shortest step of an attack in float64."""


@dataclass(frozen=True)
class Line:
    """One line of a plot.

    Attributes:
        name: What it shows.
        x: Places.
        y: Values, as many.
        style: "line" for values in between, "points" for measured ones, "bound" for what is claimed.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    style: Literal["line", "points", "bound"] = "line"


@dataclass(frozen=True)
class Plot:
    """A plot of a claim.

    Attributes:
        x: Label of the horizontal axis, with its unit.
        y: Label of the vertical axis, with its unit.
        lines: What is drawn.
        caption: What to see.
        log_x: Whether the horizontal axis is logarithmic.
        log_y: Whether the vertical axis is.
    """

    x: str
    y: str
    lines: Sequence[Line]
    caption: str
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Evidence:
    """One comparison of what a claim says with what an independent computation found.

    Attributes:
        claimed: The value, or the bound, that the claim gives.
        measured: The value that the oracle found.
        relation: How `measured` must stand to `claimed`.
        tolerance: Absolute slack in the unit of the values; 0 where both are exact.
        instance: The numbers a reader needs to repeat the comparison.
        size: How large the instance is (|Y| + |Z| plus digits); the smallest failing one is shown.
        ratio: Where an attack on an inequality ended: measured over claimed for an upper bound, claimed over measured
            for a lower one, so that 1 touches the bound and more breaks it. None for what is no end of an attack.
        noted: Whether a reader should see it even where it does not decide: a fitted rate, a limit.
        sentence: The comparison in words, with arithmetic that can be done by hand; empty where numbers are enough.
    """

    claimed: float
    measured: float
    relation: Relation
    tolerance: float
    instance: dict[str, Any]
    size: int = 0
    ratio: float | None = None
    noted: bool = False
    sentence: str = ""

    @property
    def excess(self) -> float:
        """By how much the relation is broken before tolerance; negative where there is room. NaN counts as broken."""
        difference = self.measured - self.claimed
        if math.isnan(difference):
            return math.inf
        return {"equal": abs(difference), "at most": difference, "at least": -difference}[self.relation]

    @property
    def holds(self) -> bool:
        """Whether the relation holds up to the tolerance."""
        return self.excess <= self.tolerance


@dataclass(frozen=True)
class Reading:
    """One fair way to read a claim, with the computation that settles it.

    The claim enters the computation as a formula, so that a wrong formula can be put in its place: `sabotage` must
    turn the outcome, and so must `near_miss`. For a reading that is false, the sabotage is a formula under which the
    evidence agrees.

    Attributes:
        expected: The outcome, which a run must reproduce.
        stated: The formula of the claim.
        sabotage: A formula that must turn the outcome.
        evidence: Yields comparisons for a formula, given a random generator.
        near_miss: The formula, off by the smallest amount that matters, which must turn the outcome too; or a sentence
            that says why there is none.
        supposes: What this reading supposes and another does not; empty where a claim has one reading.
        of_functional: For a claim about every functional R, the comparisons for one that a user brings: given R, the
            formula and a random generator.
    """

    expected: Outcome
    stated: Formula
    sabotage: Formula
    evidence: Callable[[Formula, np.random.Generator], Iterator[Evidence]]
    near_miss: Formula | str
    supposes: str = ""
    of_functional: Callable[[Functional, Formula, np.random.Generator], Iterator[Evidence]] | None = None

    @property
    def measured_by(self) -> str:
        """How the evidence is found, as its docstring says: the first line, without which a reading is incomplete."""
        return (inspect.getdoc(self.evidence) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")


@dataclass(frozen=True)
class Claim:
    """A statement, who states it, and the readings that settle it.

    Attributes:
        id: Number of the claim, as I.5.
        title: A few words.
        whose: Who states it.
        place: Where exactly: section, equation, title of the slide.
        plain: The claim in one sentence without symbols.
        statement: The claim in our words, with the hypotheses and the qualifications of the source.
        printed: The formula as it is printed there, in ASCII.
        kind: What sort of statement it is.
        expected: The verdict, which a run must reproduce.
        readings: The fair readings, at least one.
        remark: What was found: why it fails, what repairs it, where it is tight.
        missing: What the source does not give and a check needs; the verdict is then open.
        amendment: Id of the claim that states the repaired version.
        plot: Computes a plot that says more than the numbers, if there is one.
    """

    id: str
    title: str
    whose: Whose
    place: str
    plain: str
    statement: str
    printed: str
    kind: Kind
    expected: Verdict
    readings: tuple[Reading, ...]
    remark: str
    missing: str = ""
    amendment: str | None = None
    plot: Callable[[], Plot] | None = None

    def __post_init__(self) -> None:
        """Refuse a claim whose readings do not give its verdict."""
        if not isinstance(self.readings, tuple) or not self.readings:
            raise DomainError(f"claim {self.id}: `readings` must be a tuple of at least one Reading.")
        if self.whose not in get_args(Whose):
            raise DomainError(f"claim {self.id}: `whose` is {self.whose!r}; it is one of {', '.join(get_args(Whose))}.")
        outcomes = [reading.expected for reading in self.readings]
        if (verdict := verdict_of(outcomes, self.missing)) != self.expected:
            raise DomainError(
                f"claim {self.id}: `expected` is {self.expected!r}, but its readings expect {', '.join(outcomes)}"
                f"{' and `missing` is given' if self.missing else ''}, which makes {verdict!r}. Correct one of them."
            )
        if len(self.readings) > 1 and not all(reading.supposes for reading in self.readings):
            raise DomainError(f"claim {self.id}: of several readings each has to say what it `supposes`.")


def verdict_of(outcomes: Sequence[str], missing: str = "") -> Verdict:
    """Join the outcomes of a claim's readings.

    Args:
        outcomes: "holds" or "false" for each reading; anything else says that it could not be settled.
        missing: What the source does not give and a check needs.

    Returns:
        The verdict.

    >>> [verdict_of(["holds"]), verdict_of(["false", "false"]), verdict_of(["holds", "false"])]
    ['holds', 'false', 'depends']
    >>> verdict_of(["holds"], missing="The size of the group.")
    'open'
    """
    found = set(outcomes)
    if missing or not found <= {"holds", "false"} or not found:
        return "open"
    if len(found) > 1:
        return "depends"
    return "holds" if found == {"holds"} else "false"


@dataclass(frozen=True)
class Settled:
    """What was found for one reading.

    Attributes:
        outcome: What came out; "open" without evidence, "error" where the computation failed.
        comparisons: Number of comparisons made.
        failures: Number of them that broke the relation.
        shown: The smallest failing comparison, or the one nearest to failing when none does.
        attacked: The comparison at which an attack came nearest to breaking the inequality, or broke it most; None if
            nothing was attacked.
        noted: Comparisons that a reader should see besides, such as fitted rates.
        error: What went wrong, if the computation itself failed, or why the reading is open.
    """

    outcome: Literal["holds", "false", "open", "error"]
    comparisons: int = 0
    failures: int = 0
    shown: Evidence | None = None
    attacked: Evidence | None = None
    noted: tuple[Evidence, ...] = ()
    error: str = ""

    @property
    def is_tight(self) -> bool:
        """Whether an attack touched the bound without breaking it."""
        reached = self.attacked
        return reached is not None and reached.ratio is not None and reached.ratio >= 1 - TIGHT and reached.holds


@dataclass(frozen=True)
class Result:
    """The verdict on one claim, with what it rests on.

    Attributes:
        claim: The claim.
        readings: What was found for each of its readings.
        seconds: Time taken.
    """

    claim: Claim
    readings: tuple[Settled, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict | Literal["error"]:
        """The verdict that was computed."""
        outcomes = [reading.outcome for reading in self.readings]
        return "error" if "error" in outcomes else verdict_of(outcomes, self.claim.missing)

    @property
    def as_expected(self) -> bool:
        """Whether every reading came out as the claim's file expects."""
        pairs = zip(self.readings, self.claim.readings, strict=True)
        return all(found.outcome == reading.expected for found, reading in pairs)

    @property
    def comparisons(self) -> int:
        """Number of comparisons made in all readings."""
        return sum(reading.comparisons for reading in self.readings)

    @property
    def failures(self) -> int:
        """Number of comparisons that broke the relation, in all readings."""
        return sum(reading.failures for reading in self.readings)

    @property
    def deciding(self) -> Settled:
        """The reading to show first: one that fails, else the first."""
        failing = [reading for reading in self.readings if reading.failures]
        return min(failing, key=lambda found: found.shown.size if found.shown else 0, default=self.readings[0])

    @property
    def shown(self) -> Evidence | None:
        """The comparison to show first: the smallest that fails, else the one nearest to failing."""
        return self.deciding.shown

    @property
    def attacked(self) -> Evidence | None:
        """The comparison at which an attack on any reading came nearest to breaking the inequality."""
        return worst_attack([found.attacked for found in self.readings if found.attacked is not None])

    @property
    def error(self) -> str:
        """What went wrong first."""
        return next((reading.error for reading in self.readings if reading.error), "")


def judge(comparisons: list[Evidence]) -> Settled:
    """Turn the evidence on one reading into its outcome.

    Args:
        comparisons: All comparisons made.

    Returns:
        "holds" if every relation holds, "false" with the smallest failing instance if one does not, and "open" if
        there is no evidence.
    """
    if not comparisons:
        return Settled("open")
    failing = [evidence for evidence in comparisons if not evidence.holds]
    shown = (
        min(failing, key=lambda evidence: evidence.size)
        if failing
        else max(comparisons, key=lambda evidence: evidence.excess - evidence.tolerance)
    )
    return Settled(
        "false" if failing else "holds",
        len(comparisons),
        len(failing),
        shown,
        worst_attack(comparisons),
        tuple(evidence for evidence in comparisons if evidence.noted),
    )


def worst_attack(comparisons: list[Evidence]) -> Evidence | None:
    """Pick the end of an attack that came nearest to breaking its inequality, or broke it most.

    Args:
        comparisons: All comparisons made.

    Returns:
        The one with the largest ratio; None if there was no attack.
    """
    ends = [evidence for evidence in comparisons if evidence.ratio is not None]
    return max(ends, key=lambda evidence: evidence.ratio or 0.0, default=None)
