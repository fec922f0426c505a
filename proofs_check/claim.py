"""What a claim is, what counts as evidence, and how evidence becomes a verdict."""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from dagames.functionals import Functional

Relation = Literal["equal", "at most", "at least"]
Verdict = Literal["holds", "false", "open"]
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
    """

    claimed: float
    measured: float
    relation: Relation
    tolerance: float
    instance: dict[str, Any]
    size: int = 0
    ratio: float | None = None
    noted: bool = False

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
class Claim:
    """A statement of the sources, with the computation that settles it.

    The statement enters the computation as a formula, so that a wrong formula can be put in its place: `sabotage`
    must turn the verdict. For a claim that is false as written, that is a formula under which the evidence agrees.

    Attributes:
        id: Number of the claim, as I.5.
        title: A few words.
        statement: The claim in our own words, with its hypotheses.
        source: Where it is stated.
        kind: What sort of statement it is.
        expected: The verdict on the claim as written, which a run must reproduce.
        stated: The formula of the claim.
        sabotage: A formula that must turn the verdict.
        evidence: Yields comparisons for a formula, given a random generator.
        remark: What was found: why it fails, what repairs it, where it is tight.
        amendment: Id of the claim that states the repaired version.
        of_functional: For a claim about every functional R, the comparisons for one that a user brings: given R, the
            formula and a random generator.
        plot: Computes a plot that says more than the numbers, if there is one.
    """

    id: str
    title: str
    statement: str
    source: str
    kind: Literal["equality", "upper bound", "lower bound", "rate", "convergence", "existence"]
    expected: Verdict
    stated: Formula
    sabotage: Formula
    evidence: Callable[[Formula, np.random.Generator], Iterator[Evidence]]
    remark: str
    amendment: str | None = None
    of_functional: Callable[[Functional, Formula, np.random.Generator], Iterator[Evidence]] | None = None
    plot: Callable[[], Plot] | None = None

    @property
    def measured_by(self) -> str:
        """How the evidence is found, as its docstring says: the first line, without which a claim is incomplete."""
        return (inspect.getdoc(self.evidence) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")


@dataclass(frozen=True)
class Result:
    """The verdict on one claim, with what it rests on.

    Attributes:
        claim: The claim.
        as_written: The computed verdict.
        comparisons: Number of comparisons made.
        failures: Number of them that broke the relation.
        shown: The smallest failing comparison, or the one nearest to failing when none does.
        attacked: The comparison at which an attack came nearest to breaking the inequality, or broke it most; None if
            nothing was attacked.
        noted: Comparisons that a reader should see besides, such as fitted rates.
        seconds: Time taken.
        error: What went wrong, if the computation itself failed.
    """

    claim: Claim
    as_written: Verdict | Literal["error"]
    comparisons: int
    failures: int
    shown: Evidence | None
    seconds: float
    error: str = field(default="")
    attacked: Evidence | None = None
    noted: tuple[Evidence, ...] = ()

    @property
    def is_tight(self) -> bool:
        """Whether an attack touched the bound without breaking it."""
        reached = self.attacked
        return reached is not None and reached.ratio is not None and reached.ratio >= 1 - TIGHT and reached.holds

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one that the claim's file expects."""
        return self.as_written == self.claim.expected


def judge(comparisons: list[Evidence]) -> tuple[Verdict, Evidence | None]:
    """Turn evidence into a verdict.

    Args:
        comparisons: All comparisons made.

    Returns:
        "holds" if every relation holds, "false" with the smallest failing instance if one does not, and "open" if
        there is no evidence; beside it the comparison to show.
    """
    if not comparisons:
        return "open", None
    failing = [evidence for evidence in comparisons if not evidence.holds]
    if failing:
        return "false", min(failing, key=lambda evidence: evidence.size)
    return "holds", max(comparisons, key=lambda evidence: evidence.excess - evidence.tolerance)


def worst_attack(comparisons: list[Evidence]) -> Evidence | None:
    """Pick the end of an attack that came nearest to breaking its inequality, or broke it most.

    Args:
        comparisons: All comparisons made.

    Returns:
        The one with the largest ratio; None if there was no attack.
    """
    ends = [evidence for evidence in comparisons if evidence.ratio is not None]
    return max(ends, key=lambda evidence: evidence.ratio or 0.0, default=None)
