"""A plot of a claim as plain data; whoever shows it draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


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
