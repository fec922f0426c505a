"""Claims, their readings, the evidence on a reading, and the verdict that follows from the evidence."""

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
"""Outcome of a reading of a claim, given evidence."""

Verdict = Literal["holds", "false", "depends", "open"]
"""Verdict on a claim: `depends` if one fair reading holds and another does not."""

Whose = Literal["paper", "slides", "practice", "ours"]
"""Source of a claim: one of the two texts, common practice, or this project."""

Kind = Literal["equality", "upper bound", "lower bound", "rate", "convergence", "existence", "arithmetic"]
"""Kind of statement; "arithmetic" is a statement on printed numbers, for which there is no search."""
Formula = Callable[..., Any]

TIGHT = 1e-6
"""Largest distance from 1 of the ratio of a tight bound: the resolution of an attack in float64."""


@dataclass(frozen=True)
class Line:
    """One line of a plot.

    Attributes:
        name: Name in the legend.
        x: Abscissas.
        y: Values at `x`.
        style: "line" for a curve, "points" for measured values, "bound" for a claimed bound.
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
        lines: The lines.
        caption: The result that the plot shows.
        log_x: Whether the horizontal axis is logarithmic.
        log_y: Whether the vertical axis is logarithmic.
    """

    x: str
    y: str
    lines: Sequence[Line]
    caption: str
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Evidence:
    """A comparison of the value of a claim with the value of an independent computation.

    Attributes:
        claimed: The value or the bound of the claim.
        measured: The value of the independent computation, the oracle.
        relation: Relation that `measured` must have to `claimed`.
        tolerance: Absolute tolerance in the unit of the values; 0 if both are exact.
        instance: The numbers that suffice to repeat the comparison.
        size: Size of the instance (|Y| + |Z| plus digits); the smallest failing instance is shown.
        ratio: At the end of an attack on an inequality, measured / claimed for an upper bound and claimed / measured
            for a lower bound: 1 is equality, and more is a violation. None for other comparisons.
        noted: Whether to show the comparison always, as for a fitted rate or a limit.
        sentence: The comparison as a sentence, with arithmetic that can be done by hand; empty if numbers suffice.
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
        """Violation of the relation without tolerance; negative if the relation holds with room, inf for NaN."""
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
    """A fair reading of a claim, with the computation that settles it.

    The computation takes the claim as a formula, so that a test can replace the formula by a wrong one: `sabotage` and
    `near_miss` must turn the outcome. For a reading that is false, the sabotage is a formula for which all comparisons
    hold.

    Attributes:
        expected: The outcome that a run must reproduce.
        stated: The formula of the claim.
        sabotage: A formula that must turn the outcome.
        evidence: Yields the comparisons for a formula and a random generator.
        near_miss: The formula with the smallest relevant change, which must turn the outcome too; or a sentence with
            the reason why there is none.
        supposes: The assumption that distinguishes this reading from the others; empty for a single reading.
        of_functional: For a claim about every functional, yields the comparisons for a functional R, the formula and a
            random generator.
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
        """Description of the computation: the first paragraph of the docstring of `evidence`."""
        return (inspect.getdoc(self.evidence) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")


@dataclass(frozen=True)
class Claim:
    """A statement, its source, and its readings.

    Attributes:
        id: Number of the claim, such as I.5.
        title: Title of a few words.
        whose: Source of the claim.
        place: Place in the source: section, equation, title of the slide.
        plain: The claim in one sentence without symbols.
        statement: The claim with the hypotheses and the qualifications of the source.
        printed: The formula as printed in the source, in ASCII.
        kind: Kind of statement.
        expected: The verdict that a run must reproduce.
        readings: The fair readings, at least one.
        remark: Result of the check: why the claim fails, what repairs it, where it is tight.
        missing: Information that a check needs and the source does not give; the verdict is then open.
        amendment: Id of the claim that states the repaired version.
        plot: Computes the plot of the claim; None without plot.
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
        """Raise a DomainError if the readings do not give the expected verdict."""
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
            raise DomainError(f"claim {self.id}: each of several readings must give what it `supposes`.")


def verdict_of(outcomes: Sequence[str], missing: str = "") -> Verdict:
    """Combine the outcomes of the readings of a claim.

    Args:
        outcomes: "holds" or "false" for each reading; any other outcome makes the verdict open.
        missing: Information that a check needs and the source does not give.

    Returns:
        The verdict.

    >>> [verdict_of(["holds"]), verdict_of(["false", "false"]), verdict_of(["holds", "false"])]
    ['holds', 'false', 'depends']
    >>> verdict_of(["holds"], missing="The size of the group.")
    'open'
    """
    distinct = set(outcomes)
    if missing or not distinct <= {"holds", "false"} or not distinct:
        return "open"
    if len(distinct) > 1:
        return "depends"
    return "holds" if distinct == {"holds"} else "false"


@dataclass(frozen=True)
class Settled:
    """The outcome of a reading, with the comparisons to show.

    Attributes:
        outcome: The outcome; "open" without evidence, "error" if the computation failed.
        comparisons: Number of comparisons.
        failures: Number of comparisons that violate the relation.
        shown: The smallest failing comparison, or the comparison nearest to failure if none fails.
        attacked: The comparison at the worst point that the attacks on an inequality found; None without an attack.
        noted: Comparisons that are always shown, such as fitted rates.
        error: The reason for the outcome "error" or "open", else empty.
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
        """Whether an attack reached equality without a violation."""
        worst = self.attacked
        return worst is not None and worst.ratio is not None and worst.ratio >= 1 - TIGHT and worst.holds


@dataclass(frozen=True)
class Result:
    """The verdict on a claim, with the outcomes of its readings.

    Attributes:
        claim: The claim.
        readings: The outcome of each reading.
        seconds: Time of the computation in seconds.
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
        """Whether every reading has the outcome that the claim's file expects."""
        pairs = zip(self.readings, self.claim.readings, strict=True)
        return all(settled.outcome == reading.expected for settled, reading in pairs)

    @property
    def comparisons(self) -> int:
        """Number of comparisons in all readings."""
        return sum(reading.comparisons for reading in self.readings)

    @property
    def failures(self) -> int:
        """Number of comparisons that violate the relation, in all readings."""
        return sum(reading.failures for reading in self.readings)

    @property
    def deciding(self) -> Settled:
        """The reading to show first: that of the smallest counterexample, else the first."""
        failing = [reading for reading in self.readings if reading.failures]
        return min(failing, key=lambda reading: reading.shown.size if reading.shown else 0, default=self.readings[0])

    @property
    def shown(self) -> Evidence | None:
        """The comparison to show first: the smallest counterexample, else the comparison nearest to failure."""
        return self.deciding.shown

    @property
    def attacked(self) -> Evidence | None:
        """The comparison at the worst point that the attacks on all readings found."""
        return worst_attack([reading.attacked for reading in self.readings if reading.attacked is not None])

    @property
    def error(self) -> str:
        """The first error of a reading, or an empty text."""
        return next((reading.error for reading in self.readings if reading.error), "")


def judge(comparisons: list[Evidence]) -> Settled:
    """Determine the outcome of a reading from its evidence.

    Args:
        comparisons: All comparisons.

    Returns:
        "holds" if every relation holds, "false" with the smallest counterexample if one does not, and "open" without
        comparisons.
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
    """Return the comparison at the worst point of all attacks.

    Args:
        comparisons: All comparisons.

    Returns:
        The comparison with the largest ratio; None without an attack.
    """
    ends = [evidence for evidence in comparisons if evidence.ratio is not None]
    return max(ends, key=lambda evidence: evidence.ratio or 0.0, default=None)
